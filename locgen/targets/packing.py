"""Packing without placing: how many logic cells a netlist takes."""

import json
import shutil
from pathlib import Path
from typing import Any

from locgen.targets.cache import cached, key_of
from locgen.targets.netlist import Netlist
from locgen.targets.toolchain import find_tool, run

__all__ = ["pack_report"]


def pack_report(
    design: Netlist, option: str, package: str, work: Path, log: Path, *, use_cache: bool
) -> dict[str, Any]:
    """Pack `design` and return nextpnr's report, whose ``utilization`` has the counts.

    Parameters
    ----------
    design : Netlist
        From `synthesis`; it may be larger than the device and have more ports than pins.
    option, package : str
        nextpnr's for the device; they decide what is available, not what is used.
    work : Path
        Folder for files in between.
    log : Path
        nextpnr's log.
    use_cache : bool
        False packs anew.

    Raises
    ------
    ToolNotFound, ToolFailed
        From `toolchain`.
    """
    nextpnr = find_tool("nextpnr-ice40")
    options = [option, "--package", package, "--pack-only"]

    def produce() -> None:
        shutil.copyfile(design.json, work / "design.json")
        arguments = [*options, "--json", "design.json", "--report", "pack.json"]
        run(nextpnr, arguments, work, log)

    key = key_of("pack", nextpnr.identity, *options, design.json.read_bytes())
    cached(key, ("pack.json",), work, produce, use_cache=use_cache)
    return json.loads((work / "pack.json").read_text())
