"""Pictures of golden against the library: confusion matrices, and a scatter for regression."""

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
    if which == "float":
        counts, other = confusion.float_counts, confusion.golden_counts
        title = "Library, floating point"
    else:
        counts, other = confusion.golden_counts, confusion.float_counts
        title = "Golden, integers (what the hardware computes)"
    classes = len(confusion.labels)
    side = min(max(300.0 / max(classes, 1), 24), 88)
    labels = [shorten(label, _LABEL) for label in confusion.labels]
    longest = max((len(label) for label in labels), default=1)
    left = 30 + 7.0 * longest
    slanted = longest * 7 > side - 4
    top = 56 + (5.2 * longest if slanted else 16)
    right = sum(counts[n][n] for n in range(classes))
    total = sum(map(sum, counts))
    differing = sum(counts[r][c] != other[r][c] for r in range(classes) for c in range(classes))
    drawing = Drawing(
        f"confusion-{which}",
        max(left + side * classes + (3.6 * longest if slanted else 0) + 8, 330),
        top + side * classes + 8,
        f"Confusion matrix: {title}",
        f"{thousands(right)} of {plural(total, 'row')} right; "
        f"{plural(differing, 'cell')} differ between library and golden.",
    )
    drawing.text(0, 14, title, "bold")
    drawing.text(0, 30, f"{thousands(right)} of {thousands(total)} right", "quiet small")
    drawing.text(left, 46, "answer", "quiet small")
    drawing.text(0, top + 14, "true", "quiet small")
    for n, label in enumerate(labels):
        middle = left + side * (n + 0.5)
        full = confusion.labels[n]
        if slanted:
            turn = f"rotate(-45 {middle:.2f} {top - 8:.2f})"
            drawing.text(middle, top - 8, label, "small", tooltip=full, transform=turn)
        else:
            drawing.text(middle, top - 8, label, "small", "middle", tooltip=full)
        y = top + side * (n + 0.5) + 4
        drawing.text(left - 8, y, label, "small", "end", tooltip=full)
    for row in range(classes):
        of_row = sum(counts[row]) or 1
        for column in range(classes):
            count, change = counts[row][column], counts[row][column] - other[row][column]
            x, y = left + side * column, top + side * row
            deep = count / of_row
            css = "f-down" if row == column else "f-up"
            opacity = 0.12 + 0.88 * deep if count else 0
            tooltip = (
                f"true {confusion.labels[row]}, answered {confusion.labels[column]}: "
                f"{count} (the other: {other[row][column]})"
            )
            drawing.rect(x + 1, y + 1, side - 2, side - 2, "f-faint", rx=2)
            drawing.rect(x + 1, y + 1, side - 2, side - 2, css, tooltip, fill_opacity=opacity, rx=2)
            ink = {"style": "fill:var(--panel)"} if count and opacity > 0.55 else {}
            size = "bold" if side >= 40 else "small"
            shown = str(count) if count or change else "\N{MIDDLE DOT}"
            quiet = "" if count or change else " quiet"
            drawing.text(
                x + side / 2,
                y + side / 2 + 4,
                shown,
                size + quiet,
                "middle",
                pointer_events="none",
                **ink,
            )
            if change:
                drawing.rect(x + 2, y + 2, side - 4, side - 4, "s-ink", rx=2, stroke_width=2.5)
                if which == "golden" and side >= 40:
                    drawing.text(
                        x + side - 7,
                        y + side - 9,
                        f"{change:+d}",
                        "small bold",
                        "end",
                        **ink,
                    )
    return drawing.render(standalone)


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
