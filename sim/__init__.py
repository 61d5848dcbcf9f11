"""The cocotb side of a locgen test bench: clock, streams, buses, UART and scoreboard.

It needs cocotb alone, never locgen, so that it can be copied beside a generated test bench and
used by a test bench of your own. `docs/sim.md` describes it with an example.

Everything counts in *cycles*: cycle ``k`` is the one that the ``k``-th rising edge ends. A value
read at that edge, before the flip-flops move, belongs to cycle ``k``; a value written there is
seen in cycle ``k + 1``. Agents sleep until a signal they care for changes, rather than waking at
every edge, so that long silences cost no Python.
"""

from .bus import AxiLiteMaster, AxiStreamSink, AxiStreamSource, BusError, WishboneMaster
from .clock import ClockDomain
from .flash import FlashModel, SpiFlash
from .memory import MemoryPort
from .pins import PinsHost
from .scoreboard import Field, Scoreboard, read, unpack
from .spi import SpiController
from .stream import StreamMonitor, StreamSource, Transfer
from .uart import UartReceiver, UartTransmitter

__all__ = [
    "AxiLiteMaster",
    "AxiStreamSink",
    "AxiStreamSource",
    "BusError",
    "ClockDomain",
    "Field",
    "FlashModel",
    "MemoryPort",
    "PinsHost",
    "Scoreboard",
    "SpiController",
    "SpiFlash",
    "StreamMonitor",
    "StreamSource",
    "Transfer",
    "UartReceiver",
    "UartTransmitter",
    "WishboneMaster",
    "read",
    "unpack",
]
