"""scikit-learn's trees, forests and gradient boosting as the float IR.

What each family adds up and how it decides is written out beside its reader, as read in
scikit-learn 1.9.1. All of them cast features to float32 and go left on ``<=``. Only these exact
classes are read: a subclass may predict otherwise.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    GradientBoostingRegressor,
)

from locgen.errors import ModelFileError, UnsupportedModel
from locgen.frontends import pipeline
from locgen.frontends.entries import Row
from locgen.frontends.labels import class_labels, plain_labels
from locgen.frontends.pipeline import quiet
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.raw_trees import float_trees
from locgen.frontends.reading import Oracle, Probability, Read, Reading, common_settings
from locgen.frontends.sklearn import node_tables
from locgen.ir import Argmax, Group, MultiOutput
from locgen.ir.float import FloatTree
from locgen.ir.model import Model

__all__ = [
    "BOOSTED",
    "CLASSIFIERS",
    "REGRESSORS",
    "at_most_float32",
    "boosted",
    "classifier",
    "regressor",
]

CLASSIFIERS = Row(
    "trees",
    "{} (any criterion)",
    "its class probabilities, for one label a row or several",
    "argmax, one a label",
    "float32 `<=`",
)
REGRESSORS = Row(
    "trees", "{}", "its share of the mean, for one target or several", "none", "float32 `<=`"
)
BOOSTED = Row("trees", "{}", "learning rate times value", "`>= 0`, argmax, none", "float32 `<=`")

# Strategies of a constant `init`: "stratified" and "uniform" draw at random.
_CONSTANT = ("prior", "most_frequent", "constant", "mean", "median", "quantile")


def at_most_float32(value: np.ndarray, threshold: np.ndarray) -> np.ndarray:
    """Return scikit-learn's comparison: the value, cast to float32, with a float64 threshold."""
    return value.astype(np.float32).astype(np.float64) <= threshold


def classifier(last: BaseEstimator, preprocessing: Preprocessing, read: Read) -> Reading:
    """Trees add up class probabilities (soft votes); argmax, ties to the lowest class."""
    if last.n_outputs_ > 1:
        return _several(last, preprocessing)
    classes = class_labels(last)
    outputs = tuple(range(len(classes)))
    members = _members(last)
    model = Model(
        task="classification",
        classes=classes,
        trees=_trees(
            members,
            preprocessing,
            last,
            len(classes),
            lambda value: value[:, 0, :],
            [outputs] * len(members),
        ),
        base=(0.0,) * len(classes),
        decision="argmax",
        probability="mean",
        members=len(members),
        **_common(last, preprocessing, members),
    )
    library = quiet(last)
    return Reading(
        model,
        Oracle(
            scores=lambda x: library.predict_proba(x) * len(members),
            leaves=lambda x: library.apply(x).reshape(len(x), -1),
        ),
    )


def _several(last: BaseEstimator, preprocessing: Preprocessing) -> Reading:
    """Several labels a row: each is the argmax of its own class probabilities."""
    sizes = np.array([len(classes) for classes in last.classes_])
    if last.n_outputs_ != len(sizes):
        raise ModelFileError(f"{type(last).__name__} has damaged classes: save the model again")
    starts = np.cumsum(sizes) - sizes
    own = [tuple(range(start, start + size)) for start, size in zip(starts, sizes, strict=True)]
    members = _members(last)
    held = [(label, number) for label, size in enumerate(sizes) for number in range(size)]
    labels, numbers = (list(column) for column in zip(*held, strict=True))
    every = tuple(range(len(held)))
    model = Model(
        task="classification",
        classes=tuple(label for each in last.classes_ for label in plain_labels(each)),
        trees=_trees(
            members,
            preprocessing,
            last,
            int(sizes.max()),
            lambda value: value[:, labels, numbers],
            [every] * len(members),
        ),
        base=(0.0,) * len(every),
        decision=MultiOutput(tuple(Group(o, Argmax(len(o))) for o in own)),
        **_common(last, preprocessing, members),
    )
    library = quiet(last)
    return Reading(
        model,
        Oracle(
            scores=lambda x: np.hstack(library.predict_proba(x)) * len(members),
            leaves=lambda x: library.apply(x).reshape(len(x), -1),
            labels=library.predict,
        ),
    )


def regressor(last: BaseEstimator, preprocessing: Preprocessing, read: Read) -> Reading:
    """Trees add up their share of the mean, one column per target."""
    members = _members(last)
    outputs = tuple(range(last.n_outputs_))
    model = Model(
        task="regression",
        classes=(),
        trees=_trees(
            members,
            preprocessing,
            last,
            1,
            lambda value: value[:, :, 0] / len(members),
            [outputs] * len(members),
        ),
        base=(0.0,) * len(outputs),
        decision="identity",
        **_common(last, preprocessing, members),
    )
    library = quiet(last)
    return Reading(
        model,
        Oracle(
            scores=lambda x: library.predict(x).reshape(len(x), -1),
            leaves=lambda x: library.apply(x).reshape(len(x), -1),
        ),
    )


def boosted(last: BaseEstimator, preprocessing: Preprocessing, read: Read) -> Reading:
    """Stage s adds ``learning_rate * value`` of its tree k to output k, on top of the init.

    Binary: class 1 at raw ``>= 0``; several classes: argmax of one output each.
    """
    base = _initial(last)
    members = [tree for stage in last.estimators_ for tree in stage]
    if len(members) != len(last.estimators_) * len(base):
        raise ModelFileError(
            f"{type(last).__name__} has the wrong number of trees: save the fitted model again"
        )
    outputs = [(output,) for _ in last.estimators_ for output in range(len(base))]
    trees = _trees(
        members, preprocessing, last, 1, lambda value: value[:, 0, :] * last.learning_rate, outputs
    )
    common = common_settings(last, preprocessing, False, "float32")
    library = quiet(last)

    def leaves(x: np.ndarray) -> np.ndarray:
        return library.apply(x).reshape(len(x), -1)

    if isinstance(last, GradientBoostingRegressor):
        model = Model(
            task="regression", classes=(), trees=trees, base=base, decision="identity", **common
        )
        return Reading(model, Oracle(lambda x: library.predict(x).reshape(len(x), -1), leaves))
    binary: Probability = "sigmoid2" if last.loss == "exponential" else "sigmoid"
    model = Model(
        task="classification",
        classes=class_labels(last),
        trees=trees,
        base=base,
        decision=">=" if len(base) == 1 else "argmax",
        probability=binary if len(base) == 1 else "softmax",
        **common,
    )
    return Reading(
        model,
        Oracle(
            lambda x: library.decision_function(x).reshape(len(x), -1),
            leaves,
            library.predict_proba,
        ),
    )


def _initial(last: BaseEstimator) -> tuple[float, ...]:
    """Return gradient boosting's initial raw prediction, as the library computes it."""
    init = last.init_
    constant = type(init) in (DummyClassifier, DummyRegressor) and init.strategy in _CONSTANT
    if not constant and not (isinstance(init, str) and init == "zero"):
        shown = type(init).__name__ + (
            f"(strategy={init.strategy!r})"
            if isinstance(init, DummyClassifier | DummyRegressor)
            else ""
        )
        raise UnsupportedModel(
            f"{type(last).__name__} starts from init={shown}, whose prediction is not a constant: "
            "train it with init=None or init='zero'"
        )
    with pipeline.library_quiet():
        raw = last._raw_predict_init(np.zeros((1, last.n_features_in_), dtype=np.float32))
    return tuple(float(value) for value in raw[0])


def _members(last: BaseEstimator) -> list[BaseEstimator]:
    """Return the single trees of a forest, or the tree itself."""
    return [last] if hasattr(last, "tree_") else list(last.estimators_)


def _trees(
    members: list[BaseEstimator],
    preprocessing: Preprocessing,
    last: BaseEstimator,
    width: int,
    leaf_values: Callable[[np.ndarray], np.ndarray],
    outputs: Sequence[tuple[int, ...]],
) -> tuple[FloatTree, ...]:
    """Return the members as trees over raw features.

    Parameters
    ----------
    members : fitted scikit-learn trees
    width : number of values per target that a node must hold
    leaf_values : from (nodes, targets, width) values to the (nodes, outputs) that a leaf adds
    outputs : for each member the outputs that its columns belong to
    """
    if last.n_features_in_ != preprocessing.features:
        raise ModelFileError(
            f"{type(last).__name__} takes {last.n_features_in_} features, but "
            f"{preprocessing.features} stand before it: save the fitted model again"
        )
    tables = [node_tables.table(member, last.n_features_in_, width) for member in members]
    raw = [t.raw(leaf_values(t.value), own) for t, own in zip(tables, outputs, strict=True)]
    return float_trees(preprocessing, raw, at_most_float32)


def _common(
    last: BaseEstimator, preprocessing: Preprocessing, members: list[BaseEstimator]
) -> dict[str, Any]:
    missing = any(map(node_tables.learnt_missing, members))
    return common_settings(last, preprocessing, missing, "float32")
