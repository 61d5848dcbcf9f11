"""scikit-learn's prototypes as the float IR: what is compared is the distance to each.

How each of them decides is written out beside its reader, as read in scikit-learn 1.9.1. They take
float64 as it comes. In front of them may stand what gives every feature a raw column of its own,
moved and scaled.
"""

from dataclasses import dataclass, replace

import numpy as np
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import NearestCentroid

from locgen.errors import UnsupportedModel
from locgen.frontends.affine import DEVIATIONS, vector
from locgen.frontends.labels import class_labels
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.reading import Oracle, Reading
from locgen.frontends.sklearn.naive_bayes import positive
from locgen.frontends.sklearn.trees import quiet, sklearn_common
from locgen.ir.float import FloatLinear, FloatPrototype
from locgen.ir.model import Model

__all__ = ["READERS", "Placement", "discriminant", "placement_of"]


@dataclass(frozen=True)
class Placement:
    """Where each of a model's features lies among the raw columns: ``raw * slope + offset``.

    Members
    -------
    column, slope, offset : (features,)
    columns : number of raw columns
    spans : of each raw column, as far as a step tells
    fills : see `Model`
    """

    column: np.ndarray
    slope: np.ndarray
    offset: np.ndarray
    columns: int
    spans: tuple[tuple[float, float] | None, ...]
    fills: tuple[float | None, ...]

    def raw(self, given: np.ndarray) -> np.ndarray:
        """Return raw rows (..., columns) of what the model is given (..., features)."""
        rows = np.zeros((*given.shape[:-1], self.columns))
        rows[..., self.column] = (given - self.offset) / self.slope
        return rows

    def scale(self, factors: np.ndarray) -> np.ndarray:
        """Return by what differences of raw columns (columns,) count, where features' do by these.

        A column that the model is not given counts for nothing.
        """
        scale = np.zeros(self.columns)
        scale[self.column] = np.abs(self.slope) * factors
        return scale

    def ranges(self, low: np.ndarray, high: np.ndarray) -> tuple[tuple[float, float] | None, ...]:
        """Return the raw columns' spans, else what (features,) intervals come to."""
        ends = np.sort(np.stack([self.raw(low), self.raw(high)], axis=1), axis=1)
        known = set(self.column.tolist())
        return tuple(
            span or ((float(least), float(most)) if column in known else None)
            for column, (span, (least, most)) in enumerate(zip(self.spans, ends, strict=True))
        )


def placement_of(last: object, preprocessing: Preprocessing) -> Placement:
    """Return where the features of `last` lie among the raw columns.

    Raises
    ------
    UnsupportedModel
        If a feature is no raw column moved and scaled, or two are the same column.
    """
    name = type(last).__name__
    columns = [output.column for output in preprocessing.outputs]
    if any(not output.slope for output in preprocessing.outputs) or len(set(columns)) < len(
        columns
    ):
        raise UnsupportedModel(
            f"{name} compares distances, which need every feature to be a column of its own: put "
            "scalers, imputers and selections alone in front of it, or transform the data "
            "beforehand"
        )
    spans: list[tuple[float, float] | None] = [None] * preprocessing.columns
    fills: list[float | None] = [float(value) for value in preprocessing.neutral]
    offset = np.array([output.polynomial.coefficient() for output in preprocessing.outputs])
    slope = np.array([output.slope for output in preprocessing.outputs])
    for feature, output in enumerate(preprocessing.outputs):
        spans[output.column] = output.span
        if output.imputed:
            given = float(preprocessing.ask(output.column, np.array([np.nan]))[0, feature])
            fills[output.column] = (given - offset[feature]) / slope[feature]
    return Placement(
        np.array(columns),
        slope,
        offset,
        preprocessing.columns,
        tuple(spans),
        tuple(fills) if preprocessing.imputes else (),
    )


def uses_priors(last: NearestCentroid) -> bool:
    """Return whether `predict` weighs classes: it compares bare distances if all are alike."""
    return not np.isclose(last.class_prior_, 1 / len(last.classes_)).all()


def _centroid(last: NearestCentroid, preprocessing: Preprocessing) -> Reading:
    """Answer the class of the nearest centroid, ties to the lowest.

    With unequal priors, features are divided by their deviation within classes (where it is not 0)
    and ``2 * log(prior)`` is added to minus the squared distance.
    """
    classes, features = class_labels(last), preprocessing.features
    centroids = vector(last, "centroids_", len(classes), features)
    deviation = vector(last, "within_class_std_dev_", features)
    prior = vector(last, "class_prior_", len(classes))
    place = placement_of(last, preprocessing)
    factors, base = np.ones(features), np.zeros(len(classes))
    weighed = uses_priors(last)
    if weighed:
        if last.metric != "euclidean":
            raise UnsupportedModel(
                f"NearestCentroid(metric={last.metric!r}) with unequal priors squares its "
                "distances: train with priors='uniform' or metric='euclidean'"
            )
        factors = 1 / np.where(deviation != 0, deviation, 1.0)
        base = 2 * np.log(positive(prior, last))
    spread = DEVIATIONS * deviation
    model = Model(
        task="classification",
        classes=classes,
        trees=(),
        base=tuple(base.tolist()),
        decision="argmax",
        probability="softmax" if weighed else "none",
        units=tuple(
            FloatPrototype(
                centre,
                place.scale(factors),
                "l2" if last.metric == "euclidean" else "l1",
                number,
                (number,),
            )
            for number, centre in enumerate(place.raw(centroids))
        ),
        ranges=place.ranges((centroids - spread).min(axis=0), (centroids + spread).max(axis=0)),
        fills=place.fills,
        **sklearn_common(last, preprocessing, False, "float64"),
    )
    library = quiet(last)

    def scores(x: np.ndarray) -> np.ndarray:
        if weighed:
            return library._decision_function(x)
        distance = pairwise_distances(x, library.centroids_, metric=library.metric)
        return -(distance**2) if library.metric == "euclidean" else -distance

    return Reading(model, Oracle(scores, labels=library.predict))


def discriminant(last: NearestCentroid, preprocessing: Preprocessing) -> Model:
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
    model = _centroid(last, preprocessing).model
    features, classes = preprocessing.features, len(model.classes)
    deviation = vector(last, "within_class_std_dev_", features)
    prior = positive(vector(last, "class_prior_", classes), last)
    scale = placement_of(last, preprocessing).scale(1 / np.where(deviation != 0, deviation, 1.0))
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


def _clusters(last: KMeans | MiniBatchKMeans, preprocessing: Preprocessing) -> Reading:
    """Answer the number of the nearest centre, by squared distance, ties to the lowest."""
    count, features = int(last.n_clusters), preprocessing.features
    centres = vector(last, "cluster_centers_", count, features)
    place = placement_of(last, preprocessing)
    low, high = centres.min(axis=0), centres.max(axis=0)
    model = Model(
        task="classification",
        classes=tuple(range(count)),
        trees=(),
        base=(0.0,) * count,
        decision="argmax",
        units=tuple(
            FloatPrototype(centre, place.scale(np.ones(features)), "l2", number, (number,))
            for number, centre in enumerate(place.raw(centres))
        ),
        ranges=place.ranges(low - (high - low), high + (high - low)),
        fills=place.fills,
        **sklearn_common(last, preprocessing, False, "float64"),
    )
    library = quiet(last)
    return Reading(model, Oracle(lambda x: -(library.transform(x) ** 2), labels=library.predict))


READERS = (((NearestCentroid,), _centroid), ((KMeans, MiniBatchKMeans), _clusters))
"""(classes, reader), see `trees`."""
