"""What would make a design fit that does not."""

from locgen.boards import list_boards
from locgen.devices import devices
from locgen.flow.engine_choice import engines_elsewhere
from locgen.flow.planned import PlannedDesign
from locgen.passes import prepare
from locgen.plan import DirectPlan, estimate_plan, plan_direct, plan_tree

__all__ = ["advice"]

_ROUTABLE = 0.9
"""Share of a device that can be counted on when a change is suggested."""


def advice(design: PlannedDesign, used: int, available: int, source: str = "") -> str:
    """Return one line: by how much the design is too large, and which changes would fit.

    `source` says where `used` comes from if it was not counted.
    """
    target, model, plan = design.target, design.model, design.plan
    ways = []
    trees = sum(node.shape.leaves > 0 for node in model.nodes)
    fewer = int(trees * available * _ROUTABLE / used)
    if fewer >= 1 and trees > 1:
        ways.append(f"about {fewer} trees instead of {trees}")
    depth = max(node.shape.depth for node in model.nodes)
    halvings, size = 0, float(used)
    while size > available * _ROUTABLE and depth - halvings > 1:
        halvings, size = halvings + 1, size / 1.8
    if halvings and size <= available * _ROUTABLE:
        ways.append(f"depth {depth - halvings} instead of {depth}")
    error = used / max(design.estimate.logic_cells, 1)
    if isinstance(plan, DirectPlan):
        model, option = prepare(model, "tree"), "--fabric tree"
        other = estimate_plan(model, plan_tree(model, 1, None))
    else:
        model, option = prepare(model, "direct"), "--fabric direct"
        other = estimate_plan(model, plan_direct(model, None, False))
    if other.logic_cells * max(error, 1) <= available * _ROUTABLE:
        ways.append(option)
    ways += _larger(design, used)
    options = design.options
    if options.core == "auto" and options.fabric != "direct" and options.stages is None:
        elsewhere = engines_elsewhere(design.quantisation.model, options, target)
        ways += [f"{elsewhere} (its engines' memories)"] if elsewhere else []
    where = target.part[0].name if target.board is None else target.board.name
    remedy = "; would fit: " + ", or ".join(ways) if ways else "; train a much smaller model"
    return (
        f"{model.name} needs {used} logic cells{source and ' ' + source}, {where} has {available} "
        f"({used - available} too few){remedy}"
    )


def _larger(design: PlannedDesign, used: int) -> list[str]:
    """Return the smallest device (for a board build: the first board) that would hold it."""
    target = design.target
    family = target.part[0].family
    roomy = {
        device.name: device.capacity.logic_cells
        for device in devices()
        if device.family == family and device.capacity.logic_cells * _ROUTABLE >= used
    }
    if target.board is not None:
        boards = [board for board in list_boards() if board.device in roomy]
        best = min(boards, key=lambda b: (roomy[b.device], b.name), default=None)
        return [] if best is None else [f"--board {best.name} ({roomy[best.device]} cells)"]
    device = min(roomy, key=lambda name: (roomy[name], name), default=None)
    return [] if device is None else [f"--device {device} ({roomy[device]} cells)"]
