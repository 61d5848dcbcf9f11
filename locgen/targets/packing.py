"""Packing without placing: how many logic cells a netlist takes."""

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from locgen.devices import Device
from locgen.targets.cache import cached, key_of
from locgen.targets.families import FAMILIES
from locgen.targets.family import Family
from locgen.targets.netlist import Netlist, Utilisation, utilisation
from locgen.targets.toolchain import find_tool, run

__all__ = ["logic_cells_of", "pack_core", "pack_report", "placer_options"]


def placer_options(device: Device, package: str) -> list[str]:
    """Return how place and route is told of the device."""
    names = {"package": package, "PACKAGE": package.upper()}
    return [word.format_map(names) for word in device.placer]


def pack_report(
    design: Netlist,
    device: Device,
    package: str,
    work: Path,
    log: Path,
    *,
    use_cache: bool,
    pins: Sequence[str] = (),
) -> dict[str, Any]:
    """Pack `design` and return nextpnr's report, whose ``utilization`` has the counts.

    Parameters
    ----------
    design : Netlist
        From `synthesis`; it may be larger than the device and have more ports than pins.
    device, package : Device, str
        They decide what is available, not what is used; the device's family is the netlist's.
    work : Path
        Folder for files in between.
    log : Path
        nextpnr's log.
    use_cache : bool
        False packs anew.
    pins : sequence of str
        How place and route is told where the ports are, with paths from `work`; nothing for a
        core whose ports have no buffers, and need none.

    Raises
    ------
    ToolNotFound, ToolFailed
        From `toolchain`.
    """
    family = FAMILIES[device.family]
    nextpnr = find_tool(family.placer)
    options = [*placer_options(device, package), "--pack-only", *pins]

    def produce() -> None:
        if pins or not family.pads:
            shutil.copyfile(design.json, work / "design.json")
        else:
            _write_portless(design, family, work, log)
        arguments = [*options, "--json", "design.json", "--report", "pack.json"]
        run(nextpnr, arguments, work, log)

    key = key_of("pack", nextpnr.identity, *options, design.json.read_bytes())
    cached(key, ("pack.json",), work, produce, use_cache=use_cache)
    return json.loads((work / "pack.json").read_text())


def _write_portless(design: Netlist, family: Family, work: Path, log: Path) -> None:
    """Write ``design.json`` without ports, where place and route wants a pin for each.

    What is cut off stays: place and route removes nothing.
    """
    shutil.copyfile(design.rtlil, work / "design.il")
    script = [
        *family.libraries,
        "read_rtlil design.il",
        f"hierarchy -top {design.top}",
        f"delete -port {design.top}/i:* {design.top}/o:*",
        "write_json design.json",
    ]
    (work / "ports.ys").write_text("\n".join(script) + "\n")
    run(find_tool("yosys"), ["ports.ys"], work, log.with_name(f"yosys_ports_{design.top}.log"))


def logic_cells_of(report: dict[str, Any], family: Family) -> tuple[int, int]:
    """Return how many logic cells nextpnr's report counts as used and as available."""
    counts = [report["utilization"][name] for name in family.together]
    return max(count["used"] for count in counts), counts[0]["available"]


def pack_core(
    core: Netlist,
    device: Device,
    *,
    logs: Path | None = None,
    use_cache: bool = True,
) -> Utilisation:
    """Pack the core alone, out of context, and count what it takes.

    Packing puts an I/O cell on every port, however many there are, or the ports are taken away
    before; nothing else is added. Pins are not placed, so that their number does not matter, and
    I/O cells are not logic cells.

    Raises
    ------
    ToolNotFound, ToolFailed
        From `toolchain`. A core larger than the device packs all the same: compare the counts.
    """
    with tempfile.TemporaryDirectory(dir=core.json.parent, prefix=".") as folder:
        log = (logs or core.json.parent / "logs") / f"nextpnr_pack_{core.top}.log"
        package = device.default_package
        report = pack_report(core, device, package, Path(folder), log, use_cache=use_cache)
    family = FAMILIES[device.family]
    return utilisation(core.cells, family.cells, *logic_cells_of(report, family))
