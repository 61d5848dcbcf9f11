"""The float IR of models that compute with sizes against the estimator, each time one is loaded."""

import numpy as np

from locgen.frontends.pipeline import library_quiet
from locgen.frontends.reading import Reading
from locgen.frontends.tree_check import disagreement, probabilities
from locgen.ir.model import Model

__all__ = ["cancelled", "compare", "probe_rows"]

ROWS = 256
_MISSING_SHARE = 0.05


def probe_rows(model: Model, rows: int = ROWS) -> np.ndarray:
    """Return rows (rows, columns) over the model's ranges, or where none is known about 0.

    A column that is only compared holds its cuts and their upper neighbours. The same model gives
    the same rows; the first is in the middle, the second all zeros, of what is not compared. A
    model that accepts NaN gets some.
    """
    random = np.random.default_rng(0)
    known = model.ranges or (None,) * len(model.feature_names)
    ends = np.array([(-1.0, 1.0) if own is None else own for own in known])
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
    if model.rule.missing:
        probes[random.random(probes.shape) < _MISSING_SHARE] = np.nan
    return probes


def compare(reading: Reading) -> None:
    """Compare scores, decisions and probabilities of a model with those of the estimator.

    Raises
    ------
    UnsupportedModel
        If a score differs by more than rounding, or a decision where that cannot excuse it.
    """
    model, oracle = reading.model, reading.oracle
    with library_quiet():
        x = reading.preprocessing.acceptable(probe_rows(model))
        given = reading.preprocessing.values(x)
        expected = None if oracle.scores is None else oracle.scores(given)
        decided = None if oracle.labels is None else np.asarray(oracle.labels(given))
    found = model.scores(x)
    filled = model.expand(x)
    sizes = sum(np.abs(node.evaluate(filled)).max(axis=1) for node in model.nodes)
    largest = sizes + np.abs(model.base).max() + cancelled(model, filled)
    slack = oracle.tolerance * largest[:, None]
    if expected is not None and (
        found.shape != expected.shape or not (np.abs(found - expected) <= slack).all()
    ):
        raise disagreement(model, "scores")
    if oracle.probabilities is not None:
        with library_quiet():
            theirs = oracle.probabilities(given)
        limit = max(1e-7, float(slack.max()))
        if not np.allclose(probabilities(model, found), theirs, rtol=0, atol=limit):
            raise disagreement(model, "probabilities")
    if decided is None:
        return
    if model.task == "regression":  # a median, whose members have been compared
        same = np.abs(model.decide(found) - decided.reshape(len(found), -1)) <= slack
        if not same.all():
            raise disagreement(model, "decisions")
        return
    clear = model.rule_of_decision.margin(found) > 2 * slack[:, 0]
    answers = model.labels(model.decide(found))
    if not np.array_equal(answers[clear], decided[clear]):
        raise disagreement(model, "decisions")


def cancelled(model: Model, x: np.ndarray) -> np.ndarray:
    """Return the size of the products that a dot product adds up, whatever their sum (rows,)."""
    known = np.nan_to_num(x)
    return sum((node.magnitude(known) for node in model.units), np.zeros(len(x)))
