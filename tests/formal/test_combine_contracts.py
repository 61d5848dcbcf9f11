"""The contracts of the combining stops and their tree, for all numbers and all time.

Numbers of any value go in, one after the other or with pauses; the digits of what the integer
reference makes of them must come out, in order, after a constant number of cycles: nothing lost,
nothing invented. Each contract is also held against broken stops, and must find them.
"""

from functools import reduce
from operator import add, or_

import pytest
from amaranth.hdl import Assert, Assume, Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In
from formalkit import prove
from slowkit import slow

from locgen.ir.reduction import Reduction
from locgen.noc import AddStage, CombineTree, DelayStage, ExtremeStage, OrStage, SerialExtremeStage
from locgen.noc import combine as combine_module

OPERATIONS = ["add", "or", "min", "max"]
SHAPES = [(1, 5), (4, 2), *slow((2, 3), (8, 2), (12, 1))]  # bits of a digit, digits of a number

GATES = {
    "add": add,
    "or": or_,
    "min": lambda a, b: Mux(b < a, b, a),
    "max": lambda a, b: Mux(b > a, b, a),
}


class CombineSpec(wiring.Component):
    """Digits that leave the tree are those of the reduction of the numbers that entered it.

    The proof is by induction over enough cycles for every number in flight to leave: what a stop
    remembers wrongly (a carry, a winner) shows in the next number at the latest.
    """

    def __init__(self, operation, inputs, width, digits, levels, stages=1, largest=None):
        self.shape = (operation, inputs, width, digits, levels, stages)
        self.largest = largest
        self.bits = width * digits
        self.depth = 2 * digits + levels * stages + 2
        super().__init__(self.free())

    def free(self):
        """Return the free inputs: new numbers in every cycle, and whether to wait with them."""
        inputs = self.shape[1]
        return {"fresh": In(self.bits * inputs), "noise": In(self.bits * inputs), "pause": In(1)}

    def numbers(self, word):
        """Return the numbers that links send, given the free word they are made of."""
        return [word.word_select(n, self.bits) for n in range(self.shape[1])]

    def result(self, m, word):
        """Return what must come of `word`."""
        operation = self.shape[0]
        total = reduce(GATES[operation], self.numbers(word))
        if operation == "add":
            m.d.comb += Assume(total[self.bits :] == 0)
        for number, most in zip(self.numbers(word), self.largest or (), strict=False):
            m.d.comb += Assume(number <= most)
        return total[: self.bits]

    def elaborate(self, platform):
        m = Module()
        operation, inputs, width, digits, levels, stages = self.shape
        m.submodules.tree = tree = CombineTree(
            inputs, width, levels, digits > 1, operation, stages, self.largest
        )
        reduction = Reduction(operation, self.bits)
        idle = reduction.identity & (1 << width) - 1

        beat = Signal(range(max(digits, 2)))
        held, word = Signal.like(self.fresh), Signal.like(self.fresh)
        active, last = Signal(), Signal()
        place = (digits - 1 - beat).as_unsigned() if reduction.most_significant_first else beat
        m.d.comb += [
            word.eq(Mux(beat == 0, self.fresh, held)),
            active.eq((beat != 0) | ~self.pause),
            last.eq(beat == digits - 1),
            Assert(beat < digits),
        ]
        extreme = operation in ("min", "max")
        with m.If(active):
            m.d.sync += [held.eq(word), beat.eq(Mux(last, 0, beat + 1))]
        for link, number, noise in zip(
            tree.i, self.numbers(word), self.numbers(self.noise), strict=True
        ):
            rest = noise[:width] if extreme else idle  # after `end` a digit means nothing
            m.d.comb += link.eq(Mux(active, number.word_select(place, width), rest))
        if "end" in tree.signature.members:
            m.d.comb += tree.end.eq(~active | last)

        expected = self.result(m, word).word_select(place, width)
        arriving = active
        for cycle in range(levels * stages):
            later, valid = Signal(width, name=f"digit_{cycle}"), Signal(name=f"valid_{cycle}")
            m.d.sync += [later.eq(expected), valid.eq(arriving)]
            expected, arriving = later, valid
        with m.If(arriving):
            m.d.comb += Assert(tree.o == expected)
        if not extreme:
            with m.Else():
                m.d.comb += Assert(tree.o == idle)
        return m


class GatherSpec(CombineSpec):
    """In each slot one link, any, sends any number; the others send the identity: it arrives."""

    def free(self):
        """Return the free inputs: a number and the link that sends it, and whether to wait."""
        return {"fresh": In(self.bits + 3), "noise": In(self.bits + 3), "pause": In(1)}

    def numbers(self, word):
        """Return the number for one link and the identity for the others."""
        operation, inputs = self.shape[:2]
        idle = Reduction(operation, self.bits).identity
        speaker = word[self.bits :]
        return [Mux(speaker == n, word[: self.bits], idle) for n in range(inputs)]

    def result(self, m, word):
        """Return the number that was sent."""
        m.d.comb += Assume(word[self.bits :] < self.shape[1])
        return word[: self.bits]


def verdict(spec, folder):
    return prove(spec, folder, spec.depth)


@pytest.mark.parametrize("width, digits", SHAPES)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_stop(tmp_path, operation, width, digits):
    assert verdict(CombineSpec(operation, 2, width, digits, 1), tmp_path) == "PASS"


@pytest.mark.parametrize("operation", ["min", "max"])
def test_stop_of_two_stages(tmp_path, operation):
    assert verdict(CombineSpec(operation, 3, 12, 1, 2, stages=2), tmp_path) == "PASS"


@pytest.mark.parametrize("inputs, levels", [(1, 2), (3, 2), *slow((4, 2), (5, 3), (5, 4))])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_tree(tmp_path, operation, inputs, levels):
    assert verdict(CombineSpec(operation, inputs, 2, 2, levels), tmp_path) == "PASS"


@pytest.mark.parametrize("operation", OPERATIONS)
def test_tree_of_bits(tmp_path, operation):
    assert verdict(CombineSpec(operation, 3, 1, 4, 2), tmp_path) == "PASS"


def test_tree_of_known_sums(tmp_path):
    spec = CombineSpec("add", 4, 12, 1, 2, largest=(5, 900, 17, 64))
    assert verdict(spec, tmp_path) == "PASS"


@pytest.mark.parametrize("width, digits", [(4, 2), *slow((1, 4), (12, 1))])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_gather(tmp_path, operation, width, digits):
    assert verdict(GatherSpec(operation, 5, width, digits, 3), tmp_path) == "PASS"


class LosesCarry(AddStage):
    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.o.eq(self.a + self.b)
        return m


class KeepsCarry(AddStage):
    """Right for the first number that overflows a digit, wrong for what follows."""

    def elaborate(self, platform):
        m = Module()
        carry = Signal()
        m.d.sync += self.o.eq(self.a + self.b + carry)
        m.d.sync += carry.eq(carry | (self.a + self.b)[-1])
        return m


class Differs(OrStage):
    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.o.eq(self.a ^ self.b)
        return m


class Repeats(AddStage):
    """Adds what it said before."""

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.o.eq(self.a + self.b + (self.o & (self.a == self.b)))
        return m


class NeverEnds(SerialExtremeStage):
    """The winner of one number wins the next."""

    def elaborate(self, platform):
        m = Module()
        m.submodules.stop = stop = SerialExtremeStage(self.operation, len(self.o))
        m.d.comb += [stop.a.eq(self.a), stop.b.eq(self.b), self.o.eq(stop.o)]
        return m


class DigitByDigit(SerialExtremeStage):
    """The better digit of each beat, whoever has won."""

    def elaborate(self, platform):
        m = Module()
        m.submodules.stop = stop = ExtremeStage(self.operation, len(self.o))
        m.d.comb += [stop.a.eq(self.a), stop.b.eq(self.b), self.o.eq(stop.o)]
        return m


class IgnoresLowestBit(ExtremeStage):
    """A tie of keys goes to whoever stands on the left."""

    def elaborate(self, platform):
        m = Module()
        worse = self.a[1:] > self.b[1:] if self.operation == "min" else self.a[1:] < self.b[1:]
        m.d.sync += self.o.eq(Mux(worse, self.b, self.a))
        return m


class MissesARegister(ExtremeStage):
    """Compares one pair and lets the next pass."""

    def elaborate(self, platform):
        m = Module()
        take_b, o = Signal(), Signal.like(self.o)
        m.d.sync += [take_b.eq(GATES[self.operation](self.a, self.b) != self.a), self.o.eq(o)]
        m.d.comb += o.eq(Mux(take_b, self.b, self.a))
        return m


class LosesABit(AddStage):
    """Takes one bit less than the sum needs."""

    def __init__(self, width, carry=True, sum_bits=None):
        super().__init__(width, carry, sum_bits and sum_bits - 1)


class DoesNotWait(DelayStage):
    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.o.eq(self.i)
        return m


class SwapsBits(DelayStage):
    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.o.eq(Cat(self.i[1:], self.i[0]))
        return m


BROKEN = [
    (LosesCarry, CombineSpec, ("add", 2, 2, 2, 1)),
    (KeepsCarry, CombineSpec, ("add", 2, 2, 2, 1)),
    (Repeats, CombineSpec, ("add", 2, 12, 1, 1)),
    (LosesABit, CombineSpec, ("add", 3, 12, 1, 2, 1, (100, 200, 300))),
    (Differs, CombineSpec, ("or", 2, 2, 2, 1)),
    (NeverEnds, CombineSpec, ("min", 2, 2, 2, 1)),
    (NeverEnds, CombineSpec, ("max", 2, 1, 3, 1)),
    (DigitByDigit, CombineSpec, ("min", 2, 2, 2, 1)),
    (DigitByDigit, CombineSpec, ("max", 2, 1, 3, 1)),
    (IgnoresLowestBit, CombineSpec, ("min", 2, 12, 1, 1)),
    (IgnoresLowestBit, CombineSpec, ("max", 2, 12, 1, 1)),
    (MissesARegister, CombineSpec, ("min", 2, 12, 1, 1, 2)),
    (LosesCarry, CombineSpec, ("add", 4, 2, 2, 2)),
    (DoesNotWait, CombineSpec, ("add", 5, 2, 2, 3)),
    (DoesNotWait, CombineSpec, ("min", 3, 12, 1, 2, 2)),
    (SwapsBits, CombineSpec, ("or", 3, 2, 2, 2)),
    (NeverEnds, CombineSpec, ("max", 5, 2, 2, 3)),
    (Repeats, GatherSpec, ("add", 5, 4, 2, 3)),
    (NeverEnds, GatherSpec, ("max", 5, 1, 4, 3)),
    (NeverEnds, GatherSpec, ("min", 4, 4, 2, 2)),
    (SwapsBits, GatherSpec, ("or", 5, 4, 2, 3)),
]


@pytest.mark.parametrize("broken, spec, shape", [*BROKEN[::2], *slow(*BROKEN[1::2])])
def test_a_broken_stop_is_found(tmp_path, monkeypatch, broken, spec, shape):
    monkeypatch.setattr(combine_module, broken.__mro__[1].__name__, broken)
    assert verdict(spec(*shape), tmp_path) == "FAIL"


class LosesALink(CombineTree):
    """Its last link is not connected."""

    def elaborate(self, platform):
        m = Module()
        links = self.i.shape().length - 1
        whole = type(self).__base__
        m.submodules.tree = tree = whole(
            links, len(self.o), self.levels, self.carry, self.operation
        )
        m.d.comb += [tree.i[n].eq(self.i[n]) for n in range(links)]
        m.d.comb += self.o.eq(tree.o)
        return m


@pytest.mark.parametrize("spec", [CombineSpec, GatherSpec])
@pytest.mark.parametrize("operation", ["add", "or"])
def test_a_lost_link_is_found(tmp_path, monkeypatch, operation, spec):
    monkeypatch.setattr("test_combine_contracts.CombineTree", LosesALink)
    assert verdict(spec(operation, 4, 2, 2, 2), tmp_path) == "FAIL"
