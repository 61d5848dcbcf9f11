"""What place and route leaves behind, read from the JSON that nextpnr writes."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from locgen.errors import DoesNotFit
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

# nextpnr's names of what a user can run short of, in the words of our messages.
_RESOURCES = {
    "ICESTORM_LC": "logic cells",
    "ICESTORM_RAM": "block RAMs",
    "ICESTORM_SPRAM": "SPRAMs",
    "ICESTORM_DSP": "DSPs",
    "SB_IO": "pins",
    "SB_GB": "global buffers",
    "ICESTORM_PLL": "PLLs",
}
_CORE = "core."  # the instance's prefix in flattened names
_SITE = re.compile(r"X(\d+)/Y(\d+)/\D*(\d*)")  # the site's name in nextpnr's JSON


class ResourceShortage(DoesNotFit):
    """The design needs more than the device has.

    `shortages` maps the resource, in words, to (used, available).
    """

    def __init__(self, message: str, shortages: Mapping[str, tuple[int, int]]):
        super().__init__(message)
        self.shortages = dict(shortages)


@dataclass(frozen=True)
class PlacedCell:
    """A packed cell and the tile (`x`, `y`) and slot `z` that it sits in."""

    name: str
    type: str
    x: int
    y: int
    z: int


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
    # The report names the buffered net: "clk$SB_IO_IN_$glb_clk".
    return {
        name.partition("$")[0] or name: float(entry["achieved"])
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


def shortages_of(report: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Return what the report's design needs more of than the device has: (used, available)."""
    return {
        words: (report["utilization"][name]["used"], report["utilization"][name]["available"])
        for name, words in _RESOURCES.items()
        if name in report["utilization"]
        and report["utilization"][name]["used"] > report["utilization"][name]["available"]
    }


def placement_of(written: Path) -> tuple[PlacedCell, ...]:
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
    placed = []
    for name, cell in module["cells"].items():
        site = _SITE.match(cell["attributes"].get("NEXTPNR_BEL", ""))
        if site is None:
            continue
        driven = (
            bit
            for port, bits in cell["connections"].items()
            for bit in bits
            if cell["port_directions"][port] == "output"
        )
        prefix = _CORE if name.startswith("$nextpnr") and not core_bits.isdisjoint(driven) else ""
        x, y, z = (int(number or 0) for number in site.groups())
        placed.append(PlacedCell(prefix + name, cell["type"], x, y, z))
    return tuple(sorted(placed, key=lambda cell: cell.name))


def cells_outside_core(cells: tuple[PlacedCell, ...]) -> int:
    """Count the packed logic cells that are not the core's."""
    return sum(cell.type == "ICESTORM_LC" and not cell.name.startswith(_CORE) for cell in cells)


def write_placement(cells: tuple[PlacedCell, ...], path: Path) -> None:
    """Write cells as a JSON list of ``[name, type, x, y, z]``."""
    rows = [json.dumps([cell.name, cell.type, cell.x, cell.y, cell.z]) for cell in cells]
    path.write_text("[\n" + ",\n".join(rows) + "\n]\n")


def read_placement(path: Path) -> tuple[PlacedCell, ...]:
    """Read what `write_placement` wrote."""
    return tuple(PlacedCell(*row) for row in json.loads(path.read_text()))
