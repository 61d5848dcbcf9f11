# amaranth: UnusedElaboratable=no
"""The ranking of scores for all inputs."""

import itertools

import numpy as np
import pytest
from amaranth.hdl import Module, signed, unsigned
from amaranth.sim import Simulator

from locgen.cores import TopK
from locgen.ir import highest


def simulate(dut, bench):
    top = Module()
    top.submodules.dut = dut
    simulator = Simulator(top)
    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize(
    "count, top_k", [(c, k) for c in range(1, 6) for k in range(1, c + 1)]
)  # fmt: skip
@pytest.mark.parametrize("shape", [unsigned(2), signed(2)])
def test_top_k_of_all_scores(count, top_k, shape):
    low, high = (-2, 2) if shape.signed else (0, 4)
    dut = TopK(shape, count, top_k)
    rows = list(itertools.product(range(low, high), repeat=count))
    expected = highest(np.array(rows), top_k)

    async def bench(ctx):
        for row, mask in zip(rows, expected, strict=True):
            ctx.set(dut.scores, row)
            found = ctx.get(dut.mask)
            assert [found >> n & 1 for n in range(count)] == list(mask), row

    simulate(dut, bench)


@pytest.mark.parametrize("top_k", [0, 4])
def test_wrong_top_k(top_k):
    with pytest.raises(ValueError, match="top_k must be from 1 to 3"):
        TopK(unsigned(2), 3, top_k)
