"""The float IR against the estimator it was read from, at every cut, each time one is loaded."""

import numpy as np

from locgen.errors import UnsupportedModel
from locgen.frontends.pipeline import library_quiet
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.reading import Oracle, Reading
from locgen.ir.model import Model

__all__ = ["compare", "disagreement", "probabilities", "probe_rows"]

ROWS = 512
_MISSING_SHARE = 0.05


def probe_rows(model: Model, rows: int = ROWS) -> np.ndarray:
    """Return rows (rows, features) made of nothing but cuts and their upper neighbours.

    Each column holds all of its feature's, in random order, if there are at most `rows` of them.
    The same model gives the same rows. A model that accepts NaN gets some.
    """
    random = np.random.default_rng(0)
    probes = np.empty((rows, len(model.feature_names)))
    for column, cut in enumerate(model.edges):
        cut = cut[np.isfinite(cut)]
        pool = np.concatenate([cut, np.nextafter(cut, np.inf)])
        pool = random.permutation(pool if len(pool) else np.zeros(1))
        probes[:, column] = random.permutation(np.resize(pool, rows))
    if model.rule.missing:
        probes[random.random(probes.shape) < _MISSING_SHARE] = np.nan
    return probes


def compare(reading: Reading) -> None:
    """Compare leaves, scores, probabilities and labels of a model with those of its library.

    Raises
    ------
    UnsupportedModel
        If a leaf differs, a score by more than rounding, or a label that rounding cannot excuse.
    """
    with library_quiet():
        _compare(reading.model, reading.oracle, reading.preprocessing)


def _compare(model: Model, oracle: Oracle, preprocessing: Preprocessing) -> None:
    x = preprocessing.acceptable(probe_rows(model))
    given = preprocessing.values(x)
    taken = _accepted(model, given)
    x, given = x[taken], given[taken]
    if len(x) == 0:
        return
    features = model.expand(x)
    if oracle.leaves is not None:
        found = [tree.leaf_ids[tree.leaf_index(features)] for tree in model.trees]
        if not np.array_equal(np.stack(found, axis=1), oracle.leaves(given)):
            raise disagreement(model, "leaves")
    scores = model.scores(x)
    largest = sum(np.abs(tree.leaf_values).max() for tree in model.trees)
    slack = oracle.tolerance * (largest + np.abs(model.base).max())
    if oracle.scores is not None:
        expected = oracle.scores(given)
        if scores.shape != expected.shape or not (np.abs(scores - expected) <= slack).all():
            raise disagreement(model, "scores")
    if oracle.probabilities is not None:
        found = probabilities(model, scores)
        limit = max(1e-7, slack)
        if not np.allclose(found, oracle.probabilities(given), rtol=0, atol=limit):
            raise disagreement(model, "probabilities")
    if oracle.labels is not None:
        answers, theirs = model.decide(scores), np.asarray(oracle.labels(given))
        if model.task == "regression":
            same = np.abs(answers - theirs.reshape(answers.shape)) <= slack
        else:
            clear = model.rule_of_decision.margin(scores) > 2 * slack
            same = model.labels(answers)[clear] == theirs[clear]
        if not np.all(same):
            raise disagreement(model, "decisions")


def _accepted(model: Model, given: np.ndarray) -> np.ndarray:
    """Return which rows the library takes: it refuses what overflows its cast."""
    if model.rule.input_dtype == "float64":
        return ~np.isinf(given).any(axis=1)
    return ~np.isinf(given.astype(np.float32)).any(axis=1)


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
        f"{model.family} reads differently than {model.library} computes it "
        f"({what}): please report it, with the way the model was trained"
    )
