"""Whether the memories of nodes that compute in turn fit, before any tool runs."""

from locgen.devices import Device, devices
from locgen.errors import DoesNotFit
from locgen.flow.planned import PlannedDesign
from locgen.ir.integer.cost import BLOCK_BITS
from locgen.ir.integer.node import NodeBase
from locgen.passes.condense import condensed
from locgen.plan import DirectPlan

__all__ = ["blocks_of", "check_blocks"]


def check_blocks(design: PlannedDesign) -> None:
    """Refuse a model whose stored vectors, rows or weights are more than the device's block RAM.

    Raises
    ------
    DoesNotFit
        With the number of units that would fit, and the smallest device that holds all.
    """
    device, plan = design.target.device, design.plan
    if device is None or isinstance(plan, DirectPlan) or not design.options.pnr:
        return
    kinds: dict[str, list[NodeBase]] = {}
    for node in design.model.nodes:
        if node.kept.units:
            kinds.setdefault(node.kept.what, []).append(node)
    for nodes in kinds.values():
        _check_memories(design, nodes, device)


def _check_memories(design: PlannedDesign, nodes: list[NodeBase], device: Device) -> None:
    """Refuse nodes that keep the same kind of units, and more than the device's block RAM."""
    needed, available = sum(node.memory_blocks for node in nodes), blocks_of(device)
    kept = nodes[0].kept
    if needed <= kept.slack * available:
        return
    units = sum(node.kept.units for node in nodes)
    fewer = max(int(units * available / needed), 1)
    ways = [f"about {fewer} {kept.what} instead of {units}{kept.remedy.format(fewer=fewer)}"]
    if kept.condensable and design.loaded is not None and design.model.task == "classification":
        done = ((kind, condensed(design.loaded.model, kind)[1]) for kind in ("edited", "condensed"))
        fitting = (f"--condense {kind} ({c.after} rows)" for kind, c in done if c.after <= fewer)
        ways += [way for way in [next(fitting, None)] if way]
    family = [other for other in devices() if other.family == device.family]
    roomy = [other for other in family if blocks_of(other) >= needed]
    if roomy:
        ways.append(f"--device {min(roomy, key=lambda other: other.capacity.logic_cells).name}")
    else:
        ways.append("a family with more block RAM, such as --target ecp5")
    raise DoesNotFit(
        f"{design.model.name} keeps {units} {kept.what} in about {needed} block RAMs of 4 kbit, "
        f"{device.name} has {available}; would fit: {', or '.join(ways)}"
    )


def blocks_of(device: Device) -> int:
    """Return the device's block RAM in blocks of 4 kbit."""
    size = device.capacity
    return size.bram * size.bram_words * 32 // size.bram_blocks // BLOCK_BITS
