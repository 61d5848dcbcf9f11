"""`report.html`: one page that opens offline, without script, in light and dark and on paper."""

from dataclasses import dataclass

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from locgen.report.cards import Card, Verdict, make_cards, make_verdicts
from locgen.report.drawing import legal_text
from locgen.report.facts import LEVELS, hardware, missing, passed
from locgen.report.numbers import percent, plural, points, significant, thousands
from locgen.report.palette import PICTURE_STYLE
from locgen.report.pictures import Pictures
from locgen.report.schema import Report, Verification
from locgen.report.svg import (
    confusion_svg,
    features_svg,
    floorplan_svg,
    modules_svg,
    network_svg,
    pipeline_svg,
    scatter_svg,
    trials_svg,
)
from locgen.resources import resource

__all__ = ["render_html"]

Row = tuple[str, ...]


@dataclass(frozen=True)
class _Figure:
    """A picture with its heading and caption; `drawings` is empty where there is nothing to draw.

    `table` is (head, rows) or None; `half` figures stand two abreast. `least` is the
    width in pixels below which a picture scrolls rather than shrinks.
    """

    anchor: str
    heading: str
    caption: str
    drawings: tuple[Markup, ...]
    absent: str = ""
    table: tuple[Row, tuple[Row, ...]] | None = None
    half: bool = False
    least: int = 340


def render_html(report: Report, pictures: Pictures) -> str:
    """Return the page; the same input gives the same bytes."""
    environment = Environment(
        loader=FileSystemLoader(resource("templates")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=True,
    )
    cards: tuple[Card, ...] = make_cards(report)
    verdicts: tuple[Verdict, ...] = make_verdicts(report)
    page = environment.get_template("report.html.j2").render(
        r=report,
        hardware=hardware(report),
        verdicts=verdicts,
        cards=cards,
        equality=_equality(report),
        no_equality=missing(report, "verify"),
        agreement=_agreement(report),
        figures=_figures(report, pictures),
        tables=_tables(report),
        energy=_energy_words(report),
        tools=sorted(report.tools.items()),
        style=Markup(PICTURE_STYLE),
    )
    return legal_text(page)


def _equality(report: Report) -> tuple[tuple[str, str, str, str, str, str], ...]:
    """Return rows (level, what it looks at, simulator, vectors, mismatches, verdict class)."""
    return tuple(
        (*LEVELS[e.level], e.simulator, thousands(e.vectors), thousands(e.mismatches), _verdict(e))
        for e in report.verification
    )


def _verdict(entry: Verification) -> str:
    return {True: "good", False: "bad", None: "none"}[passed(entry)]


def _agreement(report: Report) -> tuple[tuple[str, str], ...]:
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
    for name, rows_seen in (("Training", facts.rows_train), ("Test", facts.rows_test)):
        shown = missing(report, "data") if rows_seen is None else thousands(rows_seen)
        rows.append((f"{name} rows", shown))
    return tuple(rows)


def _figures(report: Report, pictures: Pictures) -> tuple[_Figure, ...]:
    figures = [
        _fabric_figure(report, pictures),
        _floorplan_figure(report, pictures),
        _agreement_figure(report, pictures),
        _modules_figure(report, pictures),
        _trials_figure(report, pictures),
        _Figure(
            "features",
            "Bits of each feature",
            f"{plural(sum(report.quantisation.feature_bits), 'bit')} for "
            f"{plural(report.model.features, 'feature')}; floating point becomes integers "
            + {
                "host": "on the host, outside the counted cells.",
                "hardware": "in the gates, inside the counted cells.",
                "none": "nowhere: the data are integers already.",
            }[report.quantisation.encoder],
            (Markup(features_svg(report.quantisation, standalone=False)),),
            least=700,
        ),
    ]
    return tuple(figures)


def _fabric_figure(report: Report, pictures: Pictures) -> _Figure:
    fabric = report.fabric
    crossing = f"{plural(fabric.bits_per_inference, 'bit')} cross the borders of "
    if fabric.kind == "direct":
        caption = (
            "All nodes work in parallel; a tree's shade says how many logic cells it takes. "
            f"{crossing}nodes per inference."
        )
        drawing = pipeline_svg(report, pictures, standalone=False)
        return _Figure("fabric", "The pipeline", caption, (Markup(drawing),), least=800)
    width = f"{fabric.link_width} bits wide"
    if fabric.link_width == "full":
        width = "a full word wide"
    elif fabric.link_width == 1:
        width = "1 bit wide"
    caption = (
        f"Features go down, scores are added on their way up; links are {width}. "
        f"{crossing}sites per inference. Point at a site for its nodes."
    )
    if not pictures.sites:
        gone = missing(report, "core")
        return _Figure("fabric", "The tree network", caption, (), gone)
    drawing = Markup(network_svg(pictures, standalone=False))
    sites = sorted(pictures.sites, key=lambda site: site.number)
    rows = tuple(
        (str(s.number), str(s.stop), thousands(s.logic_cells), ", ".join(map(str, s.nodes)))
        for s in sites
    )
    table = (("Site", "Stop", "Logic cells", "Nodes"), rows)
    return _Figure("fabric", "The tree network", caption, (drawing,), table=table, least=800)


def _floorplan_figure(report: Report, pictures: Pictures) -> _Figure:
    heading = "The floor plan"
    if pictures.grid is None:
        return _Figure("floorplan", heading, "", (), missing(report, "route"))
    caption = (
        "Where the placer put each logic cell: a square is a tile, its small blocks are logic "
        "cells. Point at a cell for its module."
    )
    drawing = Markup(floorplan_svg(pictures, standalone=False))
    return _Figure("floorplan", heading, caption, (drawing,), least=600)


def _agreement_figure(report: Report, pictures: Pictures) -> _Figure:
    if report.model.task == "regression":
        heading = "Golden against the library"
        if not pictures.scatter:
            return _Figure("agreement", heading, "", (), missing(report, "data"))
        worst = max(abs(a - b) for a, b in pictures.scatter)
        caption = (
            f"{plural(len(pictures.scatter), 'value')} of test rows; the largest difference is "
            f"{significant(worst)}."
        )
        drawing = Markup(scatter_svg(pictures, standalone=False))
        return _Figure("agreement", heading, caption, (drawing,))
    heading = "Confusion matrices on test rows"
    confusion = pictures.confusion
    if confusion is None:
        return _Figure("agreement", heading, "", (), missing(report, "data"))
    pairs = zip(confusion.float_counts, confusion.golden_counts, strict=True)
    differing = sum(a != b for left, right in pairs for a, b in zip(left, right, strict=True))
    caption = "Rows are the truth, columns the answer, the shade is the share of the row. "
    if differing:
        verb = "differs" if differing == 1 else "differ"
        caption += f"{plural(differing, 'framed cell')} {verb} between the two."
    else:
        caption += "No cell differs."
    drawings = tuple(
        Markup(confusion_svg(confusion, which, standalone=False)) for which in ("float", "golden")
    )
    return _Figure("agreement", heading, caption, drawings)


def _modules_figure(report: Report, pictures: Pictures) -> _Figure:
    heading = "Where the logic cells go"
    if not pictures.modules:
        return _Figure("modules", heading, "", (), missing(report, "core"), half=True)
    total = sum(cells for _, cells in pictures.modules)
    caption = "The model alone, by the module that each cell came from."
    core = None if report.core is None else report.core.logic_cells
    if core is not None and core != total:
        caption += (
            f" The parts add up to {thousands(total)}; packed together they take "
            f"{plural(core, 'logic cell')}."
        )
    drawing = Markup(modules_svg(pictures, standalone=False))
    return _Figure("modules", heading, caption, (drawing,), half=True, least=440)


def _trials_figure(report: Report, pictures: Pictures) -> _Figure:
    heading = "The search for the score width"
    if not pictures.trials:
        gone = "no width was searched: the model came with its widths"
        return _Figure("trials", heading, "", (), gone, half=True)
    regression = report.model.task == "regression"
    lost = "Loss of R\u00b2, hundredths" if regression else "Loss of accuracy, points"
    measured = "100 (1 - R\u00b2) against the library" if regression else "Changed decisions, %"
    rows = tuple(
        (
            str(bits),
            "needs --data" if loss is None else significant(loss),
            significant(changed),
            "chosen" if number == len(pictures.trials) - 1 and kept else "kept" if kept else "no",
        )
        for number, (bits, loss, changed, kept) in enumerate(pictures.trials)
    )
    caption = (
        "Widths are tried from the smallest, on training rows alone; the first that stays inside "
        "the accuracy budget is taken."
    )
    drawing = Markup(trials_svg(pictures, regression, standalone=False))
    table = (("Score bits", lost, measured, "Kept"), rows)
    return _Figure("trials", heading, caption, (drawing,), table=table, half=True, least=440)


def _tables(report: Report) -> tuple[tuple[str, str, Row, tuple[Row, ...]], ...]:
    """Return (anchor, heading, head, rows): estimate against actual, cells, evidence."""
    core, timing = report.core, report.timing
    cells = None if core is None else core.logic_cells
    fmax = None if timing is None else timing.fmax_mhz
    estimate = report.estimate
    rows = (
        _compared("Logic cells, model alone", estimate.logic_cells, cells, missing(report, "core")),
        _compared("Fmax, MHz", estimate.fmax_mhz, fmax, missing(report, "route")),
    )
    head = ("", "Estimate", "Actual", "Error")
    tables = [("estimate", "Estimate against actual", head, rows)]
    tables.append(_cells_table(report))
    if report.evidence is not None:
        evidence = report.evidence
        gone = missing(report, "core")
        rows = (
            ("Bits", thousands(evidence.bits)),
            ("Cycles", thousands(evidence.cycles)),
            ("Logic cells", gone if evidence.logic_cells is None else str(evidence.logic_cells)),
        )
        tables.append(("evidence", "What gathering evidence costs", ("", "Cost"), rows))
    return tuple(tables)


def _compared(name: str, estimate: float | None, actual: float | None, gone: str) -> Row:
    shown = "not estimated" if estimate is None else significant(estimate, 4)
    if actual is None:
        return name, shown, gone, "unknown"
    if estimate is None or not actual:
        return name, shown, significant(actual, 4), "unknown"
    return name, shown, significant(actual, 4), f"{100 * (estimate / actual - 1):+.0f} %"


def _cells_table(report: Report) -> tuple[str, str, Row, tuple[Row, ...]]:
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


def _energy_words(report: Report) -> tuple[str, ...]:
    """Return sentences about what the energy figure is worth."""
    energy = report.energy
    if energy is None:
        return (f"Energy was {missing(report, 'energy')}.",)
    words = [f"Activity: {energy.activity_source}."]
    if energy.toggles_per_inference is not None:
        words.append(f"{significant(energy.toggles_per_inference)} toggles per inference.")
    if energy.calibrated:
        error = energy.uncertainty_percent
        margin = "an unknown margin" if error is None else f"\u00b1 {significant(error)} %"
        words.append(
            "The coefficients are calibrated on measurements of this device, but the sum was not "
            f"measured on this design: trust it within {margin}."
        )
    elif energy.dynamic_nj_per_inference is None:
        words.append("No coefficients were measured for this device, so no energy is stated.")
    else:
        words.append("The coefficients are not calibrated on this device: an order of magnitude.")
    words.append("The core alone: link, pins, regulators and the board's other parts come on top.")
    return tuple(words)
