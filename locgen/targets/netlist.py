"""What synthesis and packing leave behind: netlist files, and counts of what they hold.

Counts come from Yosys's JSON and nextpnr's report, never from a log.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from locgen.targets.family import CellNames

__all__ = ["Attempt", "Netlist", "Port", "Utilisation", "lut_names", "read_netlist", "utilisation"]


@dataclass(frozen=True)
class Utilisation:
    """Resources used; a count that does not apply or is not known is None.

    `lut`, `ff` and `carry` count netlist cells; `bram`, `spram` and `dsp` blocks, whose size is the
    device's; `logic_cells` the packed cells, each of which holds up to one LUT4, carry bit and
    flip-flop: the figure that comparisons use.
    """

    lut: int | None = None
    ff: int | None = None
    carry: int | None = None
    bram: int | None = None
    spram: int | None = None
    dsp: int | None = None
    logic_cells: int | None = None
    logic_cells_available: int | None = None

    def as_dict(self) -> dict[str, int | None]:
        """Return the counts under the keys that `report.json` uses."""
        return asdict(self)


@dataclass(frozen=True)
class Port:
    """A port of a netlist's top module."""

    name: str
    direction: Literal["input", "output", "inout"]
    width: int


@dataclass(frozen=True)
class Attempt:
    """One way in which a netlist was synthesised.

    Members
    -------
    recipe : its name
    size : what it came to (packed logic cells, LUT6 or square micrometres), None if it was not
        compared with any other
    kept : whether this netlist is its result
    """

    recipe: str
    size: float | None
    kept: bool


@dataclass(frozen=True)
class Netlist:
    """A module mapped to the cells of a device, and where its files lie.

    Parameters
    ----------
    top : str
        Module name.
    json : Path
        Yosys JSON, which place and route reads.
    verilog : Path
        The same cells as Verilog, which simulators and provers read.
    rtlil : Path
        The same once more in Yosys's own form, for linking into a larger design.
    cells : mapping of str to int
        How many cells of each type.
    ports : tuple of Port
        The module's ports, sorted by name.
    attempts : tuple of Attempt
        What was tried to make it, one of them kept; none where there was nothing to choose.
    """

    top: str
    json: Path
    verilog: Path
    rtlil: Path
    cells: Mapping[str, int]
    ports: tuple[Port, ...]
    attempts: tuple[Attempt, ...] = ()

    def moved(self, old: Path, new: Path) -> "Netlist":
        """Return the same with its files below `new`, where those below `old` went."""
        names = ("json", "verilog", "rtlil")
        return replace(self, **{n: new / getattr(self, n).relative_to(old) for n in names})


def read_netlist(folder: Path, top: str, attempts: tuple[Attempt, ...] = ()) -> Netlist:
    """Return the netlist of module `top` that synthesis wrote into `folder` after `attempts`."""
    path = folder / f"{top}.json"
    module = json.loads(path.read_text())["modules"][top]
    ports = (
        Port(name, port["direction"], len(port["bits"]))
        for name, port in sorted(module["ports"].items())
    )
    return Netlist(
        top=top,
        json=path,
        verilog=folder / f"{top}_netlist.v",
        rtlil=folder / f"{top}_netlist.il",
        cells=_cells_by_type(module),
        ports=tuple(ports),
        attempts=attempts,
    )


def _cells_by_type(module: Mapping[str, Any]) -> dict[str, int]:
    counts = Counter(cell["type"] for cell in module["cells"].values())
    # `$scopeinfo` remembers the hierarchy; it is no hardware.
    return {kind: counts[kind] for kind in sorted(counts) if kind != "$scopeinfo"}


def utilisation(
    cells: Mapping[str, int],
    names: CellNames,
    logic_cells: int | None,
    logic_cells_available: int | None,
) -> Utilisation:
    """Sum the types in `cells` by what `names` says they are; join them with the packed count."""

    def count(prefixes: tuple[str, ...]) -> int | None:
        if not prefixes:
            return None
        return sum(number for kind, number in cells.items() if kind.startswith(prefixes))

    return Utilisation(
        lut=count(names.lut),
        ff=count(names.ff),
        carry=count(names.carry),
        bram=count(names.bram),
        spram=count(names.spram),
        dsp=count(names.dsp),
        logic_cells=logic_cells,
        logic_cells_available=logic_cells_available,
    )


def lut_names(netlist: Netlist) -> list[str]:
    """Return the names of all LUT cells, whatever the family calls them, sorted."""
    module = json.loads(netlist.json.read_text())["modules"][netlist.top]
    kinds = ((name, cell["type"]) for name, cell in module["cells"].items())
    return sorted(name for name, kind in kinds if kind.removeprefix("SB_").startswith("LUT"))
