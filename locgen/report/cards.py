"""The page's headline verdicts and its cards of key figures."""

from dataclasses import dataclass

from locgen.report.facts import energy_shares, fits, meets_clock, missing, verified
from locgen.report.numbers import every, percent, plural, points, share, si, significant, thousands
from locgen.report.schema import Chip, CoreUsage, Report

__all__ = ["Card", "Segment", "Verdict", "make_cards", "make_verdicts"]


@dataclass(frozen=True)
class Verdict:
    """One chip of the headline; `mood` is good, bad or none."""

    mood: str
    words: str


@dataclass(frozen=True)
class Segment:
    """A part of a card's bar: its class, its width in percent and its words."""

    css: str
    percent: str
    words: str


@dataclass(frozen=True)
class Card:
    """A key figure: `value` is None where nothing was measured and `lines` say why.

    `mark` is the place of a mark on the bar in percent, or None.
    """

    name: str
    value: str | None
    unit: str
    lines: tuple[str, ...]
    bar: tuple[Segment, ...] = ()
    mark: str | None = None
    legend: bool = False


def make_verdicts(report: Report) -> tuple[Verdict, ...]:
    """Return whether it fits, meets its clock, and was verified."""
    usage, equal = report.utilisation, verified(report)
    verdicts = []
    fit = fits(report)
    chip = report.chip
    if chip is not None:
        if chip.tile is not None and chip.tile_filled is not None:
            words = f"{percent(chip.tile_filled, 0)} of a {chip.tile} tile of {chip.shuttle}"
            verdicts.append(Verdict("good", f"Fits: fills {words}"))
    elif fit is None or usage is None:
        verdicts.append(Verdict("none", f"Fit {missing(report, 'route')}"))
    else:
        used = f"{thousands(usage.logic_cells or 0)} of "
        used += plural(usage.logic_cells_available or 0, "logic cell")
        verdicts.append(Verdict(_mood(fit), f"Fits: {used}" if fit else f"Does not fit: {used}"))
    met = meets_clock(report)
    if met is not None and report.timing is not None:
        clock = significant(report.target.clock_mhz or 0)
        words = f"Runs at {clock} MHz" if met else f"Misses its clock of {clock} MHz"
        verdicts.append(Verdict(_mood(met), words))
    if equal is None:
        verdicts.append(Verdict("none", f"Hardware equal to golden: {missing(report, 'verify')}"))
    else:
        tried = sum(entry.vectors for entry in report.verification)
        wrong = sum(entry.mismatches for entry in report.verification)
        found = plural(wrong, "mismatch", "mismatches") if wrong else "no mismatch"
        words = f"{found} in {plural(tried, 'comparison')}"
        if equal:
            verdicts.append(Verdict("good", f"Verified against golden: {words}"))
        else:
            verdicts.append(Verdict("bad", f"Hardware differs from golden: {words}"))
    return tuple(verdicts)


def make_cards(report: Report) -> tuple[Card, ...]:
    """Return the six key figures in the order of reading."""
    return (
        _cells(report),
        _clock(report),
        _latency(report),
        _throughput(report),
        _energy(report),
        _accuracy(report),
    )


def _mood(verdict: bool) -> str:
    return "good" if verdict else "bad"


def _area(core: CoreUsage, chip: Chip) -> Card:
    lines = [
        f"{significant(core.gate_equivalents or 0.0, 4)} gate equivalents",
        f"{percent(chip.flip_flop_share, 0)} of it flip-flops; {chip.library}",
    ]
    value = significant(core.area_um2 or 0.0, 4)
    if chip.tile is None or chip.tile_filled is None:
        return Card("Cell area", value, "\u00b5m\u00b2", tuple(lines))
    lines.append(f"whole design: {percent(chip.tile_filled, 0)} of a {chip.tile} tile")
    bar = (Segment("b-down", f"{100 * chip.tile_filled:.2f}", "tile"),)
    return Card("Cell area", value, "\u00b5m\u00b2", tuple(lines), bar)


def _cells(report: Report) -> Card:
    usage = report.utilisation
    if report.chip is not None and report.core is not None and report.core.area_um2 is not None:
        return _area(report.core, report.chip)
    core = None if report.core is None else report.core.logic_cells
    alone = () if core is None else (f"model alone {thousands(core)}, the rest link and pins",)
    if usage is None or usage.logic_cells is None:
        if core is not None:
            text = ("model alone", f"whole design {missing(report, 'route')}")
            return Card("Logic cells", thousands(core), "", text)
        estimate = f"estimate {thousands(report.estimate.logic_cells)}"
        return Card("Logic cells", None, "", (missing(report, "route"), estimate))
    if usage.logic_cells_available is None:
        return Card("Logic cells", thousands(usage.logic_cells), "", alone)
    used = share(usage.logic_cells, usage.logic_cells_available)
    actual = usage.logic_cells / (usage.logic_cells_available or 1)
    parts = [Segment("b-down", f"{100 * used:.2f}", "used")]
    if core is not None and core < usage.logic_cells:
        model = share(core, usage.logic_cells_available)
        parts = [
            Segment("b-down", f"{100 * model:.2f}", "model"),
            Segment("b-link", f"{100 * (used - model):.2f}", "link and pins"),
        ]
    of = f"{percent(actual)} of {thousands(usage.logic_cells_available)} available"
    return Card("Logic cells", thousands(usage.logic_cells), "", (of, *alone), tuple(parts))


def _clock(report: Report) -> Card:
    fmax = None if report.timing is None else report.timing.fmax_mhz
    clock = report.target.clock_mhz
    asked = "clock unknown" if clock is None else f"clock {significant(clock)} MHz"
    if fmax is None or report.timing is None:
        return Card("Highest clock", None, "", (missing(report, "timing"), asked))
    lines = [asked]
    if clock:
        ratio = fmax / clock
        lines = [f"{asked}: {'met' if ratio >= 1 else 'NOT MET'}, {significant(ratio)} times"]
    if report.timing.critical_path_ns is not None:
        path = f"critical path {significant(report.timing.critical_path_ns)} ns"
        corner = report.timing.corner
        lines.append(path if corner is None else f"{path} ({corner})")
    if clock is None:
        return Card("Highest clock", significant(fmax, 4), "MHz", tuple(lines))
    whole = max(fmax, clock) * 1.02
    bar = (Segment("b-down", f"{100 * share(fmax, whole):.2f}", "Fmax"),)
    mark = f"{100 * share(clock, whole):.2f}"
    return Card("Highest clock", significant(fmax, 4), "MHz", tuple(lines), bar, mark)


def _latency(report: Report) -> Card:
    cycles = plural(report.fabric.latency_cycles, "cycle")
    again = f"a new answer {every(report.fabric.interval_cycles)}"
    latency = None if report.throughput is None else report.throughput.latency_ns
    if latency is None:
        lines = (again, f"in time {missing(report, 'clock')}")
        return Card("Latency", thousands(report.fabric.latency_cycles), "cycles", lines)
    value, unit = si(latency * 1e-9, "s").split(" ")
    exact = f"{cycles}, {significant(latency, 4)} ns"
    return Card("Latency", value, unit, (exact if unit != "ns" else cycles, again))


def _throughput(report: Report) -> Card:
    speed = report.throughput
    if speed is None or speed.core_per_second is None:
        return Card("Inferences per second", None, "", (missing(report, "clock"),))
    link = missing(report, "link")
    if speed.link_per_second is not None:
        link = f"over the serial link {thousands(round(speed.link_per_second))}"
    value = thousands(round(speed.core_per_second))
    return Card("Inferences per second", value, "", ("the core at its clock", link))


def _energy(report: Report) -> Card:
    energy, shares = report.energy, energy_shares(report)
    if energy is None or shares is None:
        return Card("Energy per inference", None, "", (missing(report, "energy"),))
    value, unit = si(shares.total_nj * 1e-9, "J").split(" ")
    error = energy.uncertainty_percent
    lines = ["at full speed" if error is None else f"\u00b1 {significant(error)} %, at full speed"]
    if report.chip is not None:
        lines[0] += ", before layout"
    elif not energy.calibrated:
        lines[0] += ", not calibrated"
    if energy.at_one_per_second_uj is not None:
        slow = si(energy.at_one_per_second_uj * 1e-6, "J")
        lines.append(f"{slow} a second at one inference per second, nearly all static")
        if energy.static_uw is not None and energy.static_uw < 0.9 * energy.at_one_per_second_uj:
            lines[-1] = f"{slow} a second at one inference per second"
    parts = (
        ("b-up", shares.dynamic_nj, "toggles"),
        ("b-down", shares.clock_nj, "clock"),
        ("b-link", shares.static_nj, "static"),
    )
    bar = tuple(
        Segment(
            css,
            f"{100 * share(part, shares.total_nj):.2f}",
            f"{words} {si(part * 1e-9, 'J')}",
        )
        for css, part, words in parts
    )
    return Card("Energy per inference", value, unit, tuple(lines), bar, legend=True)


def _accuracy(report: Report) -> Card:
    facts = report.quantisation
    if report.model.task == "regression":
        if facts.quantised_r2 is None:
            return Card("R\u00b2, golden", None, "", (missing(report, "r2"),))
        lines = ["library unknown"]
        if facts.float_r2 is not None:
            lines = [f"library {facts.float_r2:.4f}"]
        if facts.rows_test is not None:
            lines.append(f"on {plural(facts.rows_test, 'test row')}")
        return Card("R\u00b2, golden", f"{facts.quantised_r2:.4f}", "", tuple(lines))
    if facts.quantised_accuracy is None:
        return Card("Accuracy, golden", None, "", (missing(report, "data"),))
    lines = []
    if facts.float_accuracy is not None:
        change = points(facts.float_accuracy, facts.quantised_accuracy)
        lines.append(f"library {percent(facts.float_accuracy, 2)}: {change}")
    if facts.changed_decisions is not None and facts.rows_test is not None:
        changed = thousands(facts.changed_decisions)
        lines.append(f"{changed} of {plural(facts.rows_test, 'test decision')} changed")
    value, unit = percent(facts.quantised_accuracy, 2).split(" ")
    return Card("Accuracy, golden", value, unit, tuple(lines))
