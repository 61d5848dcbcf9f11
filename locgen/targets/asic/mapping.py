"""Synthesis onto standard cells."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from locgen.errors import ConfigurationError, ToolFailed
from locgen.targets.asic.areas import nand2_area
from locgen.targets.asic.liberty import Library
from locgen.targets.asic.models import genlib
from locgen.targets.cache import cached, key_of
from locgen.targets.netlist import Netlist, read_netlist
from locgen.targets.portfolio import Effort, Recipe, fewest
from locgen.targets.toolchain import find_tool, run

__all__ = ["map_core", "map_top"]

# What ABC does between reading and writing; cell area in um2 of the core of a random forest
# 20x5 (breast cancer, direct) in osu018:
#   as Yosys comes           39,483
#   "amap"                   37,910
#   "nf" with area recovery  39,150, but 3 % less than "amap" in sky130
#   "map" for area           39,781
_PREPARE = "strash;&get,-n;&fraig,-x;&put;scorr;dc2"
_AMAP = f"+{_PREPARE};dch,-f;amap;topo"
_NF = f"+{_PREPARE};&get,-n;&dch,-f;&nf,-R,100,-F,20;&put;topo"
_MAP = f"+{_PREPARE};dch,-f;map,-a;topo"
_HIGH = (Recipe("amap", _AMAP), Recipe("nf", _NF), Recipe("map", _MAP))
_RECIPES: Mapping[Effort, tuple[Recipe, ...]] = {
    "low": (Recipe("plain"),),
    "medium": _HIGH[:2],
    "high": _HIGH,
}
_DELAY = ";stime,-d"
"""Makes ABC write what it knows of area and delay into ``stats.txt``."""
_STATS = "stats.txt"


def map_core(
    rtlil: str,
    library: Library,
    out: Path,
    *,
    effort: Effort = "medium",
    logs: Path | None = None,
    use_cache: bool = True,
) -> tuple[Netlist, float | None]:
    """Map the model's module ``core`` to cells of `library`, flat.

    Returns
    -------
    Netlist
        With the files ``core.json``, ``core_netlist.v`` and ``core_netlist.il`` in `out`.
    float or None
        ABC's delay of the logic between registers in nanoseconds; None without timing.

    Raises
    ------
    ToolNotFound, ToolFailed
        From `toolchain`.
    ConfigurationError
        If the library lacks cells that a design needs.
    """
    if not any(cell.state and cell.state.edge_triggered for cell in library.plain_cells):
        raise ConfigurationError(
            f"{library.path} holds no flip-flop: give a library of standard cells"
        )
    nand2_area(library)
    out.mkdir(parents=True, exist_ok=True)
    logs = logs or out / "logs"

    def attempt(recipe: Recipe, work: Path) -> Netlist:
        script = ["read_rtlil core.il", *_to_cells("core", library, recipe), *_written("core")]
        _synthesise("core", {"core.il": rtlil}, script, library, work, logs, use_cache)
        return read_netlist(work, "core")

    def area(netlist: Netlist, work: Path) -> float:
        return sum(library.area_of(kind) * n for kind, n in netlist.cells.items())

    attempts = fewest(_RECIPES[effort], out, _products("core"), attempt, area)
    return read_netlist(out, "core", attempts), _abc_delay(out / f"core_{_STATS}")


def map_top(
    rtlil: str,
    name: str,
    core: Netlist,
    library: Library,
    out: Path,
    *,
    effort: Effort = "medium",
    logs: Path | None = None,
    use_cache: bool = True,
) -> Netlist:
    """Map the module `name`, which holds one instance ``core``, and link the mapped core into it.

    Raises
    ------
    ToolNotFound, ToolFailed, ConfigurationError
        As for `map_core`.
    """
    script = [
        "read_rtlil core.il",
        "design -stash mapped",
        "design -copy-from mapped -as core core",
        "blackbox core",
        "read_rtlil top.il",
        *_to_cells(name, library, _RECIPES[effort][0]),
        "delete =core",
        "design -copy-from mapped -as core core",
        f"hierarchy -top {name}",
        "flatten",
        "clean",
        *_written(name),
    ]
    sources = {"core.il": core.rtlil.read_text(), "top.il": rtlil}
    _synthesise(name, sources, script, library, out, logs or out / "logs", use_cache)
    return read_netlist(out, name)


def _to_cells(top: str, library: Library, recipe: Recipe) -> list[str]:
    """Yosys commands that turn module `top` into cells of ``cells.lib``."""
    source = "-liberty cells.lib" if library.has_timing else "-genlib cells.genlib"
    dont_use = "".join(
        f" -dont_use {name}" for name in library.cell_names if not library.cell(name).plain
    )
    script = recipe.script
    if script and library.has_timing:
        script += _DELAY
    chosen = f' -script "{script}"' if script else ""
    commands = [
        f"synth -flatten -top {top}",
        # A flip-flop of a chip has no value until the reset gives it one.
        "setattr -unset init w:*",
        f"dfflibmap -liberty cells.lib{dont_use}",
        f"abc {source}{dont_use if library.has_timing else ''}{chosen}",
        "setundef -zero",
    ]
    buffer = _buffer(library)
    if buffer:
        # Ports that share a net or are constant would be assignments, which layout tools and
        # OpenSTA do not all take. Names for the same net go first: each would get a buffer.
        commands += ["opt_clean -purge", f"insbuf -buf {' '.join(buffer)}"]
    ties = _tie_cells(library)
    if ties:
        (high, high_pin), (low, low_pin) = ties
        commands.append(f"hilomap -singleton -hicell {high} {high_pin} -locell {low} {low_pin}")
    return [*commands, "splitnets", "opt_clean -purge", "autoname"]


def _buffer(library: Library) -> tuple[str, str, str] | None:
    """Return the smallest buffer: cell, input and output."""
    found = [
        (cell.area, (cell.name, next(iter(cell.inputs)), next(iter(cell.outputs))))
        for cell in library.plain_cells
        if cell.state is None
        and len(cell.inputs) == len(cell.outputs) == 1
        and set(cell.outputs.values()) == {("pin", *cell.inputs)}
    ]
    return min(found)[1] if found else None


def _tie_cells(library: Library) -> tuple[tuple[str, str], tuple[str, str]] | None:
    """Return cell and pin that give 1, and those that give 0."""

    def constant(value: int) -> tuple[str, str] | None:
        found = [
            (cell.area, (cell.name, pin))
            for cell in library.plain_cells
            for pin, function in cell.outputs.items()
            if function == ("constant", value) and not cell.inputs
        ]
        return min(found)[1] if found else None

    high, low = constant(1), constant(0)
    return (high, low) if high and low else None


def _products(top: str) -> tuple[str, ...]:
    return f"{top}.json", f"{top}_netlist.v", f"{top}_netlist.il", f"{top}_{_STATS}"


def _written(top: str) -> list[str]:
    return [
        "setattr -unset src =*",
        "setattr -mod -unset src =*",
        f"write_json {top}.json",
        f"write_rtlil {top}_netlist.il",
        # What timing tools read: cells, plain nets, no expressions.
        f"write_verilog -noattr -noexpr -nohex -nodec {top}_netlist.v",
    ]


def _synthesise(
    top: str,
    sources: Mapping[str, str],
    script: Sequence[str],
    library: Library,
    out: Path,
    logs: Path,
    use_cache: bool,
) -> None:
    tool = find_tool("yosys")
    commands = "\n".join(script) + "\n"
    out.mkdir(parents=True, exist_ok=True)
    names = _products(top)

    def produce() -> None:
        with tempfile.TemporaryDirectory(dir=out, prefix=".") as folder:
            work = Path(folder)
            for name, text in sources.items():
                (work / name).write_text(text)
            # Yosys's WASM build sees files below its folder alone; this copy goes with it.
            (work / "cells.lib").write_bytes(library.path.read_bytes())
            if not library.has_timing:
                (work / "cells.genlib").write_text(genlib(library))
            (work / "script.ys").write_text(commands)
            run(tool, ["script.ys"], work, logs / f"yosys_{top}.log")
            stats = work / _STATS
            stats.rename(work / names[-1]) if stats.exists() else (work / names[-1]).touch()
            for name in names:
                (work / name).replace(out / name)
        _check(out, top, library)

    key = key_of("cells", tool.identity, library.sha256, commands, *sources.values())
    cached(key, names, out, produce, use_cache=use_cache)


def _check(out: Path, top: str, library: Library) -> None:
    """Refuse a netlist that still holds what the library has no cell for."""
    known = set(library.cell_names)
    left = sorted(kind for kind in read_netlist(out, top).cells if kind not in known)
    if left:
        raise ConfigurationError(
            f"{library.path} has no cell for {left[0]}: give a library with flip-flops and gates"
        )


def _abc_delay(path: Path) -> float | None:
    """Return the nanoseconds in what ABC wrote: name, inputs, outputs, nodes, area, picoseconds."""
    words = path.read_text().split()
    if not words:
        return None
    try:
        return float(words[-1]) / 1000
    except ValueError as error:
        raise ToolFailed(f"ABC's {_STATS} is not understood: {' '.join(words)}") from error
