"""The whole road: from a `Design` to a verified bitstream, with its report."""

import logging
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from locgen.boards import pins_of
from locgen.energy import energy_of
from locgen.errors import ConfigurationError, DoesNotFit, ToolNotFound
from locgen.flow.activity import measure_activity
from locgen.flow.advice import advice
from locgen.flow.bench import design_facts, design_vectors, emit, simulate, write_bench
from locgen.flow.blocks import check_blocks
from locgen.flow.built import Built
from locgen.flow.chip import check_tile, measure_chip
from locgen.flow.chipfiles import write_chip_files
from locgen.flow.fabric_choice import choose_plan
from locgen.flow.folder import BOARD_FILE
from locgen.flow.memory import (
    boot_flash,
    link_params,
    memory_image,
)
from locgen.flow.planned import PlannedDesign
from locgen.flow.summary import write_report
from locgen.flow.tops import has_frames
from locgen.host.header import write_headers
from locgen.ir import to_json
from locgen.plan.serialise import plan_to_json
from locgen.targets.asic.project import top_name
from locgen.targets.children import workers
from locgen.targets.flash import join_image
from locgen.targets.netlist import Utilisation
from locgen.targets.routed import ResourceShortage, Routed
from locgen.targets.target import Job, Mapped
from locgen.targets.verilog import write_verilog
from locgen.top.emit import ports_of
from locgen.top.kinds import BUS_TOPS
from locgen.verify.subject import LevelResult, ProgressCallback

__all__ = ["Built", "build", "verify_design"]

log = logging.getLogger(__name__)

_HOPELESS = 2.0
"""Estimates are at most a third off (benchmarks/estimate.py), so twice the device never fits."""


def _route(design: PlannedDesign, mapped: Mapped, job: Job) -> Routed:
    """Place and route for the target; a core alone as fast as it gets, or as was asked."""
    target, asked = design.target, design.options.clock
    boots = boot_flash(design) is not None
    pins = None if target.board is None else pins_of(target.board, boots=boots)
    goal = target.clock_mhz or design.fmax_mhz
    if target.top in BUS_TOPS:  # no pins for a bus: the model alone, as without a top
        mapped = replace(mapped, top=None)
    routed = target.backend.route(mapped, target.device, target.package, pins, goal, job)
    if mapped.top is None and asked is not None and routed.fmax_mhz < asked:
        raise DoesNotFit(
            f"{design.model.name} reaches {routed.fmax_mhz:.1f} MHz on {target.device.name}, "
            f"short of --clock {asked:g}: ask for less, or more --stages"
        )
    return routed


def _check_estimate(design: PlannedDesign) -> None:
    """Refuse before the first tool runs what is far too large; synthesis would take minutes."""
    estimate, available = design.estimate.logic_cells, design.target.logic_cells
    if design.options.pnr and estimate > _HOPELESS * available:
        raise DoesNotFit(advice(design, estimate, int(available), "by estimate"))
    check_blocks(design)


def _check_size(design: PlannedDesign, core: Utilisation) -> None:
    """Refuse before place and route what cannot fit; without it, say so."""
    if core.logic_cells is None or core.logic_cells_available is None:
        return
    if core.logic_cells > core.logic_cells_available:
        text = advice(design, core.logic_cells, core.logic_cells_available)
        if design.options.pnr:
            raise DoesNotFit(text)
        log.warning("DOES NOT FIT: %s", text)


def build(design: PlannedDesign, out: Path, progress: ProgressCallback | None = None) -> Built:
    """Build `design` into the folder `out` and verify it at RTL and netlist level.

    Everything is made beside `out` and moved there at the end, so an earlier build survives a
    failed one; logs alone go to ``out/logs`` at once.

    Raises
    ------
    DoesNotFit
        If the device is too small or the clock is missed.
    Mismatch
        If any simulated answer, latency or interval differs from golden and plan.
    ToolNotFound, ToolFailed
        If a tool is missing or breaks; the message names its log.
    ConfigurationError
        If `out` holds something else than a build of locgen.
    """
    progress = progress or log.info
    out = out.absolute()
    logs = _prepare(out)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as folder:
        work = Path(folder) / out.name
        work.mkdir()
        built = _produce(design, work, logs, progress)
        progress("writing the report")
        write_report(design, built)
        _move(work, out)
    routed = built.routed
    moved = {"out": out}
    if routed is not None:
        bitstream = out / routed.bitstream.name
        moved["routed"] = replace(routed, bitstream=bitstream)
    return replace(built, **moved)


def _prepare(out: Path) -> Path:
    """Return the folder for logs after checking that `out` may be written."""
    if out.exists():
        known = (out / "report.json").is_file() or set(_names(out)) <= {"logs"}
        if not out.is_dir() or not known:
            raise ConfigurationError(
                f"{out} exists and is no build folder of locgen; choose another --out"
            )
    logs = out / "logs"
    try:
        logs.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"{out} cannot be written: {error.strerror}") from error
    return logs


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()] if folder.is_dir() else ["not a folder"]


def _move(work: Path, out: Path) -> None:
    """Replace all of `out` but its logs by what `work` holds."""
    for path in out.iterdir():
        if path.name == "logs":
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    # The report goes last: a folder that has one is complete.
    for path in sorted(work.iterdir(), key=lambda p: p.name == "report.json"):
        path.rename(out / path.name)


def _produce(design: PlannedDesign, work: Path, logs: Path, progress: ProgressCallback) -> Built:
    options, model = design.options, design.model
    target = design.target.backend
    routes = options.pnr and target.routes
    boot_flash(design)
    _check_estimate(design)
    progress(f"compiling {len(model.nodes)} nodes to Amaranth")
    modules = emit(design)
    netlists = work / "netlist"
    job = Job(netlists, logs, options.effort, options.seed, options.cache)
    job = replace(job, counting=design.plan.kind == "direct" and model.counts)
    job = replace(job, liberty=options.liberty, shuttle=options.shuttle or "")
    progress("synthesis" if target.models else "writing Verilog")
    with workers(1) as pool:
        how = {"use_cache": options.cache, "initial": target.powers_up}
        plain = pool.submit(write_verilog, modules, netlists, logs, **how)
        mapped = target.synthesise(modules, design.target.device, job)
        verilog = plain.result()
    if mapped is not None:
        _check_size(design, mapped.usage)
        check_tile(design, mapped)

    progress("writing the test bench")
    vectors = design_vectors(design)
    bench = work / "testbench"
    facts = design_facts(design)
    if "top" in modules and design.target.top != "pins":
        facts["top_ports"] = ports_of(modules["top"], "top")
    write_bench(design, bench, facts, vectors, verilog, mapped)
    (work / f"{model.name}.v").write_text("".join(p.read_text() for p in verilog.values()), "utf-8")
    (work / "model.locgen.json").write_text(to_json(model), "utf-8")
    if design.target.board is not None:
        text = design.target.board.model_dump_json(indent=1) + "\n"
        (work / BOARD_FILE).write_text(text, "utf-8")
    (work / "plan.locgen.json").write_text(plan_to_json(design.plan), "utf-8")
    link = link_params(design) if has_frames(design) else None
    write_headers(work / "host", model, design.digest, link)

    levels = ("rtl",) if mapped is None else ("rtl", "netlist")
    doing = "place and route, " if routes else ""
    progress(f"{doing}simulation of {' and '.join(levels)} with {len(vectors)} vectors")
    results, unverified = (), None
    with workers(1) as pool:
        simulations = pool.submit(simulate, model, vectors, bench, levels, logs)
        try:
            routed = _route(design, mapped, job) if routes else None
        except ResourceShortage as error:
            cells = error.shortages.get("logic cells")
            raise DoesNotFit(advice(design, *cells) if cells else str(error)) from error
        try:
            results = simulations.result()
        except ToolNotFound as error:
            if routes:
                raise
            unverified = str(error)  # there is no product that anyone could take for verified
            log.warning("NOT VERIFIED: %s", error)

    activity = experts = energy = chip = None
    clock_mhz = design.target.clock_hz / 1e6 if design.target.clock_hz else None
    if clock_mhz is None and routed is not None:
        clock_mhz = routed.fmax_mhz
    latency = design.plan.latency_cycles
    if mapped is not None:
        progress("counting toggles")
    if mapped is not None and mapped.chip is not None:
        chip = measure_chip(design, mapped, vectors, logs)
        activity, experts, clock_mhz = chip.activity, chip.experts, clock_mhz or chip.fmax_mhz
        if clock_mhz is not None:
            energy = chip.energy(clock_mhz, latency, design.plan.interval_cycles)
    elif mapped is not None:
        activity, experts = measure_activity(design, mapped.core, vectors)
    if activity is not None and clock_mhz is not None and chip is None:
        cells = mapped.usage.logic_cells
        energy = energy_of(design.target.device, activity, clock_mhz, latency, cells)
    if routed is not None:
        routed = _keep_bitstream(design, routed, work)
    target.deliver(model.name, work, mapped)
    if chip is not None:
        parts = dict(modules)
        if target.tile:
            parts[top_name(model.name)] = emit(design, top_name(model.name))["top"]
            del parts["top"]
        write_chip_files(design, chip, clock_mhz, vectors, parts, work, logs)
    cost = _evidence_cells(design, mapped, job) if mapped is not None else None
    measured = (activity, energy, clock_mhz)
    return Built(work, mapped, routed, *measured, results, cost, experts, unverified, chip)


def _keep_bitstream(design: PlannedDesign, routed: Routed, work: Path) -> Routed:
    """Put the bitstream into `work` under the model's name, with the model's image behind it."""
    bitstream = work / f"{design.model.name}{routed.bitstream.suffix}"
    boot = boot_flash(design)
    if boot is not None:
        image = memory_image(design)
        joined = join_image(routed.bitstream.read_bytes(), image, boot.offset, boot.capacity)
        routed.bitstream.write_bytes(joined)
    routed.bitstream.rename(bitstream)
    return replace(routed, bitstream=bitstream)


def _evidence_cells(design: PlannedDesign, mapped: Mapped, job: Job) -> int | None:
    """Return the cells that the core takes more than the same one without evidence."""
    cells = mapped.usage.logic_cells
    if not design.plan.evidence or cells is None:
        return None
    fabric = design.plan.kind
    options = design.options.model_copy(update={"explain": False, "fabric": fabric})
    model = design.quantisation.model
    plain = replace(design, options=options, chosen=choose_plan(model, options, design.target))
    with tempfile.TemporaryDirectory(prefix="locgen-") as folder:
        quiet = replace(job, out=Path(folder), logs=job.logs / "without_evidence")
        modules = {"core": emit(plain)["core"]}
        target = design.target.backend
        without = target.synthesise(modules, design.target.device, quiet)
    return cells - without.usage.logic_cells


def verify_design(design: PlannedDesign) -> list[LevelResult]:
    """Synthesise and simulate `design` at both levels in a temporary folder; return the results.

    Raises
    ------
    Mismatch, ToolNotFound, ToolFailed
        As for `build`.
    """
    with tempfile.TemporaryDirectory(prefix="locgen-") as folder:
        work = Path(folder) / "build"
        work.mkdir()
        unrouted = replace(design, options=design.options.model_copy(update={"pnr": False}))
        return list(_produce(unrouted, work, work / "logs", log.info).results)
