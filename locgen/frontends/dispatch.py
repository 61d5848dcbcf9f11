"""The one way in for all but mixtures: finds the reader, and reads."""

from dataclasses import replace

from sklearn.base import BaseEstimator

from locgen.errors import UnsupportedModel
from locgen.frontends import pipeline
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.reading import Reading
from locgen.frontends.refusals import refusal
from locgen.frontends.sklearn import (
    calibration,
    ensembles,
    hist_gradient,
    isolation,
    layered_members,
    linear_models,
    multiclass,
    naive_bayes,
    neighbours,
    prototypes,
    quadratic_forms,
    stacking,
    trees,
    voting,
)

__all__ = ["raw_names", "read_trees"]

_ENSEMBLES = (
    *ensembles.READERS,
    *voting.READERS,
    *multiclass.READERS,
    *stacking.READERS,
    *calibration.READERS,
)
_READERS = (
    *trees.READERS,
    *hist_gradient.READERS,
    *isolation.READERS,
    *linear_models.READERS,
    *naive_bayes.READERS,
    *prototypes.READERS,
    *neighbours.READERS,
    *quadratic_forms.READERS,
    *layered_members.READERS,
)
# Readers of libraries that need not be installed: looked up once a model of theirs turns up.
_LIBRARIES = ("xgboost", "lightgbm", "locgen.frontends.onnx.model")


def read_trees(estimator: object, preprocessing: Preprocessing) -> Reading:
    """Read the fitted `estimator`, or the pipeline that ends in one, after `preprocessing`.

    Raises
    ------
    UnsupportedModel
        If it is no estimator that locgen builds, is not fitted, or computes something that cannot
        be built.
    ModelFileError
        If its parts do not fit together.
    """
    steps, last = pipeline.split(estimator)
    reader = _reader(last)
    for name, step in steps:
        preprocessing = preprocessing.behind(step, name)
    if isinstance(last, BaseEstimator):
        pipeline.check_fitted(last)
    reading = reader(last, preprocessing)
    return replace(reading, preprocessing=reading.preprocessing or preprocessing)


def raw_names(first: object) -> tuple[str, ...]:
    """Return the names of the raw columns, as the first step or the model itself knows them.

    Without any, the reader says what is wrong.
    """
    if isinstance(first, BaseEstimator) or _library(first) is None:
        return pipeline.feature_names((first,), getattr(first, "n_features_in_", 0))
    count = first.num_features() if hasattr(first, "num_features") else first.num_feature()
    names = getattr(first, "feature_names", None)
    if names is None and hasattr(first, "feature_name"):
        names = first.feature_name()
    return tuple(names) if names else tuple(f"x{index}" for index in range(count))


def _library(estimator: object) -> str | None:
    module = f"{type(estimator).__module__}."
    return next((library for library in _LIBRARIES if module.startswith(f"{library}.")), None)


def _read_onnx(last: object, preprocessing: Preprocessing) -> Reading:
    """Read trees, or what adds up columns and kernels; a graph of both is refused."""
    from locgen.frontends.onnx.arithmetic import read_units
    from locgen.frontends.onnx.machines import Machine
    from locgen.frontends.onnx.trees import read_onnx

    machines = [isinstance(one, Machine) for one in last.graph.ensembles]
    if any(machines) and not all(machines):
        raise UnsupportedModel(
            "the ONNX graph mixes trees and other models: convert them one by one"
        )
    return (read_units if any(machines) else read_onnx)(last, preprocessing)


def _reader(last: object):
    """Return the function that reads this very class, or refuse it with a way out."""
    name = type(last).__name__
    for kinds, read in _READERS:
        if type(last) in kinds:
            return read
    for kinds, read in _ENSEMBLES:
        if type(last) in kinds:
            return lambda estimator, preprocessing: read(estimator, preprocessing, read_trees)
    package = _library(last)
    if package == "xgboost":
        from locgen.frontends.xgboost.trees import read_xgboost

        return read_xgboost
    if package == "lightgbm":
        from locgen.frontends.lightgbm.trees import read_lightgbm

        return read_lightgbm
    if package == "locgen.frontends.onnx.model":
        return _read_onnx
    for kinds, _ in (*_READERS, *_ENSEMBLES):
        for kind in kinds:
            if isinstance(last, kind):
                raise UnsupportedModel(
                    f"{name} is a subclass of {kind.__name__} and may predict otherwise: "
                    f"train a plain {kind.__name__}"
                )
    if isinstance(last, type):
        raise UnsupportedModel(f"{last.__name__} is a class: pass a fitted instance of it")
    if not isinstance(last, BaseEstimator) and not hasattr(last, "predict"):
        raise UnsupportedModel(
            f"a {name} is not an estimator: save the fitted scikit-learn estimator by itself"
        )
    raise UnsupportedModel(refusal(name))
