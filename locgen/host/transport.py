"""The byte pipe below a board: a serial port, or whatever looks like one."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from locgen.errors import BoardError, ToolNotFound

__all__ = ["SerialTransport", "Transport"]

_RETRY_SECONDS = 0.2


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

    A port that worked and then fails (a cable that was pulled) is opened again as soon as it is
    back; what was written meanwhile is lost, as on any line.

    Parameters
    ----------
    port : name of the port, such as ``/dev/ttyUSB1`` or ``COM4``
    baud : bits a second
    patience_s : how long a port that failed is waited for

    Raises
    ------
    ToolNotFound
        When used without pyserial.
    BoardError
        When used and the port does not open, or stops working for longer than that.
    """

    def __init__(self, port: str, baud: int, patience_s: float = 5.0) -> None:
        self.port = port
        self.baud = baud
        self.patience_s = patience_s
        self._serial = None

    def write(self, data: bytes) -> None:
        """Send `data`."""
        self._use(lambda port: port.write(data))

    def read(self, count: int, timeout_s: float) -> bytes:
        """Return up to `count` bytes as soon as there are any; none after `timeout_s`."""

        def receive(port: Any) -> bytes:
            waiting = port.in_waiting
            if waiting:  # to set the time-out takes as long as reading does
                return port.read(min(count, waiting))
            port.timeout = timeout_s
            first = port.read(1)
            return first + port.read(min(count - 1, port.in_waiting)) if first else b""

        return self._use(receive) or b""

    def now(self) -> float:
        """Return the time in seconds."""
        return time.monotonic()

    def close(self) -> None:
        """Close the port; the next use opens it again."""
        if self._serial is not None:
            self._serial.close()
            self._serial = None

    def _use(self, action: Callable[[Any], Any]) -> Any:
        """Return what `action` makes of the port; None if the port had to be opened again."""
        try:
            import serial
        except ImportError as error:
            raise ToolNotFound('pyserial is not installed: pip install "locgen[board]"') from error
        worked = self._serial is not None
        try:
            if self._serial is None:
                self._serial = serial.Serial(self.port, self.baud)
            return action(self._serial)
        except (OSError, ValueError) as error:  # pyserial's own errors are OSErrors
            deadline = time.monotonic() + (self.patience_s if worked else 0)
            while not self._reopen(serial):
                if time.monotonic() >= deadline:
                    raise BoardError(
                        f"Port {self.port} does not work: {error}; check its name, the cable and "
                        "that you may use it"
                    ) from error
                time.sleep(_RETRY_SECONDS)
            return None

    def _reopen(self, serial: Any) -> bool:
        """Open the port anew; return whether that went well."""
        with suppress(OSError, ValueError):
            self.close()
        self._serial = None
        with suppress(OSError, ValueError):
            self._serial = serial.Serial(self.port, self.baud)
        return self._serial is not None
