"""Colours of pages and pictures: variables for light, dark and print, and the pictures' classes.

Categories follow Okabe and Ito (2008), told apart in all common kinds of colour blindness; the
ramp of sites varies in lightness alone. A picture that stands alone carries `PICTURE_STYLE`; the
page carries it once for all.
"""

__all__ = ["CATEGORIES", "PICTURE_STYLE", "RAMP_STEPS"]

CATEGORIES = 7
"""Colours that sites and trees take in turn: classes c0 to c6."""
RAMP_STEPS = 6
"""Steps of the ramp that stands for logic cells in a site: classes u0 to u5."""

_LIGHT = {
    "page": "#f4f6f9",
    "panel": "#ffffff",
    "ink": "#18202d",
    "quiet": "#566072",
    "line": "#d5dbe4",
    "faint": "#eef1f5",
    "down": "#0b6e7f",
    "up": "#b4500b",
    "good": "#14734a",
    "bad": "#b3261e",
    "warn": "#7a5200",
    "network": "#2f3a4d",
    "link": "#8791a3",
    "shared": "#c3cad5",
    "c0": "#0072b2",
    "c1": "#e69f00",
    "c2": "#009e73",
    "c3": "#cc79a7",
    "c4": "#56b4e9",
    "c5": "#d55e00",
    "c6": "#b5a300",
    "u0": "#ece7f5",
    "u1": "#d2c4ea",
    "u2": "#b297d8",
    "u3": "#8560bd",
    "u4": "#643c9e",
    "u5": "#421c78",
    "on-low": "#18202d",
    "on-high": "#ffffff",
}
_DARK = {
    "page": "#0f131a",
    "panel": "#181e28",
    "ink": "#e9edf4",
    "quiet": "#a4aebe",
    "line": "#333d4d",
    "faint": "#212936",
    "down": "#4cc3d6",
    "up": "#f0954a",
    "good": "#5fcf93",
    "bad": "#ff8f86",
    "warn": "#e8b855",
    "network": "#e3e8f0",
    "link": "#8b96a9",
    "shared": "#4f5a6c",
    "c0": "#3d9be0",
    "c1": "#e69f00",
    "c2": "#10b487",
    "c3": "#d98bb5",
    "c4": "#7cc8f2",
    "c5": "#e8702a",
    "c6": "#d8c52f",
    "u0": "#2c2642",
    "u1": "#42356a",
    "u2": "#5c4893",
    "u3": "#8d75cf",
    "u4": "#a98fe2",
    "u5": "#d9caff",
    "on-low": "#ffffff",
    "on-high": "#151022",
}


def _variables(colours: dict[str, str]) -> str:
    return ":root{" + "".join(f"--{name}:{value};" for name, value in colours.items()) + "}"


def _fills() -> str:
    names = ["network", "link", "shared", "down", "up", "ink", "quiet", "line", "faint", "panel"]
    names += [f"c{n}" for n in range(CATEGORIES)] + [f"u{n}" for n in range(RAMP_STEPS)]
    fills = "".join(f".f-{name}{{fill:var(--{name})}}" for name in names)
    strokes = "".join(
        f".s-{name}{{fill:none;stroke:var(--{name})}}"
        for name in ("down", "up", "ink", "quiet", "line", "panel")
    )
    return fills + strokes


PICTURE_STYLE = (
    _variables(_LIGHT)
    + "@media (prefers-color-scheme:dark){"
    + _variables(_DARK)
    + "}@media print{"
    + _variables(_LIGHT)
    + "}"
    + """
svg text{font-family:ui-sans-serif,system-ui,"Segoe UI","DejaVu Sans",sans-serif;font-size:12px;\
fill:var(--ink)}
svg text.quiet{fill:var(--quiet)}
svg text.small{font-size:10px}
svg text.tiny{font-size:8px}
svg text.bold{font-weight:600}
svg text.on-low{fill:var(--on-low)}
svg text.on-high{fill:var(--on-high)}
svg text.halo{paint-order:stroke;stroke:var(--panel);stroke-width:3px;stroke-linejoin:round;\
font-weight:700;font-size:11px}
svg text.over{paint-order:stroke;stroke:var(--panel);stroke-width:4px;stroke-linejoin:round}
svg .hover:hover{stroke:var(--ink);stroke-width:2}
"""
    + _fills()
    + "\n"
)
