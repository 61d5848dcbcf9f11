"""Plans with engines: nodes in turn from the memories of a device."""

from typing import Literal

from locgen.boards import list_boards
from locgen.devices import Device, devices
from locgen.errors import ConfigurationError, DoesNotFit
from locgen.flow.build_target import BuildTarget
from locgen.flow.options import BuildOptions
from locgen.flow.planned import ChosenPlan
from locgen.ir import QuantisedModel
from locgen.plan import MemoryBudget, TreePlan, estimate_plan, plan_engines, with_ports
from locgen.top.kinds import FRAMED_TOPS

__all__ = ["check_memories", "choose_engines", "engines_elsewhere"]

_LINK_BLOCK_RAMS = 2
"""Set aside for the link's buffers."""
_EVIDENCE_BLOCK_RAMS = 2
"""The same for evidence on its way to the line."""
_ANY_BLOCK_RAMS = 1 << 12
"""Where there is no device to limit them."""


def check_memories(target: BuildTarget) -> None:
    """Refuse engines where there is nothing to keep or to load their models in."""
    reason = target.backend.no_memory
    if not reason and target.top == "pins":
        reason = "pins have no way to load their memories"
    if reason:
        raise DoesNotFit(
            f"--core engine does not fit: {reason}; take --core hardwired, or an FPGA with --top "
            "stream or uart"
        )


def choose_engines(
    model: QuantisedModel, options: BuildOptions, target: BuildTarget, reason: str
) -> ChosenPlan:
    """Return the plan with engines."""
    wide = with_ports(model)
    trees = all(node.walkable for node in model.nodes)
    remedy = "train fewer or smaller trees" if trees else "give fewer --feature-bits"
    try:
        plan = _engine_plan(wide, options, target.device, target.top, remedy)
    except DoesNotFit as error:
        # With `auto` the refusal is another one: it is made from the design in gates.
        way = engines_elsewhere(model, options, target) if options.core == "engine" else ""
        raise DoesNotFit(f"{error}{way and ', or take ' + way}") from error
    estimate = estimate_plan(wide, plan)
    return ChosenPlan(wide, plan, estimate, target.fmax_mhz(estimate.levels), reason, None)


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
    core: Literal["auto", "engine"] = "engine" if options.core == "engine" else "auto"
    width = options.link_bits
    return plan_engines(wide, width, options.sites, budget, core, options.explain, remedy)


def engines_elsewhere(model: QuantisedModel, options: BuildOptions, target: BuildTarget) -> str:
    """Return the option for the smallest device, or board, that holds all of `model` in engines.

    Empty if there is none, or if engines do not know such models.
    """
    try:
        wide = with_ports(model)
    except ConfigurationError:
        return ""
    if target.device is None:
        return ""
    whole = options.model_copy(update={"core": "engine"})
    family = [device for device in devices() if device.family == target.device.family]
    for device in sorted(family, key=lambda device: device.capacity.logic_cells):
        try:
            plan = _engine_plan(wide, whole, device, target.top)
        except (DoesNotFit, ConfigurationError):
            continue
        if estimate_plan(wide, plan).logic_cells > device.capacity.logic_cells:
            continue
        if target.board is None:
            return f"--device {device.name}"
        boots = any(shape.memory == "spram" for shape in plan.shapes)
        for board in list_boards():
            if board.device == device.name and (board.flash is not None or not boots):
                return f"--board {board.name}"
    return ""
