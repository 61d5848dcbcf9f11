"""The float IR against the estimator it was read from, at every cut, each time one is loaded."""

import copy

import numpy as np
import sklearn

from locgen.errors import UnsupportedModel
from locgen.frontends.pipeline import library_quiet, scale
from locgen.ir.model import Model

__all__ = ["compare", "disagreement", "probabilities", "probe_rows"]

ROWS = 512
_TOLERANCE = 1e-9  # of the largest score there can be: sums in another order, nothing more
_MISSING_SHARE = 0.05


def probe_rows(model: Model, rows: int = ROWS) -> np.ndarray:
    """Return rows (rows, features) made of nothing but cuts and their upper neighbours.

    Each column holds all of its feature's, in random order, if there are at most `rows` of them.
    The same model gives the same rows. A model that accepts NaN gets some.
    """
    random = np.random.default_rng(0)
    probes = np.empty((rows, len(model.feature_names)))
    for column, cut in enumerate(model.cuts):
        cut = cut[np.isfinite(cut)]
        pool = np.concatenate([cut, np.nextafter(cut, np.inf)])
        pool = random.permutation(pool if len(pool) else np.zeros(1))
        probes[:, column] = random.permutation(np.resize(pool, rows))
    if model.rule.missing:
        probes[random.random(probes.shape) < _MISSING_SHARE] = np.nan
    return probes


def compare(model: Model, last: object, scalers: tuple[object, ...]) -> None:
    """Compare leaves, scores and probabilities of `model` with those of the estimator.

    Parameters
    ----------
    model : what was read
    last : the estimator it was read from
    scalers : what stands in front of it

    Raises
    ------
    UnsupportedModel
        If a leaf differs, or a score by more than rounding.
    """
    quiet = copy.copy(last)
    for name, value in (("verbose", 0), ("n_jobs", 1)):
        if hasattr(quiet, name):
            setattr(quiet, name, value)
    with library_quiet():
        x = probe_rows(model)
        scaled = scale(scalers, x)
        taken = ~np.isinf(scaled.astype(np.float32)).any(axis=1)  # it refuses what overflows
        x, scaled = x[taken], scaled[taken]
        if len(x) == 0:
            return
        leaves = quiet.apply(scaled).reshape(len(x), -1)
        expected = _scores(model, quiet, scaled)
    found = np.stack([tree.leaf_ids[tree.leaf_index(x)] for tree in model.trees], axis=1)
    if not np.array_equal(found, leaves):
        raise disagreement(model, "leaves")
    scores = model.scores(x)
    largest = sum(np.abs(tree.leaf_values).max() for tree in model.trees)
    largest += np.abs(model.base).max()
    if not (np.abs(scores - expected) <= _TOLERANCE * largest).all():
        raise disagreement(model, "scores")
    if model.probability in ("sigmoid", "sigmoid2", "softmax"):
        found = probabilities(model, scores)
        if not np.allclose(found, quiet.predict_proba(scaled), rtol=0, atol=1e-7):
            raise disagreement(model, "probabilities")


def _scores(model: Model, last: object, scaled: np.ndarray) -> np.ndarray:
    """Return the library's raw scores (rows, outputs) on the model's scale."""
    if model.probability == "mean":
        scores = last.predict_proba(scaled) * model.members
    elif model.task == "classification":
        scores = last.decision_function(scaled)
    else:
        scores = last.predict(scaled)
    return scores.reshape(len(scaled), -1)


def probabilities(model: Model, scores: np.ndarray) -> np.ndarray:
    """Return what the host makes of raw scores, shape (rows, classes)."""
    if model.probability == "softmax":
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)
    factor = 2.0 if model.probability == "sigmoid2" else 1.0
    with np.errstate(over="ignore"):
        second = 1.0 / (1.0 + np.exp(-factor * scores[:, 0]))
    return np.stack([1.0 - second, second], axis=1)


def disagreement(model: Model, what: str) -> UnsupportedModel:
    """Return the refusal of a model of which `what` differs."""
    return UnsupportedModel(
        f"{model.family} reads differently than scikit-learn {sklearn.__version__} computes it "
        f"({what}): please report it, with the way the model was trained"
    )
