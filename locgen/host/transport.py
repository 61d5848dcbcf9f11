"""The byte pipe below a board: a serial port, or whatever looks like one."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from locgen.errors import BoardError, ToolNotFound

__all__ = ["SerialTransport", "Transport"]


class Transport(Protocol):
    """Bytes to and from a device, and the clock that time-outs are measured with."""

    def write(self, data: bytes) -> None:
        """Send `data`; may return before it has left."""

    def read(self, count: int, timeout_s: float) -> bytes:
        """Return up to `count` bytes as soon as there are any; none after `timeout_s`."""

    def now(self) -> float:
        """Return the time in seconds since any moment."""


class SerialTransport:
    """A serial port through pyserial, 8N1, opened when it is first used.

    Parameters
    ----------
    port : name of the port, such as ``/dev/ttyUSB1`` or ``COM4``
    baud : bits a second

    Raises
    ------
    ToolNotFound
        When used without pyserial.
    BoardError
        When used and the port does not open, or stops working.
    """

    def __init__(self, port: str, baud: int) -> None:
        self.port = port
        self.baud = baud
        self._serial = None

    def write(self, data: bytes) -> None:
        """Send `data`."""
        with self._port() as port:
            port.write(data)

    def read(self, count: int, timeout_s: float) -> bytes:
        """Return up to `count` bytes as soon as there are any; none after `timeout_s`."""
        with self._port() as port:
            port.timeout = timeout_s
            first = port.read(1)
            return first + port.read(min(count - 1, port.in_waiting)) if first else b""

    def now(self) -> float:
        """Return the time in seconds."""
        return time.monotonic()

    def close(self) -> None:
        """Close the port; the next use opens it again."""
        if self._serial is not None:
            self._serial.close()
            self._serial = None

    @contextmanager
    def _port(self) -> Iterator[Any]:
        try:
            import serial
        except ImportError as error:
            raise ToolNotFound('pyserial is not installed: pip install "locgen[board]"') from error
        try:
            if self._serial is None:
                self._serial = serial.Serial(self.port, self.baud)
            yield self._serial
        except (OSError, ValueError) as error:  # pyserial's own errors are OSErrors
            raise BoardError(
                f"Port {self.port} does not work: {error}; check its name, the cable and that you "
                "may use it"
            ) from error
