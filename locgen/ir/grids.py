"""Tables over the bins of one feature or two, as trees that look the bins up."""

from dataclasses import dataclass

import numpy as np

from locgen.ir.float import FloatTree

__all__ = ["Grid", "grid_of", "grid_tree"]


@dataclass(frozen=True, eq=False)
class Grid:
    """One value for each bin of a feature, or for each pair of bins.

    Members
    -------
    features : one index or two
    cuts : of each of them the largest value of every bin but the last, rising
    values : (bins, outputs) or (bins, bins, outputs)
    outputs : the model's outputs that the last axis belongs to
    """

    features: tuple[int, ...]
    cuts: tuple[np.ndarray, ...]
    values: np.ndarray
    outputs: tuple[int, ...]

    @property
    def cells(self) -> int:
        """Number of values, those of all outputs counted once."""
        return int(np.prod(self.values.shape[:-1]))

    def places(self, x: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return each row's bin (rows,) of each feature."""
        sides = zip(self.features, self.cuts, strict=True)
        return tuple(np.searchsorted(cuts, x[:, feature]) for feature, cuts in sides)


def grid_tree(grid: Grid) -> FloatTree:
    """Return the tree that looks for a bin of the first feature, then of the second.

    Leaves have the numbers of their cells, the second feature's bins side by side.
    """
    splits: list[tuple[int, float]] = []
    children: list[list[int]] = []

    def grow(depth: int, low: int, high: int, before: int) -> int:
        """Return the node that tells bins `low` to `high` of feature `depth` apart."""
        if low == high:
            cell = before * (len(grid.cuts[depth]) + 1) + low
            if depth + 1 == len(grid.features):
                return ~cell
            return grow(depth + 1, 0, len(grid.cuts[depth + 1]), cell)
        middle = (low + high) // 2
        number = len(splits)
        splits.append((grid.features[depth], float(grid.cuts[depth][middle])))
        children.append([0, 0])
        children[number][0] = grow(depth, low, middle, before)
        children[number][1] = grow(depth, middle + 1, high, before)
        return number

    grow(0, 0, len(grid.cuts[0]), 0)
    cells = grid.values.reshape(grid.cells, -1)
    return FloatTree(
        feature=np.array([feature for feature, _ in splits], dtype=np.int64),
        cut=np.array([cut for _, cut in splits], dtype=np.float64),
        missing_left=np.zeros(len(splits), dtype=bool),
        left=np.array([left for left, _ in children], dtype=np.int64),
        right=np.array([right for _, right in children], dtype=np.int64),
        leaf_values=cells,
        leaf_ids=np.arange(len(cells)),
        outputs=grid.outputs,
    )


def grid_of(tree: FloatTree) -> Grid | None:
    """Return the grid that a tree made by `grid_tree` looks up, None if it is no such tree."""
    features = list(dict.fromkeys(tree.feature.tolist()))
    if not 1 <= len(features) <= 2 or tree.missing_left.any():
        return None
    cuts = tuple(np.unique(tree.cut[tree.feature == feature]) for feature in features)
    sides = tuple(len(own) + 1 for own in cuts)
    if len(tree.leaf_values) != np.prod(sides):
        return None
    values = tree.leaf_values.reshape(*sides, -1)
    grid = Grid(tuple(features), cuts, values, tree.outputs)
    same = grid_tree(grid)
    parts = ("feature", "cut", "left", "right")
    return grid if all(np.array_equal(getattr(tree, p), getattr(same, p)) for p in parts) else None
