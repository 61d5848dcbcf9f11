"""The gate in gates against its integer reference."""

import numpy as np
import pytest
from amaranth.sim import Simulator
from gatekit import random_mixture, random_node_mixture
from modelkit import pack, random_codes

from locgen.top.gated import GateRoot


@pytest.mark.parametrize("kind", ["mask", "scores", "linear", "table", "l1", "l2", "hamming"])
@pytest.mark.parametrize("experts, top_k", [(1, 1), (2, 1), (5, 1), (8, 3), (4, 4)])
def test_gate_root_opens_what_the_gate_says(kind, experts, top_k):
    for seed in range(4):
        if kind in ("mask", "scores"):
            model = random_mixture(seed, experts, top_k, gate=kind, missing=bool(seed % 2))
        else:
            model = random_node_mixture(seed, ("tree",), kind, experts, top_k)
        codes = random_codes(model, 60)
        expected = model.gate.evaluate(codes, model.missing_codes)
        assert (expected.sum(axis=1) == top_k).all()
        dut = GateRoot(model)

        async def bench(ctx, dut=dut, codes=codes, model=model, expected=expected):
            for number, (row, mask) in enumerate(zip(codes, expected, strict=True)):
                ctx.set(dut.features.as_value(), pack(model, row))
                ctx.set(dut.valid, 1)
                assert not ctx.get(dut.ready)
                for _ in range(1 + number % 3):
                    await ctx.tick()
                    assert ctx.get(dut.ready)
                    found = ctx.get(dut.mask)
                    assert np.array_equal([found >> n & 1 for n in range(experts)], mask)
                ctx.set(dut.taken, 1)
                await ctx.tick()
                ctx.set(dut.taken, 0)
                ctx.set(dut.valid, 0)
                for _ in range(number % 2):
                    await ctx.tick()

        simulator = Simulator(dut)
        simulator.add_clock(1e-6)
        simulator.add_testbench(bench)
        simulator.run()
