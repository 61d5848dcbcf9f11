"""Readers of scikit-learn's ensembles of classifiers: boosted, bagged, voting.

What each adds up is written out beside its reader, as read in scikit-learn 1.9.1. Members are read
with the other readers, each behind the columns that it is given.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    VotingClassifier,
)

from locgen.errors import ModelFileError, UnsupportedModel
from locgen.frontends.entries import Row
from locgen.frontends.labels import class_labels
from locgen.frontends.member_outputs import outputs_of_member
from locgen.frontends.members import addable, merged
from locgen.frontends.model_check import compare
from locgen.frontends.pipeline import quiet
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.reading import Oracle, Part, Read, Reading, weighted_part
from locgen.frontends.second_stage import combined
from locgen.frontends.sklearn.averaging import bagged, voting_weights
from locgen.frontends.sklearn.voting import votes
from locgen.ir.float import FloatTree
from locgen.ir.model import Model

__all__ = ["ADA_BOOST", "SOFT", "VOTED", "ada_boost", "bagging_classifier", "voting_classifier"]

ADA_BOOST = (
    Row(
        "trees",
        "{} over single trees",
        "its tree's weight for the class it votes for",
        "`> 0`, argmax",
        "as its trees",
    ),
    Row(
        "trees",
        "{} over forests",
        "its class probabilities, to its own forest",
        "weighted votes of the forests",
        "as its forests",
    ),
)
VOTED = Row(
    "trees",
    "{}",
    "soft: weighted probabilities of trees, forests, bagging; hard: single trees add weighted "
    "votes, other members their own scores",
    "argmax; weighted votes of the members' decisions",
    "as its members",
)
SOFT = Row(
    "ensembles",
    "{}, of soft votes",
    "weighted probabilities",
    "a `dense` unit for a logistic, a `softmax` for several classes; forests' and neighbours' "
    "means are sums already",
    "argmax",
)


def _shares(
    last: BaseEstimator,
    preprocessing: Preprocessing,
    pairs: Sequence[tuple[BaseEstimator, Reading]],
    classes: Sequence[object],
    codes: Sequence[object],
    weights: Sequence[float],
) -> Model:
    """Return the model that adds up weighted probabilities of members; argmax, ties to the lowest.

    Where all of them are sums of leaves the result is one; else functions of scores are added up.

    Parameters
    ----------
    pairs : each member and what was read of it
    classes : labels of the ensemble; codes : the same as its members know them
    """
    members = [addable(last, reading) for _, reading in pairs]
    settings: dict[str, Any] = {
        "task": "classification",
        "classes": tuple(classes),
        "decision": "argmax",
    }
    if all(m.probability == "mean" and not m.units for m in members):
        parts = [
            weighted_part(
                _wide(m), _positions(last, m, codes), len(codes), float(weight) / m.members
            )
            for m, weight in zip(members, weights, strict=True)
        ]
        return merged(last, preprocessing, parts, members, probability="mean", **settings)
    outputs, rows = [], []
    for (member, reading), model, weight in zip(pairs, members, weights, strict=True):
        compare(reading)
        outputs.append(outputs_of_member(last, member, model, "predict_proba"))
        own = np.zeros((outputs[-1].columns, len(codes)))
        own[np.arange(len(own)), list(_positions(last, model, codes))] = weight
        rows.append(own)
    probability = "none"
    return combined(
        last,
        preprocessing,
        outputs,
        np.concatenate(rows),
        np.zeros(len(codes)),
        probability=probability,
        **settings,
    )


def _wide(model: Model) -> Model:
    """Return a classifier of one class per output; those read here have no other."""
    if model.classes and len(model.base) != len(model.classes):
        raise UnsupportedModel(f"{model.family} cannot be a member: use trees or forests")
    return model


def _positions(last: BaseEstimator, member: Model, classes: Sequence[object]) -> tuple[int, ...]:
    """Return the ensemble's output of each of a member's classes."""
    index = {label: number for number, label in enumerate(classes)}
    try:
        return tuple(index[label] for label in member.classes)
    except KeyError as error:
        raise ModelFileError(
            f"{type(last).__name__} has a member of another class ({error.args[0]!r}): save the "
            "fitted model again"
        ) from None


def _single(member: Model) -> bool:
    """Return whether a member's answer is a leaf of one tree, so that its vote is one too."""
    single = len(member.trees) == 1 and not member.units
    return single and not any(member.base) and member.decision == "argmax"


def _voted(member: Model) -> FloatTree:
    """Return a single tree that gives 1 to the class that it answers and 0 to the others."""
    (tree,) = member.trees
    votes = np.eye(member.outputs)[np.argmax(_dense(tree, member.outputs), axis=1)]
    return replace(tree, leaf_values=votes, outputs=tuple(range(member.outputs)))


def _dense(tree: FloatTree, outputs: int) -> np.ndarray:
    values = np.zeros((len(tree.leaf_values), outputs))
    values[:, list(tree.outputs)] = tree.leaf_values
    return values


def _weighted_votes(
    last: BaseEstimator,
    members: Sequence[Model],
    weights: Sequence[float] | np.ndarray,
    classes: Sequence[object],
    leaf: Callable[[np.ndarray, float], np.ndarray],
    outputs: int,
) -> list[Part]:
    """Return for each member its tree, whose leaves are what `leaf` makes of its vote.

    Parameters
    ----------
    leaf : votes (leaves, classes) and the weight to values (leaves, outputs)
    """
    parts = []
    for member, weight in zip(members, weights, strict=True):
        tree = _voted(member)
        votes = np.zeros((len(tree.leaf_values), len(classes)))
        votes[:, list(_positions(last, member, classes))] = tree.leaf_values
        values = leaf(votes, weight)
        one = replace(tree, leaf_values=values, outputs=tuple(range(outputs)))
        parts.append(Part((one,), (), np.zeros(outputs)))
    return parts


def ada_boost(last: AdaBoostClassifier, preprocessing: Preprocessing, read: Read) -> Reading:
    """Each tree votes with its weight w; the share of the sum of weights counts.

    Two classes: the vote adds 2 w or -2 w, class 1 at ``> 0``. Several: w to the class voted for,
    -w / (classes - 1) to the others, argmax; probabilities are a softmax of a (classes - 1)th.
    """
    classes = class_labels(last)
    readings = [read(member, preprocessing) for member in last.estimators_]
    members = [addable(last, reading) for reading in readings]
    count = len(classes)
    weights = np.asarray(last.estimator_weights_, dtype=np.float64)[: len(members)]
    total = float(np.sum(last.estimator_weights_))
    if len(weights) != len(members) or not total > 0 or not np.isfinite(weights).all():
        raise ModelFileError("AdaBoostClassifier has damaged weights: save the fitted model again")
    if not all(map(_single, members)):
        return votes(last, preprocessing, readings, weights, classes, classes)
    library = quiet(last)

    def two(votes: np.ndarray, weight: float) -> np.ndarray:
        return 2 * weight / total * (votes[:, 1:] - votes[:, :1])

    def several(votes: np.ndarray, weight: float) -> np.ndarray:
        others = max(count - 1, 1)
        return weight / total / others * np.where(votes == 1, 1.0, -1.0 / others)

    outputs = 1 if count == 2 else count
    parts = _weighted_votes(
        last, members, weights, classes, two if count == 2 else several, outputs
    )
    model = merged(
        last,
        preprocessing,
        parts,
        members,
        task="classification",
        classes=classes,
        decision=">" if count == 2 else "argmax",
        probability="sigmoid" if count == 2 else "softmax",
    )
    factor = 1 if count <= 2 else 1 / (count - 1)
    return Reading(
        model,
        Oracle(
            lambda x: library.decision_function(x).reshape(len(x), -1) * factor,
            probabilities=library.predict_proba if count > 1 else None,
            labels=library.predict,
        ),
    )


def bagging_classifier(
    last: BaggingClassifier, preprocessing: Preprocessing, read: Read
) -> Reading:
    """Members add up probabilities, or votes where they have none; argmax, ties to the lowest."""
    classes = class_labels(last)
    pairs = bagged(last, preprocessing)
    readings = [read(member, own) for member, own in pairs]
    codes = tuple(range(len(classes)))  # members are trained on class numbers
    library = quiet(last)
    if not all(hasattr(member, "predict_proba") for member, _ in pairs):
        return votes(last, preprocessing, readings, [1.0] * len(readings), classes, codes)
    own = [(member, reading) for (member, _), reading in zip(pairs, readings, strict=True)]
    model = _shares(last, preprocessing, own, classes, codes, [1.0] * len(own))
    if model.probability == "mean":
        model = replace(model, members=len(own))
        return Reading(model, Oracle(lambda x: library.predict_proba(x) * len(own)))
    return Reading(model, Oracle(None, labels=library.predict))


def voting_classifier(last: VotingClassifier, preprocessing: Preprocessing, read: Read) -> Reading:
    """Soft: weighted mean of probabilities. Hard: weighted votes. Argmax, ties to the lowest."""
    classes = class_labels(last)
    readings = [read(member, preprocessing) for member in last.estimators_]
    codes, weights = tuple(range(len(classes))), voting_weights(last)
    library = quiet(last)
    if last.voting == "soft":
        own = list(zip(last.estimators_, readings, strict=True))
        model = _shares(
            last, preprocessing, own, classes, codes, (weights / weights.sum()).tolist()
        )
        summed = model.probability == "mean"
        scores = (lambda x: library.predict_proba(x)) if summed else None
        return Reading(model, Oracle(scores, labels=library.predict))
    members = [addable(last, reading) for reading in readings]
    if not all(map(_single, members)):
        return votes(last, preprocessing, readings, weights, classes, codes)
    parts = _weighted_votes(
        last, members, weights, codes, lambda votes, weight: votes * weight, len(codes)
    )
    model = merged(
        last,
        preprocessing,
        parts,
        members,
        task="classification",
        classes=classes,
        decision="argmax",
    )

    def counted(x: np.ndarray) -> np.ndarray:
        answers = library._predict(x)
        return np.stack([(answers == code) @ weights for code in codes], axis=1)

    return Reading(model, Oracle(counted, labels=library.predict))
