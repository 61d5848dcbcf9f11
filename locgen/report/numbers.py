"""How the report writes numbers: SI prefixes, thousands, significant digits, shares.

Text and HTML share these; `ascii_only` spells the micro sign "u". None has no form here: the caller
says why a value is missing.
"""

import math

__all__ = ["every", "percent", "plural", "points", "share", "si", "significant", "thousands"]

_PREFIXES = {
    -15: "f",
    -12: "p",
    -9: "n",
    -6: "\N{MICRO SIGN}",
    -3: "m",
    0: "",
    3: "k",
    6: "M",
    9: "G",
    12: "T",
}


def thousands(value: int) -> str:
    """Return an integer with commas: ``12,345``."""
    return f"{value:,d}"


def significant(value: float, digits: int = 3) -> str:
    """Return `value` with `digits` significant digits, commas, and no exponent or idle zeros.

    Digits left of the point are never rounded away: ``significant(12345.6)`` is ``12,346``.
    """
    if not math.isfinite(value):
        return str(value)
    if value == 0:
        return "0"
    places = max(digits - 1 - _exponent(value, digits), 0)
    text = f"{value:,.{places}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def si(value: float, unit: str, digits: int = 3, ascii_only: bool = False) -> str:
    """Return `value` of `unit` with an SI prefix: ``si(1.27e-8, "s")`` is ``12.7 ns``."""
    if value == 0 or not math.isfinite(value):
        return f"{significant(value, digits)} {unit}".rstrip()
    power = 3 * (_exponent(value, digits) // 3)
    power = min(max(power, min(_PREFIXES)), max(_PREFIXES))
    prefix = _PREFIXES[power]
    if ascii_only and power == -6:
        prefix = "u"
    return f"{significant(value / 10.0**power, digits)} {prefix}{unit}".rstrip()


def share(part: float, whole: float) -> float:
    """Return `part` of `whole` between 0 and 1, 0 where there is no whole."""
    return min(max(part / whole, 0.0), 1.0) if whole else 0.0


def percent(value: float, digits: int = 1) -> str:
    """Return a share as percent with `digits` decimals: ``percent(0.9561)`` is ``95.6 %``."""
    return f"{100 * value:.{digits}f} %"


def points(before: float, after: float) -> str:
    """Return the change between two shares, signed, in percentage points."""
    change = round(100 * (after - before), 2)
    return f"{change:+.2f} points" if change else "no change"


def plural(count: int, noun: str, many: str | None = None) -> str:
    """Return ``1 site``, ``20 sites``; `many` where an s does not do."""
    return f"{thousands(count)} {noun if count == 1 else many or noun + 's'}"


def every(cycles: int) -> str:
    """Return ``every cycle``, ``every 98 cycles``."""
    return "every cycle" if cycles == 1 else f"every {plural(cycles, 'cycle')}"


def _exponent(value: float, digits: int) -> int:
    """Return the decimal exponent of `value` after it is rounded to `digits`."""
    return int(f"{value:.{digits - 1}e}".partition("e")[2])
