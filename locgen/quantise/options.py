"""Options of quantisation."""

from dataclasses import dataclass
from typing import Literal

from locgen.passes import Condense
from locgen.quantise.features import FeatureKind

__all__ = ["QuantiseOptions"]


@dataclass(frozen=True)
class QuantiseOptions:
    """Limits and widths that the user asks for; None leaves a width to the search.

    `max_accuracy_drop` is in percentage points of accuracy, for regression in hundredths of R2;
    `max_changed` the percentage of decisions that may differ on training rows and blends of them,
    by default half as many; `rounding` how leaves become integers, see `rounding`; `prune` and
    `condense` whether and how trees or stored rows become fewer first, see `locgen.passes`;
    `tabled` whether nodes become tables of their features' codes, which double with every bit, as
    in the memories of engines.
    """

    feature_bits: int | None = None
    score_bits: int | None = None
    feature_kind: FeatureKind = "auto"
    max_accuracy_drop: float = 0.5
    max_changed: float | None = None
    rounding: Literal["nearest", "free"] = "nearest"
    prune: bool = False
    condense: Condense = "none"
    tabled: bool = False
