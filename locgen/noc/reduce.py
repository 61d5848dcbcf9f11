"""Combining stops: scores are added on their way up."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["AddStop", "CombineTree", "DelayStop"]


class AddStop(wiring.Component):
    """Adds two numbers that arrive digit by digit, least significant first. Latency 1.

    A number is a run of digits; the next follows at once or later. Between numbers both inputs are
    0. The sum of two numbers must fit their digits (the planner sizes them for the whole tree):
    then the carry is 0 after the last digit, and no marker needs to travel with the data. With
    `carry` off a number is a single digit.

    Members
    -------
    a, b : In(width); o : Out(width), digit of the sum one cycle later
    """

    def __init__(self, width: int, carry: bool = True) -> None:
        self.carry = carry
        super().__init__({"a": In(width), "b": In(width), "o": Out(width)})

    def elaborate(self, platform: object) -> Module:
        """Build an adder of one digit, its register and its carry."""
        m = Module()
        if self.carry:
            carry = Signal()
            m.d.sync += Cat(self.o, carry).eq(self.a + self.b + carry)
        else:
            m.d.sync += self.o.eq(self.a + self.b)
        return m


class DelayStop(wiring.Component):
    """Passes a lone link one level up. Latency 1.

    Members
    -------
    i : In(width); o : Out(width), `i` one cycle later
    """

    def __init__(self, width: int) -> None:
        super().__init__({"i": In(width), "o": Out(width)})

    def elaborate(self, platform: object) -> Module:
        """Build the register."""
        m = Module()
        m.d.sync += self.o.eq(self.i)
        return m


class CombineTree(wiring.Component):
    """A balanced binary tree of adding stops; a link without a partner is delayed.

    Latency `levels` cycles, one digit per cycle.

    Parameters
    ----------
    inputs, width : number of links and their width
    levels : depth, at least ceil(log2(inputs)); further levels delay
    carry : whether numbers have more than one digit

    Members
    -------
    i : In(ArrayLayout(width, inputs)); o : Out(width)
    """

    def __init__(self, inputs: int, width: int, levels: int, carry: bool) -> None:
        if inputs > 1 << levels:
            raise ValueError(f"levels must be at least ceil(log2({inputs})), not {levels}")
        self.levels = levels
        self.carry = carry
        super().__init__({"i": In(data.ArrayLayout(width, inputs)), "o": Out(width)})

    def elaborate(self, platform: object) -> Module:
        """Build the levels from the links inwards."""
        m = Module()
        width = len(self.o)
        links = [self.i[n] for n in range(self.i.shape().length)]
        for level in range(self.levels):
            above = []
            for pair in range(0, len(links) - 1, 2):
                stop = AddStop(width, self.carry)
                m.submodules[f"add_{level}_{pair // 2}"] = stop
                m.d.comb += [stop.a.eq(links[pair]), stop.b.eq(links[pair + 1])]
                above.append(stop.o)
            if len(links) % 2:
                delay = DelayStop(width)
                m.submodules[f"delay_{level}"] = delay
                m.d.comb += delay.i.eq(links[-1])
                above.append(delay.o)
            links = above
        m.d.comb += self.o.eq(links[0])
        return m
