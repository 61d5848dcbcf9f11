"""Build targets: device, board, top and clock that the options of a build name."""

import math
from dataclasses import dataclass

from locgen.boards import Board, load_board
from locgen.devices import DEFAULT_DEVICE, Device, find_device
from locgen.errors import ConfigurationError, UsageError
from locgen.flow.options import BuildOptions
from locgen.targets.registry import find_target
from locgen.targets.target import Target
from locgen.top.spi import CLOCKS_PER_SPI_BIT
from locgen.top.uart import clocks_per_bit

__all__ = ["BuildTarget", "resolve_target"]

_DEFAULT_TARGET = "ice40"
_DEFAULT_CLOCK_HZ = 12_000_000
"""For a link or pins without a board: what most small boards carry."""
_BAUD = 1_000_000


@dataclass(frozen=True)
class BuildTarget:
    """What the design is built for.

    `name` is a key of `registry.TARGETS`. `device` and `package` are None for a target without
    devices, `clock_hz` where the fastest that routes is taken.
    """

    name: str
    device: Device | None
    package: str | None
    board: Board | None
    top: str
    clock_hz: float | None
    baud: int

    @property
    def backend(self) -> Target:
        """Tools and products of the target."""
        return find_target(self.name)

    @property
    def logic_cells(self) -> float:
        """Logic cells that there are, infinite where nothing limits them."""
        return math.inf if self.device is None else self.device.capacity.logic_cells

    @property
    def part(self) -> tuple[Device, str]:
        """Device and package, of a target that has devices."""
        assert self.device is not None and self.package is not None
        return self.device, self.package

    @property
    def ticking_hz(self) -> float:
        """The clock of a design with a top around it, which always has one."""
        assert self.clock_hz is not None
        return self.clock_hz

    @property
    def clock_mhz(self) -> float | None:
        """The clock that must be met in MHz, None where the fastest that routes is taken."""
        return self.clock_hz / 1e6 if self.clock_hz else None

    def fmax_mhz(self, levels: float) -> float | None:
        """Return the highest clock behind `levels` of logic by estimate, None without a device."""
        if self.device is None:
            return None
        delays = self.device.delays
        period = delays.clock_to_q + delays.setup
        return 1000 / (period + levels * (delays.lut + 0.5 * delays.route))


def resolve_target(options: BuildOptions, board: Board | None = None) -> BuildTarget:
    """Return where `options` want the design; `board` stands for the one that they name.

    Raises
    ------
    UsageError
        If board and device, or board and clock, contradict each other.
    ConfigurationError
        If there is no such device or board.
    """
    named = board or options.board
    if named is None:
        return _target_without_board(options)
    if options.top == "pins":
        raise UsageError("a board is reached over its serial link: leave --board or --top pins out")
    board = load_board(named) if isinstance(named, str) else named
    device, package = find_device(f"{board.device}-{board.package}")
    if options.target not in (None, board.family):
        raise UsageError(f"board {board.name} is {board.family}, not --target {options.target}")
    if options.device is not None and find_device(options.device) != (device, package):
        raise UsageError(
            f"board {board.name} carries {board.device}-{board.package}; leave --device out"
        )
    if options.clock is not None and options.clock * 1e6 != board.clock.hz:
        raise UsageError(
            f"board {board.name} runs at {board.clock.hz / 1e6:g} MHz; leave --clock out, or build "
            "without --board"
        )
    top = options.top or "uart"
    if top not in ("uart", "stream"):
        raise UsageError(
            f"board {board.name} has a serial line for --top uart; leave --board out for {top}"
        )
    return BuildTarget(board.family, device, package, board, top, board.clock.hz, board.link.baud)


def _target_without_board(options: BuildOptions) -> BuildTarget:
    """Return the build target that target and device name, or what is usual."""
    named = None if options.device is None else find_device(options.device)
    target = find_target(options.target or (named[0].family if named else _DEFAULT_TARGET))
    default = DEFAULT_DEVICE.get(target.name)
    if named is None:
        device, package = (None, None) if default is None else find_device(default)
    elif default is None:
        raise UsageError(f"--target {target.name} has no devices: leave --device out")
    else:
        device, package = named
        if device.family != target.name:
            raise UsageError(f"device {device.name} is {device.family}, not --target {target.name}")
    top = options.top or target.tops[0]
    if top not in target.tops:
        raise UsageError(f"--target {target.name} takes --top {' or '.join(target.tops)}")
    for name, value in (("liberty", options.liberty), ("shuttle", options.shuttle)):
        if value is not None and name not in target.asks:
            raise UsageError(f"--target {target.name} takes no --{name}: leave it out")
    asked = options.clock * 1e6 if options.clock else None
    clock, baud = asked or _DEFAULT_CLOCK_HZ, _BAUD
    if top == "uart":
        try:
            clocks_per_bit(clock, _BAUD)
        except ValueError as error:
            raise ConfigurationError(f"--clock is too slow for the link: {error}") from error
    if top == "spi":
        baud = int(clock) // CLOCKS_PER_SPI_BIT
    clock_hz = asked if top == "stream" else clock
    return BuildTarget(target.name, device, package, None, top, clock_hz, baud)
