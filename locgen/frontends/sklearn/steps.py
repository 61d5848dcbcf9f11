"""Readers of scikit-learn's transformers: how each output column depends on the raw ones.

It rises with one, depends on the interval or category that it lies in, or is a polynomial of
several. Its values are those of the fitted step itself, see `preprocessing`.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.interpolate import BSpline
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectKBest, SelectPercentile, VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, PolynomialFeatures, SplineTransformer

from locgen.errors import ModelFileError, UnsupportedModel
from locgen.frontends.arrays import is_text
from locgen.frontends.polynomial import Polynomial
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.reading import Extend
from locgen.frontends.step_outputs import Output, Outputs, needs_rising

__all__ = ["columns", "imputed", "multiplied", "nested", "selected", "splined", "unchanged"]


def splined(step: SplineTransformer, before: Preprocessing, extend: Extend) -> Outputs:
    """Return for each feature its splines, functions of one column that neither rise nor fall."""
    if step.extrapolation == "error":
        raise UnsupportedModel(
            "SplineTransformer(extrapolation='error') has no answer outside its knots: train with "
            "extrapolation='constant'"
        )
    step.bsplines_ = [_checked(spline, n) for n, spline in enumerate(step.bsplines_)]
    outputs: list[Output] = []
    each = step.n_features_out_ // before.features
    for feature, output in enumerate(before.outputs):
        one = replace(output, polynomial=None, untouched=False, rising=False)
        if not output.constant:
            one = _curved(step, before, feature, one)
        outputs += [one] * each
    return outputs, before.neutral


def _curved(step: SplineTransformer, before: Preprocessing, feature: int, one: Output) -> Output:
    """Return `one` as what the splines of a feature are: polynomials between the knots."""
    output, spline = before.outputs[feature], step.bsplines_[feature]
    needs_rising(step, output)
    knots = np.asarray(spline.t)[spline.k : -spline.k]
    periodic = step.extrapolation == "periodic"
    if periodic and not output.slope:
        raise UnsupportedModel(
            "SplineTransformer(extrapolation='periodic') stands behind a step that clips: put it "
            "first"
        )
    breaks = before.bisect(np.full(len(knots), feature), lambda value, part: value <= knots[part])
    return replace(
        one,
        span=output.raw_span(knots[[0, -1]]),
        breaks=np.union1d(output.breaks, breaks[np.isfinite(breaks)]),
        degree=output.degree * spline.k,
        period=(float(breaks.min()), float(breaks.max())) if periodic else None,
    )


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


def multiplied(step: PolynomialFeatures, before: Preprocessing, extend: Extend) -> Outputs:
    """Return products of at most two columns, or of one column with itself."""
    outputs = []
    for powers in np.asarray(step.powers_):
        factors = [before.outputs[f] for f in np.flatnonzero(powers) for _ in range(powers[f])]
        if len(factors) == 1:
            outputs.append(replace(factors[0], untouched=False))
            continue
        product = Polynomial((((), 1.0),))
        for factor in factors:
            if factor.polynomial is None:
                raise UnsupportedModel(
                    "PolynomialFeatures multiplies what is no sum of columns (bins, categories, "
                    "splines): put it behind scalers alone"
                )
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
                degree=product.degree,
            )
        )
    return outputs, before.neutral


def unchanged(step: FunctionTransformer, before: Preprocessing, extend: Extend) -> Outputs:
    """Return the outputs before, which a FunctionTransformer without a function passes on."""
    if step.func is not None:
        raise UnsupportedModel(
            "FunctionTransformer runs a Python function, which locgen does not read: transform "
            "the data beforehand"
        )
    return list(before.outputs), before.neutral


def selected(
    step: SelectKBest | SelectPercentile | VarianceThreshold, before: Preprocessing, extend: Extend
) -> Outputs:
    """Return some of the outputs before."""
    kept = np.flatnonzero(step.get_support())
    return [before.outputs[feature] for feature in kept], before.neutral


def imputed(step: SimpleImputer, before: Preprocessing, extend: Extend) -> Outputs:
    """Return the outputs before and those of a missing indicator; all of them take NaN."""
    if not (isinstance(step.missing_values, float) and np.isnan(step.missing_values)):
        raise UnsupportedModel(
            f"SimpleImputer replaces {step.missing_values!r}: locgen reads missing_values=nan"
        )
    if is_text(step.statistics_):
        raise UnsupportedModel(
            f"SimpleImputer puts text ({step.statistics_[0]!r}) in place of missing values: "
            "locgen's rows are numbers; choose a number for fill_value"
        )
    if np.isnan(np.asarray(step.statistics_, dtype=np.float64)).any():
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


def columns(step: ColumnTransformer, before: Preprocessing, extend: Extend) -> Outputs:
    """Return the outputs of each part, in the order of the ColumnTransformer's output."""
    found: dict[str, list[Output]] = {}
    neutral = before.neutral
    names = list(getattr(step, "feature_names_in_", range(before.features)))
    for name, part, requested in step.transformers_:
        if isinstance(part, str) and part == "drop":
            continue
        picked = _positions(requested, names)
        if not picked:
            continue
        inner = replace(before, neutral=neutral).selected(picked)
        if not (isinstance(part, str) and part == "passthrough"):
            inner = extend(inner, part, name)
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


def _positions(
    requested: slice | int | str | Sequence[int | str | bool], names: list[object]
) -> list[int]:
    """Return the columns that a ColumnTransformer's selector names, as it reads them."""
    if isinstance(requested, slice):
        if isinstance(requested.start, str) or isinstance(requested.stop, str):
            first = 0 if requested.start is None else names.index(requested.start)
            last = len(names) if requested.stop is None else names.index(requested.stop) + 1
            return list(range(first, last))
        return list(range(len(names)))[requested]
    listed = [requested] if isinstance(requested, int | str) else list(requested)
    if listed and all(isinstance(value, bool | np.bool_) for value in listed):
        return [int(position) for position in np.flatnonzero(listed)]
    return [
        names.index(value) if isinstance(value, str) else range(len(names))[int(value)]
        for value in listed
    ]


def nested(step: Pipeline, before: Preprocessing, extend: Extend) -> Outputs:
    """Return the outputs of the steps, one after the other."""
    for name, part in step.steps:
        if part is None or (isinstance(part, str) and part == "passthrough"):
            continue
        before = extend(before, part, name)
    return list(before.outputs), before.neutral
