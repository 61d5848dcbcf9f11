"""The stages of a build, from the planned design to netlist, bitstream and verification."""

import logging
import tempfile
from dataclasses import replace
from pathlib import Path

from locgen.boards import pins_of
from locgen.energy import energy_of
from locgen.errors import DoesNotFit, Mismatch, ToolNotFound
from locgen.flow.activity import measure_activity
from locgen.flow.advice import advice
from locgen.flow.bench import design_vectors, emit, write_bench
from locgen.flow.blocks import check_blocks
from locgen.flow.built import Measurement
from locgen.flow.chip import check_tile, measure_chip
from locgen.flow.chipfiles import write_chip_files
from locgen.flow.fabric_choice import choose_plan
from locgen.flow.folder import BOARD_FILE
from locgen.flow.memory import boot_flash, link_params, memory_image
from locgen.flow.planned import PlannedDesign
from locgen.flow.stages import BuildState, Stage, Verified
from locgen.flow.tops import has_frames
from locgen.host.header import write_headers
from locgen.ir import to_json
from locgen.plan.serialise import plan_to_json
from locgen.targets.asic.project import top_name
from locgen.targets.flash import join_image
from locgen.targets.routed import ResourceShortage, Routed
from locgen.targets.target import Job, Mapped
from locgen.targets.verilog import write_verilog
from locgen.top.kinds import BUS_TOPS
from locgen.verify.fault_localisation import localise_fault
from locgen.verify.levels import levels_for, run_levels

__all__ = ["ALL", "COMPILE", "SIMULATION", "SYNTHESIS", "TEST_BENCH", "VERILOG", "begin"]

log = logging.getLogger(__name__)

_HOPELESS = 2.0
"""Estimates are at most a third off (benchmarks/estimate.py), so twice the device never fits."""


def begin(
    design: PlannedDesign, work: Path, logs: Path, levels: tuple[str, ...] | None = None
) -> BuildState:
    """Return the state before the first stage, unless the design cannot be built at all.

    Parameters
    ----------
    design : what is built
    work, logs : folders of the build and of its logs
    levels : levels of verification, all that the build can run if None

    Raises
    ------
    DoesNotFit
        If the design is far larger than its device: synthesis would take minutes to say so.
    ConfigurationError
        If nothing could load its memories.
    """
    options, estimate = design.options, design.estimate.logic_cells
    boot_flash(design)
    if options.pnr and estimate > _HOPELESS * design.target.logic_cells:
        raise DoesNotFit(advice(design, estimate, int(design.target.logic_cells), "by estimate"))
    check_blocks(design)
    job = Job(
        work / "netlist",
        logs,
        options.effort,
        options.seed,
        options.cache,
        options.liberty,
        options.shuttle or "",
        counting=design.plan.is_pipeline and design.model.counts,
    )
    return BuildState(design, design_vectors(design), work, job, levels)


def _synthesise(state: BuildState) -> Mapped | None:
    """Map to the target's cells; refuse before place and route what cannot fit."""
    design = state.design
    mapped = design.target.backend.synthesise(state.modules, design.target.device, state.job)
    if mapped is None:
        return None
    used, available = mapped.usage.logic_cells, mapped.usage.logic_cells_available
    if used is not None and available is not None and used > available:
        text = advice(design, used, available)
        if design.options.pnr:
            raise DoesNotFit(text)
        log.warning("DOES NOT FIT: %s", text)
    check_tile(design, mapped)
    return mapped


def _write_verilog(state: BuildState) -> dict[str, Path]:
    job, initial = state.job, state.design.target.backend.powers_up
    return write_verilog(state.modules, job.out, job.logs, use_cache=job.use_cache, initial=initial)


def _write_sources(state: BuildState) -> Path:
    """Write the test bench, the Verilog, and the files that later commands start from."""
    design, work, model = state.design, state.work, state.design.model
    bench = work / "testbench"
    write_bench(design, bench, state.modules, state.vectors, state.verilog, state.mapped)
    texts = {
        f"{model.name}.v": "".join(path.read_text() for path in state.verilog.values()),
        "model.locgen.json": to_json(model),
        "plan.locgen.json": plan_to_json(design.plan),
    }
    if design.target.board is not None:
        texts[BOARD_FILE] = design.target.board.model_dump_json(indent=1) + "\n"
    for name, text in texts.items():
        (work / name).write_text(text, "utf-8")
    link = link_params(design) if has_frames(design) else None
    write_headers(work / "host", model, design.digest, link)
    return bench


def _route(state: BuildState) -> Routed | None:
    """Place and route for the target; a core alone as fast as it gets, or as was requested."""
    design, mapped = state.design, state.mapped
    if mapped is None or not state.routes:
        return None
    target, clock = design.target, design.options.clock
    boots = boot_flash(design) is not None
    pins = None if target.board is None else pins_of(target.board, boots=boots)
    goal = target.clock_mhz or design.fmax_mhz
    assert goal is not None, "what is routed has a device"
    device, package = target.part
    if target.top in BUS_TOPS:  # no pins for a bus: the model alone, as without a top
        mapped = replace(mapped, top=None)
    try:
        routed = target.backend.route(mapped, device, package, pins, goal, state.job)
    except ResourceShortage as error:
        cells = error.shortages.get("logic cells")
        raise DoesNotFit(advice(design, *cells) if cells else str(error)) from error
    if mapped.top is None and clock is not None and routed.fmax_mhz < clock:
        raise DoesNotFit(
            f"{design.model.name} reaches {routed.fmax_mhz:.1f} MHz on {device.name}, "
            f"short of --clock {clock:g}: ask for less, or more --stages"
        )
    return routed


def _levels(state: BuildState) -> list[str]:
    known = levels_for(state.mapped is not None)
    return known if state.levels is None else list(state.levels)


def _verify(state: BuildState) -> Verified:
    """Run the levels of verification; a mismatch names the node that is most likely wrong."""
    try:
        return Verified(tuple(run_levels(_levels(state), state.subject, log.debug)))
    except Mismatch as error:
        if not error.vectors:
            raise
        compared = state.vectors.q[: max(error.vectors) + 1]
        node = localise_fault(state.design.model, compared, error.vectors)
        raise Mismatch(f"{error}; suspect: {node}", error.vectors) from error
    except ToolNotFound as error:
        if state.routes or state.levels is not None:
            raise
        # There is no product that anyone could take for verified.
        log.warning("NOT VERIFIED: %s", error)
        return Verified(unverified=str(error))


def _measure(state: BuildState) -> Measurement:
    """Count toggles; from them, the clock and the coefficients follows the energy."""
    design, mapped, routed = state.design, state.mapped, state.routed
    clock_mhz = design.target.clock_mhz
    if clock_mhz is None and routed is not None:
        clock_mhz = routed.fmax_mhz
    if mapped is None:
        return Measurement(clock_mhz=clock_mhz)
    plan, energy = design.plan, None
    if mapped.chip is not None:
        chip = measure_chip(design, mapped, mapped.chip, state.vectors, state.job.logs)
        clock_mhz = clock_mhz or chip.fmax_mhz
        if clock_mhz is not None:
            energy = chip.energy(clock_mhz, plan.latency_cycles, plan.interval_cycles)
        return Measurement(
            activity=chip.activity,
            experts=chip.experts,
            energy=energy,
            clock_mhz=clock_mhz,
            chip=chip,
        )
    activity, experts = measure_activity(design, mapped.core, state.vectors)
    if activity is not None and clock_mhz is not None:
        device, cells = design.target.part[0], mapped.usage.logic_cells
        assert cells is not None, "cells whose toggles are counted are packed"
        energy = energy_of(device, activity, clock_mhz, plan.latency_cycles, cells)
    return Measurement(activity=activity, experts=experts, energy=energy, clock_mhz=clock_mhz)


def _deliver(state: BuildState) -> Routed | None:
    """Put what the target produces into the build folder; return the routed design there."""
    design, work, name = state.design, state.work, state.design.model.name
    routed, chip = state.routed, state.measurement.chip
    if routed is not None:
        bitstream = work / f"{name}{routed.bitstream.suffix}"
        boot = boot_flash(design)
        if boot is not None:
            image = memory_image(design)
            joined = join_image(routed.bitstream.read_bytes(), image, boot.offset, boot.capacity)
            routed.bitstream.write_bytes(joined)
        routed.bitstream.rename(bitstream)
        routed = replace(routed, bitstream=bitstream)
    design.target.backend.deliver(name, work, state.mapped)
    if chip is not None:
        modules = dict(state.modules)
        if design.target.backend.tile:
            modules[top_name(name)] = emit(design, top_name(name))["top"]
            del modules["top"]
        clock_mhz, logs = state.measurement.clock_mhz, state.job.logs
        write_chip_files(design, chip, clock_mhz, state.vectors, modules, work, logs)
    return routed


def _evidence_cells(state: BuildState) -> int | None:
    """Return the cells that the core takes more than the same one without evidence."""
    design, mapped, job = state.design, state.mapped, state.job
    if mapped is None or not design.plan.evidence or mapped.usage.logic_cells is None:
        return None
    options = design.options.model_copy(update={"explain": False, "fabric": design.plan.kind})
    chosen = choose_plan(design.quantisation.model, options, design.target)
    modules = {"core": emit(replace(design, options=options, chosen=chosen))["core"]}
    with tempfile.TemporaryDirectory(prefix="locgen-") as folder:
        quiet = replace(job, out=Path(folder), logs=job.logs / "without_evidence")
        without = design.target.backend.synthesise(modules, design.target.device, quiet)
    assert without is not None and without.usage.logic_cells is not None
    return mapped.usage.logic_cells - without.usage.logic_cells


COMPILE = Stage(
    "compile",
    "modules",
    lambda state: emit(state.design),
    lambda state: f"compiling {len(state.design.model.nodes)} nodes to Amaranth",
)
SYNTHESIS = Stage(
    "synthesis",
    "mapped",
    _synthesise,
    lambda state: "synthesis" if state.design.target.backend.models else "",
)
VERILOG = Stage(
    "verilog",
    "verilog",
    _write_verilog,
    lambda state: "" if state.design.target.backend.models else "writing Verilog",
)
TEST_BENCH = Stage("test bench", "bench", _write_sources, lambda state: "writing the test bench")
ROUTE = Stage(
    "place and route",
    "routed",
    _route,
    lambda state: "place and route" if state.routes else "",
)
SIMULATION = Stage(
    "verification",
    "verified",
    _verify,
    lambda state: f"simulation of {' and '.join(_levels(state))} with {len(state.vectors)} vectors",
)
MEASUREMENT = Stage(
    "measurement",
    "measurement",
    _measure,
    lambda state: "" if state.mapped is None else "counting toggles",
)
DELIVERY = Stage("delivery", "routed", _deliver)
EVIDENCE = Stage("cost of evidence", "evidence_cells", _evidence_cells)

ALL = (
    (COMPILE,),
    (SYNTHESIS, VERILOG),
    (TEST_BENCH,),
    (ROUTE, SIMULATION),
    (MEASUREMENT,),
    (DELIVERY,),
    (EVIDENCE,),
)
"""The stages of a build in order; those in one group run side by side."""
