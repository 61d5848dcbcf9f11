"""Trees as libraries keep them, proved to be trees, and turned into the float IR's."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from locgen.errors import ModelFileError
from locgen.frontends.preprocessing import Lowered, Preprocessing
from locgen.ir.float import FloatTree

__all__ = ["CategorySplit", "Comparison", "RawTree", "check_tree", "float_trees"]


@dataclass(frozen=True)
class CategorySplit:
    """A split on a set of values of a raw column.

    Members
    -------
    column : the raw column
    edges : a value is inside where an odd number of these rising float64 lies below it
    inside_left, missing_left : where what is inside goes, and where NaN goes
    shown : the set in words
    """

    column: int
    edges: np.ndarray
    inside_left: bool
    missing_left: bool
    shown: str


@dataclass(frozen=True)
class RawTree:
    """One tree in its library's numbering, leaves included.

    Members
    -------
    left, right : (nodes,) children, -1 for a leaf; node 0 is the root
    feature, threshold : (nodes,) what a split compares; meaningless for a leaf
    missing_left : (nodes,) whether NaN goes left
    values : (nodes, len(outputs)) what a leaf adds to the outputs; meaningless for a split
    outputs : the model's outputs that the columns of `values` belong to
    ids : (nodes,) the library's own numbers of the nodes
    categories : splits that ask for a set, by node
    """

    left: np.ndarray
    right: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    missing_left: np.ndarray
    values: np.ndarray
    outputs: tuple[int, ...]
    ids: np.ndarray
    categories: dict[int, CategorySplit] = field(default_factory=dict)


Comparison = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""The library's comparison of values with thresholds: whether each goes left."""


def check_tree(
    left: np.ndarray, right: np.ndarray, feature: np.ndarray, features: int, what: str
) -> None:
    """Refuse node arrays that are no tree over `features`; libraries walk them without looking.

    Raises
    ------
    ModelFileError
        If a node has no parent or several, stands before its parent, or compares no feature.
    """
    inner = np.flatnonzero(left != -1)
    children = np.concatenate([left[inner], right[inner]])
    sound = (
        len(left) >= 1
        and len(left) == len(right) == len(feature)
        and np.array_equal(np.sort(children), np.arange(1, len(left)))
        and (left[inner] > inner).all()
        and (right[inner] > inner).all()
        and (feature[inner] >= 0).all()
        and (feature[inner] < features).all()
    )
    if not sound:
        raise ModelFileError(f"{what} has damaged node arrays: save the model again")


def float_trees(
    preprocessing: Preprocessing, trees: Sequence[RawTree], goes_left: Comparison
) -> tuple[FloatTree, ...]:
    """Return `trees` over raw columns and memberships; all share the library's comparison.

    Raises
    ------
    ModelFileError
        If a value is no finite number, or a threshold NaN.
    """
    inner = [tree.left >= 0 for tree in trees]
    plain = [split.copy() for split in inner]
    for tree, split in zip(trees, plain, strict=True):
        split[list(tree.categories)] = False
        if (
            np.isnan(tree.threshold[split]).any()
            or not np.isfinite(tree.values[tree.left < 0]).all()
        ):
            raise ModelFileError("the model has damaged thresholds or leaves: save it again")

    def pooled(name: str) -> np.ndarray:
        parts = [getattr(tree, name)[split] for tree, split in zip(trees, plain, strict=True)]
        return np.concatenate(parts) if parts else np.zeros(0)

    lowered = preprocessing.lower(
        pooled("feature").astype(np.int64),
        goes_left,
        pooled("missing_left").astype(bool),
        pooled("threshold").astype(np.float64),
    )
    found, start = [], 0
    for tree, split, own in zip(trees, inner, plain, strict=True):
        stop = start + int(own.sum())
        found.append(_float_tree(preprocessing, tree, split, own, _part(lowered, start, stop)))
        start = stop
    return tuple(found)


def _part(lowered: Lowered, start: int, stop: int) -> Lowered:
    return Lowered(*(getattr(lowered, name)[start:stop] for name in Lowered.__dataclass_fields__))


def _float_tree(
    preprocessing: Preprocessing,
    tree: RawTree,
    inner: np.ndarray,
    plain: np.ndarray,
    lowered: Lowered,
) -> FloatTree:
    """Return one tree in the IR's numbering: splits and leaves each from 0, in library order."""
    nodes = len(tree.left)
    feature, cut = np.zeros(nodes, dtype=np.int64), np.zeros(nodes)
    missing_left, swapped = np.zeros(nodes, dtype=bool), np.zeros(nodes, dtype=bool)
    feature[plain], cut[plain] = lowered.feature, lowered.cut
    missing_left[plain], swapped[plain] = lowered.missing_left, lowered.swapped
    for node, split in tree.categories.items():
        missing_inside = split.missing_left == split.inside_left
        feature[node] = preprocessing.member(split.column, split.edges, missing_inside, split.shown)
        swapped[node] = not split.inside_left
    number = np.where(inner, np.cumsum(inner) - 1, ~(np.cumsum(~inner) - 1))
    left = np.where(swapped, tree.right, tree.left)
    right = np.where(swapped, tree.left, tree.right)
    return FloatTree(
        feature=feature[inner],
        cut=cut[inner],
        missing_left=missing_left[inner],
        left=number[left[inner]],
        right=number[right[inner]],
        leaf_values=np.ascontiguousarray(tree.values[~inner], dtype=np.float64),
        leaf_ids=tree.ids[~inner].astype(np.int64),
        outputs=tree.outputs,
    )
