"""scikit-learn's nearest neighbours as the float IR, behind scalers, imputers and selections.

Read in scikit-learn 1.9.1. They take float64 as it comes. Of stored rows equally far away the
library takes any, depending on how it searches; here the first in the order of training counts.
"""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    RadiusNeighborsClassifier,
)

from locgen.errors import ModelFileError, UnsupportedModel
from locgen.frontends.arrays import vector
from locgen.frontends.entries import Row
from locgen.frontends.labels import class_labels
from locgen.frontends.pipeline import quiet
from locgen.frontends.placement import placement_of
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.reading import Oracle, Read, Reading, common_settings
from locgen.ir.float import FloatNeighbours
from locgen.ir.model import Model

__all__ = ["NEAREST", "RADIUS", "classifier", "regressor", "within_radius"]

NEAREST = Row(
    "arithmetic",
    '{}; euclidean, manhattan, chebyshev; `weights="uniform"`',
    "a `neighbours` node: rows in block RAM, compared one code a cycle, and a sorted list of "
    "the nearest",
    "argmax of the votes, none",
    "ids and distances of the nearest, on the host; the votes",
)
RADIUS = Row(
    "arithmetic",
    "{} with an `outlier_label`; the same metrics",
    "a `neighbours` node: every row within the radius votes; no row at all is half a vote for "
    "the label",
    "argmax of the votes",
    "as above",
)

Metric = Literal["l1", "l2", "linf"]
_METRICS: dict[str, Metric] = {
    "euclidean": "l2",
    "sqeuclidean": "l2",
    "l2": "l2",
    "manhattan": "l1",
    "cityblock": "l1",
    "l1": "l1",
    "chebyshev": "linf",
    "infinity": "linf",
}


def _one_vote_each(last: BaseEstimator) -> tuple[tuple[str | int | float | bool, ...], np.ndarray]:
    """Return the classes, and each stored row's vote (stored, classes)."""
    classes = class_labels(last)
    codes = np.asarray(last._y)
    sound = codes.ndim == 1 and codes.dtype.kind in "iu" and len(codes)
    if not sound or codes.min() < 0 or codes.max() >= len(classes):
        raise ModelFileError(f"{type(last).__name__} is damaged: save the fitted model again")
    return classes, np.eye(len(classes))[codes]


def classifier(last: KNeighborsClassifier, preprocessing: Preprocessing, read: Read) -> Reading:
    """Each of the nearest rows votes for its class; argmax, ties to the lowest class."""
    if getattr(last, "outputs_2d_", False):
        raise UnsupportedModel(
            "KNeighborsClassifier was trained on several labels a row: train one a label"
        )
    classes, votes = _one_vote_each(last)
    library = _searching_all(last)
    return _reading(
        last,
        preprocessing,
        votes,
        lambda x: library.predict_proba(x) * last.n_neighbors,
        task="classification",
        classes=classes,
        decision="argmax",
        probability="mean",
        members=int(last.n_neighbors),
    )


def within_radius(
    last: RadiusNeighborsClassifier, preprocessing: Preprocessing, read: Read
) -> Reading:
    """Each row within the radius votes for its class; argmax, ties to the lowest class.

    Where there is none the answer is `outlier_label_`: half a vote for it, of an output of its own.
    """
    if getattr(last, "outputs_2d_", False):
        raise UnsupportedModel(
            "RadiusNeighborsClassifier was trained on several labels a row: train one a label"
        )
    label = last.outlier_label_
    if label is None or label[0] is None:
        raise UnsupportedModel(
            "RadiusNeighborsClassifier(outlier_label=None) has no answer where no row lies within "
            "the radius: train with outlier_label='most_frequent' or a label"
        )
    classes, votes = _one_vote_each(last)
    votes = np.column_stack([votes, np.zeros(len(votes))])
    radius = float(last.radius)
    if not (np.isfinite(radius) and radius >= 0):
        raise ModelFileError("RadiusNeighborsClassifier.radius is damaged: save the model again")
    library = _searching_all(last)
    half = np.append(np.zeros(len(classes)), 0.5)
    return _reading(
        last,
        preprocessing,
        votes,
        lambda x: library.radius_neighbors_graph(x) @ votes + half,
        radius=radius,
        task="classification",
        classes=(*classes, np.asarray(label[0]).item()),
        decision="argmax",
        base=tuple(half.tolist()),
    )


def regressor(last: KNeighborsRegressor, preprocessing: Preprocessing, read: Read) -> Reading:
    """Answer the mean of the nearest rows' targets."""
    targets = np.asarray(last._y, dtype=np.float64)
    targets = targets.reshape(len(targets), -1) / int(last.n_neighbors)
    if not np.isfinite(targets).all():
        raise ModelFileError("KNeighborsRegressor is damaged: save the fitted model again")
    library = _searching_all(last)
    return _reading(
        last,
        preprocessing,
        targets,
        lambda x: library.predict(x).reshape(len(x), -1),
        task="regression",
        classes=(),
        decision="identity",
    )


def _searching_all(last: BaseEstimator) -> BaseEstimator:
    """Return a copy that compares with every row: a tree out of a file is none, see `admitted`."""
    if type(last._tree).__module__.startswith("locgen."):
        last._tree, last._fit_method = None, "brute"
    library = quiet(last)
    library._tree, library._fit_method = None, "brute"
    return library


def _reading(
    last: KNeighborsClassifier | KNeighborsRegressor | RadiusNeighborsClassifier,
    preprocessing: Preprocessing,
    votes: np.ndarray,
    scores: Callable[[np.ndarray], np.ndarray],
    radius: float | None = None,
    **settings: Any,
) -> Reading:
    metric, nearest, stored = _checked(last, votes, radius, preprocessing.features)
    place = placement_of(last, preprocessing)
    raw = place.raw(stored)
    unit = FloatNeighbours(
        raw,
        place.scale(),
        metric,
        nearest,
        votes,
        tuple(range(len(stored))),
        tuple(range(votes.shape[1])),
        radius**2 if radius is not None and metric == "l2" else radius,
    )
    settings = {"base": (0.0,) * votes.shape[1]} | settings
    model = Model(
        trees=(),
        units=(unit,),
        ranges=place.ranges(stored.min(axis=0), stored.max(axis=0)),
        fills=place.fills,
        **settings,
        **common_settings(last, preprocessing, False, "float64"),
    )

    def expected(x: np.ndarray) -> np.ndarray:
        """Return the library's scores; where it has the choice, of equal rows, what ours are."""
        found = scores(x)
        distances = _distances(x, stored, metric)
        if unit.radius is not None:  # on the border rounding decides, there and here
            near = np.any(np.isclose(distances, unit.radius, rtol=1e-9, atol=1e-12), axis=1)
            return np.where(near[:, None], model.scores(place.raw(x)), found)
        if nearest == len(stored):
            return found
        order = np.sort(distances, axis=1)
        open_choice = np.isclose(order[:, nearest - 1], order[:, nearest], rtol=1e-9, atol=1e-12)
        own = model.scores(place.raw(x))
        return np.where(open_choice[:, None], own, found)

    return Reading(model, Oracle(expected))


def _checked(
    last: KNeighborsClassifier | KNeighborsRegressor | RadiusNeighborsClassifier,
    votes: np.ndarray,
    radius: float | None,
    features: int,
) -> tuple[Metric, int, np.ndarray]:
    """Return the metric, how many rows vote at most, and the stored rows (stored, features)."""
    name = type(last).__name__
    metric = _METRICS.get(str(last.effective_metric_))
    if metric is None:
        raise UnsupportedModel(
            f"{name}(metric={last.effective_metric_!r}) is not supported: train with "
            "'euclidean', 'manhattan' or 'chebyshev'"
        )
    if last.weights not in (None, "uniform"):
        raise UnsupportedModel(
            f"{name}(weights={last.weights!r}) divides by distances: train with weights='uniform'"
        )
    if issparse(last._fit_X):
        raise UnsupportedModel(f"{name} was fitted on sparse rows: fit it on arrays")
    nearest = len(votes) if radius is not None else int(last.n_neighbors)
    stored = vector(last, "_fit_X", len(votes), features)
    if not 1 <= nearest <= len(stored):
        raise UnsupportedModel(
            f"{name} has {len(stored)} rows for n_neighbors={nearest}: train on more rows"
        )
    return metric, nearest, stored


def _distances(x: np.ndarray, stored: np.ndarray, metric: Metric) -> np.ndarray:
    sizes = np.abs(x[:, None, :] - stored)
    if metric == "linf":
        return sizes.max(axis=2)
    return (sizes**2 if metric == "l2" else sizes).sum(axis=2)
