"""A prediction's evidence, kept as it comes out of the core until the link asks for its bits."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

__all__ = ["EvidenceBuffer"]


class EvidenceBuffer(wiring.Component):
    """Digits of evidence in, bits out, from the first digit's lowest on; then zeros.

    Parameters
    ----------
    bits : of all evidence, a multiple of `width`
    width : of a digit

    Members
    -------
    i : In(stream.Signature(width, always_ready=True)), the digits
    clear : In(1), a new prediction begins: no digit of the last one may follow
    whole : Out(1), all digits are in, from the clock after the last one on
    step : In(1), `bit` was taken
    bit : Out(1), right from the second clock after its digit came

    Digits may come in every clock and bits may be taken in every clock.
    """

    def __init__(self, bits: int, width: int) -> None:
        if bits % width or not bits:
            raise ValueError(f"bits must be a multiple of {width}, not {bits!r}")
        self.digits = bits // width
        super().__init__(
            {
                "i": In(stream.Signature(unsigned(width), always_ready=True)),
                "clear": In(1),
                "whole": Out(1),
                "step": In(1),
                "bit": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build a shift register for a single digit, else a memory with a place for each side."""
        m = Module()
        if self.digits > 1:
            self._keep(m)
            return m
        kept = Signal.like(self.i.payload)
        m.d.comb += self.bit.eq(kept[0])
        with m.If(self.i.valid):
            m.d.sync += [kept.eq(self.i.payload), self.whole.eq(1)]
        with m.Elif(self.step):
            m.d.sync += kept.eq(kept[1:])
        with m.If(self.clear):
            m.d.sync += self.whole.eq(0)
        return m

    def _keep(self, m: Module) -> None:
        """Add a memory of digits, and what writes to it and reads from it."""
        width, digits = len(self.i.payload), self.digits
        m.submodules.memory = memory = Memory(shape=width, depth=digits, init=[])
        write, read = memory.write_port(), memory.read_port()
        taken, address = Signal(range(digits)), Signal(range(digits))
        following = Signal.like(address)
        place = Signal(range(max(width, 2)))
        ended = Signal()
        turns = self.step & (place == width - 1)
        m.d.comb += [
            write.addr.eq(taken),
            write.data.eq(self.i.payload),
            write.en.eq(self.i.valid),
            read.addr.eq(following),  # one ahead: the memory answers a clock later
            following.eq(Mux(self.clear, 0, address + turns)),
            self.bit.eq(read.data.bit_select(place, 1) & ~ended),
        ]
        m.d.sync += address.eq(following)
        with m.If(self.i.valid):
            m.d.sync += taken.eq(taken + 1)
            with m.If(taken == digits - 1):
                m.d.sync += [taken.eq(0), self.whole.eq(1)]
        with m.If(self.step):
            m.d.sync += place.eq(Mux(turns, 0, place + 1))
            with m.If(turns & (address == digits - 1)):
                m.d.sync += ended.eq(1)
        with m.If(self.clear):
            m.d.sync += [self.whole.eq(0), place.eq(0), ended.eq(0)]
