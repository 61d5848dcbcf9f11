"""Float trees without splits that decide nothing."""

from dataclasses import replace

import numpy as np

from locgen.ir.float import FloatTree

__all__ = ["pruned"]


def pruned(tree: FloatTree) -> FloatTree:
    """Return `tree` without splits whose two sides say the same; it keeps the first leaf's id."""
    same: dict[int, int] = {}
    for split in reversed(range(len(tree.feature))):
        left, right = (same.get(int(c), int(c)) for c in (tree.left[split], tree.right[split]))
        if left < 0 and right < 0 and (tree.leaf_values[~left] == tree.leaf_values[~right]).all():
            same[split] = left
    order: list[int] = []
    leaves: list[int] = []
    waiting = [same.get(0, 0 if len(tree.feature) else -1)]
    while waiting:
        position = waiting.pop()
        if position < 0:
            leaves.append(~position)
            continue
        order.append(position)
        waiting += [same.get(int(c), int(c)) for c in (tree.right[position], tree.left[position])]
    number = {split: index for index, split in enumerate(order)}
    number |= {~leaf: ~index for index, leaf in enumerate(leaves)}

    def children(side: np.ndarray) -> np.ndarray:
        ends = [same.get(int(side[split]), int(side[split])) for split in order]
        return np.array([number[end] for end in ends], dtype=np.int64)

    return replace(
        tree,
        feature=tree.feature[order],
        cut=tree.cut[order],
        missing_left=tree.missing_left[order],
        left=children(tree.left),
        right=children(tree.right),
        leaf_values=tree.leaf_values[leaves],
        leaf_ids=tree.leaf_ids[leaves],
    )
