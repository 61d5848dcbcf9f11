"""scikit-learn's prototypes as the float IR: what is compared is the distance to each.

How each of them decides is written out beside its reader, as read in scikit-learn 1.9.1. They take
float64 as it comes. In front of them may stand what gives every feature a raw column of its own,
moved and scaled.
"""

from dataclasses import replace

import numpy as np
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import NearestCentroid

from locgen.errors import UnsupportedModel
from locgen.frontends.arrays import DEVIATIONS, vector
from locgen.frontends.entries import Row
from locgen.frontends.labels import class_labels
from locgen.frontends.pipeline import quiet
from locgen.frontends.placement import placement_of
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.reading import Oracle, Read, Reading, common_settings
from locgen.frontends.sklearn.naive_bayes import positive
from locgen.ir.float import FloatLinear, FloatPrototype
from locgen.ir.model import Model

__all__ = [
    "CENTROID",
    "CLUSTERS",
    "centroid",
    "clusters",
    "discriminant",
]

CLUSTERS = Row(
    "arithmetic",
    "{}",
    "a `distance` a centre; the answer is the cluster's number",
    "argmax",
    "the distances",
)
CENTROID = Row(
    "arithmetic",
    "{}",
    "a `distance` a class",
    "argmax",
    "its distance; what each feature takes off, on the host",
)


def _uses_priors(last: NearestCentroid) -> bool:
    """Return whether `predict` weighs classes: it compares bare distances if all are alike."""
    return not np.isclose(last.class_prior_, 1 / len(last.classes_)).all()


def centroid(last: NearestCentroid, preprocessing: Preprocessing, read: Read) -> Reading:
    """Answer the class of the nearest centroid, ties to the lowest, see `_centroid`."""
    return _centroid(last, preprocessing)


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
    weighed = _uses_priors(last)
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
        **common_settings(last, preprocessing, False, "float64"),
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
    place = placement_of(last, preprocessing)
    scale = place.scale(1 / np.where(deviation != 0, deviation, 1.0))
    centroids = vector(last, "centroids_", classes, features)
    centres = np.ascontiguousarray(place.raw(centroids))
    middle = centres.mean(axis=0)  # far from 0, squares would cancel
    own = (centres - middle) * scale
    constant = 2 * np.log(prior) - (own**2).sum(axis=1) - 2 * own @ (middle * scale)
    return replace(
        model,
        units=(FloatLinear((2 * own * scale).T, tuple(range(classes))),),
        base=tuple(constant.tolist()),
        probability="softmax",
    )


def clusters(last: KMeans | MiniBatchKMeans, preprocessing: Preprocessing, read: Read) -> Reading:
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
            FloatPrototype(centre, place.scale(), "l2", number, (number,))
            for number, centre in enumerate(place.raw(centres))
        ),
        ranges=place.ranges(low - (high - low), high + (high - low)),
        fills=place.fills,
        **common_settings(last, preprocessing, False, "float64"),
    )
    library, dtype = quiet(last), last.cluster_centers_.dtype
    oracle = Oracle(
        lambda x: -(library.transform(x.astype(dtype)) ** 2),
        labels=lambda x: library.predict(x.astype(dtype)),
    )
    return Reading(model, oracle, float32=dtype == np.float32)
