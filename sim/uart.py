"""UART driver and monitor, 8N1, by time: each wakes about ten times a byte, at no clock edge."""

import cocotb
from cocotb.triggers import Event, FallingEdge, Timer, with_timeout

from .scoreboard import read

__all__ = ["UartReceiver", "UartTransmitter"]


def _wait(bits: float, bit_ns: float) -> Timer:
    return Timer(round(bits * bit_ns, 3), unit="ns", round_mode="round")


class UartTransmitter:
    """Sends bytes on a signal: start bit, eight data bits LSB first, one stop bit.

    Parameters
    ----------
    line
        Handle of the device's receiving input; taken to the idle level, 1, at once.
    bit_ns
        Length of one bit in simulated nanoseconds.
    """

    def __init__(self, line, bit_ns: float):
        self.line = line
        self.bit_ns = bit_ns
        self._runs = {}
        line.value = 1

    async def send(self, data: bytes) -> None:
        """Send `data` without gaps and return when the last stop bit is over."""
        line = self.line
        for byte in data:
            for level, timer in self._levels(byte):
                line.value = level
                await timer

    async def idle(self, bits: float) -> None:
        """Leave the line at its idle level for so many bit times."""
        self.line.value = 1
        await _wait(bits, self.bit_ns)

    def _levels(self, byte: int) -> list:
        """Return the (level, wait) pairs of one byte, equal neighbours merged."""
        if byte not in self._runs:
            runs = []
            for level in [0, *((byte >> k) & 1 for k in range(8)), 1]:
                if runs and runs[-1][0] == level:
                    runs[-1][1] += 1
                else:
                    runs.append([level, 1])
            self._runs[byte] = [(level, _wait(bits, self.bit_ns)) for level, bits in runs]
        return self._runs[byte]


class UartReceiver:
    """Collects the bytes that a device sends, sampling each bit in its middle.

    Parameters
    ----------
    line
        Handle of the device's sending output.
    bit_ns
        Length of one bit in simulated nanoseconds.

    Attributes
    ----------
    data
        `bytearray` of everything received so far; the reader may delete what it has used.
    framing_errors
        Number of bytes whose start bit, data or stop bit were not clean levels.
    """

    def __init__(self, line, bit_ns: float):
        self.line = line
        self.bit_ns = bit_ns
        self.data = bytearray()
        self.framing_errors = 0
        self._wanted = 0
        self._reached = Event()
        self._task = cocotb.start_soon(self._run())

    def stop(self) -> None:
        """Receive no more."""
        self._task.cancel()

    async def read(self, count: int, timeout_bits: float) -> bytes:
        """Take `count` bytes; fewer if they do not come within so many bit times."""
        if len(self.data) < count:
            self._wanted = count
            self._reached.clear()
            try:
                await with_timeout(
                    self._reached.wait(), round(timeout_bits * self.bit_ns), timeout_unit="ns"
                )
            except TimeoutError:
                self._wanted = 0
        taken = bytes(self.data[:count])
        del self.data[:count]
        return taken

    async def _run(self) -> None:
        line, falling = self.line, FallingEdge(self.line)
        half, bit = _wait(0.5, self.bit_ns), _wait(1, self.bit_ns)
        while True:
            await falling
            await half
            clean = read(line) == 0
            byte = 0
            for position in range(8):
                await bit
                level = read(line)
                if level == 1:
                    byte |= 1 << position
                elif level != 0:
                    clean = False
            await bit
            if not clean or read(line) != 1:
                self.framing_errors += 1
            self.data.append(byte)
            if self._wanted and len(self.data) >= self._wanted:
                self._wanted = 0
                self._reached.set()
