"""scikit-learn's naive Bayes as the float IR: what each feature says about the classes, added up.

What each of them computes is written out beside its reader, as read in scikit-learn 1.9.1. They
take float64 as it comes; argmax of the joint log likelihoods, ties to the lowest class.
"""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB

from locgen.errors import ModelFileError, UnsupportedModel
from locgen.frontends.additive import Additive, arithmetic_nodes, linear
from locgen.frontends.arrays import DEVIATIONS, vector
from locgen.frontends.entries import Row
from locgen.frontends.labels import class_labels
from locgen.frontends.pipeline import quiet
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.reading import Oracle, Read, Reading, common_settings
from locgen.ir.float import FloatQuadratic, FloatUnit
from locgen.ir.model import Model

__all__ = [
    "BERNOULLI",
    "CATEGORICAL",
    "COUNTS",
    "GAUSSIAN",
    "bernoulli",
    "categorical",
    "complement",
    "gaussian",
    "multinomial",
    "positive",
]

GAUSSIAN = Row("arithmetic", "{}", "a `table` a feature", "argmax", "the row of each table")
BERNOULLI = Row(
    "arithmetic",
    "{}",
    "a `table` of one bit a feature, `x > binarize`; without `binarize` a dot product",
    "argmax",
    "as its nodes",
)
CATEGORICAL = Row(
    "arithmetic",
    "{}",
    "a `table` a feature, over its categories",
    "argmax",
    "the row of each table",
)
COUNTS = Row(
    "arithmetic", "{}", "`linear` nodes; counts are passed on as they are", "argmax", "the sums"
)


def positive(prior: np.ndarray, last: BaseEstimator) -> np.ndarray:
    """Return the classes' priors, none of which may be 0."""
    if prior.min() <= 0:
        raise UnsupportedModel(
            f"{type(last).__name__} has a class with prior 0, which it never answers: train "
            "without that class"
        )
    return prior


def _reading(
    last: BaseEstimator, preprocessing: Preprocessing, base: np.ndarray, **parts: Any
) -> Reading:
    library = quiet(last)
    model = Model(
        task="classification",
        classes=class_labels(last),
        trees=(),
        base=tuple(base.tolist()),
        decision="argmax",
        probability="softmax",
        **parts,
        **common_settings(last, preprocessing, False, "float64"),
    )
    oracle = Oracle(
        library.predict_joint_log_proba,
        probabilities=library.predict_proba,
        labels=library.predict,
    )
    return Reading(model, oracle)


def _additive(
    last: BaseEstimator, preprocessing: Preprocessing, model: Additive, base: np.ndarray
) -> Reading:
    behind = arithmetic_nodes(model, preprocessing)
    return _reading(
        last,
        preprocessing,
        base + behind.constant,
        units=behind.units,
        ranges=behind.ranges,
        fills=behind.fills,
    )


def gaussian(last: GaussianNB, preprocessing: Preprocessing, read: Read) -> Reading:
    """Add up log prior and the features' log likelihoods, a parabola each."""
    classes = len(class_labels(last))
    mean = vector(last, "theta_", classes, preprocessing.features)
    variance = vector(last, "var_", classes, preprocessing.features)
    prior = positive(vector(last, "class_prior_", classes), last)
    if variance.min() <= 0:
        raise UnsupportedModel(
            "GaussianNB has a feature without variance: train with var_smoothing above 0"
        )
    base = np.log(prior) - 0.5 * np.log(2 * np.pi * variance).sum(axis=1)
    columns = [output.column for output in preprocessing.outputs]
    plain = all(output.slope and not output.imputed for output in preprocessing.outputs)
    if not plain or len(set(columns)) < len(columns):

        def part(feature: int, x: np.ndarray) -> np.ndarray:
            return -0.5 * (x[:, None] - mean[:, feature]) ** 2 / variance[:, feature]

        spread = DEVIATIONS * np.sqrt(variance)
        ends = np.stack([(mean - spread).min(axis=0), (mean + spread).max(axis=0)])
        return _additive(last, preprocessing, Additive(classes, part, degree=2, ends=ends), base)
    units: list[FloatUnit] = []
    ranges: list[tuple[float, float] | None] = [None] * preprocessing.columns
    for feature, output in enumerate(preprocessing.outputs):
        slope, offset = output.slope, output.offset
        assert slope is not None
        curvature = 0.5 * slope**2 / variance[:, feature]
        centre = (mean[:, feature] - offset) / slope
        units.append(
            FloatQuadratic(output.column, centre, curvature, np.eye(classes), tuple(range(classes)))
        )
        spread = DEVIATIONS * np.sqrt(variance[:, feature]) / abs(slope)
        known = float((centre - spread).min()), float((centre + spread).max())
        ranges[output.column] = output.span or known
    return _reading(last, preprocessing, base, units=tuple(units), ranges=tuple(ranges))


def bernoulli(last: BernoulliNB, preprocessing: Preprocessing, read: Read) -> Reading:
    """Add the log of a feature's probability if it is above `binarize`, else of its complement's.

    With ``binarize=None`` features are taken as numbers between the two.
    """
    classes = len(class_labels(last))
    present = vector(last, "feature_log_prob_", classes, preprocessing.features).T
    prior = vector(last, "class_log_prior_", classes)
    with np.errstate(divide="ignore"):
        # In the library's type: trained on float32, its differences from 1 are rounded, too.
        absent = np.log(1 - np.exp(last.feature_log_prob_)).T.astype(np.float64)
    if not np.isfinite(absent).all():
        raise UnsupportedModel(
            "BernoulliNB has a feature that is always 1 in a class: train with alpha above 0"
        )
    if last.binarize is None:
        return _additive(last, preprocessing, linear(present - absent), prior + absent.sum(axis=0))
    limit = float(last.binarize)
    if (
        preprocessing.float32
    ):  # NumPy compares with a Python number in float32, with its own in float64
        nearest = np.array([limit], dtype=np.float32)
        above = nearest > last.binarize
        limit = float(np.where(above, np.nextafter(nearest, np.float32(-np.inf)), nearest)[0])

    def part(feature: int, x: np.ndarray) -> np.ndarray:
        return np.where((x > limit)[:, None], present[feature], absent[feature])

    model = Additive(classes, part, limits=(np.array([limit]),) * preprocessing.features)
    return _additive(last, preprocessing, model, prior)


def multinomial(last: MultinomialNB, preprocessing: Preprocessing, read: Read) -> Reading:
    """Add log prior and each count times the log probability of its feature."""
    classes = len(class_labels(last))
    logarithms = vector(last, "feature_log_prob_", classes, preprocessing.features).T
    prior = vector(last, "class_log_prior_", classes)
    return _additive(last, preprocessing, linear(logarithms), prior)


def complement(last: ComplementNB, preprocessing: Preprocessing, read: Read) -> Reading:
    """Add each count times the weight that the other classes give its feature.

    The prior counts where there is a single class alone.
    """
    classes = len(class_labels(last))
    weights = vector(last, "feature_log_prob_", classes, preprocessing.features).T
    base = vector(last, "class_log_prior_", classes) if classes == 1 else np.zeros(classes)
    return _additive(last, preprocessing, linear(weights), base)


def categorical(last: CategoricalNB, preprocessing: Preprocessing, read: Read) -> Reading:
    """Add log prior and for each feature the log probability of its category.

    Features are cut down to whole numbers, categories from 0; the library refuses higher ones than
    it has seen, which count as the highest here.
    """
    classes = len(class_labels(last))
    prior = vector(last, "class_log_prior_", classes)
    tables = []
    for feature in range(preprocessing.features):
        table = np.asarray(last.feature_log_prob_[feature], dtype=np.float64)
        if table.ndim != 2 or table.shape[0] != classes or not np.isfinite(table).all():
            raise ModelFileError(
                "CategoricalNB.feature_log_prob_ is damaged: save the fitted model again"
            )
        tables.append(table.T)

    def part(feature: int, x: np.ndarray) -> np.ndarray:
        code = np.clip(np.nan_to_num(np.trunc(x)), 0, len(tables[feature]) - 1)
        return tables[feature][code.astype(np.int64)]

    limits = tuple(np.nextafter(np.arange(1.0, len(table)), -np.inf) for table in tables)
    return _additive(last, preprocessing, Additive(classes, part, limits=limits), prior)
