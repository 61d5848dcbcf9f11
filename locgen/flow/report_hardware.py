"""The report's sections about the hardware: fabric, target, cells, timing, throughput, energy."""

from typing import get_args

from locgen.energy import EnergyFigures
from locgen.flow.built import Built
from locgen.flow.chip import ChipFigures
from locgen.flow.memory import link_params
from locgen.flow.planned import PlannedDesign
from locgen.flow.report_chip import chip_counts, chip_timing
from locgen.host.frames import Frame, encode_frame
from locgen.plan import Plan
from locgen.report.schema import (
    Attempt,
    CoreUsage,
    Energy,
    EvidenceCost,
    Fabric,
    SizeUnit,
    Synthesis,
    TargetFacts,
    Throughput,
    Timing,
)
from locgen.targets.routed import Routed
from locgen.targets.target import Effort, Mapped

__all__ = [
    "core_section",
    "energy_section",
    "evidence_section",
    "fabric_section",
    "synthesis_section",
    "target_section",
    "throughput_section",
    "timing_section",
]


def fabric_section(plan: Plan) -> Fabric:
    """Return how the nodes are joined."""
    return Fabric(
        kind=plan.kind,
        link_width=plan.link_width,
        sites=len(plan.sites) or None,
        core=plan.core,
        latency_cycles=plan.latency_cycles,
        interval_cycles=plan.interval_cycles,
        bits_per_inference=plan.bits_per_inference,
    )


def evidence_section(plan: Plan, built: Built | None) -> EvidenceCost | None:
    """Return what gathering evidence costs; None where none is gathered."""
    if not plan.evidence:
        return None
    cells = None if built is None else built.evidence_cells
    return EvidenceCost(bits=plan.evidence_bits, cycles=plan.evidence_beats, logic_cells=cells)


def target_section(design: PlannedDesign, built: Built | None) -> TargetFacts:
    """Return what was built for."""
    target = design.target
    return TargetFacts(
        family=target.name,
        device=None if target.device is None else target.device.name,
        package=target.package,
        board=None if target.board is None else target.board.name,
        clock_mhz=_clock_mhz(design, built),
        top=target.top,
    )


def _clock_mhz(design: PlannedDesign, built: Built | None) -> float | None:
    if design.target.clock_hz is not None:
        return design.target.clock_hz / 1e6
    if built is None or built.clock_mhz is None:
        return None
    return round(built.clock_mhz, 2)  # rounded as the Fmax that it is


def core_section(mapped: Mapped | None, chip: ChipFigures | None) -> CoreUsage | None:
    """Return the cells of the model alone; None before synthesis."""
    if mapped is None:
        return None
    counts: dict[str, float | None] = dict(mapped.usage.as_dict())
    del counts["logic_cells_available"]
    chip_figures = {} if chip is None else chip_counts(chip)
    return CoreUsage.model_validate({**counts, **mapped.figures, **chip_figures})


def synthesis_section(
    mapped: Mapped | None, effort: Effort, core: CoreUsage | None
) -> Synthesis | None:
    """Return which recipes of synthesis were tried; None where there are none.

    Parameters
    ----------
    mapped : netlists with the attempts behind them
    effort : of synthesis
    core : what the kept one came to; its first unit that applies is that of every size
    """
    if mapped is None or core is None or not mapped.core.attempts:
        return None
    units: tuple[SizeUnit, ...] = get_args(SizeUnit)
    unit = next((name for name in units if getattr(core, name) is not None), None)
    if unit is None:
        return None
    tried = [
        Attempt(
            recipe=attempt.recipe,
            size=round(getattr(core, unit) if attempt.size is None else attempt.size, 2),
            kept=attempt.kept,
        )
        for attempt in mapped.core.attempts
    ]
    return Synthesis(effort=effort, unit=unit, tried=tried)


def timing_section(routed: Routed | None, chip: ChipFigures | None) -> Timing | None:
    """Return static timing after routing, or before the layout of a chip."""
    if routed is None:
        return None if chip is None else chip_timing(chip)
    return Timing(
        fmax_mhz=round(routed.fmax_mhz, 2),
        critical_path_ns=round(routed.critical_path_ns, 3),
        corner="nextpnr's worst case",
    )


def throughput_section(design: PlannedDesign, built: Built | None) -> Throughput | None:
    """Return inferences per second and latency at the clock; None without a clock."""
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
        seconds = 10 * longest / target.baud + plan.latency_cycles / (clock_mhz * 1e6)
        link = round(1 / seconds, 1)
    return Throughput(
        core_per_second=round(clock_mhz * 1e6 / plan.interval_cycles, 1),
        link_per_second=link,
        latency_ns=round(plan.latency_cycles * 1000 / clock_mhz, 2),
    )


def energy_section(built: Built) -> Energy | None:
    """Return the energy of the core at the clock; None where toggles were not counted."""
    activity, core = built.activity, built.core
    if activity is None or core is None:
        return None
    source = (
        f"zero-delay simulation of the core's netlist on {activity.inferences} rows, without "
        "glitches: the dynamic part is a lower bound"
    )
    has_memory = bool(core.bram or core.spram)
    if has_memory:
        source += "; what the memories themselves take is not known and not in it"
    toggles = activity.toggles_per_inference
    figures = built.energy or EnergyFigures(None, None, None, None, False, None, toggles)

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
        toggles_per_inference=round(toggles, 2),
        leakage_uw=rounded(figures.static_uw) if built.chip is not None else None,
        internal_uw=rounded(figures.internal_uw),
        switching_uw=rounded(figures.switching_uw),
    )
