"""Cell areas of a netlist of standard cells, whole and by part of the design."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from locgen.errors import ConfigurationError
from locgen.targets.asic.expressions import truth_table
from locgen.targets.asic.liberty import Library
from locgen.targets.netlist import Netlist

__all__ = ["CellArea", "area_of", "nand2_area"]


@dataclass(frozen=True)
class CellArea:
    """Area of the cells of a netlist.

    Members
    -------
    um2 : area of all cells in square micrometres, without wires, clock tree, taps and fill
    gate_equivalents : the same in areas of the library's smallest two-input NAND
    flip_flop_share : share of the area that flip-flops and latches take
    cells, flip_flops : how many
    by_module : area in square micrometres of each part of the design
    """

    um2: float
    gate_equivalents: float
    flip_flop_share: float
    cells: int
    flip_flops: int
    by_module: Mapping[str, float]


def nand2_area(library: Library) -> float:
    """Return the area of the smallest two-input NAND gate, the unit of gate equivalents.

    Raises
    ------
    ConfigurationError
        If the library has none.
    """
    areas = [
        cell.area
        for cell in library.plain_cells
        if cell.state is None
        and len(cell.inputs) == 2
        and len(cell.outputs) == 1
        and truth_table(next(iter(cell.outputs.values())), tuple(cell.inputs)) == 0b0111
    ]
    if not areas or min(areas) <= 0:
        raise ConfigurationError(f"{library.path} holds no NAND gate of two inputs: give another")
    return min(areas)


def area_of(netlist: Netlist, library: Library, module_of: Mapping[str, str]) -> CellArea:
    """Return the area of the cells of `netlist`.

    Parameters
    ----------
    netlist : the mapped design
    library : its cells
    module_of : the part of the design that each cell belongs to, by its name
    """
    kinds = json.loads(netlist.json.read_text())["modules"][netlist.top]["cells"]
    by_module: defaultdict[str, float] = defaultdict(float)
    areas: list[float] = []
    stored: list[float] = []
    for name in sorted(kinds):
        kind = kinds[name]["type"]
        if kind == "$scopeinfo":
            continue
        cell = library.cell(kind)
        by_module[module_of[name]] += cell.area
        areas.append(cell.area)
        if cell.state is not None:
            stored.append(cell.area)
    total = sum(areas)
    return CellArea(
        um2=total,
        gate_equivalents=total / nand2_area(library),
        flip_flop_share=sum(stored) / total if total else 0.0,
        cells=len(areas),
        flip_flops=len(stored),
        by_module=dict(sorted(by_module.items(), key=lambda item: (-item[1], item[0]))),
    )
