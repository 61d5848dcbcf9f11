"""The serial end of a device that is an SPI peripheral: bytes in, bytes out, at the host's pace."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from .protocol import DELIMITER
from .uart import ReceivedByte

__all__ = ["CLOCKS_PER_SPI_BIT", "SpiPeripheral", "spi_signature"]

CLOCKS_PER_SPI_BIT = 8
"""Least clocks of the design in a period of SCK: `miso` is 3 clocks behind an edge, and a byte must
take longer than the link needs for one."""


def spi_signature() -> wiring.Signature:
    """Return the pins of an SPI peripheral, as the FPGA sees them.

    Members
    -------
    sck : In(1), clock, idle low; cs : In(1), select, active low
    mosi : In(1), from the controller; miso : Out(1), to it
    miso_enable : Out(1), drive `miso` only while this is 1 where others share the wire
    """
    return wiring.Signature(
        {"sck": In(1), "cs": In(1, init=1), "mosi": In(1), "miso": Out(1), "miso_enable": Out(1)}
    )


class SpiPeripheral(wiring.Component):
    """An SPI peripheral, mode 0, most significant bit first.

    Bytes go both ways at once. With nothing to say it sends 0x00, the frames' delimiter; so
    a controller clocks zeros out to hear an answer, and a frame may be spread over any number of
    selections between two bytes.

    Members
    -------
    spi : Out(spi_signature()), the pins, asynchronous
    o : Out(stream.Signature(ReceivedByte, always_ready=True)), one item a byte, 4 clocks after its
        last rising edge; a byte that ends early with the selection is forgotten
    i : In(stream.Signature(8)), bytes to send; one is taken with the first rising edge of the byte
        that carries it

    A period of SCK takes at least `CLOCKS_PER_SPI_BIT` clocks, and `cs` falls as long before the
    first rising edge.
    """

    spi: Out(spi_signature())
    o: Out(stream.Signature(ReceivedByte, always_ready=True))
    i: In(stream.Signature(unsigned(8)))

    def elaborate(self, platform: object) -> Module:
        """Build the pins' synchronisers and both shift registers."""
        m = Module()
        sck, cs, mosi = Signal(), Signal(init=1), Signal()
        for name, pin, line, idle in (
            ("sck", self.spi.sck, sck, 0),
            ("cs", self.spi.cs, cs, 1),
            ("mosi", self.spi.mosi, mosi, 0),
        ):
            m.submodules[f"synchronise_{name}"] = FFSynchronizer(pin, line, init=idle)
        before = Signal()
        rises, falls = Signal(), Signal()
        count = Signal(3)
        received, sent = Signal(8), Signal(8)
        carries = Signal()  # `sent` is a byte of `i`
        m.d.sync += [before.eq(sck), self.o.valid.eq(0)]
        m.d.comb += [
            rises.eq(~cs & sck & ~before),
            falls.eq(~cs & ~sck & before),
            self.o.p.data.eq(received),
            self.i.ready.eq(rises & (count == 0) & carries),
            self.spi.miso.eq(sent[-1]),
            self.spi.miso_enable.eq(~cs),
        ]
        with m.If(rises):
            m.d.sync += [received.eq(Cat(mosi, received)), count.eq(count + 1)]
            m.d.sync += self.o.valid.eq(count == 7)
        with m.If(falls):
            m.d.sync += sent.eq(Cat(0, sent))
        # A byte begins with the selection, or with the edge that ends the one before it.
        with m.If(cs | (falls & (count == 0))):
            m.d.sync += [
                sent.eq(Mux(self.i.valid, self.i.payload, DELIMITER)),
                carries.eq(self.i.valid),
            ]
        with m.If(cs):
            m.d.sync += count.eq(0)
        return m
