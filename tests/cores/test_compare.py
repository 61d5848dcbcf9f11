"""Comparison gates, in parallel and in flight, for every threshold and every input."""

import numpy as np
import pytest
from amaranth.back import rtlil
from amaranth.hdl import Const, Module, Signal
from amaranth.sim import Simulator

from locgen.cores import CompareBank, LinkSchedule, SerialCompareBank, at_most
from locgen.ir import Comparison
from locgen.noc import index_bits


def settle(design, bench):
    """Run `bench`, which needs no clock, on `design`."""
    simulator = Simulator(design)
    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize("width", range(1, 7))
def test_at_most(width):
    value, carry = Signal(width), Signal()
    m = Module()
    outputs = {}
    for threshold in range(1 << width):
        for kind in ("default", 1, "signal"):
            arguments = {"default": (), 1: (1,), "signal": (carry,)}[kind]
            outputs[threshold, kind] = o = Signal()
            m.d.comb += o.eq(at_most(value, threshold, *arguments))

    async def bench(ctx):
        for q in range(1 << width):
            for carried in (0, 1):
                ctx.set(value, q)
                ctx.set(carry, carried)
                for (threshold, kind), o in outputs.items():
                    passes = carried if kind == "signal" else 1
                    assert ctx.get(o) == (q < threshold or (q == threshold and passes))

    settle(m, bench)


def test_at_most_of_nothing_is_its_carry():
    assert at_most(Const(0, 0), 0).value == 1


def every_comparison(bits, codes):
    """Return all comparisons that make sense on features of `bits` with NaN's `codes`."""
    return tuple(
        sorted(
            Comparison(feature, threshold, missing_left)
            for feature, (width, code) in enumerate(zip(bits, codes, strict=True))
            for threshold in range(-1 if code >= 0 else 0, (1 << width) - 1)
            for missing_left in ((False, True) if code >= 0 else (False,))
        )
    )


def golden(comparison, row, codes):
    feature, threshold, missing_left = comparison
    missing = row[feature] == codes[feature]
    return int((missing and missing_left) or row[feature] <= threshold)


LAYOUTS = [
    ((3,), (-1,)),
    ((3,), (7,)),
    ((1, 2), (1, -1)),
    ((2, 0, 3), (3, -1, -1)),
    ((0, 4), (-1, 15)),
    ((1, 1, 1), (-1, 1, -1)),
]


def rows_of(bits):
    return [list(row) for row in np.ndindex(*[1 << b for b in bits])]


@pytest.mark.parametrize("bits, codes", LAYOUTS)
def test_compare_bank(bits, codes):
    comparisons = every_comparison(bits, codes)
    bank = CompareBank(comparisons, bits, codes)

    async def bench(ctx):
        for row in rows_of(bits):
            offsets = np.concatenate([[0], np.cumsum(bits)[:-1]])
            word = sum(int(q) << int(o) for q, o in zip(row, offsets, strict=True))
            ctx.set(bank.features.as_value(), word)
            got = ctx.get(bank.bits)
            for position, comparison in enumerate(comparisons):
                assert got >> position & 1 == golden(comparison, row, codes), (row, comparison)

    settle(bank, bench)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("bits, codes", LAYOUTS)
def test_serial_compare_bank(bits, codes, width):
    """Rows follow one another; between them come beats of other numbers and idle cycles."""
    comparisons = every_comparison(bits, codes)
    starts, beat = [], 1  # beat 0 belongs to nobody
    for b in bits:
        starts.append((beat, -(-b // width)) if b else None)
        beat += -(-b // width) + 1  # nor does the beat behind each feature
    schedule = LinkSchedule(tuple(starts), width, 1, 1, 1, index_bits(beat, 1))
    bank = SerialCompareBank(comparisons, schedule, codes)
    random = np.random.default_rng(0)

    async def bench(ctx):
        rows = rows_of(bits)
        random.shuffle(rows)
        for row in rows:
            digits = {}
            for q, start in zip(row, starts, strict=True):
                for k in range(start[1] if start else 0):
                    digits[start[0] + k] = q >> k * width & (1 << width) - 1
            ctx.set(bank.link.down, 1)
            for index in range(beat):
                ctx.set(bank.link.index, index)
                ctx.set(bank.link.digit, digits.get(index, int(random.integers(1 << width))))
                await ctx.tick()
            ctx.set(bank.link.down, 0)
            for _ in range(2):  # the result holds while no beat is down, whatever else moves
                got = ctx.get(bank.bits)
                for position, comparison in enumerate(comparisons):
                    assert got >> position & 1 == golden(comparison, row, codes), (row, comparison)
                ctx.set(bank.link.index, int(random.integers(beat)))
                ctx.set(bank.link.digit, int(random.integers(1 << width)))
                await ctx.tick()

    simulator = Simulator(bank)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


def test_equal_comparisons_share_their_gates():
    comparisons = (Comparison(0, 1, False), Comparison(0, 1, True), Comparison(0, 2, True))
    bank = SerialCompareBank(comparisons, LinkSchedule(((0, 3),), 1, 1, 1, 1, 2), (7,))
    text = rtlil.convert(
        bank, ports=[bank.link.digit, bank.link.index, bank.link.down, bank.bits], emit_src=False
    )
    states = {
        line.split()[-1]
        for line in text.splitlines()
        if line.strip().startswith("wire") and "at_most" in line and "next" not in line
    }
    assert states == {"\\feature_0_at_most_1", "\\feature_0_at_most_2", "\\feature_0_at_most_6"}
