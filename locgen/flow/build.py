"""The whole road: from a `Design` to a verified bitstream, with its report."""

import json
import logging
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from locgen.boards import pcf
from locgen.energy import (
    Activity,
    EnergyFigures,
    ExpertActivity,
    MappedNetlist,
    count_toggles,
    energy_of,
    expert_activity,
)
from locgen.errors import ConfigurationError, DoesNotFit, Mismatch
from locgen.flow.advice import advice
from locgen.flow.design import Design
from locgen.flow.evidence import evidence_words
from locgen.flow.folder import BOARD_FILE
from locgen.flow.memory import (
    boot_flash,
    link_params,
    loaded_state,
    memory_image,
    update_exchanges,
)
from locgen.flow.place import choose_plan
from locgen.ir import QuantisedModel, to_json
from locgen.plan.serialise import plan_to_json
from locgen.quantise import synthetic_rows
from locgen.targets.children import workers
from locgen.targets.flash import join_image
from locgen.targets.ice40 import pack_core, place_and_route, route_out_of_context
from locgen.targets.netlist import Netlist, Utilisation
from locgen.targets.routed import ResourceShortage, Routed
from locgen.targets.synthesis import synthesise_core, synthesise_top
from locgen.targets.verilog import write_verilog
from locgen.top.board import BoardTop
from locgen.top.direct import DirectFabric
from locgen.top.emit import emit_rtlil
from locgen.top.fabric import fabric_signature
from locgen.top.instance import CoreInstance
from locgen.top.tree import TreeFabric
from locgen.verify.frames import make_frames
from locgen.verify.simulate import SimulationResult, run_testbench
from locgen.verify.suspect import suspect_node
from locgen.verify.testbench import write_testbench
from locgen.verify.vectors import Vectors, make_vectors, pack_features, pack_results

__all__ = ["Built", "Tell", "build", "design_facts", "design_vectors", "emit", "verify_design"]

log = logging.getLogger(__name__)

Tell = Callable[[str], None]
"""Is told, in a few words, what starts now."""

_ACTIVITY_ROWS = 512
_HOPELESS = 2.0
"""Estimates are at most a third off (benchmarks/estimate.py), so twice the device never fits."""


@dataclass(frozen=True)
class Built:
    """What a build measured; paths are inside the build folder `out`.

    `core` is the model alone, packed out of context; `routed` is None without place and route;
    `evidence_cells` is what gathering evidence adds to the core, None where none is gathered;
    `experts` is the activity by expert, None but for mixtures on the tree fabric.
    """

    out: Path
    core: Utilisation
    netlist: Netlist
    routed: Routed | None
    activity: Activity
    energy: EnergyFigures | None
    clock_mhz: float | None
    results: tuple[SimulationResult, ...]
    evidence_cells: int | None = None
    experts: ExpertActivity | None = None

    @property
    def bitstream(self) -> Path | None:
        """The file that `locgen flash` writes to the board."""
        return None if self.routed is None else self.routed.bitstream


def design_facts(design: Design) -> dict[str, object]:
    """Return the facts that test benches are rendered from."""
    model, place, plan = design.model, design.place, design.choice.plan
    boot = boot_flash(design)
    return {
        "name": model.name,
        "digest": design.digest,
        "fabric": plan.kind,
        "feature_bits_total": max(sum(model.feature_bits), 1),
        "feature_bits": list(model.feature_bits),
        "decision_bits": model.decision.bits,
        "score_bits": model.score_bits,
        "outputs": model.outputs,
        "latency_cycles": plan.latency_cycles,
        "interval_cycles": plan.interval_cycles,
        "top": place.top,
        "clock_hz": int(place.clock_hz or 12_000_000),
        "baud": place.baud,
        "memory": plan.shapes[0].memory if plan.shapes else None,
        "evidence_beats": plan.evidence_bits // plan.evidence_width if plan.evidence else 0,
        "evidence_width": plan.evidence_width if plan.evidence else 0,
        "boot_offset": None if boot is None else boot.offset,
    }


def fabric_of(design: Design) -> DirectFabric | TreeFabric:
    """Return the Amaranth component of the model."""
    plan = design.choice.plan
    if plan.kind == "direct":
        return DirectFabric(design.model, plan)
    return TreeFabric(design.model, plan, int(design.digest, 16))


def emit(design: Design) -> dict[str, str]:
    """Return RTLIL by module: the core, and the board's top around it."""
    modules = {"core": emit_rtlil(fabric_of(design), "core", reset=True)}
    if design.place.top == "uart":
        shell = CoreInstance(fabric_signature(design.model, design.choice.plan))
        place, boot = design.place, boot_flash(design)
        offset = None if boot is None else boot.offset
        top = BoardTop(shell, link_params(design), place.clock_hz, place.baud, offset)
        modules["top"] = emit_rtlil(top, "top", reset=False)
    return modules


def design_vectors(design: Design) -> Vectors:
    """Return the vector set that every level of verification shares."""
    model = design.model
    thresholds: list[dict[int, str]] = [{} for _ in model.features]
    for number, node in enumerate(model.nodes):
        for feature, code in node.edges():
            thresholds[feature].setdefault(code, f"node {number}")
    for node in model.gate_nodes:
        for feature, code in node.edges():
            thresholds[feature].setdefault(code, "the gate")
    rows = None
    if design.data is not None:
        rows = model.quantise(np.concatenate([design.data.x_test, design.data.x_train]))
    return make_vectors(model.feature_bits, thresholds, model.evaluate, rows)


def _measure_activity(
    design: Design, netlist: Netlist, vectors: Vectors
) -> tuple[Activity, ExpertActivity | None]:
    """Count toggles, by expert as well where experts have modules of their own.

    It is done on data rows, or on rows drawn over the thresholds where there are none.
    """
    model, plan = design.model, design.choice.plan
    if design.data is not None:
        q = model.quantise(np.concatenate([design.data.x_test, design.data.x_train]))
    elif design.loaded is not None:
        q = model.quantise(synthetic_rows(design.loaded.model, _ACTIVITY_ROWS))
    else:
        q = vectors.q
    q = q[:_ACTIVITY_ROWS]
    decision, scores = model.evaluate(q)
    module = json.loads(netlist.json.read_text())["modules"][netlist.top]
    activity = count_toggles(
        MappedNetlist(module),
        pack_features(q, model.feature_bits),
        pack_results(decision, scores, model.decision.bits, model.score_bits),
        plan.latency_cycles,
        plan.interval_cycles,
        **loaded_state(design),
    )
    if plan.kind == "direct" or not plan.gates:
        return activity, None
    mask = model.gate.evaluate(q[: activity.inferences], model.missing_codes)
    return activity, expert_activity(activity, plan, mask)


def _route(design: Design, top: Netlist | None, core: Netlist, out: Path, logs: Path) -> Routed:
    place, options = design.place, design.options
    common = {"logs": logs, "use_cache": options.cache}
    if place.top == "stream":
        goal = options.clock or design.choice.fmax_mhz
        routed = route_out_of_context(
            core, place.device, place.package, goal, options.seed, out, **common
        )
        if options.clock is not None and routed.fmax_mhz < options.clock:
            raise DoesNotFit(
                f"{design.model.name} reaches {routed.fmax_mhz:.1f} MHz on {place.device.name}, "
                f"short of --clock {options.clock:g}: ask for less, or more --stages"
            )
        return routed
    boots = boot_flash(design) is not None
    constraints = None if place.board is None else pcf(place.board, boots=boots)
    return place_and_route(
        top,
        place.device,
        place.package,
        constraints,
        place.clock_hz / 1e6,
        options.seed,
        out,
        attempts=3,
        **common,
    )


def _check_estimate(design: Design) -> None:
    """Refuse before the first tool runs what is far too large; synthesis would take minutes."""
    estimate, available = design.choice.estimate.logic_cells, design.place.device.capacity
    if design.options.pnr and estimate > _HOPELESS * available.logic_cells:
        raise DoesNotFit(advice(design, estimate, available.logic_cells, "by estimate"))


def _check_size(design: Design, core: Utilisation) -> None:
    """Refuse before place and route what cannot fit; without it, say so."""
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
    boot_flash(design)
    _check_estimate(design)
    tell(f"compiling {len(model.nodes)} nodes to Amaranth")
    modules = emit(design)
    common = {"logs": logs, "use_cache": options.cache}
    netlists = work / "netlist"
    tell("synthesis")
    with workers(2) as pool:
        plain = pool.submit(write_verilog, modules, netlists, logs, use_cache=options.cache)
        core = synthesise_core(modules["core"], netlists, effort=options.effort, **common)
        packed = pool.submit(pack_core, core, design.place.device, **common)
        top = None
        if "top" in modules:
            top = synthesise_top(modules["top"], core, netlists, effort=options.effort, **common)
        verilog, usage = plain.result(), packed.result()
    _check_size(design, usage)

    tell("writing the test bench")
    vectors = design_vectors(design)
    sources: dict[str, Path] = {f"{name}.v": path for name, path in verilog.items()}
    sources["core_netlist.v"] = core.verilog
    frames, image, flash = None, memory_image(design), ()
    evidence = evidence_words(design, vectors)
    if top is not None:
        sources["top_netlist.v"] = top.verilog
        params = link_params(design)
        held = int(design.digest, 16) if image else None
        frames = make_frames(model, params, vectors, digest=held, evidence=evidence)
        if image:
            updates, flash = update_exchanges(design, params, vectors)
            frames = updates + frames if boot_flash(design) is not None else frames + updates
    bench = work / "testbench"
    write_testbench(bench, design_facts(design), vectors, frames, sources, image, flash, evidence)
    (work / f"{model.name}.v").write_text("".join(p.read_text() for p in verilog.values()), "utf-8")
    (work / "model.locgen.json").write_text(to_json(model), "utf-8")
    if design.place.board is not None:
        text = design.place.board.model_dump_json(indent=1) + "\n"
        (work / BOARD_FILE).write_text(text, "utf-8")
    if image or evidence:
        plan_text = plan_to_json(design.choice.plan)
        (work / "plan.locgen.json").write_text(plan_text, "utf-8")

    doing = "place and route, " if options.pnr else ""
    tell(f"{doing}simulation of RTL and netlist with {len(vectors)} vectors")
    with workers(1) as pool:
        simulations = pool.submit(_simulate, model, vectors, bench, logs)
        try:
            routed = _route(design, top, core, netlists, logs) if options.pnr else None
        except ResourceShortage as error:
            cells = error.shortages.get("logic cells")
            raise DoesNotFit(advice(design, *cells) if cells else str(error)) from error
        results = simulations.result()

    tell("counting toggles")
    activity, experts = _measure_activity(design, core, vectors)
    clock_mhz = design.place.clock_hz / 1e6 if design.place.clock_hz else None
    if clock_mhz is None and routed is not None:
        clock_mhz = routed.fmax_mhz
    energy = None
    if clock_mhz is not None:
        plan = design.choice.plan
        energy = energy_of(
            design.place.device, activity, clock_mhz, plan.latency_cycles, usage.logic_cells
        )
    if routed is not None:
        bitstream = work / f"{model.name}{routed.bitstream.suffix}"
        boot = boot_flash(design)
        if boot is not None:
            joined = join_image(routed.bitstream.read_bytes(), image, boot.offset, boot.capacity)
            routed.bitstream.write_bytes(joined)
        routed.bitstream.rename(bitstream)
        routed = replace(routed, bitstream=bitstream)
    cost = _evidence_cells(design, usage, logs)
    return Built(work, usage, core, routed, activity, energy, clock_mhz, results, cost, experts)


def _evidence_cells(design: Design, usage: Utilisation, logs: Path) -> int | None:
    """Return the cells that the core takes more than the same one without evidence."""
    if not design.choice.plan.evidence:
        return None
    fabric = design.choice.plan.kind
    options = design.options.model_copy(update={"explain": False, "fabric": fabric})
    model = design.quantisation.model
    plain = replace(design, options=options, choice=choose_plan(model, options, design.place))
    with tempfile.TemporaryDirectory(prefix="locgen-") as folder:
        out = Path(folder)
        common = {"logs": logs / "without_evidence", "use_cache": options.cache}
        core = synthesise_core(emit(plain)["core"], out, effort=options.effort, **common)
        cells = pack_core(core, design.place.device, **common).logic_cells
    return usage.logic_cells - cells


def _simulate(
    model: QuantisedModel, vectors: Vectors, bench: Path, logs: Path
) -> tuple[SimulationResult, ...]:
    """Simulate both levels; a mismatch names the node that is most likely wrong."""
    try:
        return tuple(
            run_testbench(bench, level, log=logs / f"simulation_{level}.log")
            for level in ("rtl", "netlist")
        )
    except Mismatch as error:
        if not error.vectors:
            raise
        compared = vectors.q[: max(error.vectors) + 1]
        node = suspect_node(model, compared, error.vectors)
        raise Mismatch(f"{error}; suspect: {node}", error.vectors) from error


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
