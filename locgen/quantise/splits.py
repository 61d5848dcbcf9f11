"""Splits of float trees in the codes of features."""

from collections.abc import Sequence

import numpy as np

from locgen.ir import Feature, FloatTree, Model, TreeNode
from locgen.ir.integer.leaves import leaves_of

__all__ = ["routed", "sent_left", "split_node", "threshold_maps"]


def threshold_maps(model: Model, features: tuple[Feature, ...]) -> list[dict[float, int]]:
    """Return for each feature the code that stands for each finite cut of `model`."""
    return [
        {float(c): f.threshold_of(float(c)) for c in cuts if np.isfinite(c)}
        for f, cuts in zip(features, model.cuts, strict=True)
    ]


def _code(
    tree: FloatTree, split: int, features: tuple[Feature, ...], maps: list[dict[float, int]]
) -> tuple[int, int, bool, bool | None]:
    """Return (feature, threshold, missing_left, constant outcome or None) of a split."""
    index = int(tree.feature[split])
    feature, cut = features[index], float(tree.cut[split])
    threshold = maps[index].get(cut, feature.largest if cut > 0 else -1)
    missing_left = bool(tree.missing_left[split]) and feature.missing
    constant = None
    if threshold >= feature.largest and (missing_left or not feature.missing):
        constant = True
    elif threshold < 0 and not missing_left:
        constant = False
    return index, min(threshold, feature.largest), missing_left, constant


def split_node(
    tree: FloatTree, features: tuple[Feature, ...], maps: list[dict[float, int]]
) -> TreeNode:
    """Return the integer splits of `tree`; comparisons with one outcome are cut out.

    Leaf scores are leaf numbers of `tree`.

    Parameters
    ----------
    maps : see `threshold_maps`
    """
    kept: list[tuple[int, int, bool]] = []
    children: list[list[int]] = []
    leaves: list[int] = []

    def resolve(position: int) -> int:
        """Skip splits with a constant outcome."""
        while position >= 0:
            constant = _code(tree, position, features, maps)[3]
            if constant is None:
                return position
            position = int(tree.left[position] if constant else tree.right[position])
        return position

    queue = [(resolve(0 if len(tree.feature) else -1), -1, 0)]
    while queue:
        position, parent, side = queue.pop()
        if position < 0:
            leaves.append(~position)
            number = ~(len(leaves) - 1)
        else:
            number = len(kept)
            index, threshold, missing_left, _ = _code(tree, position, features, maps)
            kept.append((index, threshold, missing_left))
            children.append([0, 0])
            queue.append((resolve(int(tree.right[position])), number, 1))
            queue.append((resolve(int(tree.left[position])), number, 0))
        if parent >= 0:
            children[parent][side] = number
    return TreeNode(
        feature=tuple(k[0] for k in kept),
        threshold=tuple(k[1] for k in kept),
        missing_left=tuple(k[2] for k in kept),
        left=tuple(c[0] for c in children),
        right=tuple(c[1] for c in children),
        leaf_scores=tuple((leaf,) for leaf in leaves),
        leaf_ids=tuple(int(tree.leaf_ids[leaf]) for leaf in leaves),
        outputs=(0,),
    )


def routed(
    node: TreeNode, threshold: Sequence[int], codes: np.ndarray, missing: Sequence[int]
) -> np.ndarray:
    """Return the leaf (rows,) that each row reaches with these thresholds.

    Parameters
    ----------
    codes : (features, rows); missing : NaN's code of each feature, -1 for none
    """

    def goes_left(split: int, rows: np.ndarray | slice) -> np.ndarray:
        return sent_left(node, split, threshold[split], codes[node.feature[split]][rows], missing)

    return leaves_of(node.left, node.right, goes_left, codes.shape[1])


def sent_left(
    node: TreeNode, split: int, threshold: int, value: np.ndarray, missing: Sequence[int]
) -> np.ndarray:
    """Return whether a split sends rows with these codes left, booleans (rows,)."""
    left = value <= threshold
    return left | (value == missing[node.feature[split]]) if node.missing_left[split] else left
