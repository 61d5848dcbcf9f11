"""scikit-learn's node arrays: checked, then turned into one `FloatTree`."""

from dataclasses import dataclass

import numpy as np
from sklearn.tree._tree import Tree

from locgen.errors import ModelFileError
from locgen.ir.model import FloatTree

__all__ = ["NodeTable", "float_tree", "learnt_missing", "table"]


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


def table(member: object, features: int, width: int) -> NodeTable:
    """Return the nodes of a fitted scikit-learn tree, proved to form a tree over `features`.

    scikit-learn walks these arrays without looking, so nothing may call it before this.

    Raises
    ------
    ModelFileError
        If the arrays are no tree, or hold other features or other widths than the model says.
    """
    tree = getattr(member, "tree_", None)
    if type(tree) is not Tree:
        raise ModelFileError("the model holds a member that is no tree: save the model again")
    left, right = tree.children_left, tree.children_right
    nodes = NodeTable(
        left=left,
        right=right,
        feature=tree.feature,
        threshold=tree.threshold,
        missing_left=tree.missing_go_to_left.astype(bool),
        samples=tree.n_node_samples,
        value=tree.value,
    )
    inner = left != -1
    at = np.flatnonzero(inner)
    children = np.concatenate([left[at], right[at]])
    sound = (
        len(left) >= 1
        and np.array_equal(np.sort(children), np.arange(1, len(left)))
        and (left[at] > at).all()
        and (right[at] > at).all()
        and (nodes.feature[at] >= 0).all()
        and (nodes.feature[at] < features).all()
        and not np.isnan(nodes.threshold[at]).any()
        and np.isfinite(nodes.value).all()
        and nodes.value.shape == (len(left), member.n_outputs_, width)
        and tree.n_features == features == member.n_features_in_
    )
    if not sound:
        raise ModelFileError("the model's node arrays are damaged: save the model again")
    return nodes


def float_tree(
    nodes: NodeTable, cut: np.ndarray, values: np.ndarray, outputs: tuple[int, ...]
) -> FloatTree:
    """Return the tree in the IR's numbering: splits and leaves each from 0, in library order.

    Parameters
    ----------
    nodes : the library's nodes
    cut : (splits,) in library order
    values : (nodes, len(outputs)) what each node would add to the outputs if it were a leaf
    outputs : the outputs that the columns of `values` belong to
    """
    inner = nodes.left != -1
    number = np.where(inner, np.cumsum(inner) - 1, ~(np.cumsum(~inner) - 1))
    return FloatTree(
        feature=nodes.feature[inner].astype(np.int64),
        cut=cut,
        missing_left=nodes.missing_left[inner],
        left=number[nodes.left[inner]],
        right=number[nodes.right[inner]],
        leaf_values=np.ascontiguousarray(values[~inner], dtype=np.float64),
        leaf_ids=np.flatnonzero(~inner),
        outputs=outputs,
    )


def learnt_missing(member: object) -> bool:
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


def _accepts_missing(member: object) -> bool:
    """Return scikit-learn's own tag; before 1.6 random splits neither took NaN nor set a side."""
    if hasattr(member, "__sklearn_tags__"):
        return bool(member.__sklearn_tags__().input_tags.allow_nan)
    return bool(member._get_tags()["allow_nan"])
