"""Stages that add, that or, and the delay beside them."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["AddStage", "CombineStage", "DelayStage", "OrStage"]


class CombineStage(wiring.Component):
    """Makes one link of two.

    Members
    -------
    a, b : In(width); o : Out(width); and `others`
    """

    def __init__(self, width: int, others: dict[str, wiring.Member] | None = None) -> None:
        super().__init__({"a": In(width), "b": In(width), **(others or {}), "o": Out(width)})


class AddStage(CombineStage):
    """Adds two numbers that arrive digit by digit, least significant first. Latency 1.

    A number is a run of digits; the next follows at once or later. Between numbers both inputs are
    0. The sum of two numbers must fit their digits (the planner sizes them for the whole tree):
    then the carry is 0 after the last digit, and no marker needs to travel with the data. With
    `carry` off a number is a single digit, of which a sum reaches the lowest `sum_bits` bits.

    Members
    -------
    a, b : In(width); o : Out(width), digit of the sum one cycle later
    """

    def __init__(self, width: int, carry: bool = True, sum_bits: int | None = None) -> None:
        if carry and sum_bits is not None:
            raise ValueError("sum_bits must be None for numbers of several digits")
        self.carry = carry
        self.sum_bits = width if sum_bits is None else sum_bits
        super().__init__(width)

    def elaborate(self, platform: object) -> Module:
        """Build an adder of one digit, its register and its carry."""
        m = Module()
        if self.carry:
            carry = Signal()
            m.d.sync += Cat(self.o, carry).eq(self.a + self.b + carry)
        else:
            m.d.sync += self.o.eq((self.a + self.b)[: self.sum_bits])
        return m


class OrStage(CombineStage):
    """Ors two digits. Latency 1, one digit a cycle, in whatever order they come.

    Members
    -------
    a, b : In(width); o : Out(width), one cycle later
    """

    def elaborate(self, platform: object) -> Module:
        """Build the gates and the register."""
        m = Module()
        m.d.sync += self.o.eq(self.a | self.b)
        return m


class DelayStage(wiring.Component):
    """Passes a link without a partner one level up. Latency `cycles`, one digit a cycle.

    Members
    -------
    i : In(width); o : Out(width), `i` as many cycles later
    """

    def __init__(self, width: int, cycles: int = 1) -> None:
        self.cycles = cycles
        super().__init__({"i": In(width), "o": Out(width)})

    def elaborate(self, platform: object) -> Module:
        """Build the registers."""
        m = Module()
        before: Value = self.i
        for cycle in range(self.cycles - 1):
            held = Signal(len(self.i), name=f"held_{cycle}")
            m.d.sync += held.eq(before)
            before = held
        m.d.sync += self.o.eq(before)
        return m
