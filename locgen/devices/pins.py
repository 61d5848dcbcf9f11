"""Assignment of a design's ports to the pins of a package."""

from dataclasses import dataclass

__all__ = ["Constraints", "Pin"]


@dataclass(frozen=True)
class Pin:
    """A port and its pin; with `pull_up` an unconnected pin reads 1."""

    port: str
    pin: str
    pull_up: bool = False


@dataclass(frozen=True)
class Constraints:
    """All pins of a top, and the frequency of its port ``clk`` in Hz.

    `standard` is the electrical standard of the pins, such as ``LVCMOS33``, for the families that
    need one.
    """

    pins: tuple[Pin, ...]
    clock_hz: float
    standard: str = "LVCMOS33"
