"""Byte transports to a device: the protocol, and a serial port through pyserial."""

import time
from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import Protocol, TypeVar

from locgen.errors import BoardError, ToolNotFound

__all__ = ["SerialTransport", "Transport"]

_RETRY_SECONDS = 0.2
_Result = TypeVar("_Result")


class _Port(Protocol):
    """The part of pyserial's `Serial` that `SerialTransport` uses."""

    in_waiting: int
    timeout: float | None

    def read(self, size: int) -> bytes: ...
    def write(self, data: bytes) -> int | None: ...
    def close(self) -> None: ...


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

    A port that worked and then fails (an unplugged cable) is opened again as soon as it is back;
    bytes written meanwhile are lost, as on any line.

    Parameters
    ----------
    port : name of the port, such as ``/dev/ttyUSB1`` or ``COM4``
    baud : bits a second
    patience_s : seconds to wait for a port that failed

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
        self._port: _Port | None = None

    def write(self, data: bytes) -> None:
        """Send `data`."""
        self._use(lambda port: port.write(data))

    def read(self, count: int, timeout_s: float) -> bytes:
        """Return up to `count` bytes as soon as there are any; none after `timeout_s`."""

        def receive(port: _Port) -> bytes:
            waiting = port.in_waiting
            if waiting:  # setting the time-out takes as long as reading
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
        if self._port is not None:
            self._port.close()
            self._port = None

    def _use(self, action: Callable[[_Port], _Result]) -> _Result | None:
        """Return the result of `action`; None if the port had to be opened again."""
        try:
            import serial
        except ImportError as error:
            raise ToolNotFound('pyserial is not installed: pip install "locgen[board]"') from error
        worked = self._port is not None
        try:
            if self._port is None:
                self._port = serial.Serial(self.port, self.baud)
            return action(self._port)
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

    def _reopen(self, serial: ModuleType) -> bool:
        """Open the port again; return whether it opened."""
        with suppress(OSError, ValueError):
            self.close()
        self._port = None
        with suppress(OSError, ValueError):
            self._port = serial.Serial(self.port, self.baud)
        return self._port is not None
