"""Node arrays of ONNX-ML's tree ensembles, their two forms brought into one.

TreeEnsembleClassifier and TreeEnsembleRegressor list all nodes of all trees, leaves among them, and
weights apart; TreeEnsemble (ai.onnx.ml 5) lists splits and leaves apart.
"""

from collections.abc import Sequence, Sized
from dataclasses import dataclass
from typing import Literal

import numpy as np

from locgen.frontends.onnx.values import Attributes, damaged

__all__ = ["LEAF", "MODES", "Arrays", "listed_arrays", "split_arrays"]

LEAF = "LEAF"
MODES = (
    "BRANCH_LEQ",
    "BRANCH_LT",
    "BRANCH_GTE",
    "BRANCH_GT",
    "BRANCH_EQ",
    "BRANCH_NEQ",
    "BRANCH_MEMBER",
)


@dataclass(frozen=True)
class Arrays:
    """What both forms come to: all nodes of all trees, in the order of the file.

    Members
    -------
    true, false : (nodes,) positions of the children
    modes : (nodes,) how each compares, or ``"LEAF"``
    feature, threshold, tracks_true, ids : (nodes,)
    roots : positions
    leaf, output, weight : (weights,) the position of a leaf and what it adds to an output
    """

    true: np.ndarray
    false: np.ndarray
    modes: list[str]
    feature: np.ndarray
    threshold: np.ndarray
    tracks_true: np.ndarray
    ids: np.ndarray
    roots: list[int]
    leaf: np.ndarray
    output: np.ndarray
    weight: np.ndarray


def listed_arrays(attributes: Attributes, kind: Literal["class", "target"]) -> Arrays:
    """Return the arrays of a TreeEnsembleClassifier or TreeEnsembleRegressor."""
    names = ("treeids", "nodeids", "featureids", "truenodeids", "falsenodeids")
    tree, ids, feature, true, false = (attributes.integers(f"nodes_{name}") for name in names)
    threshold = attributes.numbers("nodes_values")
    modes = _texts(attributes.all("nodes_modes", bytes))
    count = len(tree)
    tracks, hitrates = _tracks_true(attributes, count), attributes.numbers("nodes_hitrates")
    _alike(count, ids, feature, true, false, threshold, modes)
    _alike(count, *([hitrates] if len(hitrates) else []))
    roots = np.flatnonzero(np.append(True, tree[1:] != tree[:-1])).tolist()
    place = {pair: at for at, pair in enumerate(zip(tree.tolist(), ids.tolist(), strict=True))}
    if len(place) != count or len(set(tree[roots].tolist())) != len(roots):
        raise damaged("a node stands twice, or a tree in parts")

    def places(nodes: np.ndarray) -> np.ndarray:
        pairs = zip(tree.tolist(), nodes.tolist(), strict=True)
        return np.array([place.get(pair, -1) for pair in pairs], dtype=np.int64)

    own = [attributes.integers(f"{kind}_{name}") for name in ("treeids", "nodeids", "ids")]
    weight = attributes.numbers(f"{kind}_weights")
    _alike(len(weight), *own)
    pairs = zip(own[0].tolist(), own[1].tolist(), strict=True)
    leaf = np.array([place.get(pair, -1) for pair in pairs], dtype=np.int64)
    if (leaf < 0).any() or any(modes[at] != LEAF for at in leaf):
        raise damaged("a weight belongs to no leaf")
    return Arrays(
        true=places(true),
        false=places(false),
        modes=modes,
        feature=feature,
        threshold=threshold,
        tracks_true=tracks,
        ids=ids,
        roots=roots,
        leaf=leaf,
        output=own[2],
        weight=weight,
    )


def split_arrays(attributes: Attributes) -> Arrays:
    """Return the arrays of a TreeEnsemble; a leaf is copied for each branch that leads to it."""
    feature = attributes.integers("nodes_featureids")
    splits = len(feature)
    numbers = attributes.tensor("nodes_modes")
    threshold = attributes.tensor("nodes_splits")
    tracks, hitrates = _tracks_true(attributes, splits), attributes.tensor("nodes_hitrates")
    _alike(splits, numbers, threshold, *([hitrates] if len(hitrates) else []))
    if not np.isin(numbers, range(len(MODES))).all():
        raise damaged("a split has an unknown mode")
    modes = [MODES[int(number)] for number in numbers]
    target, weight = attributes.integers("leaf_targetids"), attributes.tensor("leaf_weights")
    _alike(len(target), weight)
    children: dict[str, np.ndarray] = {}
    leaves: list[int] = []
    for side in ("true", "false"):
        child = attributes.integers(f"nodes_{side}nodeids")
        ends = attributes.integers(f"nodes_{side}leafs")
        _alike(splits, child, ends)
        if not np.isin(ends, (0, 1)).all():
            raise damaged("a branch is neither split nor leaf")
        limit = np.where(ends == 1, len(target), splits)
        if ((child < 0) | (child >= limit)).any():
            raise damaged("a branch leads nowhere")
        own = child[ends == 1]
        child[ends == 1] = splits + len(leaves) + np.arange(len(own))
        leaves += own.tolist()
        children[side] = child
    roots = attributes.integers("tree_roots")
    if ((roots < 0) | (roots >= splits)).any():
        raise damaged("a tree has no root")
    padding, listed = np.zeros(len(leaves)), np.array(leaves, dtype=np.int64)
    none = np.full(len(leaves), -1)
    return Arrays(
        true=np.concatenate([children["true"], none]),
        false=np.concatenate([children["false"], none]),
        modes=modes + [LEAF] * len(leaves),
        feature=np.concatenate([feature, np.zeros(len(leaves), dtype=np.int64)]),
        threshold=np.concatenate([threshold, padding]),
        tracks_true=np.concatenate([tracks, padding != 0]),
        ids=np.concatenate([np.arange(splits), listed]),
        roots=roots.tolist(),
        leaf=splits + np.arange(len(leaves)),
        output=target[listed],
        weight=weight[listed],
    )


def _tracks_true(attributes: Attributes, count: int) -> np.ndarray:
    """Return whether NaN takes each node's true branch."""
    found = attributes.integers("nodes_missing_value_tracks_true")
    if not len(found):
        return np.zeros(count, dtype=bool)
    _alike(count, found)
    if not np.isin(found, (0, 1)).all():
        raise damaged("a node sends NaN into neither branch")
    return found == 1


def _texts(listed: Sequence[bytes]) -> list[str]:
    return [text.decode(errors="replace") for text in listed]


def _alike(count: int, *arrays: Sized) -> None:
    if count < 1 or any(len(array) != count for array in arrays):
        raise damaged("arrays of the trees differ in length")
