"""What page and terminal both say: verdicts, shares of energy, why something is missing."""

from dataclasses import dataclass

from locgen.report.numbers import percent, plural, significant, thousands
from locgen.report.schema import Experts, Pruning, Quantisation, Report, Verification
from locgen.targets.registry import TARGETS
from locgen.verify.levels import LEVELS

__all__ = [
    "EnergyShares",
    "compared_with_library",
    "energy_shares",
    "experts_words",
    "fits",
    "hardware",
    "meets_clock",
    "missing",
    "passed",
    "pruning_words",
    "verified",
]


@dataclass(frozen=True)
class EnergyShares:
    """Energy in nJ of one inference when the core works without pause, and what it consists of."""

    total_nj: float
    dynamic_nj: float
    clock_nj: float
    static_nj: float


def hardware(report: Report) -> str:
    """Return board, device and package in words."""
    target = report.target
    device = "-".join(part for part in (target.device, target.package) if part)
    if target.board is None:
        return f"{target.family} {device}".strip()
    return f"{target.board} ({target.family} {device})" if device else target.board


def fits(report: Report) -> bool | None:
    """Say whether the routed design fits; None if nothing was routed."""
    usage = report.utilisation
    if usage is None or usage.logic_cells is None or usage.logic_cells_available is None:
        return None
    return usage.logic_cells <= usage.logic_cells_available


def meets_clock(report: Report) -> bool | None:
    """Say whether the routed design reaches its clock; None if either is unknown."""
    if report.timing is None or report.timing.fmax_mhz is None or report.target.clock_mhz is None:
        return None
    return report.timing.fmax_mhz >= report.target.clock_mhz


def verified(report: Report) -> bool | None:
    """Say whether hardware equalled golden at every level tried; None if none was."""
    verdicts = [verdict for verdict in map(passed, report.verification) if verdict is not None]
    return all(verdicts) if verdicts else None


def compared_with_library(facts: Quantisation) -> str | None:
    """Return on how many rows the float model answers as the library; None if none was known."""
    if facts.library_rows_compared is None:
        return None
    ties = plural(facts.library_ties or 0, "tie")
    return f"{plural(facts.library_rows_compared, 'row')} as predict answers, {ties}"


def passed(entry: Verification) -> bool | None:
    """Say whether one level found no mismatch; None if it compared nothing and is no proof."""
    if entry.mismatches:
        return False
    return True if entry.vectors or LEVELS[entry.level].is_proof else None


def energy_shares(report: Report) -> EnergyShares | None:
    """Return what one inference takes at full speed: toggles, and clock and static power so long.

    None where a coefficient or the clock is unknown.
    """
    energy, speed = report.energy, report.throughput
    if energy is None or speed is None or not speed.core_per_second:
        return None
    dynamic, clock_uw, static_uw = (
        energy.dynamic_nj_per_inference,
        energy.clock_uw,
        energy.static_uw,
    )
    if dynamic is None or clock_uw is None or static_uw is None:
        return None
    # uW divided by inferences per second is uJ per inference.
    clock = 1000 * clock_uw / speed.core_per_second
    static = 1000 * static_uw / speed.core_per_second
    return EnergyShares(dynamic + clock + static, dynamic, clock, static)


def experts_words(report: Report) -> str:
    """Return in words which experts of a mixture work, and what they toggle; empty for others."""
    experts = report.experts
    if experts is None:
        return ""
    text = f"{experts.active} of {plural(experts.total, 'expert')} open ({experts.gate} gate)"
    if experts.changed_routes is not None and report.quantisation.rows_test is not None:
        rows = plural(report.quantisation.rows_test, "test route")
        text += f", {thousands(experts.changed_routes)} of {rows} changed"
    return f"{text}; {_toggles_words(report, experts)}"


def pruning_words(done: Pruning | None) -> dict[str, str]:
    """Return what pruning left, and what it did to each kind of rows; nothing without it."""
    if done is None:
        return {}

    def shown(value: float | None) -> str:
        if value is None:
            return "unknown"
        return percent(value, 2) if done.measure == "accuracy" else f"{value:.4f}"

    leaves = plural(done.leaves_before, "leaf", "leaves")
    return {
        "leaves": f"{thousands(done.leaves_after)} of {leaves}",
        "training": f"{shown(done.train_before)} to {shown(done.train_after)}",
        "test": f"{shown(done.test_before)} to {shown(done.test_after)}",
    }


def _toggles_words(report: Report, experts: Experts) -> str:
    if experts.toggles_per_inference is None or experts.shared_toggles_per_inference is None:
        return f"toggles by expert {missing(report, 'experts')}"
    mine, rest = sum(experts.toggles_per_inference), experts.shared_toggles_per_inference
    low, high = min(experts.toggles_per_inference), max(experts.toggles_per_inference)
    return (
        f"{significant(mine)} toggles per inference in experts ({significant(low)} to "
        f"{significant(high)} each), {significant(rest)} in gate and network"
    )


def missing(report: Report, what: str) -> str:
    """Return why `what` was not measured.

    `what` is one of data, r2, route, timing, core, clock, link, energy, experts and verify.
    """
    done = report.core is not None or report.verification or report.unverified is not None
    unbuilt = not done
    routed = timed = _route_words(report)
    if report.chip is not None:
        routed = "the layout of a chip is made by other tools (docs/asic.md)"
        timed = "needs a Liberty file, --liberty or docs/asic.md"
    reasons = {
        "data": "needs --data",
        "r2": "needs --data" if report.quantisation.rows_test is None else "needs two test rows",
        "route": "no tool has run yet" if unbuilt else routed,
        "timing": "no tool has run yet" if unbuilt else timed,
        "core": "no tool has run yet" if unbuilt else "this target has no such cell",
        "clock": "needs a clock: --clock, --board or place and route",
        "link": "this top has no serial link",
        "verify": "no tool has run yet" if unbuilt else "verification has not run",
        "energy": _no_energy(report, unbuilt),
        "experts": "no tool has run yet" if unbuilt else "on the direct fabric all experts compute",
    }
    return f"not measured: {reasons[what]}"


def _no_energy(report: Report, unbuilt: bool) -> str:
    if unbuilt:
        return "no tool has run yet"
    if report.chip is not None and report.chip.corner is None:
        return "needs a Liberty file, --liberty or docs/asic.md"
    if report.energy is None or report.energy.toggles_per_inference is None:
        return "toggles were not counted"
    if report.target.clock_mhz is None:
        return "needs a clock: --clock, --board or place and route"
    return "no measured coefficients for this device"


def _route_words(report: Report) -> str:
    target = TARGETS.get(report.target.family)
    if target is not None and not target.routes:
        return f"--target {target.name} has no place and route"
    return "needs place and route (no --no-pnr)"
