"""The picture of the direct fabric: a pipeline."""

from locgen.report.drawing import Drawing, ramp_step
from locgen.report.numbers import every, plural, thousands
from locgen.report.palette import RAMP_STEPS
from locgen.report.pictures import Pictures
from locgen.report.schema import Report

__all__ = ["pipeline_svg"]

_WIDTH = 1080.0
_GRID_WIDTH = 376.0


def pipeline_svg(report: Report, pictures: Pictures, *, standalone: bool = True) -> str:
    """Return the direct fabric as a pipeline: features, comparisons, trees, adders, decision.

    Trees are shaded by their logic cells where synthesis left them apart, else alike.
    """
    cells = dict(pictures.modules)
    trees = sorted(
        (int(name.removeprefix("tree_")), size)
        for name, size in pictures.modules
        if name.removeprefix("tree_").isdecimal()
    )
    fabric, model = report.fabric, report.model
    squares: list[tuple[int, int | None]] = [*trees]
    squares = squares or [(number, None) for number in range(model.nodes)]
    decision = sum(size for name, size in pictures.modules if name == "decide")
    stages = [
        ("Features", f"{plural(model.features, 'feature')}", _bits(report)),
        ("Comparisons", "each threshold once", _cells(cells.get("compare"))),
        ("Nodes", plural(model.nodes, "node"), _cells(sum(size for _, size in trees) or None)),
        ("Adders", plural(model.outputs, "score"), f"{report.quantisation.score_bits} bits each"),
        ("Decision", pictures.decision, _cells(decision or None)),
    ]
    side = _tree_side(len(squares))
    tall = 82 + max(side * -(-len(squares) // int(_GRID_WIDTH // side)), 40)
    drawing = Drawing(
        "pipeline",
        _WIDTH,
        tall + 84,
        f"The pipeline of the direct fabric with {plural(model.nodes, 'node')}",
        f"Features pass comparisons, {plural(model.nodes, 'node')}, adders and the decision. "
        f"The answer comes {plural(fabric.latency_cycles, 'cycle')} after the input, a new input "
        f"is taken {every(fabric.interval_cycles)}.",
    )
    widths = [130.0, 150.0, 400.0, 130.0, 150.0]
    gap = (_WIDTH - sum(widths)) / (len(widths) - 1)
    x, top = 0.0, 16.0
    for index, ((head, first, second), width) in enumerate(zip(stages, widths, strict=True)):
        if index:
            mid = top + tall / 2
            drawing.line([(x - gap + 3, mid), (x - 8, mid)], "s-down" if index < 4 else "s-up", 2)
            arrow = f"M{x - 9:.2f} {mid - 5:.2f}L{x - 1:.2f} {mid:.2f}L{x - 9:.2f} {mid + 5:.2f}Z"
            drawing.path(arrow, "f-down" if index < 4 else "f-up")
        css = "stroke:var(--line);stroke-width:1"
        drawing.rect(x, top, width, tall, "f-faint", rx=8, style=css)
        drawing.text(x + 12, top + 24, head, "bold")
        drawing.text(x + 12, top + 42, first, "small quiet")
        drawing.text(x + 12, top + 57, second, "small quiet")
        if head == "Nodes":
            _tree_grid(drawing, squares, (x + 12, top + 70, side))
        x += width + gap
    drawing.text(
        0,
        top + tall + 26,
        f"Latency {plural(fabric.latency_cycles, 'cycle')}: as many registers along the way. "
        f"One inference {every(fabric.interval_cycles)}.",
    )
    if trees:
        sizes = [size for _, size in trees]
        _ramp_legend_short(drawing, top + tall + 42, min(sizes), max(sizes))
    return drawing.render(standalone)


def _tree_side(trees: int) -> float:
    """Return the pitch of the squares that stand for trees, so that they stay in a fair height."""
    side = 38.0
    while (_GRID_WIDTH // side) * (300 // side) < trees and side > 2:
        side -= 0.5
    return side


def _bits(report: Report) -> str:
    return f"{thousands(sum(report.quantisation.feature_bits))} bits"


def _cells(count: int | None) -> str:
    return "" if count is None else plural(count, "logic cell")


def _tree_grid(
    drawing: Drawing, trees: list[tuple[int, int | None]], area: tuple[float, float, float]
) -> None:
    left, top, side = area
    columns = int(_GRID_WIDTH // side)
    sizes = [size for _, size in trees if size is not None]
    for position, (number, size) in enumerate(trees):
        x = left + side * (position % columns)
        y = top + side * (position // columns)
        step = 1 if size is None else ramp_step(size, min(sizes), max(sizes))
        box = side - min(0.15 * side, 4)
        tooltip = f"tree {number}"
        if size is not None:
            tooltip += f": {plural(size, 'logic cell')}"
        drawing.rect(x, y, box, box, f"f-u{step} hover", tooltip, rx=min(box / 6, 4))
        if box >= 15:
            ink = "on-low" if step < RAMP_STEPS // 2 else "on-high"
            size_class = "small" if box >= 18 else "tiny"
            drawing.text(x + box / 2, y + box / 2 + 4, str(number), f"{size_class} {ink}", "middle")


def _ramp_legend_short(drawing: Drawing, y: float, low: int, high: int) -> None:
    drawing.text(0, y + 11, "Logic cells of a tree", "small bold")
    drawing.text(148, y + 11, thousands(low), "small quiet", "end")
    for step in range(RAMP_STEPS):
        drawing.rect(156 + 30 * step, y, 30, 14, f"f-u{step}")
    drawing.text(156 + 30 * RAMP_STEPS + 8, y + 11, thousands(high), "small quiet")
