"""Origins of the columns that a preprocessing step puts out."""

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from scipy.sparse import issparse
from sklearn.compose import ColumnTransformer

from locgen.errors import UnsupportedModel
from locgen.frontends.pipeline import LARGEST
from locgen.frontends.polynomial import Polynomial

__all__ = [
    "Output",
    "Outputs",
    "Transformer",
    "as_trained",
    "dense",
    "encoded_by",
    "needs_rising",
    "outside",
    "transformed",
]


@dataclass(frozen=True)
class Output:
    """Where a column that a step puts out comes from.

    Members
    -------
    column : the only raw column that it depends on; of a product of columns the first
    polynomial : what it is in raw columns, None where it is no polynomial of them
    untouched : whether it is that column itself
    rising : whether it rises with the column, or is constant on intervals of it
    cuts : raw values (k,), rising, at which it jumps while it is constant between them; None where
        it changes everywhere
    span : interval in which the column's training values lay, as far as a step tells
    intervals : lower (excluded) and upper (included) ends of the intervals (k,), rising, inside
        which it is constant; None where it rises with the raw column
    unknown : a raw value outside all intervals, None where they cover all that the step accepts
    imputed : whether the steps take a missing value for another
    breaks : raw values (k,), rising, between which it is a polynomial of the column
    degree : of these polynomials, at most
    period : ends of the interval of the column that repeats; None where none does
    """

    column: int
    polynomial: Polynomial | None
    untouched: bool = True
    rising: bool = True
    cuts: np.ndarray | None = None
    span: tuple[float, float] | None = None
    intervals: tuple[np.ndarray, np.ndarray] | None = None
    unknown: float | None = None
    imputed: bool = False
    breaks: np.ndarray = field(default_factory=lambda: np.zeros(0))
    degree: int = 1
    period: tuple[float, float] | None = None

    @classmethod
    def raw(cls, column: int) -> "Output":
        """Return the raw column itself."""
        return cls(column, Polynomial.of_column(column))

    @property
    def constant(self) -> bool:
        """Whether it is constant between raw values that are known."""
        return self.intervals is not None or self.cuts is not None

    @property
    def slope(self) -> float | None:
        """By what the column counts, None where the output is no affine map of it alone."""
        known = self.polynomial
        if known is None or any(p not in ((), (self.column,)) for p, _ in known.terms):
            return None
        return known.coefficient(self.column)

    @property
    def offset(self) -> float:
        """The constant of an affine output."""
        return 0.0 if self.polynomial is None else self.polynomial.coefficient()

    def raw_span(self, ends: np.ndarray) -> tuple[float, float] | None:
        """Return the span, if there is none yet that of training values within `ends` (2,)."""
        if self.span is not None or not self.slope:
            return self.span
        least, most = np.sort((ends - self.offset) / self.slope)
        return float(least), float(most)


Outputs = tuple[list[Output], np.ndarray]
"""Outputs of a step, and the neutral raw row that it and all before it accept."""


class Transformer(Protocol):
    """A fitted preprocessing step."""

    def transform(self, x: np.ndarray) -> np.ndarray:
        """Return what the step makes of the rows `x`."""
        ...


def as_trained(step: Transformer, x: np.ndarray) -> Any:
    """Return the rows `x` as a frame if the step was fitted on named columns and needs them."""
    names = getattr(step, "feature_names_in_", None)
    if not isinstance(step, ColumnTransformer) or names is None:
        return x
    from pandas import DataFrame

    return DataFrame(x, columns=names)


def transformed(step: Transformer, x: Any) -> Any:
    """Return what the fitted `step` makes of the rows `x`, sparse or float32 if it computes so.

    Infinities, which steps refuse, are taken as the largest number: that keeps the order.
    """
    largest = np.finfo(x.dtype).max
    if issparse(x):
        x = x.copy()
        x.data = np.clip(x.data, -largest, largest)
    else:
        x = as_trained(step, np.clip(x, -largest, largest))
    found: Any = step.transform(x)
    found = found.tocsr() if issparse(found) else np.asarray(found)
    return found if found.dtype == np.float32 else found.astype(np.float64)


def dense(x: Any) -> np.ndarray:
    """Return rows, sparse or not, as a float64 array."""
    return np.asarray(x.todense() if issparse(x) else x, dtype=np.float64)


def needs_rising(step: Transformer, output: Output, intervals: bool = False) -> None:
    if not output.rising or (output.intervals is not None and not intervals):
        raise UnsupportedModel(
            f"{type(step).__name__} stands behind a step that is no scaler: put it first"
        )


def encoded_by(high: np.ndarray) -> float:
    """Return a value in the first of the intervals that end at `high`."""
    return float(min(max(high[0], -LARGEST), LARGEST))


def outside(low: np.ndarray, high: np.ndarray) -> float:
    """Return a value in none of the intervals."""
    candidates = np.concatenate([np.nextafter(high, np.inf), low, [0.0]])
    free = [v for v in candidates[np.isfinite(candidates)] if not np.any((low < v) & (v <= high))]
    return float(free[0])
