"""scikit-learn's ensembles whose members decide for themselves, as groups of scores.

A member keeps its own scores, on outputs of its own; what it answers is then a vote, one label of
several, or a value among which a median is taken.
"""

from collections.abc import Sequence

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import AdaBoostRegressor
from sklearn.multioutput import MultiOutputClassifier

from locgen.errors import ModelFileError, UnsupportedModel
from locgen.frontends.entries import Row
from locgen.frontends.labels import class_labels
from locgen.frontends.member_outputs import difference
from locgen.frontends.members import addable, merged
from locgen.frontends.model_check import compare
from locgen.frontends.pipeline import quiet
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.reading import Oracle, Part, Read, Reading, weighted_part
from locgen.ir import Argmax, Group, Median, Model, MultiOutput, Threshold, Votes

__all__ = [
    "HARD",
    "LABELS",
    "MEDIAN",
    "SIDE_BY_SIDE",
    "ada_boost_regressor",
    "multi_output",
    "votes",
]

MEDIAN = Row(
    "trees",
    "{}",
    "its value, to its own tree",
    "weighted median of the trees (direct fabric)",
    "as its trees",
)
LABELS = Row(
    "trees",
    "{}",
    "as its classifiers, one label each",
    "one a label, side by side",
    "as its members",
)
HARD = Row(
    "ensembles",
    "{}, of hard votes or of members without probabilities",
    "nothing: each member decides by itself, `SVC` of several classes by votes of its own",
    "",
    "weighted votes",
)
SIDE_BY_SIDE = Row(
    "ensembles",
    "{}",
    "each member's scores, on outputs of their own",
    "",
    "one a label; argmax",
)


def _side_by_side(
    last: BaseEstimator, readings: Sequence[Reading]
) -> tuple[list[Model], list[Part], list[tuple[int, ...]]]:
    """Return each member's model, its nodes and base, and the outputs that are its own.

    Each member is compared with its library here, since the ensemble does not show its scores.
    """
    models = [addable(last, reading) for reading in readings]
    models = [difference(model) if model.units else model for model in models]
    for reading in readings:
        compare(reading)
    ends = np.cumsum([model.outputs for model in models]).tolist()
    own = [tuple(range(end - m.outputs, end)) for end, m in zip(ends, models, strict=True)]
    parts = [weighted_part(m, o, ends[-1], 1.0) for m, o in zip(models, own, strict=True)]
    return models, parts, own


def _groups(
    last: BaseEstimator, models: Sequence[Model], own: Sequence[tuple[int, ...]]
) -> tuple[Group, ...]:
    """Return each member's decision over its own outputs."""
    groups = []
    for model, outputs in zip(models, own, strict=True):
        rule = model.rule_of_decision
        if not isinstance(rule, Argmax | Threshold | Votes):
            raise UnsupportedModel(
                f"{type(last).__name__} has a {model.family} as member, whose answer is no largest "
                "score: use trees, forests, boosting or linear models as members"
            )
        groups.append(Group(outputs, rule))
    return tuple(groups)


def votes(
    last: BaseEstimator,
    preprocessing: Preprocessing,
    readings: Sequence[Reading],
    weights: Sequence[float] | np.ndarray,
    classes: Sequence[object],
    codes: Sequence[object],
) -> Reading:
    """Return an ensemble in which each member's answer is one weighted vote.

    Parameters
    ----------
    classes : labels of the ensemble; codes : the same as its members know them
    """
    models, parts, own = _side_by_side(last, readings)
    index = {label: number for number, label in enumerate(codes)}
    if not {label for model in models for label in model.classes} <= set(index):
        raise ModelFileError(
            f"{type(last).__name__} has a member of another class: save the fitted model again"
        )
    if not min(weights) >= 0:
        raise UnsupportedModel(
            f"{type(last).__name__} has a negative weight: train it without, and turn the votes"
        )
    decision = Votes(
        _groups(last, models, own),
        tuple(tuple(index[label] for label in model.classes) for model in models),
        tuple(float(weight) for weight in weights),
        len(classes),
    )
    model = merged(
        last,
        preprocessing,
        parts,
        models,
        task="classification",
        classes=tuple(classes),
        decision=decision,
    )
    return Reading(model, Oracle(None, labels=quiet(last).predict))


def multi_output(last: MultiOutputClassifier, preprocessing: Preprocessing, read: Read) -> Reading:
    """One classifier a label, side by side."""
    readings = [read(member, preprocessing) for member in last.estimators_]
    models, parts, own = _side_by_side(last, readings)
    model = merged(
        last,
        preprocessing,
        parts,
        models,
        task="classification",
        classes=tuple(label for member in last.estimators_ for label in class_labels(member)),
        decision=MultiOutput(_groups(last, models, own)),
    )
    return Reading(model, Oracle(None, labels=quiet(last).predict))


def ada_boost_regressor(
    last: AdaBoostRegressor, preprocessing: Preprocessing, read: Read
) -> Reading:
    """Return the weighted median of the members: the least with half of the weights up to it."""
    readings = [read(member, preprocessing) for member in last.estimators_]
    weights = np.asarray(last.estimator_weights_, dtype=np.float64)[: len(readings)]
    sound = len(weights) == len(readings) and np.isfinite(weights).all() and weights.min() >= 0
    if not sound or not weights.sum() > 0:
        raise ModelFileError("AdaBoostRegressor has damaged weights: save the fitted model again")
    models, parts, _ = _side_by_side(last, readings)
    if any(model.task != "regression" or model.outputs > 1 for model in models):
        raise ModelFileError("AdaBoostRegressor has a member that gives no single value")
    model = merged(
        last,
        preprocessing,
        parts,
        models,
        task="regression",
        classes=(),
        decision=Median(tuple(weights.tolist()), 1),
    )
    library = quiet(last)
    return Reading(
        model,
        Oracle(
            lambda x: np.stack([member.predict(x) for member in library.estimators_], axis=1),
            labels=library.predict,
        ),
    )
