"""scikit-learn's trees, forests and gradient boosting as the float IR.

What each family adds up and how it decides is written out beside its reader, as read in
scikit-learn 1.9.1. All of them cast features to float32 and go left on ``<=``. Only these exact
classes are read: a subclass may predict otherwise.
"""

from collections.abc import Callable

import numpy as np
import sklearn
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.exceptions import NotFittedError
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)
from sklearn.utils.validation import check_is_fitted

from locgen.errors import ModelFileError, UnsupportedModel
from locgen.frontends import nodes, pipeline, selfcheck, sklearn_units, unitcheck
from locgen.frontends.hints import refusal
from locgen.frontends.labels import class_labels
from locgen.ir.model import FloatTree, Model, SplitRule

__all__ = ["read_sklearn"]

TREE_CLASSIFIERS = (DecisionTreeClassifier, ExtraTreeClassifier)
TREE_REGRESSORS = (DecisionTreeRegressor, ExtraTreeRegressor)
FOREST_CLASSIFIERS = (RandomForestClassifier, ExtraTreesClassifier)
FOREST_REGRESSORS = (RandomForestRegressor, ExtraTreesRegressor)
BOOSTED = (GradientBoostingClassifier, GradientBoostingRegressor)
# Strategies of a constant `init`: "stratified" and "uniform" draw at random.
_CONSTANT = ("prior", "most_frequent", "constant", "mean", "median", "quantile")


def read_sklearn(estimator: object) -> Model:
    """Return the float IR of a fitted scikit-learn estimator or pipeline.

    Parameters
    ----------
    estimator : a supported estimator, or a `Pipeline` of scalers that ends in one

    Raises
    ------
    UnsupportedModel
        If it is no such estimator, not fitted, or computes something that locgen cannot build
        exactly; also if the result disagrees with the estimator's own predictions.
    ModelFileError
        If its trees are not trees.
    """
    scalers, last = pipeline.unwrap(estimator)
    read = _reader(last)
    for step in (*scalers, last):
        try:
            check_is_fitted(step)
        except NotFittedError:
            raise UnsupportedModel(
                f"{type(step).__name__} is not fitted: call fit(X, y) before saving it"
            ) from None
    model = read(last, scalers)
    check = unitcheck if model.units else selfcheck
    check.compare(model, last, scalers)
    return model


def _reader(last: object) -> Callable[[object, tuple[object, ...]], Model]:
    """Return the function that reads this very class, or refuse it with a way out."""
    name = type(last).__name__
    for kinds, read in (
        (TREE_CLASSIFIERS + FOREST_CLASSIFIERS, _classifier),
        (TREE_REGRESSORS + FOREST_REGRESSORS, _regressor),
        (BOOSTED, _boosted),
        *sklearn_units.READERS,
    ):
        if type(last) in kinds:
            return read
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


def _classifier(last: object, scalers: tuple[object, ...]) -> Model:
    """Trees add up class probabilities (soft votes); argmax, ties to the lowest class."""
    if last.n_outputs_ > 1:
        raise UnsupportedModel(
            f"{type(last).__name__} has {last.n_outputs_} outputs to classify: train one "
            "classifier per output (regressors may have several)"
        )
    classes = class_labels(last)
    outputs = tuple(range(len(classes)))
    members = _members(last)
    return Model(
        task="classification",
        classes=classes,
        trees=_trees(
            members,
            scalers,
            last,
            len(classes),
            lambda value: value[:, 0, :],
            [outputs] * len(members),
        ),
        base=(0.0,) * len(classes),
        decision="argmax",
        probability="mean",
        members=len(members),
        **_common(last, scalers, members),
    )


def _regressor(last: object, scalers: tuple[object, ...]) -> Model:
    """Trees add up their share of the mean, one column per target."""
    members = _members(last)
    outputs = tuple(range(last.n_outputs_))
    return Model(
        task="regression",
        classes=(),
        trees=_trees(
            members,
            scalers,
            last,
            1,
            lambda value: value[:, :, 0] / len(members),
            [outputs] * len(members),
        ),
        base=(0.0,) * len(outputs),
        decision="identity",
        **_common(last, scalers, members),
    )


def _boosted(last: object, scalers: tuple[object, ...]) -> Model:
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
        members, scalers, last, 1, lambda value: value[:, 0, :] * last.learning_rate, outputs
    )
    common = _common(last, scalers, members)
    if isinstance(last, GradientBoostingRegressor):
        return Model(
            task="regression", classes=(), trees=trees, base=base, decision="identity", **common
        )
    binary = "sigmoid2" if last.loss == "exponential" else "sigmoid"
    return Model(
        task="classification",
        classes=class_labels(last),
        trees=trees,
        base=base,
        decision=">=" if len(base) == 1 else "argmax",
        probability=binary if len(base) == 1 else "softmax",
        **common,
    )


def _initial(last: object) -> tuple[float, ...]:
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


def _members(last: object) -> list[object]:
    """Return the single trees of a forest, or the tree itself."""
    if isinstance(last, TREE_CLASSIFIERS + TREE_REGRESSORS):
        return [last]
    return list(last.estimators_)


def _trees(
    members: list[object],
    scalers: tuple[object, ...],
    last: object,
    width: int,
    leaf_values: Callable[[np.ndarray], np.ndarray],
    outputs: list[tuple[int, ...]],
) -> tuple[FloatTree, ...]:
    """Return the members as trees over raw features.

    Parameters
    ----------
    members : fitted scikit-learn trees
    width : number of values per target that a node must hold
    leaf_values : from (nodes, targets, width) values to the (nodes, outputs) that a leaf adds
    outputs : for each member the outputs that its columns belong to
    """
    features = last.n_features_in_
    tables = [nodes.table(member, features, width) for member in members]
    inner = [table.left >= 0 for table in tables]
    cut = pipeline.cuts(
        scalers,
        features,
        np.concatenate([table.feature[split] for table, split in zip(tables, inner, strict=True)]),
        np.concatenate(
            [table.threshold[split] for table, split in zip(tables, inner, strict=True)]
        ),
    )
    ends = np.cumsum([split.sum() for split in inner])[:-1]
    return tuple(
        nodes.float_tree(table, part, leaf_values(table.value), own)
        for table, part, own in zip(tables, np.split(cut, ends), outputs, strict=True)
    )


def _common(last: object, scalers: tuple[object, ...], members: list[object]) -> dict[str, object]:
    """Return what the members of `Model` that every family sets in the same way."""
    missing = not isinstance(last, BOOSTED) and any(map(nodes.learnt_missing, members))
    return {
        "family": type(last).__name__,
        "library": f"scikit-learn {sklearn.__version__}",
        "feature_names": pipeline.feature_names((*scalers, last), last.n_features_in_),
        "rule": SplitRule(operator="<=", input_dtype="float32", missing=missing),
    }
