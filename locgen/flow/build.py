"""The whole road: from a `Design` to a verified bitstream, with its report."""

import logging
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from locgen.boards import pins_of
from locgen.energy import (
    Activity,
    EnergyFigures,
    ExpertActivity,
    energy_of,
)
from locgen.errors import ConfigurationError, DoesNotFit, ToolNotFound
from locgen.flow.activity import measure_activity
from locgen.flow.advice import advice
from locgen.flow.bench import design_facts, design_vectors, emit, simulate, write_bench
from locgen.flow.blocks import check_blocks
from locgen.flow.chip import ChipFigures, check_tile, measure_chip
from locgen.flow.chipfiles import write_chip_files
from locgen.flow.design import Design
from locgen.flow.folder import BOARD_FILE
from locgen.flow.memory import (
    boot_flash,
    link_params,
    memory_image,
)
from locgen.flow.place import choose_plan
from locgen.flow.tops import has_frames
from locgen.host.header import write_headers
from locgen.ir import to_json
from locgen.plan.serialise import plan_to_json
from locgen.targets.asic.project import top_name
from locgen.targets.children import workers
from locgen.targets.flash import join_image
from locgen.targets.netlist import Utilisation
from locgen.targets.registry import find_target
from locgen.targets.routed import ResourceShortage, Routed
from locgen.targets.target import Job, Mapped
from locgen.targets.verilog import write_verilog
from locgen.top.emit import ports_of
from locgen.top.kinds import BUS_TOPS
from locgen.verify.simulate import SimulationResult

__all__ = ["Built", "Tell", "build", "verify_design"]

log = logging.getLogger(__name__)

Tell = Callable[[str], None]
"""Is told, in a few words, what starts now."""

_HOPELESS = 2.0
"""Estimates are at most a third off (benchmarks/estimate.py), so twice the device never fits."""


@dataclass(frozen=True)
class Built:
    """What a build measured; paths are inside the build folder `out`.

    `mapped` holds the netlists and what the model alone takes, None for a target that maps to no
    cells; `routed` is None without place and route; `activity` where toggles are not counted.
    `results` are those of the simulations, none if `unverified` says why they could not run.
    `evidence_cells` is what gathering evidence adds to the core, None where none is gathered;
    `experts` is the activity by expert, None but for mixtures on the tree fabric. `chip` holds the
    figures of standard cells, None for programmable logic.
    """

    out: Path
    mapped: Mapped | None
    routed: Routed | None
    activity: Activity | None
    energy: EnergyFigures | None
    clock_mhz: float | None
    results: tuple[SimulationResult, ...]
    evidence_cells: int | None = None
    experts: ExpertActivity | None = None
    unverified: str | None = None
    chip: ChipFigures | None = None

    @property
    def core(self) -> Utilisation | None:
        """What the model alone takes."""
        return None if self.mapped is None else self.mapped.usage

    @property
    def bitstream(self) -> Path | None:
        """The file that `locgen flash` writes to the board."""
        return None if self.routed is None else self.routed.bitstream


def _route(design: Design, mapped: Mapped, job: Job) -> Routed:
    """Place and route for the place; a core alone as fast as it gets, or as was asked."""
    place, asked = design.place, design.options.clock
    boots = boot_flash(design) is not None
    pins = None if place.board is None else pins_of(place.board, boots=boots)
    goal = place.clock_hz / 1e6 if place.clock_hz else design.choice.fmax_mhz
    target = find_target(place.target)
    if place.top in BUS_TOPS:  # no pins for a bus: the model alone, as without a top
        mapped = replace(mapped, top=None)
    routed = target.route(mapped, place.device, place.package, pins, goal, job)
    if mapped.top is None and asked is not None and routed.fmax_mhz < asked:
        raise DoesNotFit(
            f"{design.model.name} reaches {routed.fmax_mhz:.1f} MHz on {place.device.name}, "
            f"short of --clock {asked:g}: ask for less, or more --stages"
        )
    return routed


def _check_estimate(design: Design) -> None:
    """Refuse before the first tool runs what is far too large; synthesis would take minutes."""
    estimate, available = design.choice.estimate.logic_cells, design.place.logic_cells
    if design.options.pnr and estimate > _HOPELESS * available:
        raise DoesNotFit(advice(design, estimate, int(available), "by estimate"))
    check_blocks(design)


def _check_size(design: Design, core: Utilisation) -> None:
    """Refuse before place and route what cannot fit; without it, say so."""
    if core.logic_cells is None or core.logic_cells_available is None:
        return
    if core.logic_cells > core.logic_cells_available:
        text = advice(design, core.logic_cells, core.logic_cells_available)
        if design.options.pnr:
            raise DoesNotFit(text)
        log.warning("DOES NOT FIT: %s", text)


def build(design: Design, out: Path, tell: Tell | None = None) -> Built:
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
    from locgen.flow.summary import write_report

    tell = tell or log.info
    out = out.absolute()
    logs = _prepare(out)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as folder:
        work = Path(folder) / out.name
        work.mkdir()
        built = _produce(design, work, logs, tell)
        tell("writing the report")
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


def _produce(design: Design, work: Path, logs: Path, tell: Tell) -> Built:
    options, model = design.options, design.model
    target = find_target(design.place.target)
    routes = options.pnr and target.routes
    boot_flash(design)
    _check_estimate(design)
    tell(f"compiling {len(model.nodes)} nodes to Amaranth")
    modules = emit(design)
    netlists = work / "netlist"
    job = Job(netlists, logs, options.effort, options.seed, options.cache)
    job = replace(job, counting=design.choice.plan.kind == "direct" and model.counts)
    job = replace(job, liberty=options.liberty, shuttle=options.shuttle or "")
    tell("synthesis" if target.models else "writing Verilog")
    with workers(1) as pool:
        how = {"use_cache": options.cache, "initial": target.powers_up}
        plain = pool.submit(write_verilog, modules, netlists, logs, **how)
        mapped = target.synthesise(modules, design.place.device, job)
        verilog = plain.result()
    if mapped is not None:
        _check_size(design, mapped.usage)
        check_tile(design, mapped)

    tell("writing the test bench")
    vectors = design_vectors(design)
    bench = work / "testbench"
    facts = design_facts(design)
    if "top" in modules and design.place.top != "pins":
        facts["top_ports"] = ports_of(modules["top"], "top")
    write_bench(design, bench, facts, vectors, verilog, mapped)
    (work / f"{model.name}.v").write_text("".join(p.read_text() for p in verilog.values()), "utf-8")
    (work / "model.locgen.json").write_text(to_json(model), "utf-8")
    if design.place.board is not None:
        text = design.place.board.model_dump_json(indent=1) + "\n"
        (work / BOARD_FILE).write_text(text, "utf-8")
    (work / "plan.locgen.json").write_text(plan_to_json(design.choice.plan), "utf-8")
    link = link_params(design) if has_frames(design) else None
    write_headers(work / "host", model, design.digest, link)

    levels = ("rtl",) if mapped is None else ("rtl", "netlist")
    doing = "place and route, " if routes else ""
    tell(f"{doing}simulation of {' and '.join(levels)} with {len(vectors)} vectors")
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
    clock_mhz = design.place.clock_hz / 1e6 if design.place.clock_hz else None
    if clock_mhz is None and routed is not None:
        clock_mhz = routed.fmax_mhz
    latency = design.choice.plan.latency_cycles
    if mapped is not None:
        tell("counting toggles")
    if mapped is not None and mapped.chip is not None:
        chip = measure_chip(design, mapped, vectors, logs)
        activity, experts, clock_mhz = chip.activity, chip.experts, clock_mhz or chip.fmax_mhz
        if clock_mhz is not None:
            energy = chip.energy(clock_mhz, latency, design.choice.plan.interval_cycles)
    elif mapped is not None:
        activity, experts = measure_activity(design, mapped.core, vectors)
    if activity is not None and clock_mhz is not None and chip is None:
        cells = mapped.usage.logic_cells
        energy = energy_of(design.place.device, activity, clock_mhz, latency, cells)
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


def _keep_bitstream(design: Design, routed: Routed, work: Path) -> Routed:
    """Put the bitstream into `work` under the model's name, with the model's image behind it."""
    bitstream = work / f"{design.model.name}{routed.bitstream.suffix}"
    boot = boot_flash(design)
    if boot is not None:
        image = memory_image(design)
        joined = join_image(routed.bitstream.read_bytes(), image, boot.offset, boot.capacity)
        routed.bitstream.write_bytes(joined)
    routed.bitstream.rename(bitstream)
    return replace(routed, bitstream=bitstream)


def _evidence_cells(design: Design, mapped: Mapped, job: Job) -> int | None:
    """Return the cells that the core takes more than the same one without evidence."""
    cells = mapped.usage.logic_cells
    if not design.choice.plan.evidence or cells is None:
        return None
    fabric = design.choice.plan.kind
    options = design.options.model_copy(update={"explain": False, "fabric": fabric})
    model = design.quantisation.model
    plain = replace(design, options=options, choice=choose_plan(model, options, design.place))
    with tempfile.TemporaryDirectory(prefix="locgen-") as folder:
        quiet = replace(job, out=Path(folder), logs=job.logs / "without_evidence")
        modules = {"core": emit(plain)["core"]}
        target = find_target(design.place.target)
        without = target.synthesise(modules, design.place.device, quiet)
    return cells - without.usage.logic_cells


def verify_design(design: Design) -> list[SimulationResult]:
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
