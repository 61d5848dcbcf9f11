"""The hardware of a design, its vectors and its test bench."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from locgen.flow.evidence import evidence_words
from locgen.flow.memory import boot_flash, link_params, memory_image, update_exchanges
from locgen.flow.planned import PlannedDesign
from locgen.flow.tops import emit_top, has_frames
from locgen.targets.asic.chip import CELL_MODELS
from locgen.targets.target import Mapped
from locgen.top.direct import DirectFabric
from locgen.top.emit import emit_rtlil, ports_of
from locgen.top.registers import REGISTERS
from locgen.top.tree import TreeFabric
from locgen.verify.frames import make_frames
from locgen.verify.pins import make_rows
from locgen.verify.testbench import BenchFacts, write_testbench
from locgen.verify.vectors import Vectors, make_vectors

__all__ = ["design_facts", "design_vectors", "emit", "fabric_of", "write_bench"]

_FABRICS: Mapping[str, Callable[..., DirectFabric | TreeFabric]] = {
    "direct": lambda model, plan, digest: DirectFabric(model, plan),
    "tree": TreeFabric,
}
"""The component of each kind of plan, from the model, the plan and the design's digest."""


def design_facts(design: PlannedDesign) -> BenchFacts:
    """Return the facts that test benches are rendered from."""
    model, target, plan = design.model, design.target, design.plan
    boot = boot_flash(design)
    return {
        "name": model.name,
        "digest": design.digest,
        "fabric": plan.kind,
        "feature_bits_total": max(sum(model.feature_bits), 1),
        "feature_bits": list(model.feature_bits),
        "decision_bits": model.decision.bits,
        "score_bits": model.score_bits,
        "outputs": model.score_ports,
        "latency_cycles": plan.latency_cycles,
        "interval_cycles": plan.interval_cycles,
        "top": target.top,
        "registers": dict(REGISTERS) if target.top in ("wishbone", "axilite") else None,
        "clock_hz": int(target.clock_hz or 12_000_000),
        "baud": target.baud,
        "memory": plan.shapes[0].memory if plan.shapes else None,
        "evidence_beats": plan.evidence_bits // plan.evidence_width if plan.evidence else 0,
        "evidence_width": plan.evidence_width if plan.evidence else 0,
        "boot_offset": None if boot is None else boot.offset,
        "models": list(target.backend.models),
        "tile": target.backend.tile,
    }


def fabric_of(design: PlannedDesign) -> DirectFabric | TreeFabric:
    """Return the Amaranth component of the model."""
    build = _FABRICS[design.plan.kind]
    return build(design.chosen.hardware, design.plan, int(design.digest, 16))


def emit(design: PlannedDesign, called: str = "top") -> dict[str, str]:
    """Return RTLIL by module: the core, and the top around it, a module named as `called`."""
    modules = {"core": emit_rtlil(fabric_of(design), "core", reset=True)}
    top = emit_top(design, called)
    if top is not None:
        modules["top"] = top
    return modules


def design_vectors(design: PlannedDesign) -> Vectors:
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
    vectors = make_vectors(model.feature_bits, thresholds, model.evaluate, rows)
    return replace(vectors, scores=vectors.scores[:, : model.score_ports])


def write_bench(
    design: PlannedDesign,
    bench: Path,
    modules: Mapping[str, str],
    vectors: Vectors,
    verilog: Mapping[str, Path],
    mapped: Mapped | None,
) -> None:
    """Write the test bench with the Verilog of both levels, and what is sent over the link.

    Parameters
    ----------
    design : the design under test
    bench : folder of the test bench
    modules : RTLIL by module, which tells the ports of a top
    vectors : the shared vector set
    verilog : file by module
    mapped : the netlists, None where synthesis made none
    """
    facts = design_facts(design)
    if "top" in modules and design.target.top != "pins":
        facts["top_ports"] = ports_of(modules["top"], "top")
    sources: dict[str, str | Path] = {f"{name}.v": path for name, path in verilog.items()}
    if mapped is not None:
        sources["core_netlist.v"] = mapped.core.verilog
        if mapped.top is not None:
            sources["top_netlist.v"] = mapped.top.verilog
    frames, image = None, memory_image(design)
    flash: tuple[int, ...] = ()
    evidence = evidence_words(design, vectors)
    if mapped is not None and mapped.chip is not None:
        sources[CELL_MODELS] = mapped.chip.models
    if design.target.top == "pins":
        frames = make_rows(design.model, vectors)
    elif has_frames(design):
        params = link_params(design)
        held = int(design.digest, 16) if image else None
        frames = make_frames(design.model, params, vectors, digest=held, evidence=evidence)
        if image:
            updates, flash = update_exchanges(design, params, vectors)
            frames = updates + frames if boot_flash(design) is not None else frames + updates
    write_testbench(bench, facts, vectors, frames, sources, image, flash, evidence)
