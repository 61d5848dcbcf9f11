"""From a design and its build to the report: `report.json`, `report.html` and the project page."""

from collections import Counter
from pathlib import Path

import numpy as np
from sklearn.metrics import r2_score

from locgen.flow.built import Built
from locgen.flow.chipreport import chip_counts, chip_section, chip_timing
from locgen.flow.choicereport import pruning_section, synthesis_section
from locgen.flow.memory import link_params
from locgen.flow.modules import core_module, placed_module
from locgen.flow.planned import PlannedDesign
from locgen.frontends.pipeline import library_quiet, scale, unwrap
from locgen.host.frames import Frame, encode_frame
from locgen.plan import TreePlan
from locgen.quantise.evaluator import right_share
from locgen.report.html import render_html
from locgen.report.pictures import Confusion, Pictures, PlacedCell, SiteFacts
from locgen.report.project import render_readme
from locgen.report.schema import (
    CoreUsage,
    Energy,
    Estimate,
    EvidenceCost,
    Experts,
    Fabric,
    ModelFacts,
    Quantisation,
    Report,
    TargetFacts,
    Throughput,
    Timing,
    Usage,
    Verification,
)
from locgen.targets.netlist import lut_names
from locgen.targets.toolchain import find_tool
from locgen.top.kinds import FRAMED_TOPS
from locgen.version import __version__

__all__ = ["make_pictures", "make_report", "write_report"]

_SCATTER_ROWS = 500


def make_report(design: PlannedDesign, built: Built | None = None) -> Report:
    """Return the report of `design`; without `built`, what only tools can tell is None."""
    model, target, plan = design.model, design.target, design.plan
    routed = None if built is None else built.routed
    chip = None if built is None else built.chip
    core = None
    if built is not None and built.core is not None:
        counts = {} if chip is None else chip_counts(chip)
        core = CoreUsage(**_without_available(built), **built.mapped.figures, **counts)
    return Report(
        digest=design.digest,
        model=ModelFacts(
            name=model.name,
            family=model.family,
            library=model.library,
            nodes=len(model.nodes),
            features=len(model.features),
            outputs=model.outputs,
            task=model.task,
        ),
        quantisation=_quantisation(design),
        pruning=pruning_section(design.quantisation),
        fabric=Fabric(
            kind=plan.kind,
            link_width=plan.link_width,
            sites=len(plan.sites) or None,
            core=plan.core,
            latency_cycles=plan.latency_cycles,
            interval_cycles=plan.interval_cycles,
            bits_per_inference=plan.bits_per_inference,
        ),
        evidence=None
        if not plan.evidence
        else EvidenceCost(
            bits=plan.evidence_bits,
            cycles=plan.evidence_beats,
            logic_cells=None if built is None else built.evidence_cells,
        ),
        target=TargetFacts(
            family=target.name,
            device=None if target.device is None else target.device.name,
            package=target.package,
            board=None if target.board is None else target.board.name,
            clock_mhz=_clock_mhz(design, built),
            top=target.top,
        ),
        utilisation=None if routed is None else Usage(**routed.utilisation.as_dict()),
        core=core,
        synthesis=None
        if core is None
        else synthesis_section(built.mapped, design.options.effort, core),
        chip=None if chip is None else chip_section(chip),
        estimate=Estimate(
            logic_cells=design.estimate.logic_cells,
            fmax_mhz=design.fmax_mhz and round(design.fmax_mhz, 2),
        ),
        timing=(None if chip is None else chip_timing(chip))
        if routed is None
        else Timing(
            fmax_mhz=round(routed.fmax_mhz, 2),
            critical_path_ns=round(routed.critical_path_ns, 3),
            corner="nextpnr's worst case",
        ),
        throughput=_throughput(design, built),
        energy=_energy(built),
        experts=_experts(design, built),
        verification=[] if built is None else [Verification.of(r) for r in built.results],
        unverified=None if built is None else built.unverified,
        tools=_tools(design, built),
    )


def _clock_mhz(design: PlannedDesign, built: Built | None) -> float | None:
    if design.target.clock_hz is not None:
        return design.target.clock_hz / 1e6
    known = built is not None and built.clock_mhz is not None
    return round(built.clock_mhz, 2) if known else None  # rounded as the Fmax that it is


def _without_available(built: Built) -> dict[str, int | None]:
    counts = built.core.as_dict()
    del counts["logic_cells_available"]
    return counts


def _quantisation(design: PlannedDesign) -> Quantisation:
    model, data = design.model, design.data
    kinds = [feature.kind for feature in model.features]
    used = {kind for kind, bits in zip(kinds, model.feature_bits, strict=True) if bits}
    facts: dict[str, object] = dict.fromkeys(
        (
            "rows_train",
            "rows_test",
            "float_accuracy",
            "quantised_accuracy",
            "changed_decisions",
            "float_r2",
            "quantised_r2",
        )
    )
    if data is not None and design.loaded is not None:
        facts |= {"rows_train": len(data.x_train), "rows_test": len(data.x_test)}
        theirs = design.loaded.answers(data.x_test)
        ours = model.predict(data.x_test)
        if model.task == "regression":
            facts |= {
                "float_r2": _r2(data.y_test, theirs),
                "quantised_r2": _r2(data.y_test, ours),
            }
        else:
            facts |= {
                "float_accuracy": right_share(data.y_test, theirs),
                "quantised_accuracy": right_share(data.y_test, ours),
                "changed_decisions": round(len(ours) * (1 - right_share(theirs, ours))),
            }
    rebinning = design.quantisation.rebinning
    return Quantisation(
        kinds=kinds,
        feature_bits=list(model.feature_bits),
        score_bits=model.score_bits,
        encoder="none" if used <= {"identity"} else "host",
        rebinned=None if rebinning is None else rebinning.words,
        **facts,
    )


def _r2(truth: np.ndarray, guess: np.ndarray) -> float | None:
    return float(r2_score(truth, guess)) if len(truth) >= 2 else None


def _throughput(design: PlannedDesign, built: Built | None) -> Throughput | None:
    clock_mhz = _clock_mhz(design, built)
    if clock_mhz is None:
        return None
    plan, target = design.plan, design.target
    link = None
    if target.top == "uart":
        params = link_params(design)
        longest = 0
        for payload in (params.feature_bytes, params.response_bytes):
            longest += len(encode_frame(Frame(1, 1, b"\x01" * payload)))
        link = 1 / (10 * longest / target.baud + plan.latency_cycles / (clock_mhz * 1e6))
    return Throughput(
        core_per_second=round(clock_mhz * 1e6 / plan.interval_cycles, 1),
        link_per_second=None if link is None else round(link, 1),
        latency_ns=round(plan.latency_cycles * 1000 / clock_mhz, 2),
    )


def _energy(built: Built | None) -> Energy | None:
    if built is None or built.activity is None:
        return None
    activity = built.activity
    source = (
        f"zero-delay simulation of the core's netlist on {activity.inferences} rows, without "
        "glitches: the dynamic part is a lower bound"
    )
    has_memory = bool(built.core.bram or built.core.spram)
    if has_memory:
        source += "; what the memories themselves take is not known and not in it"
    toggles = round(activity.toggles_per_inference, 2)
    figures = built.energy
    if figures is None:
        return Energy(
            dynamic_nj_per_inference=None,
            clock_uw=None,
            static_uw=None,
            at_one_per_second_uj=None,
            calibrated=False,
            uncertainty_percent=None,
            activity_source=source,
            toggles_per_inference=toggles,
        )

    def rounded(value: float | None) -> float | None:
        return None if value is None else float(f"{value:.4g}")

    return Energy(
        dynamic_nj_per_inference=rounded(figures.dynamic_nj_per_inference),
        clock_uw=rounded(figures.clock_uw),
        static_uw=rounded(figures.static_uw),
        at_one_per_second_uj=rounded(figures.at_one_per_second_uj),
        calibrated=figures.calibrated and not has_memory,
        uncertainty_percent=None if has_memory else figures.uncertainty_percent,
        activity_source=source,
        toggles_per_inference=toggles,
        leakage_uw=rounded(figures.static_uw) if built.chip is not None else None,
        internal_uw=rounded(figures.internal_uw),
        switching_uw=rounded(figures.switching_uw),
    )


def _experts(design: PlannedDesign, built: Built | None) -> Experts | None:
    gate = design.model.gate
    if gate is None:
        return None
    kinds = {node.kind for node in gate.nodes}
    parts = None if built is None else built.experts
    return Experts(
        gate=kinds.pop() if len(kinds) == 1 else "mixed",
        active=gate.top_k,
        total=gate.experts,
        changed_routes=_changed_routes(design),
        open_share=None if parts is None else [round(share, 4) for share in parts.open_share],
        toggles_per_inference=None if parts is None else [round(t, 2) for t in parts.by_expert],
        shared_toggles_per_inference=None if parts is None else round(parts.shared, 2),
    )


def _changed_routes(design: PlannedDesign) -> int | None:
    """Return the test rows for which golden opens other experts than the library."""
    if design.data is None or design.loaded is None:
        return None
    model, rows = design.model, design.data.x_test
    scalers, mixture = unwrap(design.loaded.estimator)
    with library_quiet():
        routes = mixture.route(scale(scalers, rows))
    theirs = np.zeros((len(rows), model.gate.experts), dtype=bool)
    np.put_along_axis(theirs, routes, True, axis=1)
    ours = model.gate.evaluate(model.quantise(rows), model.missing_codes)
    return int(np.count_nonzero((ours != theirs).any(axis=1)))


def _tools(design: PlannedDesign, built: Built | None) -> dict[str, str]:
    """Return what made the figures; before a build that is locgen alone."""
    tools = {"locgen": __version__}
    if built is not None:
        tools["yosys"] = find_tool("yosys").version
        tools |= {result.simulator: result.simulator_version for result in built.results}
        if built.chip is not None and built.chip.timing is not None and built.chip.timing.start:
            tools["sta"] = find_tool("sta").version
        if built.routed is not None:
            placer = design.target.backend.tools[1]
            tools[placer] = find_tool(placer).version
    return tools


_DECISIONS = {
    "argmax": "largest score",
    "threshold": "threshold",
    "identity": "none: the sums are it",
    "votes": "weighted votes",
    "several": "one a label",
    "median": "weighted median",
    "cascade": "a model behind the scores",
}


def make_pictures(design: PlannedDesign, built: Built) -> Pictures:
    """Return what the HTML report's pictures are drawn from."""
    plan = design.plan
    direct = not isinstance(plan, TreePlan)
    per_module = _logic_cells(built, direct)
    facts: dict[str, object] = {
        "modules": tuple(sorted(per_module.items(), key=lambda item: (-item[1], item[0]))),
        "decision": _DECISIONS[design.model.decision.kind],
        "trials": tuple(
            (t.score_bits, t.drop, t.changed, t.kept) for t in design.quantisation.trials
        ),
    }
    if not direct:
        stop_of = {site: stop for stop, sites in enumerate(plan.stops) for site in sites}
        facts |= {
            "sites": tuple(
                SiteFacts(number, nodes, per_module[f"site_{number}"], stop_of[number])
                for number, nodes in enumerate(plan.sites)
            ),
            "inner_stops": plan.inner_stops,
            "combine_levels": plan.combine_levels,
        }
    if built.routed is not None:
        outside = "link" if design.target.top in FRAMED_TOPS else "wrapper"
        facts["grid"] = built.routed.grid
        facts["cells"] = tuple(
            PlacedCell(placed_module(cell.name, direct, outside), cell.kind, cell.x, cell.y)
            for cell in built.routed.cells
        )
    facts |= _agreement(design)
    return Pictures(**facts)


def _logic_cells(built: Built, direct: bool) -> Counter[str]:
    """Count the core's logic cells by module: placed ones, or LUTs and spare flip-flops."""
    names: list[str] = []
    if built.routed is not None:
        names = [
            cell.name.removeprefix("core.")
            for cell in built.routed.cells
            if cell.is_logic and cell.name.startswith("core.")
        ]
    elif built.mapped is not None:
        names = lut_names(built.mapped.core)
    return Counter(core_module(name, direct) for name in names)


def _agreement(design: PlannedDesign) -> dict[str, object]:
    data, model = design.data, design.model
    if data is None or design.loaded is None:
        return {}
    theirs = np.asarray(design.loaded.answers(data.x_test))
    ours = model.predict(data.x_test)
    if model.targets > 1 and model.task == "classification":
        return {}
    if model.task == "regression":
        picked = slice(None, _SCATTER_ROWS)
        pairs = zip(theirs[picked].ravel(), ours[picked].ravel(), strict=True)
        return {"scatter": tuple((float(a), float(b)) for a, b in pairs)}

    def counts(guess: np.ndarray) -> tuple[tuple[int, ...], ...]:
        return tuple(
            tuple(int(np.sum((data.y_test == row) & (guess == column))) for column in model.classes)
            for row in model.classes
        )

    labels = tuple(str(label) for label in model.classes)
    return {"confusion": Confusion(labels, counts(theirs), counts(ours))}


def write_report(design: PlannedDesign, built: Built) -> Report:
    """Write `report.json`, `report.html` and `README.md` into the build folder."""
    report = make_report(design, built)
    pictures = make_pictures(design, built)
    out: Path = built.out
    (out / "report.html").write_text(render_html(report, pictures), "utf-8")
    bitstream = None if built.bitstream is None else built.bitstream.name
    (out / "README.md").write_text(render_readme(report, bitstream), "utf-8")
    (out / "report.json").write_text(report.to_json(), "utf-8")
    return report
