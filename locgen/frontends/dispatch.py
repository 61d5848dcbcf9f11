"""Dispatch of estimators and preprocessing steps to their readers."""

from dataclasses import replace

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from locgen.errors import DataError, ModelFileError, UnsupportedModel
from locgen.frontends import model_check, pipeline, registry
from locgen.frontends.agreement import compare_public, public_answers
from locgen.frontends.arrays import holds_float32
from locgen.frontends.entries import Estimator
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.reading import Reading
from locgen.frontends.refusals import refusal

__all__ = ["extend", "read"]

_FLOAT32 = 1e-5
"""Of the largest score: what sums of some tens of float32 may differ by, each by half of 2**-23."""


def read(
    estimator: BaseEstimator,
    preprocessing: Preprocessing | None = None,
    float32: bool = False,
    sparse: bool = False,
) -> Reading:
    """Read a fitted estimator, or the pipeline that ends in one.

    Parameters
    ----------
    preprocessing : what stands before it, as a part of a larger model; None for a model of its own,
        which is compared with its library
    float32, sparse : whether its rows are float32, or sparse matrices

    Raises
    ------
    UnsupportedModel
        If it is no estimator that locgen builds, is not fitted, computes something that cannot be
        built, or differs from its library.
    ModelFileError
        If its parts do not fit together.
    """
    if preprocessing is not None:
        return _part(estimator, preprocessing)
    steps, last = pipeline.split(estimator)
    kernel_map = registry.KERNEL_MAPS_BY_CLASS.get(_pair(steps[-1][1])) if steps else None
    first = steps[0][1] if steps else last
    preprocessing = Preprocessing.bare(pipeline.raw_names(first), float32, sparse)
    if kernel_map is not None:
        *before, (_, mapper) = steps
        pipeline.unwrap(Pipeline([*before, ("last", mapper)]))
        for name, step in before:
            preprocessing = extend(preprocessing, step, name)
        pipeline.check_fitted(mapper)
        reading = kernel_map.reader(mapper, last, preprocessing, read)
    else:
        takes = _entry(last).takes
        if takes == "scalers":
            pipeline.unwrap(estimator)
        if takes == "nothing" and steps:
            raise UnsupportedModel(
                f"Pipeline step {steps[0][0]!r} in front of {type(last).__name__} is not "
                "supported: a scaler changes nothing there, so leave it out, and transform the "
                "data beforehand otherwise"
            )
        reading = _part(estimator, preprocessing, whole=True)
    reading = _with_bound(reading, estimator, float32)
    reading = replace(reading, float32=float32 or reading.float32, sparse=sparse)
    reading = _without_missing(reading, estimator)
    if reading.oracle is not None:
        model_check.compare(reading)
    probes = model_check.probe_rows(reading)
    if len(probes):
        try:
            compare_public(reading, estimator, probes, most_ties=1.0)
        except DataError:  # the library takes some of them alone
            taken = [row for row in probes[:, None] if _takes(reading, estimator, row)]
            if taken:
                compare_public(reading, estimator, np.concatenate(taken), most_ties=1.0)
    return reading


def _takes(reading: Reading, estimator: BaseEstimator, x: np.ndarray) -> bool:
    """Return whether the library's predict takes the rows `x`."""
    try:
        public_answers(reading, estimator, x)
    except DataError:
        return False
    return True


def _without_missing(reading: Reading, estimator: BaseEstimator) -> Reading:
    """Return `reading`, without missing values if the library's predict refuses them everywhere.

    A member may take what the ensemble around it, or the step before it, refuses.
    """
    model = reading.model
    if not model.rule.missing:
        return reading
    refusing = replace(reading, model=replace(model, rule=replace(model.rule, missing=False)))
    row = model_check.probe_rows(refusing)[:1]
    for column in range(row.shape[1] if len(row) else 0):
        x = row.copy()
        x[0, column] = np.nan
        if _takes(reading, estimator, x):
            return reading
    return refusing


def _part(estimator: BaseEstimator, preprocessing: Preprocessing, whole: bool = False) -> Reading:
    """Read an estimator behind `preprocessing`, not yet compared."""
    steps, last = pipeline.split(estimator)
    entry = _entry(last)
    if not (whole or entry.member):
        raise UnsupportedModel(refusal(entry.name))
    for name, step in steps:
        preprocessing = extend(preprocessing, step, name)
    if isinstance(last, BaseEstimator):
        pipeline.check_fitted(last)
    reading = entry.reader(last, preprocessing, read)
    reading = replace(reading, preprocessing=reading.preprocessing or preprocessing)
    return _with_bound(reading, last, preprocessing.float32)


def _with_bound(reading: Reading, estimator: BaseEstimator, float32: bool) -> Reading:
    """Return `reading` with the bound that sums of float32 need, where there are some."""
    oracle = reading.oracle
    if oracle is None or not (float32 or holds_float32(estimator)):
        return reading
    return replace(reading, oracle=replace(oracle, tolerance=max(oracle.tolerance, _FLOAT32)))


def extend(before: Preprocessing, step: BaseEstimator, name: str) -> Preprocessing:
    """Return `before` with the fitted transformer `step` after it.

    Parameters
    ----------
    name : of the step, as refusals call it

    Raises
    ------
    UnsupportedModel
        If it is not fitted, or not among the steps whose columns depend on one raw column each.
    ModelFileError
        If it does not fit the columns before it.
    """
    entry = registry.STEPS_BY_CLASS.get(_pair(step))
    if entry is None:
        raise UnsupportedModel(
            f"Pipeline step {name!r} ({type(step).__name__}) is not supported: use "
            f"{', '.join(known.name for known in registry.STEPS)}, or transform the data beforehand"
        )
    if type(step) is not Pipeline:
        pipeline.check_fitted(step)
        expected = getattr(step, "n_features_in_", before.features)
        if expected != before.features:
            raise ModelFileError(
                f"{type(step).__name__} takes {expected} columns, but {before.features} stand "
                "before it: save the fitted model again"
            )
    return before.then(step, *entry.reader(step, before, extend))


def _pair(instance: object) -> tuple[str, str]:
    return type(instance).__module__, type(instance).__qualname__


def _entry(last: BaseEstimator) -> Estimator:
    """Return the entry of this very class, or refuse it with a way out."""
    entry = registry.ESTIMATORS_BY_CLASS.get(_pair(last))
    if entry is not None:
        return entry
    name = type(last).__name__
    for base in type(last).__mro__:
        known = registry.ESTIMATORS_BY_CLASS.get((base.__module__, base.__qualname__))
        if known is not None:
            raise UnsupportedModel(
                f"{name} is a subclass of {known.name} and may predict otherwise: "
                f"train a plain {known.name}"
            )
    if isinstance(last, Pipeline):
        raise UnsupportedModel(
            f"{type(last).__module__}.{name} is a subclass of scikit-learn's Pipeline: save a "
            "plain Pipeline of the steps that predict runs, those with a transform and the last"
        )
    if isinstance(last, type):
        raise UnsupportedModel(f"{last.__name__} is a class: pass a fitted instance of it")
    if not isinstance(last, BaseEstimator) and not hasattr(last, "predict"):
        raise UnsupportedModel(
            f"a {name} is not an estimator: save the fitted scikit-learn estimator by itself"
        )
    raise UnsupportedModel(refusal(name))
