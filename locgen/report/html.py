"""`report.html`: one page that opens offline, without script, in light and dark and on paper."""

from dataclasses import dataclass

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from locgen.report.cards import Card, Verdict, make_cards, make_verdicts
from locgen.report.drawing import legal_text
from locgen.report.facts import hardware, missing
from locgen.report.numbers import plural, significant, thousands
from locgen.report.palette import PICTURE_STYLE
from locgen.report.pictures import Pictures
from locgen.report.schema import Report
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
from locgen.report.tables import Row, agreement_rows, energy_words, equality_rows, make_tables
from locgen.resources import resource

__all__ = ["render_html"]


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
        equality=equality_rows(report),
        no_equality=missing(report, "verify"),
        agreement=agreement_rows(report),
        figures=_figures(report, pictures),
        tables=make_tables(report),
        energy=energy_words(report),
        tools=sorted(report.tools.items()),
        style=Markup(PICTURE_STYLE),
    )
    return legal_text(page)


def _figures(report: Report, pictures: Pictures) -> tuple[_Figure, ...]:
    figures = [
        _FABRIC_FIGURES[report.fabric.kind](report, pictures),
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


def _pipeline_figure(report: Report, pictures: Pictures) -> _Figure:
    caption = (
        f"All nodes work in parallel, one square a tree. {_crossing(report)}nodes per inference."
    )
    drawing = pipeline_svg(report, pictures, standalone=False)
    return _Figure("fabric", "The pipeline", caption, (Markup(drawing),), least=800)


def _crossing(report: Report) -> str:
    return f"{plural(report.fabric.bits_per_inference, 'bit')} cross the borders of "


def _network_figure(report: Report, pictures: Pictures) -> _Figure:
    fabric = report.fabric
    width = f"{fabric.link_width} bits wide"
    if fabric.link_width == "full":
        width = "a full word wide"
    elif fabric.link_width == 1:
        width = "1 bit wide"
    caption = (
        f"Features go down, scores are added on their way up; links are {width}. "
        f"{_crossing(report)}sites per inference. Point at a site for its nodes."
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


_FABRIC_FIGURES = {"direct": _pipeline_figure, "tree": _network_figure}


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
