"""Models that add up squares of projections: Gaussian densities of whole covariances.

How each of them decides is written out beside its reader, as read in scikit-learn 1.9.1. They take
float64 as it comes. A Mahalanobis distance is a sum of squares of projections, one for each
eigenvector; where a covariance has no cross terms, a sum of parabolas of single features; and where
all components share one covariance, the square of a row is the same for all and a dot product is
left.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from sklearn.covariance import EllipticEnvelope
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture

from locgen.errors import ModelFileError, UnsupportedModel
from locgen.frontends.additive import arithmetic_nodes, linear, squares
from locgen.frontends.arrays import DEVIATIONS, finite, vector
from locgen.frontends.entries import Row
from locgen.frontends.labels import class_labels
from locgen.frontends.pipeline import quiet
from locgen.frontends.placement import Placement, placement_of
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.reading import Oracle, Read, Reading, common_settings
from locgen.frontends.sklearn.naive_bayes import positive
from locgen.ir.float import FloatLayers, FloatQuadratic, FloatUnit
from locgen.ir.model import Model

__all__ = ["DISCRIMINANT", "ENVELOPE", "MIXTURES", "discriminant", "envelope", "mixture"]

DISCRIMINANT = Row(
    "arithmetic",
    "{}",
    "a `dense` node: a square for each axis of each covariance",
    "argmax",
    "projections by weight",
)
MIXTURES = (
    Row(
        "arithmetic",
        "{} of full covariances (which answer the component)",
        "as `QuadraticDiscriminantAnalysis`",
        "argmax",
        "projections by weight",
    ),
    Row(
        "arithmetic",
        "{} otherwise",
        "diag, spherical: a `table` a feature; tied: `linear` nodes, for the square of a row "
        "is the same for all",
        "argmax",
        "as its nodes",
    ),
)
ENVELOPE = Row(
    "arithmetic",
    "{}",
    "a `dense` node: a square for each axis",
    "inlier (1) or outlier (-1) at `>= 0`",
    "projections by weight",
)

_ROUNDED = 1e-6
"""Share of the largest eigenvalue by which rounding may bring one below 0."""


def _projected(place: Placement, projections: list[np.ndarray], centres: np.ndarray) -> FloatLayers:
    """Return minus half the Mahalanobis distance to each centre, one output each.

    Parameters
    ----------
    projections : of each centre (features, axes): squares along the axes add up to its distance
    centres : (centres, features)
    """
    matrix, bias, weights = [], [], []
    for number, (axes, centre) in enumerate(zip(projections, centres, strict=True)):
        own = np.zeros((axes.shape[1], place.columns))
        own[:, place.column] = axes.T * place.slope
        matrix.append(own)
        bias.append((place.offset - centre) @ axes)
        share = np.zeros((axes.shape[1], len(centres)))
        share[:, number] = -0.5
        weights.append(share)
    return squares(np.concatenate(matrix), np.concatenate(bias), np.concatenate(weights))


def discriminant(
    last: QuadraticDiscriminantAnalysis, preprocessing: Preprocessing, read: Read
) -> Reading:
    """Add log prior and log density of each class; argmax, ties to the lowest."""
    classes, features = class_labels(last), preprocessing.features
    means = vector(last, "means_", len(classes), features)
    prior = positive(vector(last, "priors_", len(classes)), last)
    if not len(last.rotations_) == len(last.scalings_) == len(classes):
        raise ModelFileError("QuadraticDiscriminantAnalysis is damaged: save the model again")
    projections, spreads = [], []
    base = np.log(prior)
    for number, (rotation, scaling) in enumerate(zip(last.rotations_, last.scalings_, strict=True)):
        axes = np.shape(scaling)[0]
        name = f"QuadraticDiscriminantAnalysis.rotations_[{number}]"
        turned = finite(rotation, (features, axes), name)
        variance = finite(scaling, (axes,), name)
        if variance.min() <= 0:
            raise UnsupportedModel(
                "QuadraticDiscriminantAnalysis has a direction without variance: train with "
                "reg_param above 0"
            )
        projections.append(turned / np.sqrt(variance))
        spreads.append(np.sqrt((turned**2) @ variance))
        base[number] -= 0.5 * np.log(variance).sum()
    place = placement_of(last, preprocessing)
    spread = DEVIATIONS * np.array(spreads)
    model = Model(
        task="classification",
        classes=classes,
        trees=(),
        base=tuple(base.tolist()),
        decision="argmax",
        probability="softmax",
        units=(_projected(place, projections, means),),
        ranges=place.ranges((means - spread).min(axis=0), (means + spread).max(axis=0)),
        fills=place.fills,
        **common_settings(last, preprocessing, False, "float64"),
    )
    library = quiet(last)
    oracle = Oracle(
        library._decision_function,
        probabilities=library.predict_proba,
        labels=library.predict,
    )
    return Reading(model, oracle)


def mixture(
    last: GaussianMixture | BayesianGaussianMixture, preprocessing: Preprocessing, read: Read
) -> Reading:
    """Add log weight and log density of each component; argmax, the lowest of equals."""
    components, features = int(last.n_components), preprocessing.features
    means = vector(last, "means_", components, features)
    library = quiet(last)
    kind = last.covariance_type
    shape = {
        "full": (components, features, features),
        "tied": (features, features),
        "diag": (components, features),
        "spherical": (components,),
    }[kind]
    factor = vector(last, "precisions_cholesky_", *shape)
    place = placement_of(last, preprocessing)
    scores: Callable[[np.ndarray], np.ndarray] = library._estimate_weighted_log_prob
    outputs = tuple(range(components))
    fills = place.fills
    if kind == "full":
        units: tuple[FloatUnit, ...] = (_projected(place, list(factor), means),)
        deviation = np.sqrt([np.diag(np.linalg.inv(f @ f.T)) for f in factor])
    elif kind == "tied":
        behind = arithmetic_nodes(linear(factor @ factor.T @ means.T), preprocessing)
        units, fills = behind.units, behind.fills
        deviation = np.sqrt(np.diag(np.linalg.inv(factor @ factor.T)))[None, :]

        def scores(x: np.ndarray) -> np.ndarray:
            shared = 0.5 * ((x @ factor) ** 2).sum(axis=1, keepdims=True)
            return library._estimate_weighted_log_prob(x) + shared

    else:
        precision = np.broadcast_to((factor**2).reshape(components, -1), means.shape)
        deviation = 1 / np.sqrt(precision)
        units = _parabolas(place, means, precision)
    spread = DEVIATIONS * deviation
    model = Model(
        task="classification",
        classes=outputs,
        trees=(),
        base=(0.0,) * components,
        decision="argmax",
        probability="softmax",
        units=units,
        ranges=place.ranges((means - spread).min(axis=0), (means + spread).max(axis=0)),
        fills=fills,
        **common_settings(last, preprocessing, False, "float64"),
    )
    # The constant is the library's own, evaluated at the components.
    raw = place.raw(means)
    base = (scores(means) - model.scores(raw)).mean(axis=0)
    model = replace(model, base=tuple(base.tolist()))
    oracle = Oracle(
        scores,
        probabilities=library.predict_proba,
        labels=library.predict,
    )
    return Reading(model, oracle)


def _parabolas(
    place: Placement, means: np.ndarray, precision: np.ndarray
) -> tuple[FloatQuadratic, ...]:
    """Return minus half the squared distance to `means`, weighted by `precision`, by feature.

    Parameters
    ----------
    means, precision : (components, features)
    """
    count = len(means)
    return tuple(
        FloatQuadratic(
            int(column),
            (means[:, f] - place.offset[f]) / place.slope[f],
            0.5 * precision[:, f] * place.slope[f] ** 2,
            np.eye(count),
            tuple(range(count)),
        )
        for f, column in enumerate(place.column)
    )


def envelope(last: EllipticEnvelope, preprocessing: Preprocessing, read: Read) -> Reading:
    """Inlier (1) where minus the Mahalanobis distance less `offset_` is ``>= 0``, else outlier."""
    features = preprocessing.features
    centre = vector(last, "location_", features)
    precision = vector(last, "precision_", features, features)
    covariance = vector(last, "covariance_", features, features)
    offset = float(last.offset_)
    values, axes = np.linalg.eigh((precision + precision.T) / 2)
    if not np.isfinite(offset):
        raise ModelFileError("EllipticEnvelope is damaged: save the fitted model again")
    if values.min() < -_ROUNDED * values.max():
        raise UnsupportedModel(
            "EllipticEnvelope has a covariance of less than full rank, whose inverse is rounding "
            "alone: leave out columns that others determine"
        )
    values = np.maximum(values, 0.0)
    place = placement_of(last, preprocessing)
    unit = _projected(place, [axes * np.sqrt(2 * values)], centre[None, :])
    spread = DEVIATIONS * np.sqrt(np.diag(covariance))
    model = Model(
        task="classification",
        classes=(-1, 1),
        trees=(),
        base=(-offset,),
        decision=">=",
        units=(unit,),
        ranges=place.ranges(centre - spread, centre + spread),
        fills=place.fills,
        **common_settings(last, preprocessing, False, "float64"),
    )
    library = quiet(last)
    return Reading(
        model,
        Oracle(
            lambda x: library.decision_function(x)[:, None], labels=library.predict, tolerance=1e-8
        ),
    )
