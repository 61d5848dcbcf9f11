"""Synthesis for a family in two steps, so that what is verified is what is shipped.

The model's module ``core`` is mapped to cells on its own. The top around it is mapped with the
core as a black box, and the core's cells are then linked in as they are: nothing is optimised
across the border, and the netlist that was simulated and proved is the one inside the bitstream.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from locgen.devices import DEFAULT_DEVICE, find_device
from locgen.targets.cache import cached, key_of
from locgen.targets.families import ICE40
from locgen.targets.family import CellFamily, Family
from locgen.targets.netlist import Netlist, read_netlist, utilisation
from locgen.targets.packing import logic_cells_of, pack_report
from locgen.targets.portfolio import Effort, Recipe, fewest
from locgen.targets.toolchain import find_tool, run

__all__ = ["synthesise_core", "synthesise_top"]

# What ABC9 does between reading and writing. Packed iCE40 logic cells on four cores of random
# forests 20x5 (breast cancer direct / tree fabric with 1-bit links, wine direct / tree):
#   as Yosys comes                     638 / 1,083 / 922 / 940
#   "flow2", ABC9's longer script      619 / 1,033 / 904 / 782, Fmax 8 % lower to 20 % higher
#   "thrice", restructured three times 585 / 1,087 / 888 / 810
#   mapped for area                    622 / 1,054 / 906 / 801, Fmax 20 % lower
# docs/density.md has the others, on other cores: each is the best of some. `-dff` gained another
# 1 % on small designs, but exhausts the call stack of WASM Yosys on larger ones. `-device`,
# `-dffe_min_ce_use` and a relaxed delay target changed nothing of note.
_READY = "+&scorr;&sweep;"
_MAP = "&if,{C},{W},{D},{R}"
_LAST = f"{_MAP},-v;&mfs"
_RESTRUCTURED = f"&synch2;{_MAP},-m;&mfs;&st;"
_CHOSEN = f"&dch,-x;{_MAP},-a;&mfs;&st;"
_TURNS = f"{_READY}{(_RESTRUCTURED + _CHOSEN) * 4}&synch2;{_LAST}"
_FLATTENED = ("hierarchy -auto-top", "proc", "flatten", "opt", "wreduce", "opt_clean")


def _own(name: str) -> str:
    """Return the Yosys command that takes a script of ABC9 that Yosys brings along."""
    return f"scratchpad -copy abc9.script.{name} abc9.script"


_RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("plain"),
        Recipe("flow", before=(_own("flow"),)),
        Recipe("flow2", before=(_own("flow2"),)),
        Recipe("thrice", f"{_READY}{_RESTRUCTURED * 2}&synch2;{_LAST}"),
        Recipe("choices", f"{_READY}{f'&dc2;&dch,-f;{_MAP},-m;&mfs;&st;' * 3}&synch2;{_LAST}"),
        Recipe("turns", _TURNS),
        Recipe("gates", before=(_own("flow2"),), carries=False),
        Recipe("gates in turns", _TURNS, carries=False),
        Recipe("carry-save", before=(*_FLATTENED, "arith_tree", "opt_clean", _own("flow"))),
    )
}

_NO_SOURCES = ["setattr -unset src =*", "setattr -mod -unset src =*"]  # they hold machine paths


def synthesise_core(
    rtlil: str,
    out: Path,
    *,
    family: CellFamily = ICE40,
    effort: Effort = "medium",
    counting: bool = False,
    pads: bool = False,
    logs: Path | None = None,
    use_cache: bool = True,
) -> Netlist:
    """Map the model's module ``core`` to the cells of a family, flat.

    Parameters
    ----------
    rtlil : str
        RTLIL whose top module is named ``core``, as `amaranth.back.rtlil.convert` gives it.
    out : Path
        Folder that receives ``core.json``, ``core_netlist.v`` and ``core_netlist.il``.
    family : CellFamily
        Whose cells.
    effort : str
        ``low`` is Yosys as it comes, ``medium`` works longer for fewer cells, ``high`` tries all
        of the family's recipes and keeps the netlist with the fewest cells (packed where there is
        a packer), whatever its Fmax.
    counting : bool
        Whether all that the core adds up are single bits.
    pads : bool
        Put buffers at the ports, for a core that is to be routed as it is.
    logs : Path, optional
        Folder for the log; ``out/logs`` otherwise.
    use_cache : bool
        False builds anew.

    Raises
    ------
    ToolNotFound, ToolFailed
        From `toolchain`.
    """
    logs = logs or out / "logs"
    out.mkdir(parents=True, exist_ok=True)

    def attempt(recipe: Recipe, work: Path) -> Netlist:
        script = ["read_rtlil core.il", *_map_to_cells("core", recipe, family)]
        script += [*(family.pads if pads else ()), *_written("core")]
        return _synthesise("core", {"core.il": rtlil}, script, work, logs, use_cache)

    def size(netlist: Netlist, work: Path) -> int:
        return _packed(netlist, family, work, logs, use_cache)

    attempts = fewest(_recipes(family, effort, counting), out, _products("core"), attempt, size)
    return read_netlist(out, "core", attempts)


def _recipes(family: CellFamily, effort: Effort, counting: bool = False) -> tuple[Recipe, ...]:
    """Return what is tried: the first is that of a top as well."""
    best = family.counting if counting and family.counting else family.recipes[0]
    names = {"low": ("plain",), "medium": (best,), "high": family.recipes}[effort]
    return tuple(_RECIPES[name] for name in names)


def _packed(netlist: Netlist, family: CellFamily, work: Path, logs: Path, use_cache: bool) -> int:
    """Count packed logic cells, which are the same on every device of a family; else LUTs."""
    if not isinstance(family, Family):
        return utilisation(netlist.cells, family.cells, None, None).lut or 0
    log = logs / "nextpnr_recipe.log"
    device, package = find_device(DEFAULT_DEVICE[family.name])
    report = pack_report(netlist, device, package, work, log, use_cache=use_cache)
    return logic_cells_of(report, family)[0]


def synthesise_top(
    rtlil: str,
    core: Netlist,
    out: Path,
    *,
    family: CellFamily = ICE40,
    effort: Effort = "medium",
    logs: Path | None = None,
    use_cache: bool = True,
) -> Netlist:
    """Map the module ``top`` to the cells of a family and link the mapped core into it.

    Parameters
    ----------
    rtlil : str
        RTLIL whose top module is named ``top`` and holds one instance, named ``core``, of a module
        type ``core`` that it does not define.
    core : Netlist
        From `synthesise_core`; its cells carry the prefix ``core.`` in the result.
    out, family, effort, logs, use_cache
        As for `synthesise_core`; the files are ``top.json``, ``top_netlist.v``,
        ``top_netlist.il``.

    Raises
    ------
    ToolNotFound, ToolFailed
        From `toolchain`; a port that the core does not have is reported by Yosys.
    """
    script = [
        "read_rtlil core.il",
        "design -stash mapped",
        "design -copy-from mapped -as core core",
        "blackbox core",
        "read_rtlil top.il",
        *_map_to_cells("top", _recipes(family, effort)[0], family),
        "delete =core",
        "design -copy-from mapped -as core core",
        "hierarchy -top top",
        "flatten",
        "clean",
        *family.pads,
        *_written("top"),
    ]
    sources = {"core.il": core.rtlil.read_text(), "top.il": rtlil}
    return _synthesise("top", sources, script, out, logs or out / "logs", use_cache)


def _map_to_cells(top: str, recipe: Recipe, family: CellFamily) -> list[str]:
    """Yosys commands that turn module `top` into the family's cells."""
    adders = "" if recipe.carries else family.no_carries
    words = (family.synth, adders, f"-top {top}")
    script = [f'scratchpad -set abc9.script "{recipe.script}"'] if recipe.script else []
    return [*recipe.before, *script, " ".join(word for word in words if word)]


def _products(top: str) -> tuple[str, str, str]:
    return f"{top}.json", f"{top}_netlist.v", f"{top}_netlist.il"


def _written(top: str) -> list[str]:
    return [
        *_NO_SOURCES,
        f"write_json {top}.json",
        f"write_rtlil {top}_netlist.il",
        "splitnets",  # Verilator compiles single nets a fifth faster than slices of vectors
        f"write_verilog -noattr {top}_netlist.v",
    ]


def _synthesise(
    top: str,
    sources: dict[str, str],
    script: Sequence[str],
    out: Path,
    logs: Path,
    use_cache: bool,
) -> Netlist:
    tool = find_tool("yosys")
    commands = "\n".join(script) + "\n"
    out.mkdir(parents=True, exist_ok=True)

    def produce() -> None:
        with tempfile.TemporaryDirectory(dir=out, prefix=".") as folder:
            work = Path(folder)
            for name, text in sources.items():
                (work / name).write_text(text)
            (work / "script.ys").write_text(commands)
            run(tool, ["script.ys"], work, logs / f"yosys_{top}.log")
            for name in names:
                (work / name).replace(out / name)

    names = _products(top)
    key = key_of("synthesis", tool.identity, commands, *sources.values())
    cached(key, names, out, produce, use_cache=use_cache)
    return read_netlist(out, top)
