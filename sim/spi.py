"""An SPI controller, mode 0, most significant bit first, with the face of a UART's two ends."""

from cocotb.triggers import Timer

from .scoreboard import read

__all__ = ["SpiController"]


class SpiController:
    """Clocks bytes out to a peripheral and keeps those that come back.

    A peripheral that has nothing to say sends 0x00; zeros in front of a frame are not kept.

    Parameters
    ----------
    sck, cs, mosi
        Handles of the device's inputs; `cs` is low while bytes go over.
    miso
        Handle of its output.
    bit_ns
        A period of SCK in simulated nanoseconds.

    Attributes
    ----------
    data
        `bytearray` of the frames received so far, delimiters included.
    framing_errors
        Number of bytes with bits that were neither 0 nor 1.
    """

    def __init__(self, sck, cs, mosi, miso, bit_ns: float):
        self.sck, self.cs, self.mosi, self.miso = sck, cs, mosi, miso
        self.data = bytearray()
        self.framing_errors = 0
        self._bit_ns = bit_ns
        self._half = Timer(round(bit_ns / 2, 3), unit="ns", round_mode="round")
        self._inside = False
        sck.value, cs.value, mosi.value = 0, 1, 0

    async def send(self, data: bytes) -> None:
        """Send `data` in one selection, and keep what comes back."""
        self.cs.value = 0
        await self._half
        await self._half
        for byte in data:
            await self._exchange(byte)
        await self._half
        self.cs.value = 1
        await self._half
        await self._half

    async def idle(self, bits: float) -> None:
        """Clock zeros for at least so many bits, for what the device may have to say."""
        await self.send(bytes(int(bits // 8) + 1))

    async def read(self, count: int, timeout_bits: float) -> bytes:
        """Take `count` bytes, clocking zeros until they have come; fewer after so many bits."""
        while len(self.data) < count and timeout_bits > 0:
            await self.send(bytes(1))
            timeout_bits -= 8
        taken = bytes(self.data[:count])
        del self.data[:count]
        return taken

    async def _exchange(self, byte: int) -> None:
        got, clean = 0, True
        for position in range(7, -1, -1):
            self.mosi.value = byte >> position & 1
            await self._half
            self.sck.value = 1
            level = read(self.miso)
            clean = clean and level in (0, 1)
            got = got << 1 | (level == 1)
            await self._half
            self.sck.value = 0
        self.framing_errors += not clean
        if got or self._inside:
            self.data.append(got)
        self._inside = got != 0
