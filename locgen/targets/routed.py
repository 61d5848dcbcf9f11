"""Results of place and route, from the JSON that nextpnr writes."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from locgen.errors import DoesNotFit
from locgen.targets.family import LOGIC, Family
from locgen.targets.netlist import Utilisation

__all__ = [
    "PathStep",
    "PlacedCell",
    "ResourceShortage",
    "Routed",
    "cells_outside_core",
    "clocks_of",
    "critical_path_of",
    "placement_of",
    "read_placement",
    "shortages_of",
    "write_placement",
]

_CORE = "core."  # the instance's prefix in flattened names


class ResourceShortage(DoesNotFit):
    """The design needs more than the device has.

    `shortages` maps the resource, in words, to (used, available).
    """

    def __init__(self, message: str, shortages: Mapping[str, tuple[int, int]]) -> None:
        super().__init__(message)
        self.shortages = dict(shortages)


@dataclass(frozen=True)
class PlacedCell:
    """A packed cell, its `resource` in words, and its tile (`x`, `y`) and slot `z`."""

    name: str
    resource: str
    x: int
    y: int
    z: int

    @property
    def is_logic(self) -> bool:
        """Whether it is a logic cell, the unit of the figures."""
        return self.resource == LOGIC


@dataclass(frozen=True)
class PathStep:
    """One step of the critical path: `kind` as nextpnr says, the cell reached, its net, its ns."""

    kind: str
    cell: str
    net: str
    delay_ns: float


@dataclass(frozen=True)
class Routed:
    """A routed design.

    Parameters
    ----------
    bitstream : Path
        What the programmer takes.
    fmax_mhz : float
        Of the slowest clock.
    clocks_mhz : mapping of str to float
        Fmax of every clock by name.
    critical_path_ns : float
        One period at `fmax_mhz`.
    critical_path : tuple of PathStep
        Where that time goes.
    utilisation : Utilisation
        Of the whole design, packed.
    cells : tuple of PlacedCell
        The floor plan, sorted by name; names start with ``core.`` inside the core.
    grid : tuple of int
        Columns and rows of the device's tiles.
    wrapper_logic_cells : int
        Packed logic cells outside the core.
    seed : int
        The placer's.
    """

    bitstream: Path
    fmax_mhz: float
    clocks_mhz: Mapping[str, float]
    critical_path_ns: float
    critical_path: tuple[PathStep, ...]
    utilisation: Utilisation
    cells: tuple[PlacedCell, ...]
    grid: tuple[int, int]
    wrapper_logic_cells: int
    seed: int


def clocks_of(report: Mapping[str, Any]) -> dict[str, float]:
    """Return the Fmax in MHz of every clock in nextpnr's report, by the net's own name."""
    # The report names the buffered net: "clk$SB_IO_IN_$glb_clk", "$glbnet$clk$TRELLIS_IO_IN", or
    # the core's alias of it, "core.clk".
    return {
        name.removeprefix("$glbnet$").removeprefix(_CORE).partition("$")[0] or name: float(
            entry["achieved"]
        )
        for name, entry in sorted(report["fmax"].items())
    }


def critical_path_of(report: Mapping[str, Any]) -> tuple[PathStep, ...]:
    """Return the slowest path between registers in nextpnr's report, or nothing."""
    paths = [
        path["path"]
        for path in report["critical_paths"]
        if path["from"].startswith(("posedge", "negedge")) and path["from"] == path["to"]
    ]
    if not paths:
        return ()
    slowest = max(paths, key=lambda path: sum(step["delay"] for step in path))
    return tuple(
        PathStep(step["type"], step["to"]["cell"], step.get("net", ""), round(step["delay"], 3))
        for step in slowest
    )


def shortages_of(report: Mapping[str, Any], family: Family) -> dict[str, tuple[int, int]]:
    """Return what the report's design needs more of than the device has: (used, available)."""
    counts = report["utilization"]
    return {
        f"{words}s": (counts[name]["used"], counts[name]["available"])
        for name, words in family.kinds.items()
        if name in counts and counts[name]["used"] > counts[name]["available"]
    }


def placement_of(written: Path, family: Family) -> tuple[PlacedCell, ...]:
    """Return the placed cells in the netlist that nextpnr wrote, sorted by name.

    A cell that packing added, such as the entry or exit of a carry chain, has no name of the
    design's; it is put inside the core if what it drives is.
    """
    (module,) = json.loads(written.read_text())["modules"].values()
    named = [net["bits"] for name, net in module["netnames"].items() if name.startswith(_CORE)]
    for name, cell in module["cells"].items():
        if name.startswith(_CORE):
            named += cell["connections"].values()
    core_bits = {bit for bits in named for bit in bits}
    expression = re.compile(family.site)
    placed = []
    for name, cell in module["cells"].items():
        site = expression.match(cell["attributes"].get("NEXTPNR_BEL", ""))
        if site is None:
            continue
        driven = (
            bit
            for port, bits in cell["connections"].items()
            for bit in bits
            if cell["port_directions"][port] == "output"
        )
        added = name.startswith("$nextpnr") and not core_bits.isdisjoint(driven)
        x, y, z = (int(site[axis] or 0) for axis in "xyz")
        z += 2 * (ord(site.groupdict().get("slice") or "A") - ord("A"))
        resource = family.kinds.get(cell["type"], cell["type"])
        placed.append(PlacedCell((_CORE if added else "") + name, resource, x, y, z))
    return tuple(sorted(placed, key=lambda cell: cell.name))


def cells_outside_core(cells: tuple[PlacedCell, ...]) -> int:
    """Count the packed logic cells that are not the core's."""
    return sum(cell.is_logic and not cell.name.startswith(_CORE) for cell in cells)


def write_placement(cells: tuple[PlacedCell, ...], path: Path) -> None:
    """Write cells as a JSON list of ``[name, resource, x, y, z]``."""
    rows = [json.dumps([cell.name, cell.resource, cell.x, cell.y, cell.z]) for cell in cells]
    path.write_text("[\n" + ",\n".join(rows) + "\n]\n")


def read_placement(path: Path) -> tuple[PlacedCell, ...]:
    """Read what `write_placement` wrote."""
    return tuple(PlacedCell(*row) for row in json.loads(path.read_text()))
