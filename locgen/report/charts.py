"""Charts: logic cells by module, the width search, bits of the features."""

import math

from locgen.report.drawing import Drawing, shorten, tick_step
from locgen.report.modules import group_parts
from locgen.report.numbers import percent, plural, share, significant, thousands
from locgen.report.pictures import Pictures
from locgen.report.schema import Quantisation

__all__ = ["features_svg", "modules_svg", "trials_svg"]

_WIDTH = 540.0
_STRIP = 1080.0


def modules_svg(pictures: Pictures, *, standalone: bool = True) -> str:
    """Return horizontal bars: where the logic cells go, by module."""
    parts = group_parts(pictures.modules)
    total = sum(part.logic_cells for part in parts)
    most = max((part.logic_cells for part in parts), default=1) or 1
    row, left = 26.0, 172.0
    drawing = Drawing(
        "modules",
        _WIDTH,
        row * max(len(parts), 1) + 4,
        "Logic cells by module",
        "; ".join(f"{p.words}: {thousands(p.logic_cells)}" for p in parts) or "nothing was counted",
    )
    room = _WIDTH - left - 100
    for index, part in enumerate(parts):
        y = row * index
        words = f"{part.words}{f' ({part.detail})' if part.detail else ''}"
        width = max(room * part.logic_cells / most, 1)
        drawing.text(left - 10, y + 15, shorten(part.words, 26), "", "end", tooltip=words)
        drawing.rect(left, y + 3, width, 16, part.css, words, rx=2)
        numbers = f"{thousands(part.logic_cells)}"
        drawing.text(left + width + 8, y + 15, numbers, "bold")
        beside = left + width + 14 + 8 * len(numbers)
        drawing.text(beside, y + 15, percent(share(part.logic_cells, total)), "quiet small")
        if part.members > 1 and width > 7 * len(part.detail):
            style = "fill:var(--panel)"
            drawing.text(left + 8, y + 15, part.detail, "small", style=style, pointer_events="none")
    return drawing.render(standalone)


def trials_svg(pictures: Pictures, regression: bool, *, standalone: bool = True) -> str:
    """Return the width search: score bits against changed decisions, the chosen width ringed.

    Raises
    ------
    ValueError
        If no width was tried.
    """
    trials = pictures.trials
    if not trials:
        raise ValueError("pictures must have at least one trial for a picture of the search")
    measure = "distance from the float model, 100 (1 - R2)" if regression else "changed decisions"
    unit = "" if regression else " %"
    chosen = max((n for n, trial in enumerate(trials) if trial[3]), default=None)
    said = [f"{plural(bits, 'bit')}: {significant(c)}{unit}" for bits, _, c, _ in trials]
    kept = "none is kept" if chosen is None else f"{plural(trials[chosen][0], 'bit')} are kept"
    drawing = Drawing(
        "trials",
        _WIDTH,
        306,
        f"Width search: score bits against {measure}",
        f"{'; '.join(said)}; {kept}.",
    )
    left, right, top, bottom = 44.0, _WIDTH - 12, 48.0, 250.0
    highest = max(max(changed for _, _, changed, _ in trials), 0.01)
    step = tick_step(highest)
    ceiling = step * math.ceil(highest / step - 1e-9)

    def place(index: int) -> tuple[float, float]:
        x = left + (right - left) * (index + 0.5) / len(trials)
        return x, bottom - (bottom - top) * max(trials[index][2], 0) / ceiling

    drawing.text(0, 12, f"{measure[0].upper()}{measure[1:]}{',' + unit if unit else ''}", "quiet")
    for tick in range(round(ceiling / step) + 1):
        y = bottom - (bottom - top) * tick * step / ceiling
        drawing.line([(left, y), (right, y)], "s-line")
        drawing.text(left - 8, y + 4, significant(tick * step), "quiet small", "end")
    drawing.line([place(n) for n in range(len(trials))], "s-down", 2)
    for index, (bits, loss, changed, _) in enumerate(trials):
        x, y = place(index)
        lost = "loss unknown without data" if loss is None else f"loss {significant(loss)} points"
        tooltip = f"{plural(bits, 'score bit')}: {significant(changed)}{unit} changed, {lost}"
        if index == chosen:
            drawing.circle(x, y, 10, "s-up", stroke_width=2.5)
            drawing.text(x, bottom + 38, "chosen", "bold", "middle", style="fill:var(--up)")
        drawing.circle(x, y, 5, "f-up" if index == chosen else "f-down", tooltip)
        drawing.text(x, y - 15, significant(changed), "bold small over", "middle")
        drawing.text(x, bottom + 20, str(bits), "bold" if index == chosen else "", "middle")
    drawing.text(0, bottom + 20, "Bits", "quiet")
    return drawing.render(standalone)


def features_svg(quantisation: Quantisation, *, standalone: bool = True) -> str:
    """Return a strip with the width of each feature in bits, coloured by the kind of quantiser."""
    bits = quantisation.feature_bits
    kinds = quantisation.kinds
    colours = {"rank": "f-c0", "affine": "f-c1", "identity": "f-c2"}
    used = sorted({kind for kind, width in zip(kinds, bits, strict=True) if width})
    most = max(bits, default=0)
    drawing = Drawing(
        "features",
        _STRIP,
        150,
        f"Bits of {plural(len(bits), 'feature')}",
        f"{thousands(sum(bits))} bits in all, the widest feature has {most}, "
        f"{plural(bits.count(0), 'feature')} not used by the model. "
        f"Bits in order: {', '.join(map(str, bits))}.",
    )
    left, right, top, bottom = 34.0, _STRIP - 4, 14.0, 98.0
    pitch = min((right - left) / max(len(bits), 1), 40)
    for tick in sorted({0, most // 2, most}):
        y = bottom - (bottom - top) * tick / max(most, 1)
        drawing.line([(left, y), (left + pitch * len(bits), y)], "s-line")
        drawing.text(left - 8, y + 4, str(tick), "quiet small", "end")
    box = pitch * 0.82 if pitch > 3 else pitch
    every = max(1, -(-26 // max(int(pitch), 1)))
    for index, (width, kind) in enumerate(zip(bits, kinds, strict=True)):
        x = left + pitch * index + (pitch - box) / 2
        tall = (bottom - top) * width / max(most, 1)
        if width:
            tooltip = f"feature {index}: {plural(width, 'bit')}, {kind}"
            drawing.rect(x, bottom - tall, box, tall, f"{colours[kind]} hover", tooltip, rx=1)
        else:
            drawing.rect(x, bottom - 2, box, 4, "f-quiet", f"feature {index}: not used")
        if index % every == 0:
            drawing.text(x + box / 2, bottom + 16, str(index), "quiet small", "middle")
    x = left
    for kind in used:
        drawing.rect(x, bottom + 30, 11, 11, colours[kind], rx=2)
        drawing.text(x + 17, bottom + 40, kind, "small")
        x += 90
    if 0 in bits:
        drawing.rect(x, bottom + 34, 11, 4, "f-quiet")
        drawing.text(x + 17, bottom + 40, "not used by the model", "small")
    return drawing.render(standalone)
