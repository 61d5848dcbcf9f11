"""Stops of the network: sums digit by digit for all numbers, latencies to the cycle."""

import gc

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.sim import Simulator

from locgen.noc import AddStage, BroadcastStage, CombineTree, DelayStage, LastStage, index_bits


def run(design, bench):
    simulator = Simulator(design)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


def digits_of(number, digits, width):
    return [number >> k * width & (1 << width) - 1 for k in range(digits)]


def number_of(digits, width):
    return sum(digit << k * width for k, digit in enumerate(digits))


@pytest.mark.parametrize(
    "width, digits", [(1, 1), (1, 3), (1, 5), (2, 2), (2, 3), (4, 1), (3, 2), (5, 1)]
)
def test_add_stop_for_all_sums_that_fit(width, digits):
    """Numbers follow one another without a gap: a carry that stayed would spoil the next sum."""
    stop = AddStage(width, carry=digits > 1)
    largest = (1 << width * digits) - 1
    pairs = [(a, b) for a in range(largest + 1) for b in range(largest + 1 - a)]
    np.random.default_rng(0).shuffle(pairs)

    async def bench(ctx):
        for number, (a, b) in enumerate(pairs):
            total = []
            for x, y in zip(digits_of(a, digits, width), digits_of(b, digits, width), strict=True):
                ctx.set(stop.a, x)
                ctx.set(stop.b, y)
                await ctx.tick()
                total.append(ctx.get(stop.o))
            assert number_of(total, width) == a + b
            if number % 5 == 0:  # between numbers both inputs are 0, and so is the output
                ctx.set(stop.a, 0)
                ctx.set(stop.b, 0)
                await ctx.tick()
                assert ctx.get(stop.o) == 0

    run(stop, bench)


@pytest.mark.parametrize(
    "carry, digits, width", [(True, 6, 1), (True, 3, 2), (True, 2, 4), (False, 1, 8)]
)
@pytest.mark.parametrize(
    "inputs, extra",
    [(1, 0), (1, 2), (2, 0), (3, 0), (3, 2), (5, 1), (6, 0), (7, 0), (8, 1), (13, 0)],
)
def test_combine_tree(inputs, extra, carry, digits, width):
    levels = (inputs - 1).bit_length() + extra
    tree = CombineTree(inputs, width, levels, carry)
    random = np.random.default_rng(inputs)
    largest = (1 << width * digits) - 1
    numbers = []
    for _ in range(12):
        cuts = np.sort(random.integers(0, largest + 1, size=inputs))
        numbers.append(np.diff([0, *cuts]))  # their sum is at most the largest
    numbers.append(np.array([largest] + [0] * (inputs - 1)))
    numbers.append(np.array([0] * (inputs - 1) + [largest]))

    async def bench(ctx):
        sent = [
            [digits_of(int(n), digits, width)[k] for n in row]
            for row in numbers
            for k in range(digits)
        ]
        received = []
        for beat in range(len(sent) + levels):
            ctx.set(tree.i, sent[beat] if beat < len(sent) else [0] * inputs)
            if levels == 0:
                await ctx.delay(1e-7)
                received.append(ctx.get(tree.o))
                await ctx.tick()
            else:
                await ctx.tick()
                received.append(ctx.get(tree.o))
        skip = max(levels - 1, 0)
        received = received[skip : skip + len(sent)]
        sums = [number_of(received[n : n + digits], width) for n in range(0, len(received), digits)]
        assert sums == [int(row.sum()) for row in numbers]

    if levels:
        run(tree, bench)
    else:
        run_without_registers(tree, bench)


def run_without_registers(design, bench):
    """Run a design that has no register: the clock needs a companion."""
    m = Module()
    m.submodules.design = design
    idle = Signal()
    m.d.sync += idle.eq(~idle)
    run(m, bench)


@pytest.mark.filterwarnings("ignore:.*created but never used")
def test_combine_tree_needs_enough_levels():
    with pytest.raises(ValueError, match=r"levels must be at least ceil\(log2\(5\)\), not 2"):
        CombineTree(5, 1, 2, True)
    gc.collect()  # Amaranth warns when the half-made component goes


@pytest.mark.parametrize("width", [1, 4])
def test_delay_and_broadcast_take_one_cycle(width):
    random = np.random.default_rng(0)
    words = [int(w) for w in random.integers(1 << width, size=40)]
    firsts = [int(f) for f in random.integers(2, size=40)]
    delay, broadcast = DelayStage(width), BroadcastStage(width)

    async def delays(ctx):
        for word in words:
            ctx.set(delay.i, word)
            await ctx.tick()
            assert ctx.get(delay.o) == word

    async def broadcasts(ctx):
        for word, first in zip(words, firsts, strict=True):
            ctx.set(broadcast.i, {"digit": word, "first": first})
            await ctx.tick()
            assert ctx.get(broadcast.o.digit) == word
            assert ctx.get(broadcast.o.first) == first

    run(delay, delays)
    run(broadcast, broadcasts)


@pytest.mark.parametrize("gap", [0, 1, 3])
@pytest.mark.parametrize("down, up", [(1, 1), (3, 2), (2, 5)])
def test_last_stop_counts_with_its_digit(down, up, gap):
    stop = LastStage(3, down, up)
    assert len(stop.site.index) == index_bits(down, up)

    async def bench(ctx):
        for inference in range(4):
            for beat in range(down + up + gap):
                digit = (5 * inference + beat + 1) % 8 if beat < down else 0
                ctx.set(stop.i, {"digit": digit, "first": int(beat == 0)})
                await ctx.tick()
                expected = (digit, beat, 1, 0)
                if beat >= down:
                    expected = (0, beat - down, 0, 1) if beat < down + up else (0, 0, 0, 0)
                got = (stop.site.digit, stop.site.index, stop.site.down, stop.site.up)
                assert tuple(ctx.get(value) for value in got) == expected

    run(stop, bench)
