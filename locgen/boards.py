"""Boards: data in ``boards/*.toml``, checked against the schema below.

A board file names the device, the pins of the clock and of the link to the host, the programmers,
and what was tried on the board. `docs/boards.md` is generated from this schema.
"""

import difflib
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Annotated, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from locgen.devices import Family, find_device
from locgen.devices.pins import Constraints, Pin
from locgen.errors import ConfigurationError
from locgen.resources import resource

__all__ = [
    "Board",
    "Clock",
    "Flash",
    "Link",
    "Programmer",
    "list_boards",
    "load_board",
    "pins_of",
    "schema_markdown",
]

_Pin = Annotated[str, Field(pattern=r"^[A-Z]{0,2}[0-9]{1,3}$")]
_Text = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Clock(_Strict):
    """The clock that the design runs from."""

    hz: Annotated[int, Field(ge=1_000_000, le=200_000_000)] = Field(description="frequency in Hz")
    pin: _Pin = Field(description="package pin that it enters at")
    note: str = Field("", description="what to do to the board before it arrives there")


class Link(_Strict):
    """The way to the host: 8N1, no flow control. Pins are named as the FPGA sees them."""

    kind: Literal["uart"] = Field(description="the only kind so far")
    rx: _Pin = Field(description="pin that receives from the host")
    tx: _Pin = Field(description="pin that sends to the host")
    baud: Annotated[int, Field(ge=9_600, le=3_000_000)] = Field(
        1_000_000, description="bits per second"
    )
    interface: _Text = Field(description="which of the host's ports it is")


class Flash(_Strict):
    """The bitstream's SPI flash, for designs that load their model from it; may be left out."""

    sck: _Pin = Field(description="pin that clocks the flash")
    cs: _Pin = Field(description="pin that selects it, active low")
    mosi: _Pin = Field(description="pin that sends to the flash's DI (IO0)")
    miso: _Pin = Field(description="pin that receives from the flash's DO (IO1)")
    offset: Annotated[int, Field(ge=0, lt=2**24)] = Field(
        0x20000, description="byte address of a model's image, behind the bitstream"
    )
    capacity: Annotated[int, Field(ge=2**16)] = Field(description="bytes that it holds")


class Programmer(_Strict):
    """A program that writes a bitstream to the board; the first that is installed is used."""

    tool: Literal["iceprog", "openfpgaloader", "icesprog", "dfu-util", "ecpdap"] = Field(
        description="its name"
    )
    arguments: tuple[str, ...] = Field((), description="arguments before the name of the bitstream")


class Board(_Strict):
    """A board that locgen can build for."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")] = Field(
        description="what `--board` takes; the file's name without `.toml`"
    )
    title: _Text = Field(description="the maker's name for it")
    family: Family = Field(description="the target that builds for it")
    device: _Text = Field(description="the device, as in `--device`")
    package: _Text = Field(description="the device's package")
    clock: Clock
    link: Link
    flash: Flash | None = None
    programmers: Annotated[tuple[Programmer, ...], Field(min_length=1)]
    price: _Text = Field(description="a hint in US dollars")
    tried: Annotated[tuple[Literal["built", "flashed", "ran"], ...], Field(min_length=1)] = Field(
        description="what was done with it"
    )
    notes: tuple[str, ...] = Field((), description="what a user must know")
    sources: Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        description="where the pin numbers come from"
    )

    @model_validator(mode="after")
    def _consistent(self) -> "Board":
        device, _ = find_device(f"{self.device}-{self.package}")
        if device.family != self.family:
            raise ValueError(f"device {device.name} is {device.family}, not {self.family}")
        pins = (self.clock.pin, self.link.rx, self.link.tx)
        if len(set(pins)) != len(pins):
            raise ValueError(f"clock, rx and tx need pins of their own, not {', '.join(pins)}")
        if self.flash is not None:
            flash_pins = (self.flash.sck, self.flash.cs, self.flash.mosi, self.flash.miso)
            if len({*pins, *flash_pins}) != len(pins) + len(flash_pins):
                raise ValueError(
                    f"the flash needs four pins of its own, not {', '.join(flash_pins)} "
                    f"beside {', '.join(pins)}"
                )
            if self.flash.offset >= self.flash.capacity:
                raise ValueError(
                    f"flash.offset must be below its capacity of {self.flash.capacity} bytes, "
                    f"not {self.flash.offset}"
                )
        cycles = self.clock.hz / self.link.baud
        # A receiver samples at most half a cycle off, besides what the rounded divider adds up
        # to over the ten bits of a frame; beyond 3 % the stop bit is at risk.
        error = abs(round(cycles) * self.link.baud / self.clock.hz - 1)
        if cycles < 4 or error > 0.03:
            raise ValueError(
                f"{self.clock.hz} Hz cannot make {self.link.baud} baud: {cycles:.2f} cycles a bit, "
                "which must be 4 or more and within 3 % of a whole number"
            )
        return self

    @property
    def target(self) -> str:
        """Device and package as `devices.find_device` takes them."""
        return f"{self.device}-{self.package}"


@cache
def list_boards() -> tuple[Board, ...]:
    """Return the boards that ship with locgen, sorted by name.

    Raises
    ------
    ConfigurationError
        If one of the files breaks the schema.
    """
    return tuple(_read(path) for path in sorted(resource("boards").glob("*.toml")))


def load_board(name: str | Path) -> Board:
    """Return the board of that name, or the one described by the file of that name.

    Raises
    ------
    ConfigurationError
        If there is no such board or file, or it breaks the schema; one line that names the key
        and, for an unknown one, the nearest valid key.
    """
    path = Path(name)
    if path.suffix == ".toml":
        if not path.is_file():
            raise ConfigurationError(f"Board file {path} does not exist: check the path")
        return _read(path)
    known = {board.name: board for board in list_boards()}
    if str(name) not in known:
        raise ConfigurationError(
            f"Board {str(name)!r} is not known: {_nearest(str(name), known)} "
            "(a path to a .toml file serves as well)"
        )
    return known[str(name)]


def pins_of(board: Board, *, boots: bool = False) -> Constraints:
    """Return the pins of the top's ports on this board.

    These are ``clk``, ``rx`` and ``tx``, and the flash's for a design that `boots` from it.

    Raises
    ------
    ConfigurationError
        If the design boots and the board file names no flash.
    """
    pins = [
        Pin("clk", board.clock.pin),
        Pin("rx", board.link.rx, pull_up=True),  # an open input must read as an idle line
        Pin("tx", board.link.tx),
    ]
    if boots:
        if board.flash is None:
            raise ConfigurationError(
                f"Board {board.name} names no flash to load a model from: add the table [flash] to "
                "its file, or load the model over the link"
            )
        flash = board.flash
        pins += [
            Pin("flash__sck", flash.sck),
            Pin("flash__cs", flash.cs),
            Pin("flash__mosi", flash.mosi),
            Pin("flash__miso", flash.miso, pull_up=True),  # without a flash: no image
        ]
    return Constraints(tuple(pins), board.clock.hz)


def _read(path: Path) -> Board:
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path.name} is not TOML: {error}") from error
    try:
        board = Board.model_validate(raw)
    except ValidationError as error:
        raise ConfigurationError(f"{path.name}: {_first(error)}") from error
    except ConfigurationError as error:
        raise ConfigurationError(f"{path.name}: {error}") from error
    if board.name != path.stem:
        raise ConfigurationError(
            f"{path.name}: name must be {path.stem!r} like the file's, not {board.name!r}"
        )
    return board


def _first(error: ValidationError) -> str:
    """Return the first error in one line: a misspelt key before the key that it replaces."""
    problem = min(error.errors(), key=lambda entry: entry["type"] != "extra_forbidden")
    place = [str(part) for part in problem["loc"]]
    if problem["type"] == "extra_forbidden":
        model: type[BaseModel] = Board
        for part in problem["loc"][:-1]:
            if isinstance(part, str):  # the other parts are positions in a list
                model = _model_in(model.model_fields[part].annotation) or model
        return f"unknown key {'.'.join(place)}: {_nearest(place[-1], model.model_fields)}"
    if problem["type"] == "missing":
        return f"key {'.'.join(place)} is missing: add it"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{'.'.join(place)}: {message}" if place else message


def _nearest(word: str, choices: Iterable[str]) -> str:
    names = tuple(choices)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    return f"did you mean {close[0]}?" if close else f"choose one of {', '.join(names)}"


def _model_in(annotation: object) -> type[BaseModel] | None:
    """Return the model that an annotation is, may be, or is a list of."""
    if get_origin(annotation) in (tuple, UnionType):
        annotation = get_args(annotation)[0]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return None


def schema_markdown() -> str:
    """Return the schema as Markdown tables, which `docs/boards.md` contains."""
    parts = []
    for model, heading in (
        (Board, "Top level"),
        (Clock, "`[clock]`"),
        (Link, "`[link]`"),
        (Flash, "`[flash]`"),
        (Programmer, "`[[programmers]]`"),
    ):
        summary = (model.__doc__ or "").strip().splitlines()[0]
        lines = [f"### {heading}", "", summary, "", "| key | value | needed | meaning |"]
        lines.append("|---|---|---|---|")
        for name, field in model.model_fields.items():
            if _model_in(field.annotation):
                continue
            default = "yes" if field.is_required() else f"no: `{_shown(field.default)}`"
            row = (f"`{name}`", _type_name(field.annotation), default, field.description or "")
            lines.append(f"| {' | '.join(row)} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _shown(default: object) -> str:
    return str(list(default)) if isinstance(default, tuple) else repr(default).replace("'", '"')


def _type_name(annotation: object) -> str:
    if get_origin(annotation) is Annotated:
        return _type_name(get_args(annotation)[0])
    if get_origin(annotation) is Literal:
        return " or ".join(f'`"{value}"`' for value in get_args(annotation))
    if get_origin(annotation) is tuple:
        return f"list of {_type_name(get_args(annotation)[0])}"
    names: dict[object, str] = {str: "text", int: "whole number"}
    return names[annotation]
