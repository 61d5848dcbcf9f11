"""Both forms of argmax against NumPy's, for every combination of small scores."""

import numpy as np
import pytest
from amaranth.hdl import Module, signed
from amaranth.lib import data
from amaranth.sim import Simulator

from locgen.cores import ArgmaxLevel, PairChoice, PairCompare, SerialArgmax, candidate_layout


@pytest.mark.parametrize("count, width", [(1, 3), (2, 3), (3, 3), (4, 2), (5, 2), (6, 1), (7, 1)])
def test_argmax_levels(count, width):
    layout = candidate_layout(signed(width), max((count - 1).bit_length(), 1))
    m = Module()
    first = ArgmaxLevel(layout, count)
    level, number = first, 0
    m.submodules.level_0 = level
    while level.o.shape().length > 1:
        number += 1
        following = ArgmaxLevel(layout, level.o.shape().length)
        m.submodules[f"level_{number}"] = following
        m.d.comb += following.i.eq(level.o)
        level = following
    assert number + 1 == max((count - 1).bit_length(), 1)

    async def bench(ctx):
        half = 1 << width - 1
        for scores in np.ndindex(*[2 * half] * count):
            row = [s - half for s in scores]
            word = [{"score": s, "index": n} for n, s in enumerate(row)]
            ctx.set(first.i, word)
            winner = ctx.get(level.o[0])
            assert winner.index == np.argmax(row)
            assert winner.score == max(row)

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()
    assert isinstance(layout, data.StructLayout)


@pytest.mark.parametrize("count, width", [(1, 3), (2, 3), (3, 3), (4, 2), (5, 2)])
def test_pairs(count, width):
    m = Module()
    layout = candidate_layout(signed(width), 4)
    m.submodules.compare = compare = PairCompare(layout, count)
    m.submodules.choice = choice = PairChoice(layout, count)
    m.d.comb += choice.i.eq(compare.o)
    names = [5, 9, 0, 12, 3][:count]

    async def bench(ctx):
        half = 1 << width - 1
        for scores in np.ndindex(*[2 * half] * count):
            row = [s - half for s in scores]
            word = [{"score": s, "index": n} for s, n in zip(row, names, strict=True)]
            ctx.set(compare.i, word)
            assert ctx.get(choice.o) == names[np.argmax(row)]

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize("count, width", [(1, 2), (2, 3), (3, 2), (4, 2), (5, 1)])
def test_serial_argmax(count, width):
    argmax = SerialArgmax(width, max((count - 1).bit_length(), 1))
    random = np.random.default_rng(0)

    async def bench(ctx):
        half = 1 << width - 1
        for scores in np.ndindex(*[2 * half] * count):
            row = [s - half for s in scores]
            for n, score in enumerate(row):
                while random.integers(3) == 0:  # what comes with valid low must not matter
                    ctx.set(argmax.valid, 0)
                    ctx.set(argmax.first, int(random.integers(2)))
                    ctx.set(argmax.score, int(random.integers(-half, half)))
                    await ctx.tick()
                ctx.set(argmax.valid, 1)
                ctx.set(argmax.first, n == 0)
                ctx.set(argmax.score, score)
                await ctx.tick()
                assert ctx.get(argmax.index) == np.argmax(row[: n + 1])

    simulator = Simulator(argmax)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
