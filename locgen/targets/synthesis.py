"""Synthesis for iCE40 in two steps, so that what is verified is what is shipped.

The model's module ``core`` is mapped to cells on its own. The top around it is mapped with the
core as a black box, and the core's cells are then linked in as they are: nothing is optimised
across the border, and the netlist that was simulated and proved is the one inside the bitstream.
"""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from locgen.targets.cache import cached, key_of
from locgen.targets.netlist import Netlist, read_netlist
from locgen.targets.toolchain import find_tool, run

__all__ = ["Effort", "synthesise_core", "synthesise_top"]

Effort = Literal["low", "medium", "high"]

# Packed logic cells on random forests (30x4, direct fabric / 30 trees, 10 classes / 20x5):
#   as Yosys comes                       1,579 / 4,980 / 4,428
#   ABC9's longer script "flow2"         1,566 / 4,898 / 4,316, same Fmax, a fifth more time
#   mapping for area (`if -a`)           1,574 / 4,851 / 4,282, Fmax 15 % lower
# `-dff` gained another 1 % on small designs, but exhausts the call stack of WASM Yosys on larger
# ones. `-device`, `-dffe_min_ce_use` and a relaxed delay target changed nothing of note.
_ABC9: Mapping[Effort, list[str]] = {
    "low": [],
    "medium": ["scratchpad -copy abc9.script.flow2 abc9.script"],
    "high": [
        (
            "scratchpad -set abc9.script "
            '"+&scorr;&sweep;&synch2;&if,-m,{C},{W},{D},{R},-v;&mfs;&st;&dch,-f;'
            '&if,-a,{C},{W},{D},{R},-v;&mfs"'
        )
    ],
}

_NO_SOURCES = ["setattr -unset src =*", "setattr -mod -unset src =*"]  # they hold machine paths


def synthesise_core(
    rtlil: str,
    out: Path,
    *,
    effort: Effort = "medium",
    logs: Path | None = None,
    use_cache: bool = True,
) -> Netlist:
    """Map the model's module ``core`` to iCE40 cells, flat.

    Parameters
    ----------
    rtlil : str
        RTLIL whose top module is named ``core``, as `amaranth.back.rtlil.convert` gives it.
    out : Path
        Folder that receives ``core.json``, ``core_netlist.v`` and ``core_netlist.il``.
    effort : str
        ``low`` is Yosys as it comes, ``medium`` works longer for fewer cells, ``high`` maps for
        area at the cost of Fmax.
    logs : Path, optional
        Folder for the log; ``out/logs`` otherwise.
    use_cache : bool
        False builds anew.

    Raises
    ------
    ToolNotFound, ToolFailed
        From `toolchain`.
    """
    script = ["read_rtlil core.il", *_map_to_cells("core", effort), *_written("core")]
    return _synthesise("core", {"core.il": rtlil}, script, out, logs, use_cache)


def synthesise_top(
    rtlil: str,
    core: Netlist,
    out: Path,
    *,
    effort: Effort = "medium",
    logs: Path | None = None,
    use_cache: bool = True,
) -> Netlist:
    """Map the module ``top`` to iCE40 cells and link the mapped core into it.

    Parameters
    ----------
    rtlil : str
        RTLIL whose top module is named ``top`` and holds one instance, named ``core``, of a module
        type ``core`` that it does not define.
    core : Netlist
        From `synthesise_core`; its cells carry the prefix ``core.`` in the result.
    out, effort, logs, use_cache
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
        *_map_to_cells("top", effort),
        "delete =core",
        "design -copy-from mapped -as core core",
        "hierarchy -top top",
        "flatten",
        "clean",
        *_written("top"),
    ]
    sources = {"core.il": core.rtlil.read_text(), "top.il": rtlil}
    return _synthesise("top", sources, script, out, logs, use_cache)


def _map_to_cells(top: str, effort: Effort) -> list[str]:
    """Yosys commands that turn module `top` into iCE40 cells."""
    return [*_ABC9[effort], f"synth_ice40 -abc9 -top {top}"]


def _written(top: str) -> list[str]:
    return [
        *_NO_SOURCES,
        f"write_json {top}.json",
        f"write_rtlil {top}_netlist.il",
        f"write_verilog -noattr {top}_netlist.v",
    ]


def _synthesise(
    top: str,
    sources: dict[str, str],
    script: Sequence[str],
    out: Path,
    logs: Path | None,
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
            run(tool, ["script.ys"], work, (logs or out / "logs") / f"yosys_{top}.log")
            for name in names:
                (work / name).replace(out / name)

    names = (f"{top}.json", f"{top}_netlist.v", f"{top}_netlist.il")
    key = key_of("synthesis", tool.identity, commands, *sources.values())
    cached(key, names, out, produce, use_cache=use_cache)
    return read_netlist(out, top)
