"""The transformers that may stand before a model: what each of their outputs comes from.

Each step computes its own values, see `preprocessing`; here stands only how its columns depend on
the raw ones: rising with one, through the interval or category it lies in, or as a polynomial.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import BSpline
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
from locgen.frontends.pipeline import check_fitted
from locgen.frontends.polynomial import Polynomial
from locgen.frontends.sklearn.discrete_steps import binarised, binned, encoded
from locgen.frontends.step_outputs import Output, Outputs, OwnStep, one_column

if TYPE_CHECKING:
    from locgen.frontends.preprocessing import Preprocessing

__all__ = ["STEPS", "outputs_of"]


def outputs_of(step: object, name: str, before: "Preprocessing") -> Outputs:
    """Return the outputs of the fitted `step`, whose input are those of the preprocessing `before`.

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


def _scaled(step: object, before: "Preprocessing") -> Outputs:
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


def _splined(step: SplineTransformer, before: "Preprocessing") -> Outputs:
    """Return for each feature its splines, functions of one column that neither rise nor fall."""
    if step.extrapolation == "error":
        raise UnsupportedModel(
            "SplineTransformer(extrapolation='error') has no answer outside its knots: train with "
            "extrapolation='constant'"
        )
    step.bsplines_ = [_checked(spline, n) for n, spline in enumerate(step.bsplines_)]
    outputs = []
    each = step.n_features_out_ // before.features
    for output, spline in zip(before.outputs, step.bsplines_, strict=True):
        one_column(step, output)
        span = output.span
        if span is None and output.slope:
            ends = np.asarray(spline.t)[[spline.k, -spline.k - 1]]
            least, most = np.sort((ends - output.polynomial.coefficient()) / output.slope)
            span = float(least), float(most)
        one = replace(output, polynomial=None, untouched=False, rising=False, span=span)
        outputs += [one] * each
    return outputs, before.neutral


def _checked(spline: BSpline, column: int) -> BSpline:
    """Return the spline made anew: its constructor checks the arrays that a file may hold."""
    try:
        arrays = [np.array(part, dtype=np.float64) for part in (spline.t, spline.c)]
        if arrays[0].size and np.ptp(arrays[0]) == 0:
            raise UnsupportedModel(
                f"SplineTransformer saw one value alone in its column {column}, where splines are "
                "not defined: leave that column out"
            )
        return BSpline(*arrays, spline.k, extrapolate=spline.extrapolate)
    except (AttributeError, TypeError, ValueError):
        raise ModelFileError(
            "SplineTransformer.bsplines_ is damaged: save the fitted model again"
        ) from None


def _multiplied(step: PolynomialFeatures, before: "Preprocessing") -> Outputs:
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


def _unchanged(step: FunctionTransformer, before: "Preprocessing") -> Outputs:
    if step.func is not None:
        raise UnsupportedModel(
            "FunctionTransformer runs a Python function, which locgen does not read: transform "
            "the data beforehand"
        )
    return list(before.outputs), before.neutral


def _selected(step: object, before: "Preprocessing") -> Outputs:
    kept = np.flatnonzero(step.get_support())
    return [before.outputs[feature] for feature in kept], before.neutral


def _imputed(step: SimpleImputer, before: "Preprocessing") -> Outputs:
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


def _columns(step: ColumnTransformer, before: "Preprocessing") -> Outputs:
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


def _nested(step: Pipeline, before: "Preprocessing") -> Outputs:
    preprocessing = before
    for name, part in step.steps:
        if part is None or (isinstance(part, str) and part == "passthrough"):
            continue
        preprocessing = preprocessing.behind(part, name)
    return list(preprocessing.outputs), preprocessing.neutral


_READERS: dict[type, Callable[[object, "Preprocessing"], Outputs]] = {
    StandardScaler: _scaled,
    MinMaxScaler: _scaled,
    RobustScaler: _scaled,
    MaxAbsScaler: _scaled,
    Binarizer: binarised,
    FunctionTransformer: _unchanged,
    SelectKBest: _selected,
    SelectPercentile: _selected,
    VarianceThreshold: _selected,
    SimpleImputer: _imputed,
    KBinsDiscretizer: binned,
    OneHotEncoder: encoded,
    OrdinalEncoder: encoded,
    ColumnTransformer: _columns,
    Pipeline: _nested,
    SplineTransformer: _splined,
    PolynomialFeatures: _multiplied,
}
STEPS = tuple(kind.__name__ for kind in _READERS)
"""The transformers that are read."""
