"""scikit-learn's node arrays: checked before anything of the library walks them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.tree._tree import Tree

from locgen.errors import ModelFileError
from locgen.frontends.raw_trees import RawTree, check_tree

__all__ = ["NodeTable", "learnt_missing", "table"]


@dataclass(frozen=True)
class NodeTable:
    """The nodes of one tree in the library's numbering, leaves included.

    Members
    -------
    left, right : (nodes,) children, -1 for a leaf
    feature, threshold : (nodes,) what a split compares; meaningless for a leaf
    missing_left : (nodes,) whether NaN goes left
    samples : (nodes,) training samples that reached the node
    value : (nodes, targets, width) the library's values
    """

    left: np.ndarray
    right: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    missing_left: np.ndarray
    samples: np.ndarray
    value: np.ndarray

    def raw(self, values: np.ndarray, outputs: tuple[int, ...]) -> RawTree:
        """Return the tree with `values` (nodes, len(outputs)) in its leaves."""
        return RawTree(
            self.left,
            self.right,
            self.feature,
            self.threshold,
            self.missing_left,
            values,
            outputs,
            np.arange(len(self.left)),
        )


def table(member: BaseEstimator, features: int, width: int) -> NodeTable:
    """Return the nodes of a fitted scikit-learn tree, proved to form a tree over `features`.

    scikit-learn walks these arrays without looking, so nothing may call it before this.

    Raises
    ------
    ModelFileError
        If the arrays are no tree, or hold other features or other widths than the model says.
    """
    tree: Any = getattr(member, "tree_", None)
    if type(tree) is not Tree:
        raise ModelFileError("the model holds a member that is no tree: save the model again")
    nodes = NodeTable(
        left=tree.children_left,
        right=tree.children_right,
        feature=tree.feature,
        threshold=tree.threshold,
        missing_left=tree.missing_go_to_left.astype(bool),
        samples=tree.n_node_samples,
        value=tree.value,
    )
    check_tree(nodes.left, nodes.right, nodes.feature, features, "the model")
    sound = (
        not np.isnan(nodes.threshold[nodes.left != -1]).any()
        and np.isfinite(nodes.value).all()
        and nodes.value.shape == (len(nodes.left), member.n_outputs_, width)
        and tree.n_features == features == member.n_features_in_
    )
    if not sound:
        raise ModelFileError("the model's node arrays are damaged: save the model again")
    return nodes


def learnt_missing(member: BaseEstimator) -> bool:
    """Return whether a tree was trained on missing values, as far as its nodes show it.

    scikit-learn does not record it. A split that saw no missing value sends NaN to the child with
    more training samples, right on a tie (tree/_splitter.pyx); one that saw some goes where that
    was better, or has the threshold +inf. So a split against the majority proves missing values. A
    model whose every split agrees is taken to have seen none and refuses NaN, where scikit-learn
    would answer with the majority: a refusal, never another answer.
    """
    if not _accepts_missing(member):
        return False
    tree = member.tree_
    at = np.flatnonzero(tree.children_left != -1)
    samples = tree.n_node_samples
    majority = samples[tree.children_left[at]] > samples[tree.children_right[at]]
    differs = tree.missing_go_to_left[at].astype(bool) != majority
    return bool(differs.any() or np.isinf(tree.threshold[at]).any())


def _accepts_missing(member: BaseEstimator) -> bool:
    """Return scikit-learn's own tag; before 1.6 random splits neither took NaN nor set a side."""
    if hasattr(member, "__sklearn_tags__"):
        return bool(member.__sklearn_tags__().input_tags.allow_nan)
    return bool(member._get_tags()["allow_nan"])
