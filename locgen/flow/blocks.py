"""Whether the memories of nodes that compute in turn fit, before any tool runs."""

from locgen.devices import Device, devices
from locgen.errors import DoesNotFit
from locgen.flow.planned import PlannedDesign
from locgen.ir import LayeredNode, NeighboursNode
from locgen.ir.integer.layercost import BLOCK_BITS, memory_blocks
from locgen.quantise import condense

__all__ = ["blocks_of", "check_blocks"]

_HOPELESS = 1.5
"""By how much more than the device has an estimate is refused: small memories become gates."""


def check_blocks(design: PlannedDesign) -> None:
    """Refuse a model whose stored vectors, rows or weights are more than the device's block RAM.

    Raises
    ------
    DoesNotFit
        With the number of units that would fit, and the smallest device that holds all.
    """
    device, plan = design.target.device, design.plan
    nodes = [node for node in design.model.nodes if isinstance(node, LayeredNode)]
    if device is None or plan.kind != "tree" or not design.options.pnr:
        return
    _check_stored(design, device)
    if not nodes:
        return
    needed, available = sum(map(memory_blocks, nodes)), blocks_of(device)
    if needed <= _HOPELESS * available:
        return
    units = sum(layer.units for node in nodes for layer in node.layers)
    fewer = max(int(units * available / needed), 1)
    what = "stored vectors" if nodes[0].kind == "kernel" else "hidden units"
    ways = [f"about {fewer} {what} instead of {units}"]
    if nodes[0].kind == "kernel":
        ways[0] += f" (Nystroem(n_components={fewer}) and a linear model, or a smaller nu or C)"
    family = [other for other in devices() if other.family == device.family]
    roomy = [other for other in family if blocks_of(other) >= needed]
    if roomy:
        ways.append(f"--device {min(roomy, key=lambda other: other.capacity.logic_cells).name}")
    else:
        ways.append("a family with more block RAM, such as --target ecp5")
    raise DoesNotFit(
        f"{design.model.name} keeps {units} {what} in about {needed} block RAMs of 4 kbit, "
        f"{device.name} has {available}; would fit: {', or '.join(ways)}"
    )


def _check_stored(design: PlannedDesign, device: Device) -> None:
    """Refuse nearest neighbours whose rows are more than the device's block RAM."""
    nodes = [node for node in design.model.nodes if isinstance(node, NeighboursNode)]
    needed, available = sum(map(memory_blocks, nodes)), blocks_of(device)
    if needed <= available:
        return
    rows = sum(len(node.stored) for node in nodes)
    room = int(rows * available / needed)
    ways = [f"about {room} rows instead of {rows}"]
    for kind in ("edited", "condensed"):
        if design.loaded is None or design.model.task != "classification":
            break
        _, done = condense(design.loaded.model, kind)
        if done.after <= room:
            ways.append(f"--condense {kind} ({done.after} rows)")
            break
    roomy = [d for d in devices() if d.family == device.family and blocks_of(d) >= needed]
    if roomy:
        ways.append(f"--device {min(roomy, key=lambda other: other.capacity.logic_cells).name}")
    raise DoesNotFit(
        f"{design.model.name} stores {rows} rows in about {needed} block RAMs of 4 kbit, "
        f"{device.name} has {available}; would fit: {', or '.join(ways)}"
    )


def blocks_of(device: Device) -> int:
    """Return the device's block RAM in blocks of 4 kbit."""
    size = device.capacity
    return size.bram * size.bram_words * 32 // size.bram_blocks // BLOCK_BITS
