"""Comparison of a mixture's float IR with the estimator, each time one is loaded."""

import numpy as np
from sklearn.base import BaseEstimator

from locgen.frontends import model_check
from locgen.frontends.pipeline import library_quiet, scale
from locgen.ir.gate import highest
from locgen.ir.model import FloatGate, Model

__all__ = ["compare", "probe_rows"]

_TOLERANCE = 1e-9  # of the largest number in a sum: another order of operations, nothing more


def probe_rows(model: Model) -> np.ndarray:
    """Return rows (rows, features) made of cuts, and over the ranges of what is not compared."""
    rows = model_check.tree_probe_rows(model)
    if not model.arithmetic_nodes:
        return rows
    spread = model_check.range_probe_rows(model)
    free = [not len(cuts) for cuts in model.cuts]
    rows[:, free] = np.resize(spread, rows.shape)[:, free]
    return np.concatenate([rows, spread])


def compare(model: Model, last: BaseEstimator, scalers: tuple[BaseEstimator, ...]) -> None:
    """Compare routes and answers of a mixture; its gate and experts have been compared alone.

    Raises
    ------
    UnsupportedModel
        If a route differs where rounding cannot excuse it, or a score by more than rounding.
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
    clear = np.ones(len(x), dtype=bool)
    if model.gate is not None:
        expected = np.zeros((len(x), len(model.experts)), dtype=bool)
        np.put_along_axis(expected, routes, True, axis=1)
        clear = _clear(model.gate, x)
        if not np.array_equal(model.gate.evaluate(x)[clear], expected[clear]):
            raise model_check.disagreement(model, "routes")
    scores = model.scores(x)
    if model.probability == "softmax":
        scores = model_check.probabilities(model, scores)
    elif model.classes:
        scores = scores / model.members
    largest = sum(np.abs(tree.leaf_values).max() for tree in model.trees) + sum(
        (np.abs(x) @ np.abs(unit.coefficients)).max()
        for unit in model.units
        if hasattr(unit, "coefficients")
    )
    largest = max(np.abs(scores).max(), largest)
    tolerance = 1e-6 if model.probability == "softmax" else _TOLERANCE * largest
    close = np.abs(scores - answers.reshape(len(x), -1)) <= tolerance
    if not close[clear].all():
        raise model_check.disagreement(model, "scores")


def _clear(gate: FloatGate, x: np.ndarray) -> np.ndarray:
    """Return for which rows rounding cannot change the route; a tree has no such rows."""
    if not gate.model.units or gate.top_k == len(gate.model.classes):
        return np.ones(len(x), dtype=bool)
    scores = gate.model.scores(x)
    mask = highest(scores, gate.top_k)
    lowest = np.where(mask, scores, np.inf).min(axis=1)
    rival = np.where(mask, -np.inf, scores).max(axis=1)
    sizes = np.abs(scores).max(axis=1) + model_check.cancelled(gate.model, x)
    return lowest - rival > _TOLERANCE * (sizes + np.abs(gate.model.base).max())
