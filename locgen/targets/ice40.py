"""Packing, placing and routing for iCE40, up to the bitstream.

Everything is read from nextpnr's JSON: its report and the netlist it writes back.
"""

import json
import math
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from locgen.devices import Device
from locgen.errors import DoesNotFit, ToolFailed
from locgen.targets.cache import cached, key_of
from locgen.targets.netlist import Netlist, Utilisation, utilisation
from locgen.targets.packing import pack_report
from locgen.targets.routed import (
    ResourceShortage,
    Routed,
    cells_outside_core,
    clocks_of,
    critical_path_of,
    placement_of,
    read_placement,
    shortages_of,
    write_placement,
)
from locgen.targets.synthesis import Effort, synthesise_top
from locgen.targets.toolchain import find_tool, run
from locgen.top.emit import emit_rtlil
from locgen.top.scan import ScanTop

__all__ = ["pack_core", "place_and_route", "route_out_of_context"]


def pack_core(
    core: Netlist,
    device: Device,
    *,
    logs: Path | None = None,
    use_cache: bool = True,
) -> Utilisation:
    """Pack the core alone, out of context, and count what it takes.

    Packing puts an I/O cell on every port, however many there are, and nothing else: pins are
    not placed, so that their number does not matter, and I/O cells are not logic cells.

    Raises
    ------
    ToolNotFound, ToolFailed
        From `toolchain`. A core larger than the device packs all the same: compare the counts.
    """
    with tempfile.TemporaryDirectory(dir=core.json.parent, prefix=".") as folder:
        log = (logs or core.json.parent / "logs") / f"nextpnr_pack_{core.top}.log"
        option, package = device.nextpnr_option, device.default_package
        report = pack_report(core, option, package, Path(folder), log, use_cache=use_cache)
    cells = report["utilization"]["ICESTORM_LC"]
    return utilisation(core.cells, cells["used"], cells["available"])


def place_and_route(
    design: Netlist,
    device: Device,
    package: str,
    pcf: str | None,
    clock_mhz: float,
    seed: int,
    out: Path,
    *,
    attempts: int = 1,
    allow_slow: bool = False,
    logs: Path | None = None,
    use_cache: bool = True,
) -> Routed:
    """Place, route and pack `design` into ``out/<top>.bin``.

    Parameters
    ----------
    design : Netlist
        From `synthesis`.
    device, package : Device, str
        From `devices.find_device`.
    pcf : str or None
        Pin constraints; without them pins are chosen freely.
    clock_mhz : float
        The clock to meet, which is also what the placer strives for.
    seed : int
        The placer's first seed.
    out : Path
        Folder that receives the bitstream and nextpnr's report, ``<top>_report.json``.
    attempts : int
        How many seeds, counted from `seed`, to try until the clock is met.
    allow_slow : bool
        Return the fastest result even if it misses the clock.
    logs, use_cache
        As for `synthesise_core`.

    Raises
    ------
    ResourceShortage
        If the device is too small; the message says for what.
    DoesNotFit
        If the design fits but cannot be placed, or misses the clock.
    ToolNotFound, ToolFailed
        From `toolchain`.
    """
    out.mkdir(parents=True, exist_ok=True)
    best: Routed | None = None
    for trial in range(seed, seed + attempts):
        with tempfile.TemporaryDirectory(dir=out, prefix=".") as folder:
            work = Path(folder)
            routed = _route(
                design,
                device,
                package,
                pcf,
                clock_mhz,
                trial,
                work,
                logs or out / "logs",
                use_cache,
            )
            if best is None or routed.fmax_mhz > best.fmax_mhz:
                for name in _products(design.top):
                    (work / name).replace(out / name)
                best = replace(routed, bitstream=out / routed.bitstream.name)
        if best.fmax_mhz >= clock_mhz:
            break
    if best is None:
        raise ValueError(f"attempts must be at least 1, not {attempts}")
    if best.fmax_mhz < clock_mhz and not allow_slow:
        raise DoesNotFit(
            f"{design.top} reaches {best.fmax_mhz:.1f} MHz on {device.name}-{package}, short of "
            f"{clock_mhz:g} MHz: lower the clock, add pipeline stages or take a faster device"
        )
    return best


def route_out_of_context(
    core: Netlist,
    device: Device,
    package: str,
    clock_mhz: float,
    seed: int,
    out: Path,
    *,
    effort: Effort = "medium",
    attempts: int = 1,
    logs: Path | None = None,
    use_cache: bool = True,
) -> Routed:
    """Route the core between shift registers, for its Fmax and a bitstream without a board.

    The registers are in `Routed.wrapper_logic_cells` and in `Routed.utilisation`, never in what
    `pack_core` counts. The result is returned whether or not it meets `clock_mhz`.

    Raises
    ------
    ResourceShortage, DoesNotFit, ToolNotFound, ToolFailed
        As for `place_and_route`; the core may fit where core and registers together do not.
    """
    wrapper = ScanTop({port.name: port.width for port in core.ports})
    text = emit_rtlil(wrapper, "top", reset=False)
    design = synthesise_top(text, core, out, effort=effort, logs=logs, use_cache=use_cache)
    return place_and_route(
        design,
        device,
        package,
        None,
        clock_mhz,
        seed,
        out,
        attempts=attempts,
        allow_slow=True,
        logs=logs,
        use_cache=use_cache,
    )


def _products(top: str) -> tuple[str, str, str]:
    return f"{top}.bin", f"{top}_report.json", f"{top}_placement.json"


def _route(
    design: Netlist,
    device: Device,
    package: str,
    pcf: str | None,
    clock_mhz: float,
    seed: int,
    work: Path,
    logs: Path,
    use_cache: bool,
) -> Routed:
    """Route with one seed; the products land in `work`."""
    nextpnr, icepack = find_tool("nextpnr-ice40"), find_tool("icepack")
    top = design.top
    bitstream, report_name, placement = _products(top)
    options = [device.nextpnr_option, "--package", package, "--freq", f"{clock_mhz:g}"]
    options += ["--seed", str(seed), "--timing-allow-fail"]

    def produce() -> None:
        shutil.copyfile(design.json, work / "design.json")
        arguments = [*options, "--json", "design.json", "--write", "placed.json"]
        arguments += ["--report", report_name, "--asc", "design.asc"]
        if pcf is not None:
            (work / "design.pcf").write_text(pcf)
            arguments += ["--pcf", "design.pcf"]
        try:
            run(nextpnr, arguments, work, logs / f"nextpnr_{top}.log")
        except ToolFailed as error:
            _explain(error, design, device, package, work, logs)
            raise
        write_placement(placement_of(work / "placed.json"), work / placement)
        run(icepack, ["design.asc", bitstream], work, logs / f"icepack_{top}.log")

    sources = [design.json.read_bytes(), pcf or ""]
    key = key_of("route", nextpnr.identity, icepack.identity, *options, *sources)
    cached(key, _products(top), work, produce, use_cache=use_cache)

    report = json.loads((work / report_name).read_text())
    clocks = clocks_of(report)
    fmax = min(clocks.values(), default=math.inf)
    cells = read_placement(work / placement)
    used = report["utilization"]["ICESTORM_LC"]
    return Routed(
        bitstream=work / bitstream,
        fmax_mhz=fmax,
        clocks_mhz=clocks,
        critical_path_ns=1000 / fmax,
        critical_path=critical_path_of(report),
        utilisation=utilisation(design.cells, used["used"], used["available"]),
        cells=cells,
        grid=device.grid,
        wrapper_logic_cells=cells_outside_core(cells),
        seed=seed,
    )


def _explain(
    error: ToolFailed, design: Netlist, device: Device, package: str, work: Path, logs: Path
) -> None:
    """Raise what nextpnr's failure means if it means that the device is too small."""
    log = logs / f"nextpnr_pack_{design.top}.log"
    report = pack_report(design, device.nextpnr_option, package, work, log, use_cache=False)
    place = f"{device.name}-{package}"
    shortages = shortages_of(report)
    if shortages:
        wants = ", ".join(
            f"{used} of {available} {words}" for words, (used, available) in shortages.items()
        )
        raise ResourceShortage(
            f"{design.top} needs {wants} of {place}: take fewer or shallower trees, "
            "--fabric tree or a larger device",
            shortages,
        ) from error
    cells = report["utilization"]["ICESTORM_LC"]
    if cells["used"] > 0.9 * cells["available"]:  # the placer gives up before 100 %
        raise DoesNotFit(
            f"{design.top} fills {cells['used']} of {cells['available']} logic cells of {place} "
            "and could not be placed: take fewer or shallower trees or a larger device"
        ) from error
