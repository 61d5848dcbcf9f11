"""The float IR of models that compute with sizes against the estimator, each time one is loaded."""

import copy

import numpy as np
import sklearn
from sklearn.metrics import pairwise_distances
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import NearestCentroid

from locgen.errors import UnsupportedModel
from locgen.frontends import sklearn_kernels, sklearn_networks
from locgen.frontends.pipeline import library_quiet, scale
from locgen.frontends.sklearn_units import uses_priors
from locgen.ir.floatlayers import FloatLayers
from locgen.ir.model import Model

__all__ = ["cancelled", "compare", "probe_rows"]

ROWS = 256
_TOLERANCE = 1e-9  # of the largest number in a sum: another order of operations, nothing more


def probe_rows(model: Model, rows: int = ROWS) -> np.ndarray:
    """Return rows (rows, features) over the model's ranges, or where none is known about 0.

    The same model gives the same rows; the first is in the middle, the second all zeros.
    """
    random = np.random.default_rng(0)
    ends = np.array([(-1.0, 1.0) if known is None else known for known in model.ranges])
    low, high = ends.T
    probes = low + (high - low) * random.uniform(-0.1, 1.1, (rows, len(ends)))
    probes[0] = (low + high) / 2
    probes[1] = 0.0
    return probes


def compare(model: Model, last: object, scalers: tuple[object, ...]) -> None:
    """Compare scores, decisions and probabilities of `model` with those of the estimator.

    Raises
    ------
    UnsupportedModel
        If a score differs by more than rounding, or a decision where that cannot excuse it.
    """
    quiet = copy.copy(last)
    if hasattr(quiet, "verbose"):
        quiet.verbose = 0
    x = probe_rows(model)
    with library_quiet():
        scaled = scale(scalers, x)
        expected = _scores(quiet, scaled)
        decided = quiet.predict(scaled)
    found = model.scores(x)
    sizes = sum(np.abs(unit.evaluate(x)).max(axis=1) for unit in model.units)
    slack = _TOLERANCE * (sizes + np.abs(model.base).max() + cancelled(model, x))[:, None]
    if not (np.abs(found - expected) <= slack).all():
        raise _disagreement(model, "scores")
    if model.task == "regression":
        return
    clear = model.rule_of_decision.margin(found) > 2 * slack[:, 0]
    answers = model.labels(model.decide(found))
    if not np.array_equal(answers[clear], decided[clear]):
        raise _disagreement(model, "decisions")


def cancelled(model: Model, x: np.ndarray) -> np.ndarray:
    """Return the size of the products that a dot product adds up, whatever their sum (rows,)."""
    total = np.zeros(len(x))
    for unit in model.units:
        coefficients = getattr(unit, "coefficients", None)
        if coefficients is not None:
            total += (np.abs(x) @ np.abs(coefficients)).max(axis=1)
        if isinstance(unit, FloatLayers):
            total += unit.magnitude(x)
    return total


def _scores(last: object, scaled: np.ndarray) -> np.ndarray:
    """Return the library's raw scores (rows, outputs) on the model's scale."""
    if sklearn_kernels.reads(last):
        return sklearn_kernels.pairwise_scores(last, scaled)
    if sklearn_networks.reads(last):
        return sklearn_networks.network_scores(last, scaled)
    if isinstance(last, GaussianNB):
        return last.predict_joint_log_proba(scaled)
    if isinstance(last, NearestCentroid) and not uses_priors(last):
        distance = pairwise_distances(scaled, last.centroids_, metric=last.metric)
        return -(distance**2) if last.metric == "euclidean" else -distance
    if isinstance(last, NearestCentroid):
        return last._decision_function(scaled)
    raw = last.decision_function if hasattr(last, "decision_function") else last.predict
    return raw(scaled).reshape(len(scaled), -1)


def _disagreement(model: Model, what: str) -> UnsupportedModel:
    return UnsupportedModel(
        f"{model.family} reads differently than scikit-learn {sklearn.__version__} computes it "
        f"({what}): please report it, with the way the model was trained"
    )
