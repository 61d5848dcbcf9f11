"""Pictures of accuracy against LUT6, one a data set, measured and published points told apart."""

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from cases import CASES, PUBLISHED

from locgen.report.drawing import Drawing, tick_step

__all__ = ["Mark", "draw", "marks_of", "write_plots"]

DATA = {
    "wine_x6d3": "wine",
    "bc_x10d3": "breast_cancer",
    "digits_x10d4": "digits",
    "mnist_x30d5": "mnist",
}
"""Data set of each model."""

Kind = Literal["given", "free", "peer", "published"]
_LEGEND = {
    "given": "locgen, the given model",
    "free": "locgen, trained for the gates, mean of seeds",
    "peer": "conifer, the given model, measured",
    "published": "published, not measured here: Vivado's count, all others Yosys's",
}
_LEFT, _TOP, _WIDE, _TALL, _RIGHT = 64.0, 58.0, 460.0, 250.0, 190.0


@dataclass(frozen=True)
class Mark:
    """A point: accuracy in percent on test rows, LUT6 as Yosys counts them or as published."""

    kind: Kind
    label: str
    accuracy: float
    lut6: float


def marks_of(
    rows: Sequence[dict[str, object]], free: Sequence[dict[str, object]]
) -> dict[str, list[Mark]]:
    """Return the points of each data set.

    Parameters
    ----------
    rows : as `density.measure` returns them; free : with ``data``, ``accuracy``, ``lut6``, one a
        recipe and seed
    """
    marks: dict[str, list[Mark]] = {}
    for row in rows:
        if row.get("lut6") is None:
            continue
        kind: Kind = "peer" if row["system"] == "conifer" else "given"
        label = str(row["numbers"]).removeprefix("ap_")
        if kind == "given":
            label = f"{label}, {row['stages']} stages"
        accuracy = 100 * float(row["golden_accuracy"])
        marks.setdefault(DATA[row["model"]], []).append(Mark(kind, label, accuracy, row["lut6"]))
    groups: dict[tuple[str, str], list[dict[str, object]]] = {}
    for row in free:
        groups.setdefault((row["data"], str(row.get("recipe", "trained"))), []).append(row)
    for (data, recipe), members in groups.items():
        means = [float(np.mean([row[key] for row in members])) for key in ("accuracy", "lut6")]
        marks.setdefault(data, []).append(Mark("free", recipe, *means))
    for name, data in DATA.items():
        case = CASES[name]
        accuracy = 100 * case.treelut_accuracy
        marks.setdefault(data, []).append(
            Mark("published", "TreeLUT, same model", accuracy, case.treelut[1])
        )
    for data, points in PUBLISHED.items():
        marks.setdefault(data, []).extend(
            Mark("published", p.system, p.accuracy, p.lut6) for p in points
        )
    return marks


def draw(data: str, marks: Sequence[Mark]) -> str:
    """Return a picture of `marks`: accuracy over LUT6, the latter in powers of ten."""
    title = data.replace("_", " ")
    drawing = Drawing(
        f"density-{data}",
        _LEFT + _WIDE + _RIGHT,
        _TOP + _TALL + 48 + 18 * len(_LEGEND),
        f"Accuracy against LUT6: {title}",
        "; ".join(f"{_LEGEND[m.kind]}: {m.label} {m.accuracy:.1f} %, {m.lut6:.0f}" for m in marks),
    )
    logs = [math.log10(mark.lut6) for mark in marks]
    first, last = min(logs) - 0.1, max(logs) + 0.1
    low, high = min(mark.accuracy for mark in marks), max(mark.accuracy for mark in marks)
    space = max(0.08 * (high - low), 0.25)
    low, high = low - 3 * space, high + space

    def place(lut6: float, accuracy: float) -> tuple[float, float]:
        across = (math.log10(lut6) - first) / (last - first)
        return _LEFT + _WIDE * across, _TOP + _TALL * (high - accuracy) / (high - low)

    drawing.text(0, 14, f"{title}: accuracy against LUT6", "bold")
    drawing.text(0, 40, "accuracy on test rows, %", "small quiet")
    drawing.rect(_LEFT, _TOP, _WIDE, _TALL, "f-faint", rx=4)
    step = tick_step(high - low)
    for tick in range(math.ceil(low / step), math.floor(high / step) + 1):
        y = place(10**first, tick * step)[1]
        drawing.line([(_LEFT, y), (_LEFT + _WIDE, y)], "s-line")
        drawing.text(_LEFT - 8, y + 4, f"{tick * step:g}", "small quiet", "end")
    for power in range(math.floor(first), math.ceil(last)):
        for digit in (1, 2, 5):
            lut6 = digit * 10**power
            if first <= math.log10(lut6) <= last:
                x = place(lut6, low)[0]
                drawing.line([(x, _TOP), (x, _TOP + _TALL)], "s-line")
                drawing.text(x, _TOP + _TALL + 18, f"{lut6:,}", "small quiet", "middle")
    drawing.text(_LEFT + _WIDE, _TOP + _TALL + 38, "LUT6", "small bold", "end")
    places = [place(mark.lut6, mark.accuracy) for mark in marks]
    words = [_words(mark) for mark in marks]
    for (x, y), text, shown in zip(places, words, _label_heights(places, words), strict=True):
        drawing.line([(x, y), (x + 12, shown)], "s-quiet", 0.6)
        drawing.text(x + 14, shown + 4, text, "small over")
    for mark, (x, y) in zip(marks, places, strict=True):
        _symbol(drawing, mark.kind, x, y)
    for number, (kind, meaning) in enumerate(_LEGEND.items()):
        y = _TOP + _TALL + 56 + 18 * number
        _symbol(drawing, kind, _LEFT + 6, y - 4)
        drawing.text(_LEFT + 18, y, meaning, "small")
    return drawing.render(True)


def _symbol(drawing: Drawing, kind: Kind, x: float, y: float) -> None:
    if kind == "given":
        drawing.circle(x, y, 5, "f-down")
    elif kind == "free":
        drawing.rect(x - 4.5, y - 4.5, 9, 9, "f-down")
    elif kind == "peer":
        drawing.path(f"M{x:.2f} {y - 6:.2f}l6 11h-12z", "f-up")
    else:
        drawing.circle(x, y, 5, "f-panel s-quiet", stroke_width=1.6)


def _words(mark: Mark) -> str:
    known = " (published)" if mark.kind == "published" else ""
    return f"{mark.label}: {mark.accuracy:.1f} %, {mark.lut6:,.0f}{known}"


def _label_heights(places: Sequence[tuple[float, float]], words: Sequence[str]) -> list[float]:
    """Return heights of labels, moved down until they touch neither each other nor a point."""
    heights = [y for _, y in places]
    done: list[int] = []
    for index in sorted(range(len(places)), key=lambda n: (places[n][1], -places[n][0])):
        first, last = places[index][0] + 8, places[index][0] + 14 + 5.6 * len(words[index])

        def free(height: float, first: float = first, last: float = last) -> bool:
            points = any(first < x < last + 6 and abs(y - height) < 11 for x, y in places)
            labels = any(
                abs(heights[other] - height) < 13
                and first < places[other][0] + 14 + 5.6 * len(words[other])
                and places[other][0] < last
                for other in done
            )
            return not points and not labels

        while not free(heights[index]):
            heights[index] += 3
        done.append(index)
    return heights


def write_plots(rows: Sequence[dict[str, object]], out: Path) -> None:
    """Write ``density_<data>.svg`` into `out`; points of free training are those beside them."""
    path = out / "free.json"
    free = json.loads(path.read_text()) if path.exists() else []
    for data, marks in marks_of(rows, free).items():
        (out / f"density_{data}.svg").write_text(draw(data, marks), "utf-8")


def main() -> None:
    """Draw again from the figures in a folder."""
    out = Path(sys.argv[1])
    write_plots(json.loads((out / "density.json").read_text())["rows"], out)


if __name__ == "__main__":
    main()
