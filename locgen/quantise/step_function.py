"""A function of one score that never turns, as a tree of comparisons: steps of one height.

A table has entries at even distances, which a function of long plateaus and steep ramps wastes.
"""

from collections.abc import Callable

import numpy as np

from locgen.ir import TreeNode

__all__ = ["step_function"]


def step_function(
    function: Callable[[np.ndarray], np.ndarray], feature: int, bits: int, levels: int
) -> tuple[TreeNode, np.ndarray]:
    """Return a tree over the codes of `feature` and the values (leaves,) of its leaves.

    A leaf gives the middle of what the function is over its codes, so that no value is further off
    than half a level, one of `levels` even parts of the function's height.

    Parameters
    ----------
    function : codes (n,) to values (n,), which all rise or all fall
    bits : width of the code
    """
    last = (1 << bits) - 1
    ends = function(np.array([0, last]))
    sign = 1.0 if ends[1] >= ends[0] else -1.0
    least, most = np.sort(sign * ends)
    borders = np.linspace(least, most, levels + 1)[1:-1]
    low = np.full(len(borders), -1)  # taken to be at most the border
    high = np.full(len(borders), last + 1)  # taken to be above
    while len(borders) and (high - low > 1).any():
        middle = (low + high) // 2
        below = sign * function(np.clip(middle, 0, last)) <= borders
        below |= middle < 0
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    cuts = np.unique(low[(low >= 0) & (low < last)])
    starts, stops = np.append(0, cuts + 1), np.append(cuts, last)
    values = (function(starts) + function(stops)) / 2
    return _tree(cuts, feature), values


def _tree(cuts: np.ndarray, feature: int) -> TreeNode:
    """Return the balanced tree of rising `cuts`; leaf scores are the leaves' numbers, from 0 up."""
    left: list[int] = []
    right: list[int] = []
    threshold: list[int] = []

    def build(first: int, stop: int) -> int:
        """Return the number of the split of cuts `first` to `stop`, or of a leaf, below zero."""
        if first == stop:
            return ~first
        number = len(threshold)
        middle = (first + stop) // 2
        threshold.append(int(cuts[middle]))
        left.append(0)
        right.append(0)
        left[number] = build(first, middle)
        right[number] = build(middle + 1, stop)
        return number

    build(0, len(cuts))
    leaves = range(len(cuts) + 1)
    return TreeNode(
        feature=(feature,) * len(threshold),
        threshold=tuple(threshold),
        missing_left=(False,) * len(threshold),
        left=tuple(left),
        right=tuple(right),
        leaf_scores=tuple((leaf,) for leaf in leaves),
        leaf_ids=tuple(leaves),
        outputs=(0,),
    )
