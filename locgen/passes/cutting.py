"""Cutting of subtrees: leaves in their place."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from locgen.ir import FloatTree

__all__ = ["cut_back", "leaf_spans"]


def leaf_spans(tree: FloatTree) -> tuple[NDArray[np.int64], dict[int, tuple[int, int]]]:
    """Return the leaves from left to right, and the span of these below each split, root first."""
    order: list[int] = []
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    waiting: list[tuple[int, bool]] = [(_root(tree), False)]
    while waiting:
        node, done = waiting.pop()
        if node < 0:
            order.append(~node)
        elif done:
            last[node] = len(order)
        else:
            first[node] = len(order)
            waiting.append((node, True))
            waiting += [(int(tree.right[node]), False), (int(tree.left[node]), False)]
    return np.array(order), {split: (low, last[split]) for split, low in first.items()}


def _root(tree: FloatTree) -> int:
    return 0 if len(tree.feature) else ~0


def cut_back(
    tree: FloatTree, cuts: Mapping[int, NDArray[np.generic]]
) -> tuple[FloatTree, NDArray[np.int32]]:
    """Return `tree` with a leaf in place of each split in `cuts`, and the new leaf of each old one.

    A new leaf has the library's number of the first leaf that it stands for.

    Parameters
    ----------
    cuts : for each split the values (len(outputs),) of its leaf; none lies below another
    """
    order, spans = leaf_spans(tree)
    splits: list[int] = []
    values: list[NDArray[np.float64]] = []
    ids: list[int] = []
    number: dict[int, int] = {}
    of = np.zeros(len(order), dtype=np.int32)
    waiting = [_root(tree)]
    while waiting:
        node = waiting.pop()
        if node >= 0 and node not in cuts:
            number[node] = len(splits)
            splits.append(node)
            waiting += [int(tree.right[node]), int(tree.left[node])]
            continue
        low, high = spans[node] if node >= 0 else (0, 0)
        old = order[low:high] if node >= 0 else np.array([~node])
        number[node] = ~len(values)
        of[old] = len(values)
        values.append(np.asarray(cuts[node] if node >= 0 else tree.leaf_values[~node]))
        ids.append(int(tree.leaf_ids[old[0]]))
    made = replace(
        tree,
        feature=tree.feature[splits],
        cut=tree.cut[splits],
        missing_left=tree.missing_left[splits],
        left=np.array([number[int(tree.left[s])] for s in splits], dtype=tree.left.dtype),
        right=np.array([number[int(tree.right[s])] for s in splits], dtype=tree.right.dtype),
        leaf_values=np.stack(values),
        leaf_ids=np.array(ids, dtype=tree.leaf_ids.dtype),
    )
    return made, of
