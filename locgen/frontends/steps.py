"""The transformers that may stand before a model: what each of their outputs comes from.

What a step computes is asked of the step itself, see `front`; here stands only how its columns
depend on the raw ones: rising with one, through the interval or category it lies in, or as a
polynomial of several.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import BSpline
from scipy.sparse import issparse
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectKBest, SelectPercentile, VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
)

from locgen.errors import ModelFileError, UnsupportedModel
from locgen.frontends import affine
from locgen.frontends.pipeline import LARGEST, check_fitted
from locgen.frontends.polynomial import Polynomial

if TYPE_CHECKING:
    from locgen.frontends.front import Front

__all__ = [
    "STEPS",
    "Output",
    "Outputs",
    "OwnStep",
    "encoded_by",
    "outputs_of",
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

    @classmethod
    def raw(cls, column: int) -> "Output":
        """Return the raw column itself."""
        return cls(column, Polynomial.of_column(column))

    @property
    def slope(self) -> float | None:
        """By what the column counts, None where the output is no affine map of it alone."""
        known = self.polynomial
        if known is None or any(p not in ((), (self.column,)) for p, _ in known.terms):
            return None
        return known.coefficient(self.column)


Outputs = tuple[list[Output], np.ndarray]
"""Outputs of a step, and the neutral raw row that it and all before it accept."""


class OwnStep(ABC):
    """A step that is not scikit-learn's and says itself where its columns come from."""

    @abstractmethod
    def transform(self, x: np.ndarray) -> np.ndarray:
        """Return what the step makes of the rows `x`."""

    @abstractmethod
    def outputs(self, before: "Front") -> Outputs:
        """Return its outputs behind the front `before`, and a neutral raw row."""


def transformed(step: object, x: np.ndarray) -> np.ndarray:
    """Return what the fitted `step` makes of the rows `x`, as a dense float64 array.

    Infinities, which steps refuse, are taken as the largest float64: that keeps the order.
    """
    x = np.clip(x, -LARGEST, LARGEST)
    names = getattr(step, "feature_names_in_", None)
    if isinstance(step, ColumnTransformer) and names is not None:
        try:
            from pandas import DataFrame
        except ImportError:
            raise UnsupportedModel(
                "ColumnTransformer was fitted on named columns, which needs pandas: pip install "
                "pandas, or fit it on arrays"
            ) from None
        x = DataFrame(x, columns=names)
    found = step.transform(x)
    return np.asarray(found.todense() if issparse(found) else found, dtype=np.float64)


def outputs_of(step: object, name: str, before: "Front") -> Outputs:
    """Return the outputs of the fitted `step`, whose input are those of the front `before`.

    Raises
    ------
    UnsupportedModel
        If it is not fitted, or not among the steps whose columns depend on one raw column each.
    ModelFileError
        If it does not fit the columns before it.
    """
    if isinstance(step, OwnStep):
        return step.outputs(before)
    read = _READERS.get(type(step))
    if read is None:
        raise UnsupportedModel(
            f"Pipeline step {name!r} ({type(step).__name__}) is not supported: use "
            f"{', '.join(kind.__name__ for kind in _READERS)}, or transform the data beforehand"
        )
    if type(step) is not Pipeline:
        check_fitted(step)
        expected = getattr(step, "n_features_in_", before.features)
        if expected != before.features:
            raise ModelFileError(
                f"{type(step).__name__} takes {expected} columns, but {before.features} stand "
                "before it: save the fitted model again"
            )
    return read(step, before)


def _scaled(step: object, before: "Front") -> Outputs:
    """Return outputs that rise with those before, each folded as well where it is a polynomial."""
    scaling = affine.read(step, before.features)
    outputs = []
    for feature, output in enumerate(before.outputs):
        polynomial, span = None, output.span
        if output.polynomial is not None and scaling is not None:
            slope, offset = float(scaling.slope[feature]), float(scaling.offset[feature])
            polynomial = output.polynomial.scaled(slope, offset)
            if span is None and scaling.low is not None and output.slope:
                ends = np.array([scaling.low[feature], scaling.high[feature]])
                least, most = np.sort((ends - output.polynomial.coefficient()) / output.slope)
                span = float(least), float(most)
        outputs.append(replace(output, polynomial=polynomial, untouched=False, span=span))
    return outputs, before.neutral


def _levelled(step: object, before: "Front", counts: list[int]) -> Outputs:
    """Return outputs that rise with those before, in whole numbers from 0.

    Parameters
    ----------
    counts : of each feature how many numbers there are
    """
    for output in before.outputs:
        _needs_rising(step, output, intervals=True)
    free = [output.intervals is None and output.cuts is None for output in before.outputs]
    counts = [count if own else 1 for count, own in zip(counts, free, strict=True)]
    feature = np.repeat(np.arange(len(counts)), np.array(counts) - 1)
    number = np.concatenate([np.arange(count - 1) for count in counts])

    def at_most(x: np.ndarray, part: np.ndarray) -> np.ndarray:
        rows = np.zeros((len(x), before.features))
        every = np.arange(len(x))
        rows[every, feature[part]] = x
        return transformed(step, rows)[every, feature[part]] <= number[part]

    limits = before.bisect(feature, at_most)
    outputs = []
    for own, (output, bisected) in enumerate(zip(before.outputs, free, strict=True)):
        cuts = np.unique(limits[feature == own]) if bisected else output.cuts
        outputs.append(replace(output, polynomial=None, untouched=False, cuts=cuts))
    return outputs, before.neutral


def _binarised(step: Binarizer, before: "Front") -> Outputs:
    return _levelled(step, before, [2] * before.features)


def _splined(step: SplineTransformer, before: "Front") -> Outputs:
    """Return for each feature its splines, functions of one column that neither rise nor fall."""
    if step.extrapolation == "error":
        raise UnsupportedModel(
            "SplineTransformer(extrapolation='error') has no answer outside its knots: train with "
            "extrapolation='constant'"
        )
    step.bsplines_ = [_checked(spline) for spline in step.bsplines_]
    outputs = []
    each = step.n_features_out_ // before.features
    for output, spline in zip(before.outputs, step.bsplines_, strict=True):
        _one_column(step, output)
        span = output.span
        if span is None and output.slope:
            ends = np.asarray(spline.t)[[spline.k, -spline.k - 1]]
            least, most = np.sort((ends - output.polynomial.coefficient()) / output.slope)
            span = float(least), float(most)
        one = replace(output, polynomial=None, untouched=False, rising=False, span=span)
        outputs += [one] * each
    return outputs, before.neutral


def _checked(spline: BSpline) -> BSpline:
    """Return the spline made anew: its constructor checks the arrays that a file may hold."""
    try:
        arrays = [np.array(part, dtype=np.float64) for part in (spline.t, spline.c)]
        return BSpline(*arrays, spline.k, extrapolate=spline.extrapolate)
    except (AttributeError, TypeError, ValueError):
        raise ModelFileError(
            "SplineTransformer.bsplines_ is damaged: save the fitted model again"
        ) from None


def _multiplied(step: PolynomialFeatures, before: "Front") -> Outputs:
    """Return products of at most two columns, or of one column with itself."""
    outputs = []
    for powers in np.asarray(step.powers_):
        factors = [before.outputs[f] for f in np.flatnonzero(powers) for _ in range(powers[f])]
        if len(factors) == 1:
            outputs.append(replace(factors[0], untouched=False))
            continue
        if any(factor.polynomial is None for factor in factors):
            raise UnsupportedModel(
                "PolynomialFeatures multiplies what is no sum of columns (bins, categories, "
                "splines): put it behind scalers alone"
            )
        product = Polynomial((((), 1.0),))
        for factor in factors:
            product = product.times(factor.polynomial)
        columns = {column for term, _ in product.terms for column in term}
        if product.degree > 2 and len(columns) > 1:
            raise UnsupportedModel(
                "PolynomialFeatures of a degree above 2 multiplies three columns: train with "
                "degree=2"
            )
        spans = [factor.span for factor in factors] if len(columns) == 1 else [None]
        outputs.append(
            Output(
                min(columns, default=0),
                product if product.degree <= 2 else None,
                untouched=False,
                rising=False,
                span=spans[0],
                imputed=any(factor.imputed for factor in factors),
            )
        )
    return outputs, before.neutral


def _unchanged(step: FunctionTransformer, before: "Front") -> Outputs:
    if step.func is not None:
        raise UnsupportedModel(
            "FunctionTransformer runs a Python function, which locgen does not read: transform "
            "the data beforehand"
        )
    return list(before.outputs), before.neutral


def _selected(step: object, before: "Front") -> Outputs:
    kept = np.flatnonzero(step.get_support())
    return [before.outputs[feature] for feature in kept], before.neutral


def _imputed(step: SimpleImputer, before: "Front") -> Outputs:
    if not (isinstance(step.missing_values, float) and np.isnan(step.missing_values)):
        raise UnsupportedModel(
            f"SimpleImputer replaces {step.missing_values!r}: locgen reads missing_values=nan"
        )
    statistics = np.asarray(step.statistics_)
    if statistics.dtype.kind not in "fiu" or np.isnan(statistics).any():
        raise UnsupportedModel(
            "SimpleImputer has no number for a column (all of it was missing): leave it out"
        )
    outputs = [replace(output, untouched=False, imputed=True) for output in before.outputs]
    if step.indicator_ is not None:
        nowhere = np.zeros(0)  # a number that is there is all the same to the indicator
        outputs += [
            Output(
                before.outputs[feature].column,
                None,
                untouched=False,
                cuts=nowhere,
                imputed=True,
            )
            for feature in step.indicator_.features_
        ]
    return outputs, before.neutral


def _binned(step: KBinsDiscretizer, before: "Front") -> Outputs:
    counts = [int(count) for count in step.n_bins_]
    if step.encode == "ordinal":
        return _levelled(step, before, counts)
    for output in before.outputs:
        _needs_rising(step, output)
    feature = np.repeat(np.arange(len(counts)), counts)
    number = np.concatenate([np.arange(count) for count in counts])
    first = np.cumsum([0, *counts[:-1]])[feature]

    def at_most(x: np.ndarray, part: np.ndarray) -> np.ndarray:
        """Return whether each value lies in its own feature's bin `number` or a lower one."""
        rows = np.zeros((len(x), before.features))
        rows[np.arange(len(x)), feature[part]] = x
        passed = np.cumsum(transformed(step, rows), axis=1)
        below = np.where(first[part] > 0, passed[np.arange(len(x)), first[part] - 1], 0)
        return passed[np.arange(len(x)), (first + number)[part]] - below > 0

    ends = before.bisect(feature, at_most)
    outputs = []
    for own, (count, output) in enumerate(zip(counts, before.outputs, strict=True)):
        high = ends[feature == own]
        low = np.concatenate([[-np.inf], high[:-1]])
        one = replace(output, polynomial=None, untouched=False, cuts=None, intervals=(low, high))
        outputs += [one] * count
    return outputs, before.neutral


def _encoded(step: OneHotEncoder | OrdinalEncoder, before: "Front") -> Outputs:
    """Return one output a column (ordinal) or a category (one-hot), each with its intervals."""
    outputs, neutral = [], before.neutral.copy()
    one_hot = isinstance(step, OneHotEncoder)
    for feature, (categories, output) in enumerate(
        zip(step.categories_, before.outputs, strict=True)
    ):
        _needs_rising(step, output)
        try:
            values = np.asarray(categories, dtype=np.float64)
        except (TypeError, ValueError):
            raise UnsupportedModel(
                f"{type(step).__name__} encodes text ({categories[0]!r}, ...): locgen's rows are "
                "numbers; encode text beforehand and train on the codes"
            ) from None
        known = values[~np.isnan(values)]
        limits = np.concatenate([known, known])
        strict = np.arange(len(limits)) < len(known)

        def below(x: np.ndarray, part: np.ndarray, limits=limits, strict=strict) -> np.ndarray:
            return np.where(strict[part], x < limits[part], x <= limits[part])

        ends = before.bisect(np.full(len(limits), feature), below)
        low, high = ends[: len(known)], ends[len(known) :]
        if len(known):
            neutral[output.column] = encoded_by(high)
        tolerant = step.handle_unknown != "error"
        count = 1
        if one_hot:
            count = sum(1 for owner in _owners(step) if owner == feature)
        outputs += [
            replace(
                output,
                polynomial=None,
                untouched=False,
                cuts=None,
                intervals=(low, high),
                unknown=outside(low, high) if tolerant else None,
                imputed=output.imputed or bool(np.isnan(values).any()) or tolerant,
            )
        ] * count
    return outputs, neutral


def _owners(step: OneHotEncoder) -> list[int]:
    """Return the input column that each output column of a one-hot encoder stands for."""
    return [
        feature for feature, count in enumerate(step._n_features_outs) for _ in range(int(count))
    ]


def encoded_by(high: np.ndarray) -> float:
    """Return a value in the first of the intervals that end at `high`."""
    return float(min(max(high[0], -LARGEST), LARGEST))


def outside(low: np.ndarray, high: np.ndarray) -> float:
    """Return a value in none of the intervals."""
    candidates = np.concatenate([np.nextafter(high, np.inf), low, [0.0]])
    free = [v for v in candidates[np.isfinite(candidates)] if not np.any((low < v) & (v <= high))]
    return float(free[0])


def _columns(step: ColumnTransformer, before: "Front") -> Outputs:
    found: dict[str, list[Output]] = {}
    neutral = before.neutral
    names = list(getattr(step, "feature_names_in_", range(before.features)))
    for name, part, asked in step.transformers_:
        if isinstance(part, str) and part == "drop":
            continue
        picked = _positions(asked, names)
        if not picked:
            continue
        inner = replace(before, neutral=neutral).selected(picked)
        if not (isinstance(part, str) and part == "passthrough"):
            inner = inner.behind(part, name)
        found[name], neutral = list(inner.outputs), inner.neutral
    outputs: list[Output] = []
    for name, place in sorted(step.output_indices_.items(), key=lambda item: item[1].start):
        if place.stop > place.start:
            if len(found.get(name, ())) != place.stop - place.start or place.start != len(outputs):
                raise ModelFileError(
                    "ColumnTransformer's columns do not fit together: save the fitted model again"
                )
            outputs += found[name]
    return outputs, neutral


def _positions(asked: object, names: list[object]) -> list[int]:
    """Return the columns that a ColumnTransformer's selector names, as it reads them."""
    if isinstance(asked, slice):
        if isinstance(asked.start, str) or isinstance(asked.stop, str):
            first = 0 if asked.start is None else names.index(asked.start)
            last = len(names) if asked.stop is None else names.index(asked.stop) + 1
            return list(range(first, last))
        return list(range(len(names)))[asked]
    listed = [asked] if isinstance(asked, int | str) else list(asked)
    if listed and all(isinstance(value, bool | np.bool_) for value in listed):
        return [int(position) for position in np.flatnonzero(listed)]
    return [
        names.index(value) if isinstance(value, str) else range(len(names))[int(value)]
        for value in listed
    ]


def _nested(step: Pipeline, before: "Front") -> Outputs:
    front = before
    for name, part in step.steps:
        if part is None or (isinstance(part, str) and part == "passthrough"):
            continue
        front = front.behind(part, name)
    return list(front.outputs), front.neutral


def _needs_rising(step: object, output: Output, intervals: bool = False) -> None:
    if not output.rising or (output.intervals is not None and not intervals):
        raise UnsupportedModel(
            f"{type(step).__name__} stands behind a step that is no scaler: put it first"
        )


def _one_column(step: object, output: Output) -> None:
    if output.polynomial is not None and output.slope is None and output.polynomial.degree:
        raise UnsupportedModel(
            f"{type(step).__name__} stands behind products of columns: put it before them"
        )


_READERS: dict[type, Callable[[object, "Front"], Outputs]] = {
    StandardScaler: _scaled,
    MinMaxScaler: _scaled,
    RobustScaler: _scaled,
    MaxAbsScaler: _scaled,
    Binarizer: _binarised,
    FunctionTransformer: _unchanged,
    SelectKBest: _selected,
    SelectPercentile: _selected,
    VarianceThreshold: _selected,
    SimpleImputer: _imputed,
    KBinsDiscretizer: _binned,
    OneHotEncoder: _encoded,
    OrdinalEncoder: _encoded,
    ColumnTransformer: _columns,
    Pipeline: _nested,
    SplineTransformer: _splined,
    PolynomialFeatures: _multiplied,
}
STEPS = tuple(kind.__name__ for kind in _READERS)
"""The transformers that are read."""
