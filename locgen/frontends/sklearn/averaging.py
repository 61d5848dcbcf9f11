"""Readers of scikit-learn's ensembles whose regressors are averaged or stand side by side."""

from collections.abc import Sequence

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import BaggingRegressor, VotingRegressor
from sklearn.multioutput import MultiOutputRegressor

from locgen.errors import ModelFileError
from locgen.frontends.entries import Row
from locgen.frontends.members import addable, merged
from locgen.frontends.pipeline import quiet
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.reading import Oracle, Read, Reading, weighted_part
from locgen.ir.model import Model

__all__ = [
    "AVERAGED",
    "BAGGED",
    "MEAN",
    "TARGETS",
    "bagged",
    "bagging_regressor",
    "multi_output",
    "voting_regressor",
    "voting_weights",
]

BAGGED = Row(
    "trees",
    "{} over trees and forests (other members: see below)",
    "its share of the mean; features may be drawn",
    "argmax, none",
    "as its trees",
)
MEAN = Row(
    "trees",
    "{}",
    "its share of the weighted mean, boosting included",
    "none",
    "as its members",
)
TARGETS = Row("trees", "{}", "as its regressors, one target each", "none", "as its members")
AVERAGED = Row(
    "ensembles",
    "{}, before a linear model",
    "values times their weights, `passthrough` included",
    "",
    "none",
)


def bagged(
    last: BaseEstimator, preprocessing: Preprocessing
) -> list[tuple[BaseEstimator, Preprocessing]]:
    """Return the members, each with the front of the features that it is given."""
    if len(last.estimators_) != len(last.estimators_features_):
        raise ModelFileError(
            f"{type(last).__name__} has damaged members: save the fitted model again"
        )
    found = []
    for member, features in zip(last.estimators_, last.estimators_features_, strict=True):
        picked = np.asarray(features)
        if (
            picked.dtype.kind not in "iu"
            or picked.min() < 0
            or picked.max() >= preprocessing.features
        ):
            raise ModelFileError(
                f"{type(last).__name__} has damaged features: save the fitted model again"
            )
        found.append((member, preprocessing.selected(picked)))
    return found


def _averaged(
    last: BaseEstimator,
    preprocessing: Preprocessing,
    members: Sequence[Model],
    weights: np.ndarray,
) -> Reading:
    """Regressors whose answers are averaged, `weights` summing up to 1."""
    for member in members:
        if member.task != "regression":
            raise ModelFileError(f"{type(last).__name__} has a classifier as member")
    count = len(members[0].base)
    parts = [
        weighted_part(member, tuple(range(count)), count, float(weight))
        for member, weight in zip(members, weights, strict=True)
    ]
    model = merged(
        last, preprocessing, parts, members, task="regression", classes=(), decision="identity"
    )
    library = quiet(last)
    loose = max(1e-9, 1e-5 * any(m.rule.operator == "<" for m in members))
    return Reading(model, Oracle(lambda x: library.predict(x).reshape(len(x), -1), tolerance=loose))


def bagging_regressor(last: BaggingRegressor, preprocessing: Preprocessing, read: Read) -> Reading:
    """Return the mean of the members' answers."""
    members = [addable(last, read(member, own)) for member, own in bagged(last, preprocessing)]
    return _averaged(last, preprocessing, members, np.full(len(members), 1 / len(members)))


def voting_weights(last: BaseEstimator) -> np.ndarray:
    """Return the weight of each member of a VotingClassifier or VotingRegressor."""
    weights = last._weights_not_none
    count = len(last.estimators_)
    values = np.ones(count) if weights is None else np.asarray(weights, dtype=np.float64)
    if values.shape != (count,) or not np.isfinite(values).all() or values.sum() == 0:
        raise ModelFileError(f"{type(last).__name__} has damaged weights: save the model again")
    return values


def voting_regressor(last: VotingRegressor, preprocessing: Preprocessing, read: Read) -> Reading:
    """Return the weighted mean of the members' answers."""
    members = [addable(last, read(member, preprocessing)) for member in last.estimators_]
    weights = voting_weights(last)
    return _averaged(last, preprocessing, members, weights / weights.sum())


def multi_output(last: MultiOutputRegressor, preprocessing: Preprocessing, read: Read) -> Reading:
    """One regressor a target."""
    members = [addable(last, read(member, preprocessing)) for member in last.estimators_]
    count = len(members)
    parts = [weighted_part(member, (n,), count, 1.0) for n, member in enumerate(members)]
    model = merged(
        last, preprocessing, parts, members, task="regression", classes=(), decision="identity"
    )
    library = quiet(last)
    return Reading(model, Oracle(lambda x: library.predict(x), tolerance=1e-6))
