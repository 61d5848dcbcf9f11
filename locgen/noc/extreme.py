"""Stages that let the smaller or the larger of two numbers pass, its owner's index in its low bits.

`locgen.ir.reduction.Candidate` says how key and index make one number: the lower index wins a tie.
"""

from amaranth import *
from amaranth.lib.wiring import In

from locgen.ir.reduction import Candidate, Extreme
from locgen.noc.reduce import CombineStage

__all__ = ["ExtremeStage", "SerialExtremeStage", "candidate_value"]


def candidate_value(candidate: Candidate, key: Value, index: Value) -> Value:
    """Return ``candidate.number(key, index)`` of a key and an index of the candidate's widths."""
    return Cat(~index if candidate.operation == "max" else index, key)


def _beats(operation: Extreme, challenger: Value, holder: Value) -> Value:
    return challenger < holder if operation == "min" else challenger > holder


class ExtremeStage(CombineStage):
    """The smaller (`min`) or larger (`max`) of two numbers of one digit. Latency `stages`, 1 or 2.

    One pair a cycle. With two stages the comparison has a cycle of its own.

    Members
    -------
    a, b : In(width); o : Out(width), one of the two, `stages` cycles later
    """

    def __init__(self, operation: Extreme, width: int, stages: int = 1) -> None:
        if stages not in (1, 2):
            raise ValueError(f"stages must be 1 or 2, not {stages!r}")
        self.operation = operation
        self.stages = stages
        super().__init__(width)

    def elaborate(self, platform: object) -> Module:
        """Build a comparison and a multiplexer, with registers behind one or both."""
        m = Module()
        take_b = _beats(self.operation, self.b, self.a)
        a, b = self.a, self.b
        if self.stages == 2:
            held = Signal.like(take_b, name="take_b")
            a, b = Signal.like(self.a, name="held_a"), Signal.like(self.b, name="held_b")
            m.d.sync += [held.eq(take_b), a.eq(self.a), b.eq(self.b)]
            take_b = held
        m.d.sync += self.o.eq(Mux(take_b, b, a))
        return m


class SerialExtremeStage(CombineStage):
    """The smaller or larger of two numbers that arrive most significant digit first. Latency 1.

    One digit a cycle; the next number follows at once or later. Both inputs pass until their digits
    differ, then the winner's alone, up to `end`.

    Members
    -------
    a, b : In(width)
    end : In(1), the digits are a number's last, or belong to none
    o : Out(width), digit of the smaller or larger number one cycle later
    """

    def __init__(self, operation: Extreme, width: int) -> None:
        self.operation = operation
        super().__init__(width, {"end": In(1)})

    def elaborate(self, platform: object) -> Module:
        """Build the comparison of one digit, and who has won."""
        m = Module()
        won_a, won_b = Signal(), Signal()  # at most one; neither: undecided
        next_a, next_b = Signal(), Signal()
        m.d.comb += [
            next_a.eq(won_a | (~won_b & _beats(self.operation, self.a, self.b))),
            next_b.eq(won_b | (~won_a & _beats(self.operation, self.b, self.a))),
        ]
        m.d.sync += [won_a.eq(next_a), won_b.eq(next_b)]
        m.d.sync += self.o.eq(Mux(next_b, self.b, self.a))
        with m.If(self.end):
            m.d.sync += [won_a.eq(0), won_b.eq(0)]
        return m
