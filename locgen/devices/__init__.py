"""Devices: capacity, delays and power of each, with sources, from the ``*.toml`` files here.

`find_device` reads them; nothing in this package computes with them.
"""

import difflib
import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic.dataclasses import dataclass

from locgen.errors import ConfigurationError

__all__ = [
    "DEFAULT_DEVICE",
    "FAMILIES",
    "Capacity",
    "Delays",
    "Device",
    "Family",
    "Power",
    "TogglePower",
    "devices",
    "find_device",
]

Family = Literal["ice40", "ecp5", "gowin", "machxo2", "nexus"]
"""A family of devices, by the name of the target that builds for it."""

DEFAULT_DEVICE: dict[str, str] = {
    "ice40": "up5k-sg48",
    "ecp5": "25k-cabga381",
    "gowin": "gw1nr-9c-qn88p",
    "machxo2": "xo2-1200-tg100",
    "nexus": "lifcl-40-bg400",
}

"""The device and package that a bare target name means."""

FAMILIES: tuple[Family, ...] = get_args(Family)

_STRICT = ConfigDict(extra="forbid")
_Count = Annotated[int, Field(ge=0)]
_Positive = Annotated[float, Field(gt=0)]


@dataclass(frozen=True, config=_STRICT)
class Capacity:
    """Number of each resource on the die.

    `bram_blocks` of the `bram`, side by side, hold `bram_words` words of 32 bits; an `spram` holds
    256 kbit.
    """

    logic_cells: _Count
    bram: _Count
    spram: _Count
    dsp: _Count
    io: _Count
    bram_words: _Count = 256
    bram_blocks: _Count = 2


@dataclass(frozen=True, config=_STRICT)
class Delays:
    """Typical delays in nanoseconds, for estimates before synthesis.

    `route` is the mean of the hops on a critical path, `carry` one bit of a carry chain.
    """

    clock_to_q: _Positive
    lut: _Positive
    carry: _Positive
    route: _Positive
    setup: _Positive
    source: str


@dataclass(frozen=True, config=_STRICT)
class TogglePower:
    """Energy of one change of one net, in picojoules: lowest, typical and highest seen."""

    low: _Positive
    typical: _Positive
    high: _Positive

    @model_validator(mode="after")
    def _ordered(self) -> "TogglePower":
        if not self.low <= self.typical <= self.high:
            raise ValueError("low, typical and high must rise in this order")
        return self


@dataclass(frozen=True, config=_STRICT)
class Power:
    """Coefficients of the core rail's power.

    Parameters
    ----------
    calibrated : bool
        Whether the coefficients come from measurements; if not, only `static_uw` is known.
    core_voltage : float
        Volts at which `static_uw` holds.
    static_uw : float or None
        Microwatts of an idle, configured device.
    halted_uw : float or None
        Microwatts of a configured design with a stopped clock.
    clock_uw_per_mhz : float or None
        Microwatts per megahertz for the clock network alone.
    pj_per_toggle : TogglePower or None
        Additional energy of one change of a net.
    calibrated_logic_cells : int
        Logic cells of the largest design that was measured; larger ones are extrapolated.
    uncertainty_percent, uncertainty_percent_beyond : int or None
        Of the whole power, up to that size and beyond it.
    sources : tuple of str
        Where the figures come from.
    """

    calibrated: bool
    core_voltage: _Positive
    sources: Annotated[tuple[str, ...], Field(min_length=1)]
    static_uw: _Positive | None = None
    halted_uw: _Positive | None = None
    clock_uw_per_mhz: _Positive | None = None
    pj_per_toggle: TogglePower | None = None
    calibrated_logic_cells: _Count = 0
    uncertainty_percent: _Count | None = None
    uncertainty_percent_beyond: _Count | None = None

    @model_validator(mode="after")
    def _complete(self) -> "Power":
        measured = (
            self.clock_uw_per_mhz,
            self.pj_per_toggle,
            self.uncertainty_percent,
            self.uncertainty_percent_beyond,
        )
        if self.calibrated and None in (*measured, self.static_uw):
            raise ValueError(
                "a calibrated device must give static, clock, toggle and uncertainty figures"
            )
        if not self.calibrated and any(value is not None for value in measured):
            raise ValueError("only a calibrated device may give clock, toggle and uncertainty")
        return self


@dataclass(frozen=True, config=_STRICT)
class Device:
    """A device of a family.

    Parameters
    ----------
    name, title : str
        locgen's name (``up5k``) and the maker's (``iCE40UP5K``).
    family : str
        The target that builds for it.
    packages : mapping of str to int
        User pins of every package that place and route knows.
    default_package : str
        One of them.
    capacity : Capacity
        Of the die; the package limits `io` further.
    grid : tuple of int
        Columns and rows of tiles, for pictures of the floor plan.
    placer : tuple of str
        Arguments that name the device to place and route, with ``{package}`` or ``{PACKAGE}``.
    packer : tuple of str
        Arguments of the program that makes the bitstream.
    delays : Delays
        For the estimates before synthesis.
    power : Power
        For the energy figures.
    sources : tuple of str
        Where capacity and packages come from.
    free_pins : mapping of str to tuple of str
        Pins by package for designs without a board, a clock input first; empty where place and
        route chooses the pins.
    """

    name: str
    title: str
    family: Family
    default_package: str
    packages: dict[str, int]
    capacity: Capacity
    grid: tuple[int, int]
    placer: tuple[str, ...]
    delays: Delays
    power: Power
    sources: Annotated[tuple[str, ...], Field(min_length=1)]
    packer: tuple[str, ...] = ()
    free_pins: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _known_package(self) -> "Device":
        if self.default_package not in self.packages:
            raise ValueError(f"default_package must be one of {', '.join(self.packages)}")
        return self


@cache
def devices() -> tuple[Device, ...]:
    """Return all devices, sorted by name.

    Raises
    ------
    ConfigurationError
        If a device file breaks the schema.
    """
    return tuple(_read(path) for path in sorted(Path(__file__).parent.glob("*.toml")))


def _read(path: Path) -> Device:
    try:
        return TypeAdapter(Device).validate_python(tomllib.loads(path.read_text()))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"{path.name}: {place}: {first['msg']}") from error


def find_device(name: str) -> tuple[Device, str]:
    """Return the device and the package that ``device`` or ``device-package`` names.

    Raises
    ------
    ConfigurationError
        If there is no such device or package; the message names the nearest.
    """
    known = {device.name: device for device in devices()}
    lower = name.lower()
    # Names may hold dashes themselves: the longest match wins.
    matches = [device for device in known if f"{lower}-".startswith(f"{device}-")]
    wanted = max(matches, key=len, default="")
    if not wanted:
        first = lower.partition("-")[0]
        raise ConfigurationError(f"Device {name!r} is not known: {_nearest(first, tuple(known))}")
    package = lower[len(wanted) + 1 :]
    device = known[wanted]
    if not package:
        return device, device.default_package
    if package not in device.packages:
        raise ConfigurationError(
            f"Device {wanted} has no package {package!r}: "
            f"{_nearest(package, tuple(device.packages))}"
        )
    return device, package


def _nearest(word: str, choices: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(word, choices, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]}?"
    return f"choose one of {', '.join(choices)}"
