"""Resolves target, device and board options, and chooses the fabric."""

from dataclasses import dataclass

from locgen.boards import Board, load_board
from locgen.devices import DEFAULT_DEVICE, Device, find_device
from locgen.errors import ConfigurationError, UsageError
from locgen.flow.options import BuildOptions
from locgen.ir import QuantisedModel
from locgen.plan import CellEstimate, Plan, estimate_plan, plan_direct, plan_tree

__all__ = ["Choice", "Place", "choose_plan", "resolve_place"]

_COMFORTABLE = 0.8
"""Share of the device that a design may fill and still route without effort."""
_LINK_CELLS = 420
"""Logic cells set aside for UART and frames."""
_DEFAULT_CLOCK_HZ = 12_000_000
"""For a UART without a board: what most small boards carry."""
_BAUD = 1_000_000


@dataclass(frozen=True)
class Place:
    """What the design is built for. `clock_hz` is None where the fastest that routes is taken."""

    device: Device
    package: str
    board: Board | None
    top: str
    clock_hz: float | None
    baud: int


@dataclass(frozen=True)
class Choice:
    """A plan with its estimate, and that of the other fabric for comparison."""

    plan: Plan
    estimate: CellEstimate
    fmax_mhz: float
    reason: str
    other: tuple[str, int] | None


def resolve_place(options: BuildOptions) -> Place:
    """Return where `options` want the design.

    Raises
    ------
    UsageError
        If board and device, or board and clock, contradict each other.
    ConfigurationError
        If there is no such device or board.
    """
    if options.board is None:
        device, package = find_device(options.device or DEFAULT_DEVICE[options.target])
        top = options.top or "stream"
        clock = options.clock * 1e6 if options.clock else None
        if top == "uart" and clock is None:
            clock = _DEFAULT_CLOCK_HZ
        return Place(device, package, None, top, clock, _BAUD)
    board = load_board(options.board)
    device, package = find_device(f"{board.device}-{board.package}")
    if board.family != options.target:
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
    return Place(device, package, board, options.top or "uart", board.clock.hz, board.link.baud)


def choose_plan(model: QuantisedModel, options: BuildOptions, place: Place) -> Choice:
    """Return the plan that `options` ask for, or the better one for `auto`.

    ``latency`` takes the direct fabric; ``area`` the smaller; ``balanced`` and ``energy`` the
    direct one, which toggles far less, as long as it fills at most 80 % of the device.

    Raises
    ------
    ConfigurationError
        If options of one fabric are given for the other, or ask for more than the model has.
    """
    if options.fabric == "direct" and options.sites is not None:
        raise ConfigurationError("--sites needs --fabric tree: the direct fabric has no sites")
    if options.fabric == "tree" and options.stages is not None:
        raise ConfigurationError("--stages needs --fabric direct: the tree fabric has no stages")
    width = "full" if options.link_width == "full" else int(options.link_width)
    plans: dict[str, Plan] = {}
    if options.fabric in ("auto", "direct"):
        plans["direct"] = plan_direct(model, options.stages, options.optimise == "latency")
    if options.fabric in ("auto", "tree"):
        plans["tree"] = plan_tree(model, width, options.sites)
    sizes = {kind: estimate_plan(model, plan) for kind, plan in plans.items()}
    chosen, reason = _choose(sizes, options, place)
    other = next(((k, s.logic_cells) for k, s in sizes.items() if k != chosen), None)
    delays = place.device.delays
    period = delays.clock_to_q + delays.setup
    period += sizes[chosen].levels * (delays.lut + 0.5 * delays.route)
    return Choice(plans[chosen], sizes[chosen], 1000 / period, reason, other)


def _choose(sizes: dict[str, CellEstimate], options: BuildOptions, place: Place) -> tuple[str, str]:
    if options.fabric != "auto":
        return options.fabric, "asked for"
    if options.sites is not None:
        return "tree", "--sites was given"
    if options.stages is not None:
        return "direct", "--stages was given"
    if options.optimise == "latency":
        return "direct", "lowest latency"
    smaller = min(sizes, key=lambda kind: sizes[kind].logic_cells)
    if options.optimise == "area":
        return smaller, "fewest logic cells by estimate"
    room = place.device.capacity.logic_cells * _COMFORTABLE
    if place.top == "uart":
        room -= _LINK_CELLS
    if sizes["direct"].logic_cells <= room:
        return "direct", "fits, one inference a cycle, fewest toggles"
    return smaller, "the direct fabric would not fit"
