"""Pictures of golden against the library: confusion matrices, and a scatter for regression."""

import itertools
import math
from typing import Literal

from locgen.report.drawing import Drawing, shorten, tick_step
from locgen.report.numbers import plural, significant, thousands
from locgen.report.pictures import Confusion, Pictures

__all__ = ["confusion_svg", "scatter_svg"]

_LABEL = 12


def confusion_svg(
    confusion: Confusion, which: Literal["float", "golden"], *, standalone: bool = True
) -> str:
    """Return one confusion matrix; cells where the other one differs have a frame and a difference.

    Rows are true classes, columns answers; the shade is the share of the row.
    """
    matrix = _Matrix(confusion, which)
    drawing = matrix.start()
    matrix.draw_labels(drawing)
    for row, column in itertools.product(range(matrix.classes), repeat=2):
        matrix.draw_cell(drawing, row, column)
    return drawing.render(standalone)


class _Matrix:
    """Counts and geometry of one confusion matrix."""

    def __init__(self, confusion: Confusion, which: Literal["float", "golden"]) -> None:
        self.which = which
        self.names = confusion.labels
        self.counts, self.other = confusion.float_counts, confusion.golden_counts
        self.title = "Library, floating point"
        if which == "golden":
            self.counts, self.other = self.other, self.counts
            self.title = "Golden, integers (what the hardware computes)"
        self.classes = len(self.names)
        self.labels = [shorten(label, _LABEL) for label in self.names]
        self.longest = max((len(label) for label in self.labels), default=1)
        self.side = min(max(300.0 / max(self.classes, 1), 24), 88)
        self.slanted = self.longest * 7 > self.side - 4
        self.left = 30 + 7.0 * self.longest
        self.top = 56 + (5.2 * self.longest if self.slanted else 16)

    def start(self) -> Drawing:
        """Return the drawing with its title and axes."""
        each = range(self.classes)
        right = sum(self.counts[n][n] for n in each)
        total = sum(map(sum, self.counts))
        differing = sum(self.counts[r][c] != self.other[r][c] for r in each for c in each)
        end = 3.6 * self.longest if self.slanted else 0
        drawing = Drawing(
            f"confusion-{self.which}",
            max(self.left + self.side * self.classes + end + 8, 330),
            self.top + self.side * self.classes + 8,
            f"Confusion matrix: {self.title}",
            f"{thousands(right)} of {plural(total, 'row')} right; "
            f"{plural(differing, 'cell')} differ between library and golden.",
        )
        drawing.text(0, 14, self.title, "bold")
        drawing.text(0, 30, f"{thousands(right)} of {thousands(total)} right", "quiet small")
        drawing.text(self.left, 46, "answer", "quiet small")
        drawing.text(0, self.top + 14, "true", "quiet small")
        return drawing

    def draw_labels(self, drawing: Drawing) -> None:
        """Write the names of the classes above and beside the matrix."""
        for n, (label, full) in enumerate(zip(self.labels, self.names, strict=True)):
            middle, above = self.left + self.side * (n + 0.5), self.top - 8
            if self.slanted:
                turn = f"rotate(-45 {middle:.2f} {above:.2f})"
                drawing.text(middle, above, label, "small", tooltip=full, transform=turn)
            else:
                drawing.text(middle, above, label, "small", "middle", tooltip=full)
            y = self.top + self.side * (n + 0.5) + 4
            drawing.text(self.left - 8, y, label, "small", "end", tooltip=full)

    def draw_cell(self, drawing: Drawing, row: int, column: int) -> None:
        """Draw one count and its difference from the other matrix."""
        side = self.side
        count, other = self.counts[row][column], self.other[row][column]
        x, y = self.left + side * column, self.top + side * row
        opacity = 0.12 + 0.88 * (count / (sum(self.counts[row]) or 1)) if count else 0
        css = "f-down" if row == column else "f-up"
        tooltip = (
            f"true {self.names[row]}, answered {self.names[column]}: {count} (the other: {other})"
        )
        drawing.rect(x + 1, y + 1, side - 2, side - 2, "f-faint", rx=2)
        drawing.rect(x + 1, y + 1, side - 2, side - 2, css, tooltip, fill_opacity=opacity, rx=2)
        ink = {"style": "fill:var(--panel)"} if count and opacity > 0.55 else {}
        size = "bold" if side >= 40 else "small"
        shown = str(count) if count or count != other else "\N{MIDDLE DOT}"
        quiet = "" if count or count != other else " quiet"
        middle, base = x + side / 2, y + side / 2 + 4
        drawing.text(middle, base, shown, size + quiet, "middle", pointer_events="none", **ink)
        if count != other:
            drawing.rect(x + 2, y + 2, side - 4, side - 4, "s-ink", rx=2, stroke_width=2.5)
            if self.which == "golden" and side >= 40:
                right, base = x + side - 7, y + side - 9
                drawing.text(right, base, f"{count - other:+d}", "small bold", "end", **ink)


def scatter_svg(pictures: Pictures, *, standalone: bool = True) -> str:
    """Return golden against float values with the line where they are equal.

    Raises
    ------
    ValueError
        If there are no pairs.
    """
    pairs = pictures.scatter
    if not pairs:
        raise ValueError("pictures must have at least one pair of values for a scatter")
    values = [value for pair in pairs for value in pair]
    low, high = min(values), max(values)
    if high == low:
        low, high = low - 1, high + 1
    margin = 0.04 * (high - low)
    low, high = low - margin, high + margin
    worst = max(abs(b - a) for a, b in pairs)
    left, top, side = 76.0, 24.0, 400.0
    drawing = Drawing(
        "scatter",
        left + side + 20,
        top + side + 52,
        f"Golden against the library on {plural(len(pairs), 'value')} of test rows",
        f"Points lie on the diagonal where both agree; the largest difference is "
        f"{significant(worst)}.",
    )

    def place(a: float, b: float) -> tuple[float, float]:
        scale = side / (high - low)
        return left + (a - low) * scale, top + side - (b - low) * scale

    drawing.rect(left, top, side, side, "f-faint", rx=4)
    step = tick_step(high - low)
    for tick in range(math.ceil(low / step), math.floor(high / step) + 1):
        value = tick * step
        x, y = place(value, value)
        drawing.line([(x, top), (x, top + side)], "s-line")
        drawing.line([(left, y), (left + side, y)], "s-line")
        drawing.text(x, top + side + 18, significant(value), "small quiet", "middle")
        drawing.text(left - 8, y + 4, significant(value), "small quiet", "end")
    drawing.line([place(low, low), place(high, high)], "s-quiet", 1.2, stroke_dasharray="5 4")
    for a, b in pairs:
        x, y = place(a, b)
        drawing.circle(
            x,
            y,
            3,
            "f-down",
            f"library {significant(a, 6)}, golden {significant(b, 6)}",
            fill_opacity=0.6,
        )
    drawing.text(0, 14, "Golden", "bold")
    drawing.text(left + side, top + side + 40, "Library, floating point", "bold", "end")
    return drawing.render(standalone)
