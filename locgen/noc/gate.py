"""Gate stages: an expert hears of an inference only if the header says so."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from locgen.noc.broadcast import down_layout

__all__ = ["GateStage", "HeaderStage"]


class HeaderStage(wiring.Component):
    """Tells the gate stages behind it where in an inference the link is. Latency 0.

    An inference begins with `beats` beats of header, one bit an expert. The next may not begin
    before the header is over.

    Members
    -------
    i : In(down_layout(width))
    mark : Out(beats), the beat of the header that is on the link, one-hot
    start : Out(1), the first beat behind the header is on the link
    """

    def __init__(self, width: int, beats: int) -> None:
        super().__init__({"i": In(down_layout(width)), "mark": Out(beats), "start": Out(1)})

    def elaborate(self, platform: object) -> Module:
        """Build a shift register behind the first beat."""
        m = Module()
        passed = Signal(len(self.mark))
        m.d.sync += passed.eq(self.mark)
        m.d.comb += [
            self.mark.eq(Cat(self.i.first, passed)[: len(self.mark)]),
            self.start.eq(passed[-1]),
        ]
        return m


class GateStage(wiring.Component):
    """A register on the way down that only an open expert's data pass. Latency 1.

    It closes with the first beat of an inference, and opens with the beat of its own bit if that is
    1. While it is closed `o` does not change, and no inference begins behind it.

    Parameters
    ----------
    width : of the link
    position : of its bit in the digit of its header beat

    Members
    -------
    digit : In(width); first, mark, start : In(1), the inference's first beat, the header's beat
        with the own bit, and the first beat behind the header are on the link
    o : Out(down_layout(width)), the link one cycle later, headers left out
    """

    def __init__(self, width: int, position: int) -> None:
        self.position = position
        super().__init__(
            {
                "digit": In(width),
                "first": In(1),
                "mark": In(1),
                "start": In(1),
                "o": Out(down_layout(width)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the latch of the own bit and the register it enables."""
        m = Module()
        is_open = Signal()
        with m.If(self.mark):
            m.d.sync += is_open.eq(self.digit[self.position])
        with m.Elif(self.first):
            m.d.sync += is_open.eq(0)
        with m.If(is_open & ~self.first):
            m.d.sync += [self.o.digit.eq(self.digit), self.o.first.eq(self.start)]
        return m
