"""Float decision trees."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from locgen.ir.float.arrays import Booleans, Floats, Integers
from locgen.ir.float.node import FloatNode
from locgen.ir.integer.leaves import leaves_of

__all__ = ["FloatTree"]

_MANY_ROWS = 64
"""Rows a split from which on it pays to look at all of them, split by split."""


@dataclass(frozen=True, eq=False)
class FloatTree(FloatNode):
    """One decision tree over raw float64 features.

    Internal nodes are numbered from 0 (the root); a child below zero is leaf ``~child``. A tree
    without internal nodes is the single leaf 0.

    Members
    -------
    feature : (splits,) feature index of each split
    cut : (splits,) largest float64 that goes left
    missing_left : (splits,) whether NaN goes left
    left, right : (splits,) children
    leaf_values : (leaves, len(outputs)) contribution of each leaf to the raw score
    leaf_ids : (leaves,) the library's own number of the leaf (what its ``apply`` returns)
    outputs : the model's outputs that the columns of `leaf_values` belong to
    """

    feature: Integers
    cut: Floats
    missing_left: Booleans
    left: Integers
    right: Integers
    leaf_values: Floats
    leaf_ids: Integers
    outputs: tuple[int, ...]
    kind: Literal["tree"] = "tree"
    needs_range: ClassVar[bool] = False

    @classmethod
    def constant(cls, value: float, output: int) -> "FloatTree":
        """Return the tree of one leaf that scores `value` on an output."""
        none = np.zeros(0, dtype=np.int64)
        leaf = np.array([[value]])
        left = np.zeros(0, dtype=np.bool_)
        return cls(none, np.zeros(0), left, none, none, leaf, np.zeros(1, np.int64), (output,))

    @property
    def features(self) -> tuple[int, ...]:
        """Features that are compared."""
        return tuple(np.unique(self.feature).tolist())

    @property
    def cuts(self) -> tuple[Integers, Floats]:
        """Feature and cut of each split."""
        return self.feature, self.cut

    def leaf_index(self, x: NDArray[np.float64]) -> NDArray[np.integer]:
        """Return the leaf each row of `x` (rows, features) falls into, shape (rows,)."""
        position = np.zeros(len(x), dtype=np.int64)
        if len(self.feature) == 0:
            return position
        if len(x) >= _MANY_ROWS * len(self.feature):
            return leaves_of(self.left.tolist(), self.right.tolist(), self._goes_left(x), len(x))
        active = np.arange(len(x))
        while len(active):
            at = position[active]
            value = x[active, self.feature[at]]
            left = np.where(np.isnan(value), self.missing_left[at], value <= self.cut[at])
            position[active] = np.where(left, self.left[at], self.right[at])
            active = active[position[active] >= 0]
        return ~position

    def _goes_left(
        self, x: NDArray[np.float64]
    ) -> Callable[[int, NDArray[np.intp] | slice], NDArray[np.bool_]]:
        """Return what tells which rows of `x` a split sends left."""
        feature, cut, missing_left = (
            member.tolist() for member in (self.feature, self.cut, self.missing_left)
        )

        def goes_left(split: int, rows: NDArray[np.intp] | slice) -> NDArray[np.bool_]:
            value: Floats = x[rows, feature[split]]
            left: Booleans = value <= cut[split]
            if missing_left[split]:
                left = ~(value > cut[split])  # NaN is not above
            return left

        return goes_left

    def evaluate(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return raw scores (rows, len(outputs)) of float rows (rows, features)."""
        scores: Floats = self.leaf_values[self.leaf_index(x)]
        return scores

    def projected(self, matrix: NDArray[np.float64]) -> Self:
        """Return the tree whose scores are this one's times `matrix` (len(outputs), new)."""
        outputs = tuple(range(matrix.shape[1]))
        return replace(self, leaf_values=self.leaf_values @ matrix, outputs=outputs)

    def reindexed(self, positions: Sequence[int], count: int) -> Self:
        """Return the tree that reads feature ``positions[n]`` of `count` in place of feature n."""
        return replace(self, feature=np.array(positions)[self.feature])
