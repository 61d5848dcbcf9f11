"""The float IR against the estimator it was read from, at every cut, each time one is loaded."""

import numpy as np

from locgen.errors import UnsupportedModel
from locgen.frontends.front import Front
from locgen.frontends.pipeline import library_quiet, scale
from locgen.frontends.reading import Oracle, Reading
from locgen.ir.model import Model

__all__ = ["compare", "compare_mixture", "probe_rows"]

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
        _compare(reading.model, reading.oracle, reading.front)


def _compare(model: Model, oracle: Oracle, front: Front) -> None:
    x = front.acceptable(probe_rows(model))
    given = front.values(x)
    taken = _accepted(model, given)
    x, given = x[taken], given[taken]
    if len(x) == 0:
        return
    features = model.expand(x)
    if oracle.leaves is not None:
        found = [tree.leaf_ids[tree.leaf_index(features)] for tree in model.trees]
        if not np.array_equal(np.stack(found, axis=1), oracle.leaves(given)):
            raise _disagreement(model, "leaves")
    scores, expected = model.scores(x), oracle.scores(given)
    largest = sum(np.abs(tree.leaf_values).max() for tree in model.trees)
    slack = oracle.tolerance * (largest + np.abs(model.base).max())
    if scores.shape != expected.shape or not (np.abs(scores - expected) <= slack).all():
        raise _disagreement(model, "scores")
    if oracle.probabilities is not None:
        found = _probabilities(model, scores)
        limit = max(1e-7, slack)
        if not np.allclose(found, oracle.probabilities(given), rtol=0, atol=limit):
            raise _disagreement(model, "probabilities")
    if oracle.labels is not None:
        clear = _margin(model, scores) > 2 * slack
        answers = np.array(model.classes)[model.decide(scores)]
        if not np.array_equal(answers[clear], np.asarray(oracle.labels(given))[clear]):
            raise _disagreement(model, "decisions")


def _accepted(model: Model, given: np.ndarray) -> np.ndarray:
    """Return which rows the library takes: it refuses what overflows its cast."""
    if model.rule.input_dtype == "float64":
        return ~np.isinf(given).any(axis=1)
    return ~np.isinf(given.astype(np.float32)).any(axis=1)


def _margin(model: Model, scores: np.ndarray) -> np.ndarray:
    """Return how far each row (rows,) is from another decision."""
    if model.outputs == 1:
        return np.abs(scores[:, 0])
    ranked = np.sort(scores, axis=1)
    return ranked[:, -1] - ranked[:, -2]


def compare_mixture(model: Model, last: object, scalers: tuple[object, ...]) -> None:
    """Compare routes and answers of a mixture; its gate and experts have been compared alone.

    Raises
    ------
    UnsupportedModel
        If a route differs, or a score by more than rounding.
    """
    with library_quiet():
        x = probe_rows(model)
        scaled = scale(scalers, x)
        taken = ~np.isinf(scaled.astype(np.float32)).any(axis=1)
        x, scaled = x[taken], scaled[taken]
        if len(x) == 0:
            return
        routes = np.sort(last.route(scaled), axis=1)
        answers = last.predict_proba(scaled) if model.classes else last.predict(scaled)
    if model.gate is not None:
        expected = np.zeros((len(x), len(model.experts)), dtype=bool)
        np.put_along_axis(expected, routes, True, axis=1)
        if not np.array_equal(model.gate.evaluate(model.expand(x)), expected):
            raise _disagreement(model, "routes")
    scores = model.scores(x)
    if model.probability == "softmax":
        scores = _probabilities(model, scores)
    elif model.classes:
        scores = scores / model.members
    largest = max(np.abs(scores).max(), sum(np.abs(t.leaf_values).max() for t in model.trees))
    tolerance = 1e-6 if model.probability == "softmax" else _TOLERANCE * largest
    if not (np.abs(scores - answers.reshape(len(x), -1)) <= tolerance).all():
        raise _disagreement(model, "scores")


def _probabilities(model: Model, scores: np.ndarray) -> np.ndarray:
    """Return what the host makes of raw scores, shape (rows, classes)."""
    if model.probability == "softmax":
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)
    factor = 2.0 if model.probability == "sigmoid2" else 1.0
    with np.errstate(over="ignore"):
        second = 1.0 / (1.0 + np.exp(-factor * scores[:, 0]))
    return np.stack([1.0 - second, second], axis=1)


def _disagreement(model: Model, what: str) -> UnsupportedModel:
    return UnsupportedModel(
        f"{model.family} reads differently than {model.library} computes it "
        f"({what}): please report it, with the way the model was trained"
    )
