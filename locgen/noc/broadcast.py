"""Broadcast stages: features go down a registered tree."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from locgen.noc.sequencer import Sequencer, index_bits

__all__ = ["BroadcastStage", "LastStage", "down_layout"]


def down_layout(width: int) -> data.StructLayout:
    """Return the payload of a down link: a digit, and whether it is an inference's first."""
    return data.StructLayout({"digit": width, "first": 1})


class BroadcastStage(wiring.Component):
    """One register on the way down, read by the stages behind it. Latency 1, one beat per cycle.

    Members
    -------
    i : In(down_layout(width)); o : Out(down_layout(width)), `i` one cycle later
    """

    def __init__(self, width: int) -> None:
        super().__init__({"i": In(down_layout(width)), "o": Out(down_layout(width))})

    def elaborate(self, platform: object) -> Module:
        """Build the register."""
        m = Module()
        m.d.sync += self.o.eq(self.i)
        return m


class LastStage(wiring.Component):
    """The stage before a group of sites: a register, and the beat counter that they share.

    Latency 1, one beat per cycle.

    Members
    -------
    i : In(down_layout(width))
    site : Out, the serial link of the sites: `digit` one cycle after `i`, and the beat that it
        belongs to, as of `Sequencer`
    """

    def __init__(self, width: int, down_beats: int, up_beats: int, compute_beats: int = 0) -> None:
        self.down_beats = down_beats
        self.up_beats = up_beats
        self.compute_beats = compute_beats
        phases = {"down": Out(1), "compute": Out(1), "up": Out(1)}
        index = Out(index_bits(down_beats, up_beats, compute_beats))
        site = wiring.Signature({"digit": Out(width), "index": index, **phases})
        super().__init__({"i": In(down_layout(width)), "site": Out(site)})

    def elaborate(self, platform: object) -> Module:
        """Build the register and the counter."""
        m = Module()
        m.submodules.link = link = BroadcastStage(len(self.site.digit))
        m.submodules.sequencer = sequencer = Sequencer(
            self.down_beats, self.up_beats, self.compute_beats
        )
        m.d.comb += [
            link.i.eq(self.i),
            sequencer.go.eq(link.o.first),
            self.site.digit.eq(link.o.digit),
            self.site.index.eq(sequencer.index),
            self.site.down.eq(sequencer.down),
            self.site.compute.eq(sequencer.compute),
            self.site.up.eq(sequencer.up),
        ]
        return m
