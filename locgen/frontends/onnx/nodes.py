"""Trees out of ONNX-ML's node arrays, proved to be trees before onnxruntime sees them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from locgen.errors import UnsupportedModel
from locgen.frontends.onnx.arrays import LEAF, MODES, Arrays
from locgen.frontends.onnx.values import Dtype, damaged

__all__ = ["NodeTree", "SetSplit", "trees_of"]

_DEEPEST = 1000  # onnxruntime walks trees by recursion
_SETS = ("BRANCH_EQ", "BRANCH_NEQ")


@dataclass(frozen=True)
class SetSplit:
    """A split on whether a value is one of `members`."""

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


def trees_of(arrays: Arrays, features: int, dtype: Dtype) -> tuple[NodeTree, ...]:
    """Return the trees, whose splits compare `features` columns as `dtype`.

    Raises
    ------
    ModelFileError
        If the arrays are no trees over these columns.
    """
    unknown = set(arrays.modes) - {*MODES, LEAF}
    if unknown:
        raise damaged(f"a node has the mode {min(unknown)!a}")
    inner = np.array([mode != LEAF for mode in arrays.modes], dtype=bool)
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
    return tuple(
        _tree(arrays, walk, order, by_tree[bounds[number] : bounds[number + 1]], dtype)
        for number, order in enumerate(orders)
    )


class _Walk:
    """Goes through trees from their roots, and claims each node for one of them.

    Converters write a set of categories as a chain of BRANCH_EQ, one in the false branch of the
    other, whose true branches lead to one and the same node. The first takes in the others.

    Members
    -------
    owner, place : (nodes,) the tree of each, -1 so far, and its number there
    false : as in `Arrays`, but behind its chain for the first of one
    members : by position, what the chain that starts there compares with
    """

    def __init__(self, arrays: Arrays, inner: np.ndarray) -> None:
        self._arrays, self._inner = arrays, inner
        self.owner = np.full(len(inner), -1)
        self.place = np.full(len(inner), -1)
        self.false = arrays.false.copy()
        self.members: dict[int, tuple[float, ...]] = {}

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
        found = np.array(order)
        self.place[found] = np.arange(len(found))
        return found

    def _claim(self, at: int, number: int) -> None:
        if at < 0 or self.owner[at] >= 0:
            raise damaged("a node has several parents, or a branch leads nowhere")
        self.owner[at] = number

    def _take_in_chain(self, first: int, number: int) -> int:
        """Merge the chain that starts at `first` into it, and return how long it was."""
        arrays, length = self._arrays, 1
        if arrays.modes[first] != "BRANCH_EQ":
            return length
        members = [float(arrays.threshold[first])]
        after = int(arrays.false[first])
        while (
            after >= 0
            and self.owner[after] < 0
            and arrays.modes[after] == "BRANCH_EQ"
            and arrays.feature[after] == arrays.feature[first]
            and arrays.true[after] == arrays.true[first]
        ):
            self._claim(after, number)
            if arrays.tracks_true[after] and not arrays.tracks_true[first]:
                raise UnsupportedModel(
                    "a tree ensemble has a chain of BRANCH_EQ on whose ways for NaN onnxruntime "
                    "and the standard disagree: send NaN into the first true branch, or nowhere"
                )
            members.append(float(arrays.threshold[after]))
            after = int(arrays.false[after])
            length += 1
        self.false[first] = after
        self.members[first] = tuple(members)
        return length


def _tree(
    arrays: Arrays, walk: _Walk, order: np.ndarray, weights: np.ndarray, dtype: Dtype
) -> NodeTree:
    modes = np.array([arrays.modes[at] for at in order])
    true = np.where(modes == LEAF, -1, walk.place[arrays.true[order]])
    false = np.where(modes == LEAF, -1, walk.place[walk.false[order]])
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
    place = (walk.place[arrays.leaf[weights]], np.searchsorted(outputs, arrays.output[weights]))
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
        sets=dict(_sets(walk.members, order, modes, threshold, tracks)),
        weighted=weighted,
    )


def _sets(
    chains: dict[int, tuple[float, ...]],
    order: np.ndarray,
    modes: np.ndarray,
    threshold: np.ndarray,
    tracks: np.ndarray,
) -> Iterator[tuple[int, SetSplit]]:
    for node in np.flatnonzero(np.isin(modes, _SETS)).tolist():
        members = chains.get(int(order[node]), (float(threshold[node]),))
        if np.isnan(members).any():
            raise damaged("a split compares with NaN")
        if modes[node] == "BRANCH_NEQ":  # NaN is unequal to all
            yield node, SetSplit(members, inside_left=False, missing_left=True)
        else:
            yield node, SetSplit(members, inside_left=True, missing_left=bool(tracks[node]))
