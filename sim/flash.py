"""A serial NOR flash in plain Python, and an agent that holds it to the pins of a device."""

import cocotb
from cocotb.simtime import get_sim_time
from cocotb.triggers import First, ValueChange

from .scoreboard import read

__all__ = ["FlashModel", "SpiFlash"]

READ, RELEASE_POWER_DOWN, POWER_DOWN = 0x03, 0xAB, 0xB9
ADDRESS_BYTES = 3
ERASED = 0xFF


class FlashModel:
    """What a flash answers, edge by edge; it knows of no simulator and no signals.

    SPI mode 0: it takes `mosi` as `sck` rises and moves `miso` as `sck` falls. It knows read
    (0x03), release power-down (0xAB) and power-down (0xB9).

    Parameters
    ----------
    contents
        Bytes by offset: ``{0x20000: image}``. The rest is erased, 0xFF.
    size
        Bytes; a power of two. Reading goes on at 0 behind the end.
    asleep
        Begins in power-down, as an iCE40 leaves it after configuration.
    wake_ns
        Time from the end of 0xAB until a command may begin.

    Attributes
    ----------
    miso
        The level of its output; 1 while it drives nothing, as if pulled up.
    commands
        First bytes of all commands so far, also of those that it did not take.
    ignored
        Those of them that it did not take: asleep, still waking, or unknown.
    read_bytes
        Number of bytes that were read.
    """

    def __init__(
        self,
        contents: dict[int, bytes],
        size: int = 1 << 22,
        asleep: bool = True,
        wake_ns: float = 30_000,
    ):
        self.contents = contents
        self.size = size
        self.asleep = asleep
        self.wake_ns = wake_ns
        self.miso = 1
        self.commands: list[int] = []
        self.ignored: list[int] = []
        self.read_bytes = 0
        self._awake_from = 0.0
        self._cs, self._sck = 1, 0
        self._begin(0)

    def byte(self, address: int) -> int:
        """Return the byte at `address`, modulo the size."""
        address %= self.size
        for start, piece in self.contents.items():
            if start <= address < start + len(piece):
                return piece[address - start]
        return ERASED

    def pins(self, cs: int, sck: int, mosi: int, now_ns: float) -> int:
        """Take the levels of the pins from `now_ns` on; return that of `miso`."""
        rises, falls = sck and not self._sck, self._sck and not sck
        if cs and not self._cs:
            self._end(now_ns)
        elif not cs and self._cs:
            self._begin(now_ns)
        elif not cs and rises:
            self._take(mosi)
        elif not cs and falls:
            self._give()
        self._cs, self._sck = cs, sck
        return self.miso

    def _begin(self, now_ns: float) -> None:
        self._begun = now_ns
        self._bits = 0
        self._shift = 0
        self._command: int | None = None
        self._address = 0
        self._out: int | None = None
        self.miso = 1

    def _take(self, mosi: int) -> None:
        self._shift = ((self._shift << 1) | mosi) & 0xFFFFFF
        self._bits += 1
        if self._bits == 8:
            command = self._shift & 0xFF
            self.commands.append(command)
            takes = {RELEASE_POWER_DOWN} if self.asleep else {READ, RELEASE_POWER_DOWN, POWER_DOWN}
            if command in takes and self._begun >= self._awake_from:
                self._command = command
            else:
                self.ignored.append(command)
        elif self._command == READ and self._bits >= 8 + 8 * ADDRESS_BYTES:
            if self._bits == 8 + 8 * ADDRESS_BYTES:
                self._address = self._shift
            if self._bits % 8 == 0:
                self._out = self.byte(self._address)
                self._address += 1
                self.read_bytes += self._bits > 8 + 8 * ADDRESS_BYTES

    def _give(self) -> None:
        if self._out is not None:
            self.miso = (self._out >> (7 - self._bits % 8)) & 1

    def _end(self, now_ns: float) -> None:
        if self._command == RELEASE_POWER_DOWN and self.asleep:
            self.asleep = False
            self._awake_from = now_ns + self.wake_ns
        elif self._command == POWER_DOWN and self._bits == 8:
            self.asleep = True
        self._out = None
        self.miso = 1


class SpiFlash:
    """A `FlashModel` at the pins of a device, by edges: it costs nothing while they rest.

    Parameters
    ----------
    model
        The flash.
    sck, cs, mosi
        Handles of the device's outputs.
    miso
        Handle of its input; driven from now on.
    """

    def __init__(self, model: FlashModel, sck, cs, mosi, miso):
        self.model = model
        self._pins = (cs, sck, mosi)
        self._miso = miso
        self._miso.value = model.miso
        self._task = cocotb.start_soon(self._run())

    def stop(self) -> None:
        """Leave the pins alone."""
        self._task.cancel()

    async def _run(self) -> None:
        cs, sck, mosi = self._pins
        while True:
            await First(ValueChange(cs), ValueChange(sck))
            levels = [read(pin) for pin in (cs, sck, mosi)]
            if all(level in (0, 1) for level in levels):
                self._miso.value = self.model.pins(*levels, get_sim_time("ns"))
