"""The terminal's summary of a build: ten lines of text, one more for mixtures or for pruning."""

from locgen.report.facts import (
    energy_shares,
    experts_words,
    fits,
    hardware,
    meets_clock,
    missing,
    pruning_words,
    verified,
)
from locgen.report.numbers import every, percent, plural, share, si, significant, thousands
from locgen.report.schema import Chip, CoreUsage, Report
from locgen.verify.levels import LEVELS

__all__ = ["summary_lines"]


def summary_lines(report: Report, bitstream: str | None, report_path: str) -> list[str]:
    """Return the lines: a name each, then what there is to say, in ASCII but for names.

    Parameters
    ----------
    bitstream, report_path : paths as they shall be shown; `bitstream` is None without one
    """
    rows = {
        "model": _model(report),
        "quantisation": _quantisation(report),
        **_pruning(report),
        "fabric": _fabric(report),
        "fit": _fit(report),
        "timing": _timing(report),
        "throughput": _throughput(report),
        "energy": _energy(report),
        **({} if report.experts is None else {"experts": experts_words(report)}),
        "verification": _verification(report),
        **_product(report, bitstream),
        "report": report_path,
    }
    width = max(map(len, rows))
    return [f"{name:<{width}}  {' '.join(text.split())}" for name, text in rows.items()]


def _product(report: Report, bitstream: str | None) -> dict[str, str]:
    if report.chip is None or bitstream is not None:
        return {"bitstream": bitstream or "none: " + missing(report, "route").partition(": ")[2]}
    chip = report.chip
    text = f"{chip.library} ({chip.origin}), netlist/core_netlist.v"
    if chip.tile is not None:
        text += f"; project for a {chip.tile} tile of {chip.shuttle} in project/"
    return {"cells": text}


def _model(report: Report) -> str:
    model = report.model
    sizes = (
        plural(model.nodes, "node"),
        plural(model.features, "feature"),
        plural(model.outputs, "output"),
    )
    return f"{model.name}: {model.family} ({model.library}), {', '.join(sizes)}"


def _quantisation(report: Report) -> str:
    facts = report.quantisation
    widths = f"{plural(sum(facts.feature_bits), 'feature bit')}, {facts.score_bits}-bit scores"
    if facts.rebinned is not None:
        widths += f"; {facts.rebinned}"
    if report.model.task == "regression":
        if facts.float_r2 is None or facts.quantised_r2 is None:
            return f"{widths}; R2 {missing(report, 'r2')}"
        return f"{widths}; R2 float {facts.float_r2:.4f}, golden {facts.quantised_r2:.4f}"
    if facts.float_accuracy is None or facts.quantised_accuracy is None:
        return f"{widths}; accuracy {missing(report, 'data')}"
    text = f"{widths}; accuracy float {percent(facts.float_accuracy)}, "
    text += f"golden {percent(facts.quantised_accuracy)}"
    if facts.changed_decisions is not None and facts.rows_test is not None:
        text += f", {thousands(facts.changed_decisions)} of {thousands(facts.rows_test)} changed"
    return text


def _pruning(report: Report) -> dict[str, str]:
    if report.pruning is None:
        return {}
    words = pruning_words(report.pruning)
    name = {"accuracy": "accuracy", "r2": "R2"}[report.pruning.measure]
    text = f"{words['leaves']} left; {name} on training rows {words['training']}"
    return {"pruning": f"{text}, on test rows {words['test']}"}


def _fabric(report: Report) -> str:
    fabric = report.fabric
    shape: str = fabric.kind
    if fabric.sites is not None:
        shape += f", {plural(fabric.sites, 'site')}"
        if fabric.core != "hardwired":
            shape += " (engines)" if fabric.core == "engine" else " (gates and engines)"
    if fabric.link_width is not None:
        full = fabric.link_width == "full"
        shape += ", full-word links" if full else f", {fabric.link_width}-bit links"
    return (
        f"{shape}; latency {plural(fabric.latency_cycles, 'cycle')}, one inference "
        f"{every(fabric.interval_cycles)}"
    )


def _fit(report: Report) -> str:
    usage = report.utilisation
    if report.chip is not None and report.core is not None and report.core.area_um2 is not None:
        return _area(report.core, report.chip)
    if usage is None or usage.logic_cells is None:
        core = None if report.core is None else report.core.logic_cells
        beside = f"estimate {plural(report.estimate.logic_cells, 'logic cell')}"
        if report.core is not None and report.core.lut6 is not None:
            beside = f"model alone {plural(report.core.lut6_paired or 0, 'LUT6', 'LUT6')} paired, "
            beside += f"{thousands(report.core.lut6)} raw"
        elif core is not None:
            beside = f"model alone {plural(core, 'logic cell')}, " + beside
        return f"{beside}; whole design {missing(report, 'route')}"
    if usage.logic_cells_available is None:
        text = plural(usage.logic_cells, "logic cell")
    else:
        used = percent(usage.logic_cells / (usage.logic_cells_available or 1))
        verdict = "" if fits(report) else "DOES NOT FIT: "
        text = f"{verdict}{thousands(usage.logic_cells)} of "
        text += f"{plural(usage.logic_cells_available, 'logic cell')} ({used})"
    for count, name in ((usage.bram, "block RAM"), (usage.spram, "SPRAM")):
        if count and report.fabric.core != "hardwired":
            text += f", {plural(count, name)}"
    text += f" on {hardware(report)}"
    if report.core is not None and report.core.logic_cells is not None:
        text += f"; model alone {thousands(report.core.logic_cells)}"
    return text


def _area(core: CoreUsage, chip: Chip) -> str:
    area, gates = core.area_um2 or 0.0, core.gate_equivalents or 0.0
    text = f"{significant(area, 4)} um2 of cells, {significant(gates, 4)} "
    text += f"gate equivalents, {percent(chip.flip_flop_share, 0)} of it flip-flops; model alone"
    if chip.whole_area_um2 is not None:
        text += f", {significant(chip.whole_area_um2, 4)} um2 with the pins"
    if chip.tile is not None and chip.tile_filled is not None:
        about = "about " if chip.tile_estimated else ""
        filled = percent(chip.tile_filled, 0)
        text += f"; fills {about}{filled} of a {chip.tile} tile of {chip.shuttle}"
    return text


def _timing(report: Report) -> str:
    if report.timing is None or report.timing.fmax_mhz is None:
        return missing(report, "timing")
    text = f"Fmax {significant(report.timing.fmax_mhz, 4)} MHz"
    if report.chip is not None:
        text += " before layout"
    if report.target.clock_mhz is None:
        return text
    verdict = "met" if meets_clock(report) else "NOT MET"
    return f"{text} against a clock of {significant(report.target.clock_mhz)} MHz: {verdict}"


def _throughput(report: Report) -> str:
    speed = report.throughput
    if speed is None or speed.core_per_second is None:
        return missing(report, "clock")
    text = f"core {thousands(round(speed.core_per_second))} inferences/s"
    if speed.link_per_second is not None:
        text += f", over the link {thousands(round(speed.link_per_second))}"
    if speed.latency_ns is not None:
        text += f"; latency {si(speed.latency_ns * 1e-9, 's', ascii_only=True)}"
    return text


def _energy(report: Report) -> str:
    energy, shares = report.energy, energy_shares(report)
    if energy is None or shares is None:
        return missing(report, "energy")
    text = f"{si(shares.total_nj * 1e-9, 'J', ascii_only=True)} per inference at full speed"
    if energy.uncertainty_percent is not None:
        text += f" (+- {significant(energy.uncertainty_percent)} %)"
    still = share(shares.clock_nj + shares.static_nj, shares.total_nj)
    text += f", {percent(still, 0)} of it clock and static"
    if report.chip is not None:
        return f"{text}; before layout, without glitches"
    return text if energy.calibrated else f"{text}; not calibrated"


def _verification(report: Report) -> str:
    if not report.verification:
        if report.unverified is not None:
            return f"NOT VERIFIED, simulation could not run: {report.unverified}"
        return missing(report, "verify")
    said = []
    for entry in report.verification:
        name = LEVELS[entry.level].title
        if entry.mismatches:
            bad = plural(entry.mismatches, "MISMATCH", "MISMATCHES")
            said.append(f"{name} {bad} in {plural(entry.vectors, 'vector')}")
        elif LEVELS[entry.level].is_proof:
            said.append(f"{name} proved")
        else:
            said.append(f"{name} {plural(entry.vectors, 'vector')}")
    verdict = verified(report)
    if verdict is None:
        return f"{', '.join(said)}; nothing was compared"
    equal = "hardware equals golden" if verdict else "HARDWARE DIFFERS FROM GOLDEN"
    return f"{', '.join(said)}; {equal}"
