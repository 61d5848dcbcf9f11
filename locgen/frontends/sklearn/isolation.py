"""scikit-learn's isolation forest as the float IR, as read in scikit-learn 1.9.1."""

import numpy as np
from sklearn.ensemble import IsolationForest

from locgen.errors import UnsupportedModel
from locgen.frontends.entries import Row
from locgen.frontends.pipeline import quiet
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.raw_trees import float_trees
from locgen.frontends.reading import Oracle, Read, Reading, common_settings
from locgen.frontends.sklearn import node_tables
from locgen.frontends.sklearn.averaging import bagged
from locgen.frontends.sklearn.trees import at_most_float32
from locgen.ir.model import Model

__all__ = ["ROW", "read"]

ROW = Row(
    "trees",
    "{}",
    "its depth and what its rows would add to it; `Design.score_samples`",
    "inlier (1) or outlier (-1) at `>= 0`",
    "float32 `<=`, NaN",
)

_EULER = float(np.euler_gamma)
_TIE = 1e-12
"""Scores that equal the offset are inliers, and `offset_` is often one of the scores: what rounding
takes off a sum and its logarithm must not decide."""


def read(last: IsolationForest, preprocessing: Preprocessing, read: Read) -> Reading:
    """Depths of the leaves add up; an inlier (1) where their sum reaches what the offset says.

    A leaf of n training rows at depth d (the root has 1) counts d + c(n) - 1, c the mean length of
    a search in a tree of n; score_samples is ``-2 ** (-sum / (trees * c(max_samples)))``, and
    predict compares it with `offset_`. The raw score here is the sum over that divisor, less what
    the offset comes to, so that score_samples is ``offset_ * 2 ** -raw``.
    """
    offset = float(last.offset_)
    trees = len(last.estimators_)
    divisor = trees * float(_path_length(np.array([last._max_samples]))[0])
    if not -1 <= offset < 0 or divisor <= 0:
        raise UnsupportedModel(
            f"IsolationForest has the offset {offset:g} over {last._max_samples} training rows, "
            "which leaves nothing to decide: train it on more rows"
        )
    raw = []
    for member, own in bagged(last, preprocessing):
        table = node_tables.table(member, own.features, 1)
        depth = np.ones(len(table.left))
        for node in np.flatnonzero(table.left >= 0):  # parents stand before children
            depth[[table.left[node], table.right[node]]] = depth[node] + 1
        values = (depth + _path_length(table.samples) - 1) / divisor
        raw.append((own, table.raw(values[:, None], (0,))))
    found = [float_trees(own, [tree], at_most_float32)[0] for own, tree in raw]
    model = Model(
        task="classification",
        classes=(-1, 1),
        trees=tuple(found),
        base=(float(np.log2(-offset)) + _TIE,),
        decision=">=",
        anomaly_offset=offset,
        **common_settings(last, preprocessing, True, "float32"),
    )
    library = quiet(last)

    def scores(x: np.ndarray) -> np.ndarray:
        return np.log2(offset / library.score_samples(x))[:, None]

    return Reading(model, Oracle(scores, labels=library.predict))


def _path_length(samples: np.ndarray) -> np.ndarray:
    """Return the mean length of an unsuccessful search in a binary tree of so many rows.

    2 (ln(n - 1) + Euler's constant) - 2 (n - 1) / n; Liu, Ting, Zhou: Isolation Forest (2008).
    """
    n = np.asarray(samples, dtype=np.float64)
    large = 2.0 * (np.log(np.maximum(n - 1, 1)) + _EULER) - 2.0 * (n - 1) / np.maximum(n, 1)
    return np.where(n > 2, large, np.where(n == 2, 1.0, 0.0))
