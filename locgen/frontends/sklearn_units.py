"""scikit-learn's linear models, naive Bayes and nearest centroids as the float IR.

How each of them decides is written out beside its reader, as read in scikit-learn 1.9.1. They take
float64 as it comes. Scalers in front are folded, see `affine`.
"""

from dataclasses import replace

import numpy as np
import sklearn
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import NearestCentroid

from locgen.errors import UnsupportedModel
from locgen.frontends import affine, pipeline
from locgen.frontends.affine import vector
from locgen.frontends.labels import class_labels
from locgen.ir.model import Model, SplitRule, Task
from locgen.ir.units import FloatLinear, FloatPrototype, FloatQuadratic

__all__ = ["KINDS", "discriminant", "read_units", "reads", "uses_priors"]


def _common(
    last: object, scalers: tuple[object, ...], task: Task = "classification"
) -> dict[str, object]:
    """Return what the members of `Model` that every family sets in the same way."""
    return {
        "family": type(last).__name__,
        "library": f"scikit-learn {sklearn.__version__}",
        "task": task,
        "feature_names": pipeline.feature_names((*scalers, last), last.n_features_in_),
        "trees": (),
        "rule": SplitRule(operator="<=", input_dtype="float64", missing=False),
    }


def _logistic(last: LogisticRegression, scalers: tuple[object, ...]) -> Model:
    """Add up ``x @ coef_.T + intercept_``; two classes: class 1 at ``> 0``, several: argmax."""
    classes, features = class_labels(last), last.n_features_in_
    rows = 1 if len(classes) == 2 else len(classes)
    coefficients = vector(last, "coef_", rows, features)
    intercept = vector(last, "intercept_", rows)
    scaling = affine.fold(scalers, features)
    return Model(
        classes=classes,
        base=tuple((intercept + coefficients @ scaling.offset).tolist()),
        decision=">" if rows == 1 else "argmax",
        probability="sigmoid" if rows == 1 else "softmax",
        units=(FloatLinear((coefficients * scaling.slope).T, tuple(range(rows))),),
        ranges=scaling.ranges(),
        **_common(last, scalers),
    )


def _regression(last: LinearRegression | Ridge, scalers: tuple[object, ...]) -> Model:
    """Answer ``x @ coef_.T + intercept_``, a row of `coef_` for each target."""
    features, shape = last.n_features_in_, np.shape(last.coef_)
    targets = shape[0] if len(shape) == 2 else 1
    rows = (targets, features) if len(shape) == 2 else (features,)
    coefficients = vector(last, "coef_", *rows).reshape(targets, features)
    several = () if np.ndim(last.intercept_) == 0 else (targets,)
    intercept = np.broadcast_to(vector(last, "intercept_", *several), (targets,))
    scaling = affine.fold(scalers, features)
    return Model(
        classes=(),
        base=tuple((intercept + coefficients @ scaling.offset).tolist()),
        decision="identity",
        units=(FloatLinear((coefficients * scaling.slope).T, tuple(range(targets))),),
        ranges=scaling.ranges(),
        **_common(last, scalers, "regression"),
    )


def _gaussian(last: GaussianNB, scalers: tuple[object, ...]) -> Model:
    """Add up log prior and the features' log likelihoods; argmax, ties to the lowest class."""
    classes, features = class_labels(last), last.n_features_in_
    mean = vector(last, "theta_", len(classes), features)
    variance = vector(last, "var_", len(classes), features)
    prior = vector(last, "class_prior_", len(classes))
    if variance.min() <= 0:
        raise UnsupportedModel(
            "GaussianNB has a feature without variance: train with var_smoothing above 0"
        )
    scaling = affine.fold(scalers, features)
    outputs = tuple(range(len(classes)))
    curvature = 0.5 * scaling.slope**2 / variance
    spread = affine.DEVIATIONS * np.sqrt(variance)
    base = np.log(_positive(prior, last)) - 0.5 * np.log(2 * np.pi * variance).sum(axis=1)
    return Model(
        classes=classes,
        base=tuple(base.tolist()),
        decision="argmax",
        probability="softmax",
        units=tuple(
            FloatQuadratic(f, centre, curvature[:, f], np.eye(len(classes)), outputs)
            for f, centre in enumerate(scaling.raw(mean).T)
        ),
        ranges=scaling.ranges((mean - spread).min(axis=0), (mean + spread).max(axis=0)),
        **_common(last, scalers),
    )


def uses_priors(last: NearestCentroid) -> bool:
    """Return whether `predict` weighs classes: it compares bare distances if all are alike."""
    return not np.isclose(last.class_prior_, 1 / len(last.classes_)).all()


def _centroid(last: NearestCentroid, scalers: tuple[object, ...]) -> Model:
    """Answer the class of the nearest centroid, ties to the lowest.

    With unequal priors, features are divided by their deviation within classes (where it is not 0)
    and ``2 * log(prior)`` is added to minus the squared distance.
    """
    classes, features = class_labels(last), last.n_features_in_
    centroids = vector(last, "centroids_", len(classes), features)
    deviation = vector(last, "within_class_std_dev_", features)
    prior = vector(last, "class_prior_", len(classes))
    scaling = affine.fold(scalers, features)
    scale, base = np.abs(scaling.slope), np.zeros(len(classes))
    if uses_priors(last):
        if last.metric != "euclidean":
            raise UnsupportedModel(
                f"NearestCentroid(metric={last.metric!r}) with unequal priors squares its "
                "distances: train with priors='uniform' or metric='euclidean'"
            )
        scale = scale / np.where(deviation != 0, deviation, 1.0)
        base = 2 * np.log(_positive(prior, last))
    spread = affine.DEVIATIONS * deviation
    return Model(
        classes=classes,
        base=tuple(base.tolist()),
        decision="argmax",
        probability="softmax" if uses_priors(last) else "none",
        units=tuple(
            FloatPrototype(
                centre, scale, "l2" if last.metric == "euclidean" else "l1", number, (number,)
            )
            for number, centre in enumerate(scaling.raw(centroids))
        ),
        ranges=scaling.ranges((centroids - spread).min(axis=0), (centroids + spread).max(axis=0)),
        **_common(last, scalers),
    )


def discriminant(last: NearestCentroid, scalers: tuple[object, ...]) -> Model:
    """Return what `predict_proba` is the softmax of, less what all classes have in common.

    That is the squared distance with features divided by their deviation within classes, whatever
    the priors, where `predict` of equal priors compares bare distances. The square of a row is the
    same for all classes, so a dot product is left.
    """
    if last.metric != "euclidean":
        raise UnsupportedModel(
            f"NearestCentroid(metric={last.metric!r}) gives no probabilities: train with "
            "metric='euclidean'"
        )
    model = _centroid(last, scalers)
    features, classes = last.n_features_in_, len(model.classes)
    deviation = vector(last, "within_class_std_dev_", features)
    prior = _positive(vector(last, "class_prior_", classes), last)
    slope = affine.fold(scalers, features).slope
    scale = slope / np.where(deviation != 0, deviation, 1.0)
    centres = np.stack([unit.centre for unit in model.units])
    middle = centres.mean(axis=0)  # far from 0, squares would cancel
    own = (centres - middle) * scale
    constant = 2 * np.log(prior) - (own**2).sum(axis=1) - 2 * own @ (middle * scale)
    return replace(
        model,
        units=(FloatLinear((2 * own * scale).T, tuple(range(classes))),),
        base=tuple(constant.tolist()),
        probability="softmax",
    )


def _positive(prior: np.ndarray, last: object) -> np.ndarray:
    if prior.min() <= 0:
        raise UnsupportedModel(
            f"{type(last).__name__} has a class with prior 0, which it never answers: train "
            "without that class"
        )
    return prior


_READERS = {
    LogisticRegression: _logistic,
    LinearRegression: _regression,
    Ridge: _regression,
    GaussianNB: _gaussian,
    NearestCentroid: _centroid,
}
KINDS = tuple(_READERS)


def reads(last: object) -> bool:
    """Return whether `read_units` reads this very class."""
    return type(last) in _READERS


def read_units(last: object, scalers: tuple[object, ...]) -> Model:
    """Return the float IR of a fitted estimator of `_READERS` behind `scalers`, not yet compared.

    Raises
    ------
    UnsupportedModel
        If it or a scaler is not fitted, or it computes something that locgen does not build.
    ModelFileError
        If its parts do not fit together.
    """
    for step in (*scalers, last):
        pipeline.check_fitted(step)
    return _READERS[type(last)](last, scalers)
