"""A drawing surface for SVG: elements with escaped text, a title and a description."""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence

from locgen.report.palette import PICTURE_STYLE, RAMP_STEPS

__all__ = ["Drawing", "legal_text", "ramp_step", "shorten", "tick_step"]

# What XML 1.0 forbids even as a character reference.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_MARGIN = 20.0


def legal_text(text: str) -> str:
    """Return `text` with every character that XML forbids replaced by U+FFFD."""
    return _ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", text)


def shorten(text: str, most: int) -> str:
    """Return `text` in at most `most` characters, with an ellipsis where it was cut."""
    return text if len(text) <= most else text[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"


def ramp_step(value: float, low: float, high: float) -> int:
    """Return the step of the site ramp, 0 to `RAMP_STEPS` - 1, for a value in low to high."""
    if high <= low:
        return RAMP_STEPS // 2
    return min(int(RAMP_STEPS * (value - low) / (high - low)), RAMP_STEPS - 1)


def tick_step(span: float) -> float:
    """Return a round step, 1, 2, 2.5 or 5 times a power of ten, that cuts `span` in 2 to 5."""
    power = 10.0 ** int(f"{span:e}".partition("e")[2])
    return next(f * power for f in (0.2, 0.25, 0.5, 1.0, 2.0) if span <= 5 * f * power)


class Drawing:
    """One picture of `width` by `height` units, which are pixels at its natural size.

    Parameters
    ----------
    name : unique in a page; ids are built from it
    title, description : what the picture is, and what it shows in words (its text alternative)
    """

    def __init__(
        self, name: str, width: float, height: float, title: str, description: str
    ) -> None:
        self._size = (width, height)
        self._root = ElementTree.Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "viewBox": f"0 0 {_number(width)} {_number(height)}",
                "width": _number(width),
                "height": _number(height),
                "role": "img",
                "aria-labelledby": f"{name}-title {name}-desc",
            },
        )
        for tag, text in (("title", title), ("desc", description)):
            child = ElementTree.SubElement(self._root, tag, {"id": f"{name}-{tag}"})
            child.text = legal_text(text)

    def _add(self, tag: str, css: str, tooltip: str | None, **attributes: float | str) -> None:
        facts = {"class": css} if css else {}
        for key, value in attributes.items():
            text = value if isinstance(value, str) else _number(value)
            facts[key.replace("_", "-")] = legal_text(text)
        element = ElementTree.SubElement(self._root, tag, facts)
        if tooltip is not None:
            ElementTree.SubElement(element, "title").text = legal_text(tooltip)

    def rect(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        css: str,
        tooltip: str | None = None,
        **attributes: float | str,
    ) -> None:
        """Draw a rectangle; `css` names its classes."""
        self._add("rect", css, tooltip, x=x, y=y, width=width, height=height, **attributes)

    def circle(
        self,
        x: float,
        y: float,
        radius: float,
        css: str,
        tooltip: str | None = None,
        **attributes: float | str,
    ) -> None:
        """Draw a circle."""
        self._add("circle", css, tooltip, cx=x, cy=y, r=radius, **attributes)

    def line(
        self,
        points: Sequence[tuple[float, float]],
        css: str,
        width: float = 1.0,
        **attributes: float | str,
    ) -> None:
        """Draw a line through `points`."""
        path = "M" + "L".join(f"{_number(x)} {_number(y)}" for x, y in points)
        self._add("path", css, None, d=path, stroke_width=width, **attributes)

    def path(
        self, data: str, css: str, tooltip: str | None = None, **attributes: float | str
    ) -> None:
        """Draw SVG path data."""
        self._add("path", css, tooltip, d=data, **attributes)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        css: str = "",
        anchor: str = "start",
        tooltip: str | None = None,
        **attributes: float | str,
    ) -> None:
        """Write `text` with its baseline at `y`; `anchor` is start, middle or end."""
        self._add("text", css, None, x=x, y=y, text_anchor=anchor, **attributes)
        element = self._root[-1]
        element.text = legal_text(text)
        if tooltip is not None:
            ElementTree.SubElement(element, "title").text = legal_text(tooltip)

    def render(self, standalone: bool) -> str:
        """Return the SVG; `standalone` puts colours inside, a margin and a ground around."""
        if not standalone:
            return ElementTree.tostring(self._root, encoding="unicode")
        width, height = self._size
        wide, tall = _number(width + 2 * _MARGIN), _number(height + 2 * _MARGIN)
        corner = _number(-_MARGIN)
        facts = {"viewBox": f"{corner} {corner} {wide} {tall}", "width": wide, "height": tall}
        root = ElementTree.Element("svg", self._root.attrib | facts)
        children = list(self._root)
        root.extend(children[:2])
        ElementTree.SubElement(root, "style").text = PICTURE_STYLE
        around = {"x": corner, "y": corner, "width": wide, "height": tall, "rx": "10"}
        ElementTree.SubElement(root, "rect", {"class": "f-panel", **around})
        root.extend(children[2:])
        return ElementTree.tostring(root, encoding="unicode") + "\n"


def _number(value: float) -> str:
    """Return a coordinate with at most two decimals."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
