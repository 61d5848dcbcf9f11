"""The beat counter against a model in three lines, with `go` at every possible moment."""

import numpy as np
import pytest
from amaranth.sim import Simulator

from locgen.noc import Sequencer, index_bits


@pytest.mark.parametrize(
    "down, up, bits", [(1, 1, 1), (2, 1, 1), (1, 3, 2), (4, 4, 2), (5, 2, 3), (8, 9, 4)]
)
def test_index_bits(down, up, bits):
    assert index_bits(down, up) == bits


@pytest.mark.parametrize("go", ["always", "random", "rare"])
@pytest.mark.parametrize("down, up", [(1, 1), (1, 4), (4, 1), (2, 3), (5, 5), (8, 2)])
def test_phases(down, up, go):
    sequencer = Sequencer(down, up)
    random = np.random.default_rng(0)

    async def bench(ctx):
        at = None  # cycles since the start, None at rest
        for _ in range(300):
            asked = {"always": True, "random": random.integers(2), "rare": random.integers(12) == 0}
            ctx.set(sequencer.go, int(asked[go]))
            if at is None and asked[go]:
                at = 0
            expected = {"down": 0, "up": 0, "last": 0, "index": 0}
            if at is not None:
                is_down = at < down
                expected = {
                    "down": int(is_down),
                    "up": int(not is_down),
                    "last": int(at == down - 1),
                    "index": at if is_down else at - down,
                }
            assert {k: ctx.get(getattr(sequencer, k)) for k in expected} == expected
            await ctx.tick()
            if at is not None:
                at = at + 1 if at + 1 < down + up else None

    simulator = Simulator(sequencer)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
