"""Node arrays of ONNX-ML's tree ensembles, proved to be trees before onnxruntime sees them.

TreeEnsembleClassifier and TreeEnsembleRegressor list all nodes of all trees, leaves among them, and
weights apart; TreeEnsemble (ai.onnx.ml 5) lists splits and leaves apart.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from locgen.frontends.onnx_values import Attributes, Dtype, damaged

__all__ = ["Arrays", "NodeTree", "SetSplit", "listed_arrays", "split_arrays", "trees_of"]

_DEEPEST = 1000  # onnxruntime walks trees by recursion
_LEAF = "LEAF"
_MODES = (
    "BRANCH_LEQ",
    "BRANCH_LT",
    "BRANCH_GTE",
    "BRANCH_GT",
    "BRANCH_EQ",
    "BRANCH_NEQ",
    "BRANCH_MEMBER",
)
_SETS = _MODES[4:]
_CHAINS = ("BRANCH_EQ", "BRANCH_MEMBER")


@dataclass(frozen=True)
class SetSplit:
    """A split that asks whether a value is one of `members`."""

    members: tuple[float, ...]
    inside_left: bool
    missing_left: bool


@dataclass(frozen=True)
class NodeTree:
    """One tree, parents before children; a split goes left at values up to its threshold.

    Members are those of `rawtree.RawTree`, but for two.

    Members
    -------
    sets : the splits that ask for values, by node
    weighted : (nodes, outputs) whether the file has a weight there
    """

    left: np.ndarray
    right: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    missing_left: np.ndarray
    values: np.ndarray
    outputs: tuple[int, ...]
    ids: np.ndarray
    sets: dict[int, SetSplit]
    weighted: np.ndarray


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
    members : by position, what a BRANCH_MEMBER asks for
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
    members: dict[int, tuple[float, ...]] = field(default_factory=dict)


def listed_arrays(attributes: Attributes, kind: Literal["class", "target"]) -> Arrays:
    """Return the arrays of a TreeEnsembleClassifier or TreeEnsembleRegressor."""
    names = ("treeids", "nodeids", "featureids", "truenodeids", "falsenodeids")
    tree, ids, feature, true, false = (attributes.integers(f"nodes_{name}") for name in names)
    threshold = attributes.numbers("nodes_values")
    modes = _texts(attributes.all("nodes_modes", bytes))
    tracks = attributes.integers("nodes_missing_value_tracks_true")
    count = len(tree)
    _alike(count, ids, feature, true, false, threshold, modes)
    _alike(count, *(a for a in (tracks, attributes.numbers("nodes_hitrates")) if len(a)))
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
    if (leaf < 0).any() or any(modes[at] != _LEAF for at in leaf):
        raise damaged("a weight belongs to no leaf")
    return Arrays(
        true=places(true),
        false=places(false),
        modes=modes,
        feature=feature,
        threshold=threshold,
        tracks_true=tracks != 0 if len(tracks) else np.zeros(count, dtype=bool),
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
    tracks = attributes.integers("nodes_missing_value_tracks_true")
    hitrates = attributes.tensor("nodes_hitrates")
    _alike(splits, numbers, threshold, *(a for a in (tracks, hitrates) if len(a)))
    if not np.isin(numbers, range(len(_MODES))).all():
        raise damaged("a split has an unknown mode")
    modes = [_MODES[int(number)] for number in numbers]
    target, weight = attributes.integers("leaf_targetids"), attributes.tensor("leaf_weights")
    _alike(len(target), weight)
    children, leaves = {}, []
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
    tracks = tracks != 0 if len(tracks) else np.zeros(splits, dtype=bool)
    return Arrays(
        true=np.concatenate([children["true"], none]),
        false=np.concatenate([children["false"], none]),
        modes=modes + [_LEAF] * len(leaves),
        feature=np.concatenate([feature, np.zeros(len(leaves), dtype=np.int64)]),
        threshold=np.concatenate([threshold, padding]),
        tracks_true=np.concatenate([tracks, padding != 0]),
        ids=np.concatenate([np.arange(splits), listed]),
        roots=roots.tolist(),
        leaf=splits + np.arange(len(leaves)),
        output=target[listed],
        weight=weight[listed],
        members=_members(attributes, modes),
    )


def _members(attributes: Attributes, modes: Sequence[str]) -> dict[int, tuple[float, ...]]:
    """Return what each BRANCH_MEMBER asks for: lists one after the other, NaN ends each."""
    values = attributes.tensor("membership_values")
    asking = [at for at, mode in enumerate(modes) if mode == "BRANCH_MEMBER"]
    ends = np.flatnonzero(np.isnan(values))
    if len(ends) != len(asking) or (len(ends) and ends[-1] != len(values) - 1):
        raise damaged("a split asks for no set of values")
    starts = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else []
    lists = zip(asking, starts, ends, strict=True)
    return {at: tuple(values[int(start) : int(end)].tolist()) for at, start, end in lists}


def trees_of(arrays: Arrays, features: int, dtype: Dtype) -> tuple[NodeTree, ...]:
    """Return the trees, whose splits compare `features` columns as `dtype`.

    Raises
    ------
    ModelFileError
        If the arrays are no trees over these columns.
    """
    unknown = set(arrays.modes) - {*_MODES, _LEAF}
    if unknown:
        raise damaged(f"a node has the mode {min(unknown)!a}")
    inner = np.array([mode != _LEAF for mode in arrays.modes], dtype=bool)
    compared = arrays.feature[inner]
    if ((compared < 0) | (compared >= features)).any():
        raise damaged(f"a split compares a column beyond the {features} there are")
    walk = _Walk(arrays, inner)
    orders = [walk.order(root, number) for number, root in enumerate(arrays.roots)]
    if not orders or (walk.owner < 0).any():
        raise damaged("a node belongs to no tree")
    owner = walk.owner[arrays.leaf]
    by_tree = np.argsort(owner, kind="stable")
    bounds = np.searchsorted(owner[by_tree], np.arange(len(orders) + 1))
    merged = replace(arrays, false=walk.false, tracks_true=walk.tracks_true, members=walk.members)
    return tuple(
        _tree(merged, inner, order, by_tree[bounds[number] : bounds[number + 1]], dtype)
        for number, order in enumerate(orders)
    )


class _Walk:
    """Goes through trees from their roots, and claims each node for one of them.

    Converters write a set of categories as a chain of BRANCH_EQ, one in the false branch of the
    other, whose true branches lead to one and the same node. The first takes in the others.

    Members
    -------
    owner : (nodes,) the tree of each, -1 so far
    false, tracks_true, members : as in `Arrays`, for the first of each chain
    """

    def __init__(self, arrays: Arrays, inner: np.ndarray) -> None:
        self._arrays, self._inner = arrays, inner
        self.owner = np.full(len(inner), -1)
        self.false = arrays.false.copy()
        self.tracks_true = arrays.tracks_true.copy()
        self.members = dict(arrays.members)

    def order(self, root: int, number: int) -> np.ndarray:
        """Return the positions of a tree's nodes, parents first."""
        order, depths = [root], [0]
        self._claim(root, number)
        for at, depth in zip(order, depths, strict=True):
            if not self._inner[at]:
                continue
            below = depth + self._take_in_chain(at, number)
            if below > _DEEPEST:
                raise damaged(f"a tree is deeper than {_DEEPEST} splits")
            for child in (int(self._arrays.true[at]), int(self.false[at])):
                self._claim(child, number)
                order.append(child)
                depths.append(below)
        return np.array(order)

    def _claim(self, at: int, number: int) -> None:
        if at < 0 or self.owner[at] >= 0:
            raise damaged("a node has several parents, or a branch leads nowhere")
        self.owner[at] = number

    def _take_in_chain(self, first: int, number: int) -> int:
        """Merge the chain that starts at `first` into it, and return how long it was."""
        arrays, length = self._arrays, 1
        if arrays.modes[first] not in _CHAINS:
            return length
        members = list(self._asked(first))
        after = int(arrays.false[first])
        while (
            after >= 0
            and self.owner[after] < 0
            and arrays.modes[after] in _CHAINS
            and arrays.feature[after] == arrays.feature[first]
            and arrays.true[after] == arrays.true[first]
        ):
            self._claim(after, number)
            members += self._asked(after)
            self.tracks_true[first] |= arrays.tracks_true[after]
            after = int(arrays.false[after])
            length += 1
        self.false[first] = after
        self.members[first] = tuple(members)
        return length

    def _asked(self, at: int) -> tuple[float, ...]:
        return self._arrays.members.get(at, (float(self._arrays.threshold[at]),))


def _tree(
    arrays: Arrays, inner: np.ndarray, order: np.ndarray, weights: np.ndarray, dtype: Dtype
) -> NodeTree:
    number = np.full(len(inner), -1)
    number[order] = np.arange(len(order))
    split = inner[order]
    true = np.where(split, number[arrays.true[order]], -1)
    false = np.where(split, number[arrays.false[order]], -1)
    modes = np.array([arrays.modes[at] for at in order])
    tracks = arrays.tracks_true[order]
    # v < t is v <= the number before t; v >= t and v > t are what these are not.
    threshold = arrays.threshold[order].astype(dtype)
    before = np.nextafter(threshold, np.array(-np.inf, dtype=dtype))
    below = np.isin(modes, ("BRANCH_LT", "BRANCH_GTE"))
    if (below & (threshold == -np.inf)).any():
        raise damaged("a threshold is below all numbers")
    opposite = np.isin(modes, ("BRANCH_GTE", "BRANCH_GT"))
    outputs = tuple(np.unique(arrays.output[weights]).tolist()) or (0,)
    values = np.zeros((len(order), len(outputs)))
    place = (number[arrays.leaf[weights]], np.searchsorted(outputs, arrays.output[weights]))
    np.add.at(values, place, arrays.weight[weights])
    weighted = np.zeros(values.shape, dtype=bool)
    weighted[place] = True
    return NodeTree(
        left=np.where(opposite, false, true),
        right=np.where(opposite, true, false),
        feature=arrays.feature[order],
        threshold=np.where(below, before, threshold).astype(np.float64),
        missing_left=tracks ^ opposite,
        values=values,
        outputs=outputs,
        ids=arrays.ids[order],
        sets=dict(_sets(arrays, order, modes, threshold, tracks)),
        weighted=weighted,
    )


def _sets(
    arrays: Arrays,
    order: np.ndarray,
    modes: np.ndarray,
    threshold: np.ndarray,
    tracks: np.ndarray,
) -> Iterator[tuple[int, SetSplit]]:
    for node in np.flatnonzero(np.isin(modes, _SETS)).tolist():
        members = arrays.members.get(int(order[node]), (float(threshold[node]),))
        if np.isnan(members).any():
            raise damaged("a split compares with NaN")
        if modes[node] == "BRANCH_NEQ":  # NaN is unequal to all
            yield node, SetSplit(members, inside_left=False, missing_left=True)
        else:
            yield node, SetSplit(members, inside_left=True, missing_left=bool(tracks[node]))


def _texts(listed: Sequence[bytes]) -> list[str]:
    return [text.decode(errors="replace") for text in listed]


def _alike(count: int, *arrays: Sequence[object]) -> None:
    if count < 1 or any(len(array) != count for array in arrays):
        raise damaged("arrays of the trees differ in length")
