"""scikit-learn's linear models as the float IR, behind any preprocessing.

How each of them decides is written out beside its reader, as read in scikit-learn 1.9.1. They take
float64 as it comes, and compare nothing but their scores.
"""

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import (
    ARDRegression,
    BayesianRidge,
    ElasticNet,
    ElasticNetCV,
    HuberRegressor,
    Lars,
    LarsCV,
    Lasso,
    LassoCV,
    LassoLars,
    LassoLarsCV,
    LassoLarsIC,
    LinearRegression,
    LogisticRegression,
    LogisticRegressionCV,
    MultiTaskElasticNet,
    MultiTaskElasticNetCV,
    MultiTaskLasso,
    MultiTaskLassoCV,
    OrthogonalMatchingPursuit,
    OrthogonalMatchingPursuitCV,
    PassiveAggressiveClassifier,
    PassiveAggressiveRegressor,
    Perceptron,
    QuantileRegressor,
    Ridge,
    RidgeClassifier,
    RidgeClassifierCV,
    RidgeCV,
    SGDClassifier,
    SGDOneClassSVM,
    SGDRegressor,
    TheilSenRegressor,
)
from sklearn.svm import LinearSVC, LinearSVR

from locgen.errors import UnsupportedModel
from locgen.frontends.additive import arithmetic_nodes, linear
from locgen.frontends.affine import vector
from locgen.frontends.labels import class_labels
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.reading import Oracle, Reading
from locgen.frontends.sklearn.trees import quiet, sklearn_common
from locgen.ir.model import Model

__all__ = ["READERS"]

LOGISTIC = (LogisticRegression, LogisticRegressionCV)
CLASSIFIERS = (
    LinearDiscriminantAnalysis,
    LinearSVC,
    *LOGISTIC,
    PassiveAggressiveClassifier,
    Perceptron,
    RidgeClassifier,
    RidgeClassifierCV,
    SGDClassifier,
)
REGRESSORS = (
    ARDRegression,
    BayesianRidge,
    ElasticNet,
    ElasticNetCV,
    HuberRegressor,
    Lars,
    LarsCV,
    Lasso,
    LassoCV,
    LassoLars,
    LassoLarsCV,
    LassoLarsIC,
    LinearRegression,
    LinearSVR,
    MultiTaskElasticNet,
    MultiTaskElasticNetCV,
    MultiTaskLasso,
    MultiTaskLassoCV,
    OrthogonalMatchingPursuit,
    OrthogonalMatchingPursuitCV,
    PassiveAggressiveRegressor,
    QuantileRegressor,
    Ridge,
    RidgeCV,
    SGDRegressor,
    TheilSenRegressor,
)


def _classifier(last: object, preprocessing: Preprocessing) -> Reading:
    """Add up ``x @ coef_.T + intercept_``; two classes: class 1 at ``> 0``, several: argmax."""
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
    logistic = isinstance(last, (*LOGISTIC, LinearDiscriminantAnalysis)) or (
        getattr(last, "loss", None) == "log_loss" and rows == 1
    )
    probability = ("sigmoid" if rows == 1 else "softmax") if logistic else "none"
    model = Model(
        task="classification",
        classes=classes,
        trees=(),
        base=tuple((intercept + behind.constant).tolist()),
        decision=">" if rows == 1 else "argmax",
        probability=probability,
        units=behind.units,
        ranges=behind.ranges,
        fills=behind.fills,
        **sklearn_common(last, preprocessing, False, "float64"),
    )
    return Reading(
        model,
        Oracle(
            lambda x: library.decision_function(x).reshape(len(x), -1),
            probabilities=library.predict_proba if logistic else None,
            labels=library.predict,
        ),
    )


def _regressor(last: object, preprocessing: Preprocessing) -> Reading:
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
        **sklearn_common(last, preprocessing, False, "float64"),
    )
    return Reading(model, Oracle(lambda x: library.predict(x).reshape(len(x), -1)))


def _one_class(last: SGDOneClassSVM, preprocessing: Preprocessing) -> Reading:
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
        **sklearn_common(last, preprocessing, False, "float64"),
    )
    return Reading(
        model, Oracle(lambda x: library.decision_function(x).reshape(-1, 1), labels=library.predict)
    )


def _intercept(last: object, rows: int) -> np.ndarray:
    """Return the intercept of each score: some models keep one number for all."""
    several = () if np.ndim(last.intercept_) == 0 else (rows,)
    return np.broadcast_to(vector(last, "intercept_", *several), (rows,))


READERS = (
    (CLASSIFIERS, _classifier),
    (REGRESSORS, _regressor),
    ((SGDOneClassSVM,), _one_class),
)
"""(classes, reader), see `trees`."""
