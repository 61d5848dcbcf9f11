"""Places of a model's features among the raw columns, for models that compare whole rows."""

from dataclasses import dataclass, replace

import numpy as np
from sklearn.base import BaseEstimator

from locgen.errors import UnsupportedModel
from locgen.frontends.preprocessing import Preprocessing

__all__ = ["Placement", "placement_of"]


@dataclass(frozen=True)
class Placement:
    """Where each of a model's features lies among the raw columns: ``raw * slope + offset``.

    Members
    -------
    column, slope, offset : (features,)
    columns : number of raw columns
    spans : of each raw column, as far as a step knows it
    fills : see `Model`
    """

    column: np.ndarray
    slope: np.ndarray
    offset: np.ndarray
    columns: int
    spans: tuple[tuple[float, float] | None, ...]
    fills: tuple[float | None, ...]

    def raw(self, given: np.ndarray) -> np.ndarray:
        """Return raw rows (..., columns) of what the model is given (..., features)."""
        return self.spread((given - self.offset) / self.slope)

    def spread(self, given: np.ndarray) -> np.ndarray:
        """Return numbers a feature (..., features) as numbers a raw column, 0 in all others."""
        rows = np.zeros((*given.shape[:-1], self.columns))
        rows[..., self.column] = given
        return rows

    def scale(self, factors: np.ndarray | float = 1.0) -> np.ndarray:
        """Return the weights of differences of raw columns (columns,), given those of features.

        A column that the model is not given counts for nothing.
        """
        return self.spread(np.abs(self.slope) * factors)

    def ranges(self, low: np.ndarray, high: np.ndarray) -> tuple[tuple[float, float] | None, ...]:
        """Return the raw columns' spans, else what (features,) intervals come to."""
        ends = np.sort(np.stack([self.raw(low), self.raw(high)], axis=1), axis=1)
        known = set(self.column.tolist())
        return tuple(
            span or ((float(least), float(most)) if column in known else None)
            for column, (span, (least, most)) in enumerate(zip(self.spans, ends, strict=True))
        )

    def with_all_spans_or_none(self) -> "Placement":
        """Return the same without spans, if one of the model's own columns has none."""
        if all(self.spans[column] is not None for column in self.column):
            return self
        return replace(self, spans=(None,) * self.columns)


def placement_of(last: BaseEstimator, preprocessing: Preprocessing) -> Placement:
    """Return where the features of `last` lie among the raw columns.

    Raises
    ------
    UnsupportedModel
        If a feature is no raw column moved and scaled, or two are the same column.
    """
    outputs = preprocessing.outputs
    columns = [output.column for output in outputs]
    if any(not output.slope for output in outputs) or len(set(columns)) < len(columns):
        raise UnsupportedModel(
            f"{type(last).__name__} computes distances or products of whole rows, which need every "
            "feature to be a column of its own: put scalers, imputers and selections alone in "
            "front of it, or transform the data beforehand"
        )
    slope = np.array([output.slope for output in outputs])
    offset = np.array([output.offset for output in outputs])
    spans: list[tuple[float, float] | None] = [None] * preprocessing.columns
    fills: list[float | None] = [float(value) for value in preprocessing.neutral]
    for feature, output in enumerate(outputs):
        spans[output.column] = output.span
        if output.imputed:
            given = preprocessing.at_missing(feature)
            fills[output.column] = (given - offset[feature]) / slope[feature]
    return Placement(
        np.array(columns),
        slope,
        offset,
        preprocessing.columns,
        tuple(spans),
        tuple(fills) if preprocessing.imputes else (),
    )
