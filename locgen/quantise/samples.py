"""Rows that candidates are compared on: training rows, blends of them, and synthetic rows."""

import numpy as np

from locgen.ir import Model

__all__ = ["blends", "by_columns", "synthetic_rows"]

_BLENDS = 4096
_SYNTHETIC_ROWS = 4096
_BLOCK = 256
"""Rows that fit a cache: turning a table block by block takes a seventh of the time."""


def by_columns(*parts: np.ndarray) -> np.ndarray:
    """Return the rows of all `parts`, a column's values side by side: trees read columns."""
    rows = np.empty((sum(map(len, parts)), parts[0].shape[1]), order="F")
    place = 0
    for part in parts:
        for start in range(0, len(part), _BLOCK):
            block = part[start : start + _BLOCK]
            rows[place : place + len(block)] = block
            place += len(block)
    return rows


def blends(rows: np.ndarray) -> np.ndarray:
    """Return rows that take about a quarter of their features from another row; fixed seed."""
    if len(rows) < 2:
        return rows[:0]
    random = np.random.default_rng(0)
    count = min(_BLENDS, 8 * len(rows))
    first, second = rows[random.integers(len(rows), size=(2, count))]
    return np.where(random.random(first.shape) < 0.25, second, first)


def synthetic_rows(model: Model, count: int = _SYNTHETIC_ROWS, seed: int = 0) -> np.ndarray:
    """Return `count` rows (count, features) drawn evenly over the intervals between cuts.

    A feature whose size counts is drawn evenly over its range, where the model tells that.
    """
    random = np.random.default_rng(seed)
    columns: list[np.ndarray] = []
    sized = model.range_features
    for feature, edges in enumerate(model.edges):
        finite = edges[np.isfinite(edges)]
        ends = model.ranges[feature] if feature in sized and model.ranges else None
        if ends is not None:
            columns.append(random.uniform(*ends, size=count))
            continue
        if not len(finite):
            columns.append(np.zeros(count))
            continue
        above = np.nextafter(finite[-1], np.inf)
        points = np.append(finite, above)
        columns.append(points[random.integers(len(points), size=count)])
    return np.stack(columns, axis=1)
