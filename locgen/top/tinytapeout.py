"""The top of a Tiny Tapeout tile: `PinsTop` at the tile's pins."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from .pins import PinsTop

__all__ = ["UIO_DIRECTIONS", "TinyTapeoutTop"]

UIO_DIRECTIONS = 0b0011_0000
"""``uio_oe``: pins 4 and 5 are outputs."""


class TinyTapeoutTop(wiring.Component):
    """A tile's ports around a `PinsTop`; see docs/pins.md for the pins.

    Members
    -------
    ui_in : In(8), `data_in`; uo_out : Out(8), `data_out`
    uio_in : In(8), bit 0 `write`, 1 `read`, 2 `restart`
    uio_out : Out(8), bit 4 `ready`, 5 `done`, the others 0; uio_oe : Out(8), `UIO_DIRECTIONS`
    ena : In(1), 1 while the tile is selected, not looked at
    clk : In(1); rst_n : In(1), active low: registers are reset 2 cycles after it falls

    Latency: that of `PinsTop`.
    """

    ui_in: In(8)
    uo_out: Out(8)
    uio_in: In(8)
    uio_out: Out(8)
    uio_oe: Out(8)
    ena: In(1)
    clk: In(1)
    rst_n: In(1)

    def __init__(self, pins: PinsTop) -> None:
        self.pins = pins
        super().__init__()

    def elaborate(self, platform: object) -> Module:
        """Connect clock, reset and pins."""
        m = Module()
        m.domains.sync = sync = ClockDomain("sync")
        m.submodules.pins = pins = self.pins
        m.submodules.reset = FFSynchronizer(~self.rst_n, sync.rst, reset_less=True)
        m.d.comb += [
            sync.clk.eq(self.clk),
            pins.data_in.eq(self.ui_in),
            Cat(pins.write, pins.read, pins.restart).eq(self.uio_in),
            self.uo_out.eq(pins.data_out),
            self.uio_out.eq(Cat(C(0, 4), pins.ready, pins.done)),
            self.uio_oe.eq(UIO_DIRECTIONS),
        ]
        return m
