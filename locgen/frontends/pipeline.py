"""scikit-learn's pipelines taken apart."""

import copy
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler
from sklearn.utils.validation import check_is_fitted

from locgen.errors import UnsupportedModel
from locgen.quantise.dataset import numbered

__all__ = [
    "LARGEST",
    "check_fitted",
    "feature_names",
    "has_names",
    "library_quiet",
    "quiet",
    "raw_names",
    "scale",
    "split",
    "unwrap",
]

SCALERS = (StandardScaler, MinMaxScaler, RobustScaler)
LARGEST = np.finfo(np.float64).max
"""What stands for infinities, which the steps refuse: that keeps the order."""


def quiet(estimator: BaseEstimator) -> BaseEstimator:
    """Return a copy of a fitted estimator that predicts in this thread and says nothing.

    A booster stays as it is: a copy of LightGBM's forgets its best iteration.
    """
    if not isinstance(estimator, BaseEstimator):
        return estimator
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Class .* is deprecated", FutureWarning)
        quieted = copy.copy(estimator)
    for name, value in (("verbose", 0), ("n_jobs", 1)):
        if hasattr(quieted, name):
            setattr(quieted, name, value)
    return quieted


@contextmanager
def library_quiet() -> Iterator[None]:
    """Hold back what scikit-learn and NumPy say about arrays without names and about overflow."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        yield


def split(estimator: BaseEstimator) -> tuple[tuple[tuple[str, BaseEstimator], ...], BaseEstimator]:
    """Return the named steps in front of a model and the model, which is `estimator` if it is bare.

    Raises
    ------
    UnsupportedModel
        If a pipeline ends without a model.
    """
    if type(estimator) is not Pipeline:
        return (), estimator
    *preprocessing, (_, last) = estimator.steps or [("", None)]
    if last is None or isinstance(last, str):
        raise UnsupportedModel("Pipeline does not end in a model: add a tree model as last step")
    steps = tuple(
        (name, step)
        for name, step in preprocessing
        if not (step is None or (isinstance(step, str) and step == "passthrough"))
    )
    inner, last = split(last)
    return steps + inner, last


def unwrap(estimator: BaseEstimator) -> tuple[tuple[BaseEstimator, ...], BaseEstimator]:
    """Return the scalers in front of a model and the model.

    Raises
    ------
    UnsupportedModel
        If the pipeline holds a step that is no scaler, or ends without a model.
    """
    steps, last = split(estimator)
    for name, step in steps:
        if type(step) not in SCALERS:
            raise UnsupportedModel(
                f"Pipeline step {name!r} ({type(step).__name__}) is not supported in front of "
                f"{type(last).__name__}: use StandardScaler, MinMaxScaler or RobustScaler, or "
                "transform the data beforehand"
            )
    return tuple(step for _, step in steps), last


def check_fitted(step: BaseEstimator) -> None:
    """Refuse what has not been fitted.

    Raises
    ------
    UnsupportedModel
        If scikit-learn finds nothing that fit sets.
    """
    try:
        check_is_fitted(step)
    except NotFittedError:
        raise UnsupportedModel(
            f"{type(step).__name__} is not fitted: call fit(X, y) before saving it"
        ) from None


def feature_names(steps: Sequence[BaseEstimator], features: int) -> tuple[str, ...]:
    """Return the names that the first step saw in training, or x0, x1, ... if it saw none."""
    names = getattr(steps[0], "feature_names_in_", None)
    if names is None:
        return tuple(f"x{index}" for index in range(features))
    return tuple(str(name) for name in names)


def raw_names(first: BaseEstimator) -> tuple[str, ...]:
    """Return the names of the raw columns, as the first step, the model or a booster knows them.

    Without any, the reader says what is wrong.
    """
    if isinstance(first, BaseEstimator) or not hasattr(first, "predict"):
        return feature_names((first,), getattr(first, "n_features_in_", 0))
    names = getattr(first, "feature_names", None) or ()
    if hasattr(first, "feature_name"):  # LightGBM's boosters
        names = first.feature_name()
    elif not names and hasattr(first, "num_features"):
        names = (f"x{index}" for index in range(first.num_features()))
    return tuple(names)


def has_names(estimator: BaseEstimator) -> bool:
    """Return whether a model saw names in training: other libraries number nameless columns."""
    steps, last = split(estimator)
    first = steps[0][1] if steps else last
    if type(first).__module__.startswith("sklearn."):
        return hasattr(first, "feature_names_in_")
    return getattr(first, "named", not numbered(raw_names(first)))


def scale(scalers: Sequence[BaseEstimator], x: np.ndarray) -> np.ndarray:
    """Return the rows of `x` (rows, features), float64, as the scalers hand them to the model.

    Infinities, which the scalers refuse, are taken as the largest float64: that keeps the order.
    """
    for scaler in scalers:
        x = np.asarray(scaler.transform(np.clip(x, -LARGEST, LARGEST)))
    return x
