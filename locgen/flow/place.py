"""Resolves target, device and board options, and chooses the fabric."""

import math
from dataclasses import dataclass

from locgen.boards import Board, list_boards, load_board
from locgen.devices import DEFAULT_DEVICE, Device, devices, find_device
from locgen.errors import ConfigurationError, DoesNotFit, UsageError
from locgen.flow.options import BuildOptions
from locgen.ir import Median, QuantisedModel, TreeNode
from locgen.plan import (
    CellEstimate,
    DirectPlan,
    MemoryBudget,
    Plan,
    TreePlan,
    estimate_plan,
    plan_direct,
    plan_engines,
    plan_tree,
    with_ports,
)
from locgen.targets.registry import find_target
from locgen.top.kinds import FRAMED_TOPS
from locgen.top.spi import CLOCKS_PER_SPI_BIT
from locgen.top.uart import clocks_per_bit

__all__ = ["LINK_CELLS", "Choice", "Place", "choose_plan", "engines_elsewhere", "resolve_place"]

_COMFORTABLE = 0.8
"""Share of the device that a design may fill and still route without effort."""
LINK_CELLS = 420
"""Logic cells set aside for UART and frames."""
_EVIDENCE_CELLS = 60
"""The same for evidence on its way to the line, beside block RAM."""
_DEFAULT_TARGET = "ice40"
_DEFAULT_CLOCK_HZ = 12_000_000
"""For a link or pins without a board: what most small boards carry."""
_BAUD = 1_000_000
_LINK_BLOCK_RAMS = 2
"""Set aside for the link's buffers."""
_ANY_BLOCK_RAMS = 1 << 12
"""Where there is no device to limit them."""
_EVIDENCE_BLOCK_RAMS = 2
"""The same for evidence on its way to the line."""


@dataclass(frozen=True)
class Place:
    """What the design is built for.

    `target` is a key of `registry.TARGETS`. `device` and `package` are None for a target without
    devices, `clock_hz` where the fastest that routes is taken.
    """

    target: str
    device: Device | None
    package: str | None
    board: Board | None
    top: str
    clock_hz: float | None
    baud: int

    @property
    def logic_cells(self) -> float:
        """Logic cells that there are, infinite where nothing limits them."""
        return math.inf if self.device is None else self.device.capacity.logic_cells


@dataclass(frozen=True)
class Choice:
    """A plan with its estimate, and that of the other fabric for comparison.

    `fmax_mhz` is None without a device. `model` is the model that the plan is for: with engines its
    ports are wider, see `plan.with_ports`.
    """

    model: QuantisedModel
    plan: Plan
    estimate: CellEstimate
    fmax_mhz: float | None
    reason: str
    other: tuple[str, int] | None


def resolve_place(options: BuildOptions, board: Board | None = None) -> Place:
    """Return where `options` want the design; `board` stands for the one that they name.

    Raises
    ------
    UsageError
        If board and device, or board and clock, contradict each other.
    ConfigurationError
        If there is no such device or board.
    """
    if options.board is None and board is None:
        return _place_without_board(options)
    if options.top == "pins":
        raise UsageError("a board is reached over its serial link: leave --board or --top pins out")
    board = board or load_board(options.board)
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
    return Place(board.family, device, package, board, top, board.clock.hz, board.link.baud)


def _place_without_board(options: BuildOptions) -> Place:
    """Return the place that target and device name, or what is usual."""
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
    clock = options.clock * 1e6 if options.clock else None
    if top != "stream":
        clock = clock or _DEFAULT_CLOCK_HZ
    if top == "uart":
        try:
            clocks_per_bit(clock, _BAUD)
        except ValueError as error:
            raise ConfigurationError(f"--clock is too slow for the link: {error}") from error
    if top == "spi":
        clock = clock or _DEFAULT_CLOCK_HZ
        baud = int(clock) // CLOCKS_PER_SPI_BIT
        return Place(target.name, device, package, None, top, clock, baud)
    return Place(target.name, device, package, None, top, clock, _BAUD)


def choose_plan(model: QuantisedModel, options: BuildOptions, place: Place) -> Choice:
    """Return the plan that `options` ask for, or the better one for `auto`.

    ``latency`` takes the direct fabric; ``area`` the smaller; ``balanced`` and ``energy`` the
    direct one, which toggles far less, as long as it fills at most 80 % of the device. Engines are
    taken where the device cannot hold all nodes in gates, and gates are saved by them.

    Raises
    ------
    ConfigurationError
        If options of one fabric are given for the other, or ask for more than the model has.
    DoesNotFit
        If engines were asked for and the device's memories are too small.
    """
    if options.fabric == "direct" and options.sites is not None:
        raise ConfigurationError("--sites needs --fabric tree: the direct fabric has no sites")
    if options.fabric == "tree" and options.stages is not None:
        raise ConfigurationError("--stages needs --fabric direct: the tree fabric has no stages")
    if model.answer == "decision":
        _check_decision_alone(options, place)
    if isinstance(model.decision, Median) and (
        options.fabric == "tree" or options.sites is not None or options.core == "engine"
    ):
        raise ConfigurationError(
            "a weighted median compares all trees at once: leave --fabric tree, --sites and --core "
            "engine out"
        )
    beside = model.answer == "decision" or isinstance(model.decision, Median)
    if place.top == "pins" and options.explain:
        raise ConfigurationError(
            "--top pins gives decision and scores alone: for --explain take --top stream or uart"
        )
    if options.core == "engine":
        _check_memories(place)
        if options.fabric == "direct" or options.stages is not None:
            raise ConfigurationError(
                "--core engine needs --fabric tree and no --stages: engines are sites of a network"
            )
        return _with_engines(model, options, place, "asked for")
    width = _link_width(options)
    plans: dict[str, Plan] = {}
    if options.fabric in ("auto", "direct"):
        plans["direct"] = _direct_plan(model, options, place)
    if options.fabric in ("auto", "tree") and not beside:
        plans["tree"] = plan_tree(model, width, options.sites, options.explain)
    sizes = {kind: estimate_plan(model, plan) for kind, plan in plans.items()}
    chosen, reason = _choose(sizes, options, place)
    other = next(((k, s.logic_cells) for k, s in sizes.items() if k != chosen), None)
    free = (
        options.core == "auto"
        and not beside
        and place.top != "pins"
        and options.fabric != "direct"
        and options.stages is None
    )
    if free and sizes[chosen].logic_cells > _room(options, place, 1.0):
        try:
            engines = _with_engines(model, options, place, "too large for gates")
        except (DoesNotFit, ConfigurationError):
            pass  # the refusal that follows says what would fit
        else:
            # An engine has a size of its own, and few memories hold few trees.
            if engines.estimate.logic_cells < sizes[chosen].logic_cells:
                return engines
    return Choice(model, plans[chosen], sizes[chosen], _fmax(place, sizes[chosen]), reason, other)


def _direct_plan(model: QuantisedModel, options: BuildOptions, place: Place) -> DirectPlan:
    """Return the direct plan, with ``--stages auto`` of enough stages for the clock.

    Where the estimate falls short of it: the fewest more that meet it, or else the fastest.
    """
    fast = options.optimise == "latency"
    plan = plan_direct(model, options.stages, fast, options.explain)
    if options.stages is not None or place.clock_hz is None or place.device is None:
        return plan
    reached: dict[float, DirectPlan] = {}
    for stages in range(plan.latency_cycles, len(plan.registers) + 1):
        longer = plan_direct(model, stages, fast, options.explain)
        fmax = _fmax(place, estimate_plan(model, longer))
        if fmax * 1e6 >= place.clock_hz:
            return longer
        reached.setdefault(fmax, longer)
    return reached[max(reached)]


def _check_memories(place: Place) -> None:
    """Refuse engines where there is nothing to keep or to load their models in."""
    reason = find_target(place.target).no_memory
    if not reason and place.top == "pins":
        reason = "pins have no way to load their memories"
    if reason:
        raise DoesNotFit(
            f"--core engine does not fit: {reason}; take --core hardwired, or an FPGA with --top "
            "stream or uart"
        )


def _check_decision_alone(options: BuildOptions, place: Place) -> None:
    """Refuse what needs scores at the ports.

    Raises
    ------
    ConfigurationError
        For the tree fabric, engines, evidence and the serial link.
    """
    asked = (
        (options.fabric == "tree" or options.sites is not None, "--fabric tree or --sites"),
        (options.core == "engine", "--core engine"),
        (options.explain, "--explain"),
        (
            place.top not in ("stream", "pins"),
            "a link or bus: add --top stream, or leave --board out",
        ),
    )
    for given, what in asked:
        if given:
            raise ConfigurationError(
                f"--answer decision is for the direct fabric with plain ports, not with {what}"
            )


def _link_width(options: BuildOptions) -> int | str:
    return "full" if options.link_width == "full" else int(options.link_width)


def _fmax(place: Place, estimate: CellEstimate) -> float | None:
    """Return MHz by estimate."""
    if place.device is None:
        return None
    delays = place.device.delays
    period = delays.clock_to_q + delays.setup
    return 1000 / (period + estimate.levels * (delays.lut + 0.5 * delays.route))


def _with_engines(
    model: QuantisedModel, options: BuildOptions, place: Place, reason: str
) -> Choice:
    """Return the plan with engines."""
    wide = with_ports(model)
    trees = all(isinstance(node, TreeNode) for node in model.nodes)
    remedy = "train fewer or smaller trees" if trees else "give fewer --feature-bits"
    try:
        plan = _engine_plan(wide, options, place.device, place.top, remedy)
    except DoesNotFit as error:
        # With `auto` the refusal is another one: it is made from the design in gates.
        way = engines_elsewhere(model, options, place) if options.core == "engine" else ""
        raise DoesNotFit(f"{error}{way and ', or take ' + way}") from error
    estimate = estimate_plan(wide, plan)
    return Choice(wide, plan, estimate, _fmax(place, estimate), reason, None)


def _engine_plan(
    wide: QuantisedModel, options: BuildOptions, device: Device | None, top: str, remedy: str = ""
) -> TreePlan:
    """Return the plan with the memories of `device`, or with as much block RAM as it takes."""
    reserve = 0
    if top in FRAMED_TOPS:
        reserve = _LINK_BLOCK_RAMS + (_EVIDENCE_BLOCK_RAMS if options.explain else 0)
    budget = MemoryBudget(_ANY_BLOCK_RAMS, 0)
    if device is not None:
        capacity = device.capacity
        blocks = max(capacity.bram - reserve, 0)
        budget = MemoryBudget(blocks, capacity.spram, capacity.bram_words, capacity.bram_blocks)
    core = "engine" if options.core == "engine" else "auto"
    width = _link_width(options)
    return plan_engines(wide, width, options.sites, budget, core, options.explain, remedy)


def engines_elsewhere(model: QuantisedModel, options: BuildOptions, place: Place) -> str:
    """Return the option for the smallest device, or board, that holds all of `model` in engines.

    Empty if there is none, or if engines do not know such models.
    """
    try:
        wide = with_ports(model)
    except ConfigurationError:
        return ""
    if place.device is None:
        return ""
    whole = options.model_copy(update={"core": "engine"})
    family = [device for device in devices() if device.family == place.device.family]
    for device in sorted(family, key=lambda device: device.capacity.logic_cells):
        try:
            plan = _engine_plan(wide, whole, device, place.top)
        except (DoesNotFit, ConfigurationError):
            continue
        if estimate_plan(wide, plan).logic_cells > device.capacity.logic_cells:
            continue
        if place.board is None:
            return f"--device {device.name}"
        boots = any(shape.memory == "spram" for shape in plan.shapes)
        for board in list_boards():
            if board.device == device.name and (board.flash is not None or not boots):
                return f"--board {board.name}"
    return ""


def _room(options: BuildOptions, place: Place, share: float) -> float:
    """Return a core's logic cells so that the design fills `share` of the device."""
    room = place.logic_cells * share
    if place.top in FRAMED_TOPS:
        room -= LINK_CELLS + (_EVIDENCE_CELLS if options.explain else 0)
    return room


def _choose(sizes: dict[str, CellEstimate], options: BuildOptions, place: Place) -> tuple[str, str]:
    if options.fabric != "auto":
        return options.fabric, "asked for"
    if "tree" not in sizes:
        return "direct", "its answer needs all scores side by side"
    if options.sites is not None:
        return "tree", "--sites was given"
    if options.stages is not None:
        return "direct", "--stages was given"
    if options.explain:
        return "tree", "--explain was given: its network gathers evidence"
    if options.optimise == "latency":
        return "direct", "lowest latency"
    smaller = min(sizes, key=lambda kind: sizes[kind].logic_cells)
    if options.optimise == "area":
        return smaller, "fewest logic cells by estimate"
    if sizes["direct"].logic_cells <= _room(options, place, _COMFORTABLE):
        return "direct", "fits, one inference a cycle, fewest toggles"
    return smaller, "the direct fabric would not fit"
