"""The tree node of the integer IR: parameters, integer reference and cost in one place."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from pydantic import ConfigDict

__all__ = ["Comparison", "TreeNode"]


class Comparison(NamedTuple):
    """``q[feature] <= threshold``, true for the missing code as well if `missing_left`."""

    feature: int
    threshold: int
    missing_left: bool


@dataclass(frozen=True)
class TreeNode:
    """One decision tree over quantised features, with an integer score vector in each leaf.

    Splits are numbered from 0 (the root), parents before children; a child below zero is leaf
    ``~child``. Without splits, the tree is leaf 0. Scores are signed integers.

    Members
    -------
    feature, threshold, missing_left, left, right : one entry a split
    leaf_scores : one tuple a leaf, one integer for each entry of `outputs`
    leaf_ids : the library's number of each leaf
    outputs : outputs of the model that the scores are added to
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    feature: tuple[int, ...]
    threshold: tuple[int, ...]
    missing_left: tuple[bool, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    leaf_scores: tuple[tuple[int, ...], ...]
    leaf_ids: tuple[int, ...]
    outputs: tuple[int, ...]
    kind: Literal["tree"] = "tree"

    def __post_init__(self) -> None:
        """Check that this is one tree: every split and leaf but the root has one parent."""
        splits, leaves = len(self.feature), len(self.leaf_scores)
        lengths = {len(m) for m in (self.threshold, self.missing_left, self.left, self.right)}
        if lengths != {splits} or leaves != splits + 1 or len(self.leaf_ids) != leaves:
            raise ValueError("a tree node must have one more leaf than splits")
        children = sorted(self.left + self.right)
        if splits and children != list(range(-leaves, 0)) + list(range(1, splits)):
            raise ValueError("every split and leaf of a tree node must have exactly one parent")
        if any(0 <= c <= i for side in (self.left, self.right) for i, c in enumerate(side)):
            raise ValueError("splits of a tree node must be numbered parents first")
        if any(len(row) != len(self.outputs) for row in self.leaf_scores):
            raise ValueError("every leaf must have one score for each output")
        if not self.outputs:
            raise ValueError("a tree node must have at least one output")
        if (
            len(set(self.outputs)) != len(self.outputs)
            or min((*self.feature, *self.outputs, 0)) < 0
        ):
            raise ValueError(
                "features and outputs of a tree node must be distinct and not negative"
            )

    @cached_property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Distinct comparisons, sorted: the core's input bits in this order."""
        return tuple(
            Comparison(*c)
            for c in sorted(set(zip(self.feature, self.threshold, self.missing_left, strict=True)))
        )

    @cached_property
    def split_comparison(self) -> tuple[int, ...]:
        """Index into `comparisons` of each split."""
        index = {c: i for i, c in enumerate(self.comparisons)}
        return tuple(
            index[c] for c in zip(self.feature, self.threshold, self.missing_left, strict=True)
        )

    @cached_property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """(lowest, highest) score over the leaves, for each output."""
        return tuple((min(column), max(column)) for column in zip(*self.leaf_scores, strict=True))

    @cached_property
    def depth(self) -> int:
        """Most comparisons on any way from the root to a leaf."""
        depth = [0] * len(self.feature)
        for i in range(len(self.feature)):
            for child in (self.left[i], self.right[i]):
                if child >= 0:
                    depth[child] = depth[i] + 1
        return max(depth) + 1 if depth else 0

    def leaf_index(self, q: np.ndarray, missing_codes: np.ndarray) -> np.ndarray:
        """Return the leaf of each row, shape (rows,).

        Parameters
        ----------
        q : (rows, features) unsigned integer features
        missing_codes : (features,) code of NaN, -1 where there is none
        """
        position = np.zeros(len(q), dtype=np.int64)
        if not self.feature:
            return position
        feature, threshold, missing_left, left, right = self._arrays
        active = np.arange(len(q))
        while len(active):
            at = position[active]
            value = q[active, feature[at]]
            is_missing = value == missing_codes[feature[at]]
            goes_left = np.where(is_missing & missing_left[at], True, value <= threshold[at])
            position[active] = np.where(goes_left, left[at], right[at])
            active = active[position[active] >= 0]
        return ~position

    def evaluate(self, q: np.ndarray, missing_codes: np.ndarray) -> np.ndarray:
        """Return integer scores (rows, len(outputs)) of quantised rows; see `leaf_index`."""
        return np.array(self.leaf_scores, dtype=np.int64)[self.leaf_index(q, missing_codes)]

    @cached_property
    def _arrays(self) -> tuple[np.ndarray, ...]:
        members = (self.feature, self.threshold, self.missing_left, self.left, self.right)
        return tuple(np.array(m) for m in members)
