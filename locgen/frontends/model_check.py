"""Comparison of the float IR with the library it was read from, each time a model is loaded."""

import numpy as np

from locgen.errors import UnsupportedModel
from locgen.frontends.pipeline import library_quiet
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.reading import Oracle, Reading
from locgen.ir.model import Model

__all__ = [
    "cancelled",
    "compare",
    "disagreement",
    "probabilities",
    "probe_rows",
    "range_probe_rows",
    "slack_of",
    "tree_probe_rows",
]

_TREE_ROWS = 512
_RANGE_ROWS = 256
_MISSING_SHARE = 0.05


def tree_probe_rows(model: Model, rows: int = _TREE_ROWS) -> np.ndarray:
    """Return rows (rows, features) made of nothing but cuts and their upper neighbours.

    Each column holds all of its feature's, in random order, if there are at most `rows` of them.
    The same model gives the same rows. A model that accepts NaN gets some.
    """
    random = np.random.default_rng(0)
    probes = np.empty((rows, len(model.feature_names)))
    for column, edges in enumerate(model.edges):
        cuts = edges[np.isfinite(edges)]
        pool = np.concatenate([cuts, np.nextafter(cuts, np.inf)])
        pool = random.permutation(pool if len(pool) else np.zeros(1))
        probes[:, column] = random.permutation(np.resize(pool, rows))
    return _with_missing(model, probes, random)


def range_probe_rows(model: Model, rows: int = _RANGE_ROWS) -> np.ndarray:
    """Return rows (rows, columns) over the model's ranges, or where none is known about 0.

    A column that is only compared holds its cuts and their upper neighbours. The same model gives
    the same rows; the first is in the middle, the second all zeros, of what is not compared. A
    model that accepts NaN gets some.
    """
    random = np.random.default_rng(0)
    known = model.ranges or (None,) * len(model.feature_names)
    ends = np.array([(-1.0, 1.0) if pair is None else pair for pair in known])
    low, high = ends.T
    probes = low + (high - low) * random.uniform(-0.1, 1.1, (rows, len(ends)))
    probes[0] = (low + high) / 2
    probes[1] = 0.0
    sized = set(model.range_features)
    for column, edges in enumerate(model.edges):
        cuts = edges[np.isfinite(edges)]
        if column in sized or not len(cuts):
            continue
        pool = random.permutation(np.concatenate([cuts, np.nextafter(cuts, np.inf)]))
        probes[:, column] = random.permutation(np.resize(pool, rows))
    return _with_missing(model, probes, random)


def _with_missing(model: Model, probes: np.ndarray, random: np.random.Generator) -> np.ndarray:
    if model.rule.missing:
        probes[random.random(probes.shape) < _MISSING_SHARE] = np.nan
    return probes


def probe_rows(reading: Reading) -> np.ndarray:
    """Return raw rows (rows, columns) about the model's thresholds, which its steps accept.

    The library refuses what overflows its cast: those rows are left out.
    """
    model, preprocessing = reading.model, reading.preprocessing
    x = (range_probe_rows if model.units else tree_probe_rows)(model)
    with library_quiet():
        if preprocessing is not None:
            if preprocessing.float32:
                x = x.astype(np.float32).astype(np.float64)
            if preprocessing.sparse:  # scikit-learn's trees send NaN elsewhere in sparse rows
                x = x[~np.isnan(x).any(axis=1)]
            x = preprocessing.acceptable(x, model.rule.missing)
        if not model.units:
            x = x[_accepted(model, x if preprocessing is None else preprocessing.values(x))]
    return x


def slack_of(reading: Reading, x: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return by how much `scores` (rows, outputs) of raw rows may differ by rounding, (rows,)."""
    tolerance = reading.oracle.tolerance if reading.oracle is not None else Oracle.tolerance
    return tolerance * np.maximum(_largest(reading.model, x), np.abs(scores).max(axis=1))


def compare(reading: Reading) -> None:
    """Compare leaves, scores, probabilities and decisions of a model with those of its library.

    Raises
    ------
    UnsupportedModel
        If a leaf differs, a score by more than rounding, or a decision that rounding cannot excuse.
    """
    with library_quiet():
        oracle, preprocessing = reading.oracle, reading.preprocessing
        assert oracle is not None and preprocessing is not None
        x = probe_rows(reading)
        if len(x):
            given = preprocessing.values(x)
            dtype = np.float32 if preprocessing.float32 else np.float64
            _compare(reading, oracle, x, given.astype(dtype))


def _compare(reading: Reading, oracle: Oracle, x: np.ndarray, given: np.ndarray) -> None:
    """Compare on raw rows `x` (rows, columns), of which the model is given `given`."""
    model = reading.model
    if oracle.leaves is not None:
        features = model.expand(x)
        leaves = [tree.leaf_ids[tree.leaf_index(features)] for tree in model.trees]
        if not np.array_equal(np.stack(leaves, axis=1), oracle.leaves(given)):
            raise disagreement(model, "leaves")
    scores = model.scores(x)
    slack = slack_of(reading, x, scores)[:, None]
    if oracle.scores is not None:
        expected = oracle.scores(given)
        if scores.shape != expected.shape or not (np.abs(scores - expected) <= slack).all():
            raise disagreement(model, "scores")
    if oracle.probabilities is not None:
        expected, limit = oracle.probabilities(given), max(1e-7, float(slack.max()))
        if not np.allclose(probabilities(model, scores), expected, rtol=0, atol=limit):
            raise disagreement(model, "probabilities")
    if oracle.scores is None and _is_rounded(reading.preprocessing):
        return  # members may see equal scores, or miss what a row leaves out: predict tells
    if oracle.labels is not None:
        decided, expected = model.decide(scores), np.asarray(oracle.labels(given))
        if model.task == "regression":
            same = np.abs(decided - expected.reshape(decided.shape)) <= slack
        else:
            clear = model.rule_of_decision.margin(scores) > 2 * slack[:, 0]
            same = model.labels(decided)[clear] == expected[clear]
        if not np.all(same):
            raise disagreement(model, "decisions")


def _is_rounded(preprocessing: Preprocessing | None) -> bool:
    """Return whether what a model is given is more than dense float64 tell."""
    return preprocessing is not None and (preprocessing.float32 or preprocessing.is_sparse)


def _accepted(model: Model, given: np.ndarray) -> np.ndarray:
    """Return which rows the library takes: it refuses what overflows its cast."""
    cast = np.float64 if model.rule.input_dtype == "float64" else np.float32
    return ~np.isinf(given.astype(cast)).any(axis=1)


def _largest(model: Model, x: np.ndarray) -> np.ndarray:
    """Return the size of what is added up for each of the raw rows `x`, (rows,)."""
    largest = np.full(len(x), np.abs(model.base).max())
    if not model.units:
        return largest + sum(np.abs(tree.leaf_values).max() for tree in model.trees)
    filled = model.expand(x)
    sizes = sum(np.abs(node.evaluate(filled)).max(axis=1) for node in model.nodes)
    return sizes + largest + cancelled(model, filled)


def cancelled(model: Model, x: np.ndarray) -> np.ndarray:
    """Return the size of the products that dot products add up, whatever their sum (rows,)."""
    return sum((node.magnitude(np.nan_to_num(x)) for node in model.units), np.zeros(len(x)))


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
