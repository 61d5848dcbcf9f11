"""Tables and sentences of the page: the two claims, cells, estimates, the worth of energy."""

from locgen.report.facts import (
    compared_with_library,
    experts_words,
    missing,
    passed,
    pruning_words,
)
from locgen.report.modules import module_words
from locgen.report.numbers import percent, plural, points, share, si, significant, thousands
from locgen.report.schema import Chip, Experts, Report, Synthesis, Verification
from locgen.verify.levels import LEVELS

__all__ = ["Row", "agreement_rows", "energy_words", "equality_rows", "make_tables"]

Row = tuple[str, ...]
Table = tuple[str, str, Row, tuple[Row, ...]]
"""Anchor, heading, head and rows."""


def equality_rows(report: Report) -> tuple[tuple[str, str, str, str, str, str], ...]:
    """Return rows (level, what it looks at, simulator, vectors, mismatches, verdict class)."""
    rows = []
    for entry in report.verification:
        level = LEVELS[entry.level]
        counts = thousands(entry.vectors), thousands(entry.mismatches)
        rows.append((level.title, level.scope, entry.simulator, *counts, _verdict(entry)))
    return tuple(rows)


def _verdict(entry: Verification) -> str:
    return {True: "good", False: "bad", None: "none"}[passed(entry)]


def agreement_rows(report: Report) -> tuple[tuple[str, str], ...]:
    """Return rows (what, value): golden against the library on the data."""
    facts = report.quantisation
    rows = []
    if report.model.task == "regression":
        gone = missing(report, "r2")
        for name, value in (("library", facts.float_r2), ("golden", facts.quantised_r2)):
            rows.append(
                (f"R\u00b2 on test rows, {name}", gone if value is None else f"{value:.4f}")
            )
        rows.append(("Changed decisions", "do not apply to regression"))
    else:
        gone = missing(report, "data")
        before, after = facts.float_accuracy, facts.quantised_accuracy
        for name, value in (("library", before), ("golden", after)):
            shown = gone if value is None else percent(value, 2)
            rows.append((f"Accuracy on test rows, {name}", shown))
        if before is not None and after is not None:
            rows.append(("Change of accuracy", points(before, after)))
        changed = gone
        if facts.changed_decisions is not None:
            changed = thousands(facts.changed_decisions)
            if facts.rows_test is not None:
                changed += f" of {plural(facts.rows_test, 'row')}"
        rows.append(("Changed decisions", changed))
    if report.pruning is not None:
        pruned = pruning_words(report.pruning)
        rows.append(("Leaves that pruning left", pruned["leaves"]))
        measure = {"accuracy": "Accuracy", "r2": "R\u00b2"}[report.pruning.measure]
        for name in ("training", "test"):
            rows.append((f"{measure} on {name} rows, by pruning alone", pruned[name]))
    for name, rows_seen in (("Training", facts.rows_train), ("Test", facts.rows_test)):
        shown = missing(report, "data") if rows_seen is None else thousands(rows_seen)
        rows.append((f"{name} rows", shown))
    compared = compared_with_library(facts)
    if compared is not None:
        rows.append(("Float model against the library", compared))
    return tuple(rows)


def make_tables(report: Report) -> tuple[Table, ...]:
    """Return the tables of estimate, cells, synthesis, chip, evidence and experts."""
    core, timing = report.core, report.timing
    cells = None if core is None else core.logic_cells
    fmax = None if timing is None else timing.fmax_mhz
    estimate = report.estimate
    compared = (
        _compared("Logic cells, model alone", estimate.logic_cells, cells, missing(report, "core")),
        _compared("Fmax, MHz", estimate.fmax_mhz, fmax, missing(report, "timing")),
    )
    head = ("", "Estimate", "Actual", "Error")
    tables: list[Table] = [("estimate", "Estimate against actual", head, compared)]
    tables.append(_cells_table(report))
    if report.synthesis is not None:
        tables.append(_synthesis_table(report.synthesis))
    if report.chip is not None:
        tables += [_chip_table(report, report.chip), _area_table(report, report.chip)]
    if report.evidence is not None:
        evidence = report.evidence
        gone = missing(report, "core")
        rows = (
            ("Bits", thousands(evidence.bits)),
            ("Cycles", thousands(evidence.cycles)),
            ("Logic cells", gone if evidence.logic_cells is None else str(evidence.logic_cells)),
        )
        tables.append(("evidence", "What gathering evidence costs", ("", "Cost"), rows))
    if report.experts is not None:
        tables.append(_experts_table(report, report.experts))
    return tuple(tables)


def _chip_table(report: Report, chip: Chip) -> Table:
    """Return library, corner, hash and tile."""
    rows = [
        ("Library", f"{chip.library} ({chip.process}), {chip.origin}"),
        ("Corner", chip.corner or "none: areas alone"),
        ("SHA-256 of the Liberty file", chip.sha256),
        ("Cells", f"{thousands(chip.cells)}, {thousands(chip.flip_flops)} of them flip-flops"),
        ("Flip-flops' share of the area", percent(chip.flip_flop_share)),
    ]
    if chip.tile is not None and chip.tile_filled is not None:
        filled = f"{percent(chip.tile_filled)} of a {chip.tile} tile of {chip.shuttle}"
        if chip.tile_estimated:
            filled = f"about {filled}"
        rows.append(("Whole design fills", filled))
    energy = report.energy
    if energy is not None and energy.internal_uw is not None and energy.switching_uw is not None:
        for name, value in (
            ("Leakage", energy.leakage_uw),
            ("Internal power at full speed", energy.internal_uw),
            ("Switching power at full speed", energy.switching_uw),
        ):
            rows.append((name, si((value or 0.0) * 1e-6, "W")))
    rows += [("What this is worth", claim) for claim in chip.claims]
    return "chip", "Standard cells", ("", "Model alone"), tuple(rows)


def _area_table(report: Report, chip: Chip) -> Table:
    """Return each module's area."""
    total = (report.core.area_um2 if report.core is not None else None) or 0.0
    rows = tuple(
        (module_words(name), significant(area, 4), percent(share(area, total)))
        for name, area in chip.area_um2_by_module.items()
    )
    return "area", "Where the area goes", ("", "Area, um\u00b2", "Share"), rows


def _experts_table(report: Report, facts: Experts) -> Table:
    """Return each expert's toggles, those of all else, and what it comes to."""
    heading = f"What experts toggle: {experts_words(report).partition(';')[0]}"
    toggles, shares = facts.toggles_per_inference, facts.open_share
    shared = facts.shared_toggles_per_inference
    if toggles is None or shares is None or shared is None:
        return "experts", heading, (f"Toggles by expert {missing(report, 'experts')}",), ()
    total = sum(toggles) + shared
    rows = [
        (f"Expert {number}", percent(opened), significant(count), percent(share(count, total)))
        for number, (opened, count) in enumerate(zip(shares, toggles, strict=True))
    ]
    rows.append(("Gate and network", "always", significant(shared), percent(share(shared, total))))
    rows.append(("All", "", significant(total), percent(1.0)))
    head = ("", "Inferences it is open for", "Toggles per inference", "Share")
    return "experts", heading, head, tuple(rows)


def _compared(name: str, estimate: float | None, actual: float | None, gone: str) -> Row:
    shown = "not estimated" if estimate is None else significant(estimate, 4)
    if actual is None:
        return name, shown, gone, "unknown"
    if estimate is None or not actual:
        return name, shown, significant(actual, 4), "unknown"
    return name, shown, significant(actual, 4), f"{100 * (estimate / actual - 1):+.0f} %"


def _cells_table(report: Report) -> Table:
    names = {
        "logic_cells": "Logic cells (packed)",
        "lut": "LUTs",
        "ff": "Flip-flops",
        "carry": "Carry cells",
        "bram": "Block RAMs",
        "spram": "SPRAMs",
        "dsp": "DSPs",
        "lut6": "LUT6",
        "lut6_paired": "LUT6, paired",
        "area_um2": "Area, um\u00b2",
        "gate_equivalents": "Gate equivalents",
    }
    extra = ("lut6", "lut6_paired", "area_um2", "gate_equivalents")
    rows = []
    if report.core is None and report.utilisation is None:
        return "cells", "Cells by kind", (missing(report, "core"),), ()
    for key, name in names.items():
        alone = None if report.core is None else getattr(report.core, key)
        if key in extra and alone is None:
            continue
        shown = "does not apply" if alone is None else significant(alone)
        if report.core is None:
            shown = missing(report, "core")
        whole = None if report.utilisation is None else getattr(report.utilisation, key, None)
        top = "does not apply" if whole is None else thousands(whole)
        if report.utilisation is None and key not in extra:
            top = missing(report, "route")
        rows.append((name, shown, top))
    return "cells", "Cells by kind", ("", "Model alone", "Whole design"), tuple(rows)


def _synthesis_table(synthesis: Synthesis) -> Table:
    """Return the size that each recipe reached."""
    unit = {"logic_cells": "Logic cells", "lut6": "LUT6", "area_um2": "Area, um\u00b2"}
    rows = tuple(
        (done.recipe, f"{done.size:,.10g}", "kept" if done.kept else "") for done in synthesis.tried
    )
    heading = f"Synthesis recipes, {synthesis.effort} effort"
    return "synthesis", heading, ("", unit[synthesis.unit], ""), rows


def energy_words(report: Report) -> tuple[str, ...]:
    """Return sentences about the worth of the energy figure."""
    energy = report.energy
    if energy is None:
        return (f"Energy was {missing(report, 'energy')}.",)
    words = [f"Activity: {energy.activity_source}."]
    if energy.toggles_per_inference is not None:
        words.append(f"{significant(energy.toggles_per_inference)} toggles per inference.")
    if report.chip is not None:
        words += report.chip.claims
    elif energy.calibrated:
        error = energy.uncertainty_percent
        margin = "an unknown margin" if error is None else f"\u00b1 {significant(error)} %"
        words.append(
            "The coefficients are calibrated on measurements of this device, but the sum was not "
            f"measured on this design: trust it within {margin}."
        )
    elif energy.dynamic_nj_per_inference is None:
        words.append(
            "No energy is stated: it takes a clock, from a board, --clock or a routed design, and "
            "coefficients that were measured for the device."
        )
    else:
        words.append("The coefficients are not calibrated on this device: an order of magnitude.")
    words.append("The core alone: link, pins, regulators and the board's other parts come on top.")
    return tuple(words)
