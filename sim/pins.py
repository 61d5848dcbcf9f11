"""The host of a top for parallel pins: rows in, answers out, byte by byte."""

from cocotb.triggers import RisingEdge

from .scoreboard import read

__all__ = ["PinsHost"]

_NAMES = ("data_in", "write", "read", "restart", "data_out", "ready", "done")


class PinsHost:
    """Drives the pins of docs/pins.md of locgen.

    Parameters
    ----------
    clk
        Handle of the clock, which somebody else drives.
    dut, prefix
        The handle that holds the pins, and what stands before their names.
    hold_cycles
        For how many cycles a strobe stays up, and then down.
    """

    def __init__(self, clk, dut, prefix: str = "", hold_cycles: int = 3):
        self.edge = RisingEdge(clk)
        self.pins = {name: getattr(dut, prefix + name) for name in _NAMES}
        self.hold_cycles = hold_cycles
        for name in ("data_in", "write", "read", "restart"):
            self.pins[name].value = 0

    async def strobe(self, name: str) -> None:
        """Raise ``write``, ``read`` or ``restart``, and take it down again."""
        for level in (1, 0):
            self.pins[name].value = level
            for _ in range(self.hold_cycles):
                await self.edge

    async def write(self, byte: int) -> None:
        """Send one byte of a row."""
        self.pins["data_in"].value = byte
        await self.strobe("write")

    async def answer(self, row: bytes, size: int, timeout_cycles: int) -> object:
        """Send a row and return the `size` bytes of its answer; None if it takes too long.

        A byte that holds unknown bits makes the answer a text.
        """
        for byte in row:
            await self.write(byte)
        for _ in range(timeout_cycles):
            if read(self.pins["done"]) == 1:
                break
            await self.edge
        else:
            return None
        found = []
        for _ in range(size):
            found.append(read(self.pins["data_out"]))
            await self.strobe("read")
        return bytes(found) if all(isinstance(byte, int) for byte in found) else str(found)
