"""The beat counter that every place of the network runs: no beat number travels on a link."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Sequencer", "index_bits"]


def index_bits(down_beats: int, up_beats: int, compute_beats: int = 0) -> int:
    """Return the width of a beat number."""
    return max((max(down_beats, up_beats, compute_beats) - 1).bit_length(), 1)


class Sequencer(wiring.Component):
    """Counts the beats of an inference's phases: down, compute if there is such, up.

    `go` starts an inference in the same cycle when the sequencer is at rest; it is ignored in any
    other cycle. Phases follow one another without a gap: an inference takes
    ``down_beats + compute_beats + up_beats`` cycles.

    Members
    -------
    go : In(1)
    index : Out, beat of the phase, 0 at rest
    down, compute, up : Out(1), in which phase; all 0 at rest
    last : Out(1), the last beat of the down phase
    """

    def __init__(self, down_beats: int, up_beats: int, compute_beats: int = 0) -> None:
        self.down_beats = down_beats
        self.up_beats = up_beats
        self.compute_beats = compute_beats
        super().__init__(
            {
                "go": In(1),
                "index": Out(index_bits(down_beats, up_beats, compute_beats)),
                "down": Out(1),
                "compute": Out(1),
                "up": Out(1),
                "last": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build one counter and the phase."""
        m = Module()
        after_down = self.compute if self.compute_beats else self.up
        m.d.comb += [
            self.down.eq(~self.compute & ~self.up & (self.go | (self.index != 0))),
            self.last.eq(self.down & (self.index == self.down_beats - 1)),
        ]
        with m.If(self.last):
            m.d.sync += [self.index.eq(0), after_down.eq(1)]
        with m.Elif(self.up & (self.index == self.up_beats - 1)):
            m.d.sync += [self.index.eq(0), self.up.eq(0)]
        with m.Elif(self.compute & (self.index == self.compute_beats - 1)):
            m.d.sync += [self.index.eq(0), self.compute.eq(0), self.up.eq(1)]
        with m.Elif(self.down | self.compute | self.up):
            m.d.sync += self.index.eq(self.index + 1)
        return m
