"""What the benchmarks share: cells of an Amaranth component, and tables.

Cells are counted as locgen counts a core: synthesised flat and alone by `synthesise_core` at the
default effort, then packed by nextpnr without placing. Counts are the same on every iCE40 and on
every machine with the same tools.
"""

import argparse
import json
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from amaranth.lib import wiring

from locgen.devices import DEFAULT_DEVICE, find_device
from locgen.targets.families import FAMILIES
from locgen.targets.netlist import Utilisation
from locgen.targets.packing import pack_core
from locgen.targets.synthesis import synthesise_core
from locgen.targets.toolchain import find_tool
from locgen.top.emit import emit_rtlil

__all__ = [
    "RESULTS",
    "cells_by_module",
    "count_cells",
    "markdown",
    "out_argument",
    "tools_used",
    "write_result",
]

RESULTS = Path(__file__).parent / "results"
"""Where the committed results lie."""


def count_cells(
    component: wiring.Component, *, by_module: bool = False, family: str = "ice40"
) -> tuple[Utilisation, dict[str, int]]:
    """Return what `component` takes, and its LUT4 and lone flip-flops by module on request.

    Parameters
    ----------
    component : built with a synchronous reset, as locgen builds a core; its ports become I/O, so
        nothing in it can be optimised away that a port can see
    by_module : also sort the cells by the first part of their name; of iCE40 alone
    family : whose cells
    """
    device, _ = find_device("hx8k" if family == "ice40" else DEFAULT_DEVICE[family])
    with tempfile.TemporaryDirectory(prefix="locgen-benchmark-") as folder:
        work = Path(folder)
        netlist = synthesise_core(
            emit_rtlil(component, "core", reset=True), work, family=FAMILIES[family]
        )
        usage = pack_core(netlist, device)
        modules = cells_by_module(netlist.json) if by_module else {}
    return usage, modules


def cells_by_module(path: Path) -> dict[str, int]:
    """Return logic cells by submodule of module ``core`` in Yosys's JSON at `path`.

    Synthesis names a cell after a net that it drives or reads, and flattening keeps the submodule
    in that name; cells without one are filed under ``top``. A flip-flop fed by a LUT that feeds
    nothing else shares the LUT's logic cell, which then counts where the flip-flop is.
    """
    cells = json.loads(path.read_text())["modules"]["core"]["cells"]
    readers: dict[object, int] = {}
    flops: dict[object, str] = {}
    for name, cell in cells.items():
        for port, bits in cell["connections"].items():
            if cell["port_directions"][port] == "input":
                for bit in bits:
                    readers[bit] = readers.get(bit, 0) + 1
        if cell["type"].startswith("SB_DFF"):
            flops[cell["connections"]["D"][0]] = name
    counts: dict[str, int] = {}
    for name, cell in cells.items():
        if cell["type"] == "SB_LUT4":
            bit = cell["connections"]["O"][0]
            if readers.get(bit) == 1 and bit in flops:
                continue
        elif not cell["type"].startswith("SB_DFF"):
            continue
        head, dot, _ = name.lstrip("\\").partition(".")
        key = re.sub(r"_\d+$", "", head) if dot else "top"
        counts[key] = counts.get(key, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def tools_used(family: str = "ice40") -> str:
    """Return the versions of Yosys and nextpnr, for the foot of a table."""
    tools = ("yosys", FAMILIES[family].placer)
    return ", ".join(find_tool(name).identity for name in tools)


def markdown(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; None becomes an empty field."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    for row in rows:
        lines.append("| " + " | ".join("" if cell is None else str(cell) for cell in row) + " |")
    return "\n".join(lines) + "\n"


def out_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--out`` to `parser`."""
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for tables and JSON")


def write_result(out: Path, name: str, text: str, data: Mapping[str, object]) -> None:
    """Write ``name.md`` and ``name.json`` into the folder `out`, and print the table."""
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{name}.md").write_text(text)
    (out / f"{name}.json").write_text(json.dumps(data, indent=1) + "\n")
    print(text)
