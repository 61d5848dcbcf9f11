"""The frames' CRC-32, one bit per clock."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["SerialCrc32"]

POLYNOMIAL = 0xEDB88320  # IEEE 802.3, reflected: the CRC-32 of zlib
RESIDUE = 0xDEBB20E3  # left in the register by any message followed by its own CRC


class SerialCrc32(wiring.Component):
    """A CRC-32 register that takes or gives one bit per clock, least significant bit first.

    Members
    -------
    clear : In(1), start a new message; wins over `step`
    step : In(1), take `bit` (or give one, with `emit`)
    emit : In(1), with `step`: shift the finished CRC out instead of taking `bit`
    bit : In(1), message bit
    crc_bit : Out(1), the bit of the finished CRC that comes next
    good : Out(1), the bits so far are a message followed by its CRC

    All outputs follow one clock after the bit that they depend on.
    """

    clear: In(1)
    step: In(1)
    emit: In(1)
    bit: In(1)
    crc_bit: Out(1)
    good: Out(1)

    def elaborate(self, platform: object) -> Module:
        """Build the register and its feedback."""
        m = Module()
        state = Signal(32, init=0xFFFFFFFF)
        feedback = Signal()
        m.d.comb += [
            feedback.eq((state[0] ^ self.bit) & ~self.emit),
            self.crc_bit.eq(~state[0]),
            self.good.eq(state == RESIDUE),
        ]
        with m.If(self.step):
            m.d.sync += state.eq(state[1:] ^ Mux(feedback, POLYNOMIAL, 0))
        with m.If(self.clear):
            m.d.sync += state.eq(state.init)
        return m
