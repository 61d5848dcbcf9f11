"""Readers of scikit-learn's linear models, behind any preprocessing.

How each of them decides is written out beside its reader, as read in scikit-learn 1.9.1. They take
float64 as it comes, and compare nothing but their scores.
"""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.linear_model import SGDOneClassSVM

from locgen.errors import UnsupportedModel
from locgen.frontends.additive import arithmetic_nodes, linear
from locgen.frontends.arrays import vector
from locgen.frontends.entries import Row
from locgen.frontends.labels import class_labels
from locgen.frontends.pipeline import quiet
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.reading import Oracle, Read, Reading, common_settings
from locgen.ir.model import Model

__all__ = [
    "CLASSIFIERS",
    "ONE_CLASS",
    "REGRESSORS",
    "classifier",
    "logistic",
    "one_class",
    "regressor",
]

CLASSIFIERS = Row(
    "arithmetic",
    "{}; `SGDClassifier` with any loss",
    "`linear` nodes",
    "`> 0`, argmax",
    "the sums; terms by feature on the host",
)
REGRESSORS = Row("arithmetic", "{}; several targets", "`linear` nodes", "none", "as above")
ONE_CLASS = Row(
    "arithmetic", "{}", "a `linear` node", "inlier (1) or outlier (-1) at `>= 0`", "as above"
)


def classifier(last: BaseEstimator, preprocessing: Preprocessing, read: Read) -> Reading:
    """Add up ``x @ coef_.T + intercept_``; two classes: class 1 at ``> 0``, several: argmax."""
    binary = len(last.classes_) == 2
    return _classified(last, preprocessing, binary and getattr(last, "loss", "") == "log_loss")


def logistic(last: BaseEstimator, preprocessing: Preprocessing, read: Read) -> Reading:
    """Decide as `classifier`; probabilities are the scores' logistic function or softmax."""
    return _classified(last, preprocessing, True)


def _classified(last: BaseEstimator, preprocessing: Preprocessing, logistic: bool) -> Reading:
    """Read a classifier, `logistic` or without probabilities."""
    classes = class_labels(last)
    binarizer = getattr(last, "_label_binarizer", None)
    if getattr(binarizer, "y_type_", "").startswith("multilabel"):
        raise UnsupportedModel(
            f"{type(last).__name__} was trained on several labels a row: train one classifier per "
            "label"
        )
    if len(classes) < 2:
        raise UnsupportedModel(
            f"{type(last).__name__} was trained on one class and always answers it: train on rows "
            "of two classes at least"
        )
    rows = 1 if len(classes) == 2 else len(classes)
    shape = (
        (preprocessing.features,) if np.ndim(last.coef_) == 1 else (rows, preprocessing.features)
    )
    coefficients = vector(last, "coef_", *shape).reshape(rows, preprocessing.features).T
    intercept = _intercept(last, rows)
    behind = arithmetic_nodes(linear(coefficients), preprocessing)
    library = quiet(last)
    model = Model(
        task="classification",
        classes=classes,
        trees=(),
        base=tuple((intercept + behind.constant).tolist()),
        decision=">" if rows == 1 else "argmax",
        probability=("sigmoid" if rows == 1 else "softmax") if logistic else "none",
        units=behind.units,
        ranges=behind.ranges,
        fills=behind.fills,
        **common_settings(last, preprocessing, False, "float64"),
    )
    return Reading(
        model,
        Oracle(
            lambda x: library.decision_function(x).reshape(len(x), -1),
            probabilities=library.predict_proba if logistic else None,
            labels=library.predict,
        ),
    )


def regressor(last: BaseEstimator, preprocessing: Preprocessing, read: Read) -> Reading:
    """Answer ``x @ coef_.T + intercept_``, a row of `coef_` for each target."""
    shape = np.shape(last.coef_)
    targets = shape[0] if len(shape) == 2 else 1
    rows = (targets, preprocessing.features) if len(shape) == 2 else (preprocessing.features,)
    coefficients = vector(last, "coef_", *rows).reshape(targets, preprocessing.features).T
    behind = arithmetic_nodes(linear(coefficients), preprocessing)
    library = quiet(last)
    model = Model(
        task="regression",
        classes=(),
        trees=(),
        base=tuple((_intercept(last, targets) + behind.constant).tolist()),
        decision="identity",
        units=behind.units,
        ranges=behind.ranges,
        fills=behind.fills,
        **common_settings(last, preprocessing, False, "float64"),
    )
    return Reading(model, Oracle(lambda x: library.predict(x).reshape(len(x), -1)))


def one_class(last: SGDOneClassSVM, preprocessing: Preprocessing, read: Read) -> Reading:
    """Inlier (1) at ``x @ coef_ - offset_ >= 0``, else outlier (-1)."""
    coefficients = vector(last, "coef_", preprocessing.features)[:, None]
    offset = vector(last, "offset_", 1)
    behind = arithmetic_nodes(linear(coefficients), preprocessing)
    library = quiet(last)
    model = Model(
        task="classification",
        classes=(-1, 1),
        trees=(),
        base=tuple((behind.constant - offset).tolist()),
        decision=">=",
        units=behind.units,
        ranges=behind.ranges,
        fills=behind.fills,
        **common_settings(last, preprocessing, False, "float64"),
    )
    return Reading(
        model, Oracle(lambda x: library.decision_function(x).reshape(-1, 1), labels=library.predict)
    )


def _intercept(last: BaseEstimator, rows: int) -> np.ndarray:
    """Return the intercept of each score: some models keep one number for all."""
    several = () if np.ndim(last.intercept_) == 0 else (rows,)
    return np.broadcast_to(vector(last, "intercept_", *several), (rows,))
