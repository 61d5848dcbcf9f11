"""Fewer bins of large tables, before anything is rounded, within a stated error.

Explainable boosting draws two features into 32 or 64 bins each, a thousand values and more for each
pair, of which next to all are like their neighbours. Rows or columns of a table that differ least,
by the training rows that they hold, are merged until the accuracy budget is half spent.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from locgen.ir import Model
from locgen.ir.grids import Grid, grid_of, grid_tree

if TYPE_CHECKING:
    from locgen.quantise.judge import Judge, QuantiseOptions

__all__ = ["Rebinning", "rebin"]

_LARGE = 64
"""Cells of a pair's table from which on merging is tried."""
_STEPS = 40
"""Halvings of what a merge may cost."""
_PRIOR = 1e-3
"""Rows that an empty cell counts for: it is merged first, towards its neighbour's value."""


@dataclass(frozen=True)
class Rebinning:
    """What merging did.

    Members
    -------
    before, after : values of all tables
    error : most by which the score of any row whatever may have moved
    moved : by how much that of a training row did at most
    """

    before: int
    after: int
    error: float
    moved: float

    @property
    def words(self) -> str:
        """What a reader is told."""
        return (
            f"re-binned: {self.after} of {self.before} values; training rows' scores moved by at "
            f"most {self.moved:.3g}, no row's by more than {self.error:.3g}"
        )


def rebin(
    model: Model, judge: "Judge", options: "QuantiseOptions"
) -> tuple[Model, Rebinning] | None:
    """Return `model` with merged bins, and what that did; None if it has no large tables of pairs.

    Half of the accuracy budget is spent, and half of the decisions that may change.
    """
    grids = [grid_of(tree) for tree in model.trees]
    if model.units or not judge.labelled or any(grid is None for grid in grids):
        return None
    if not any(len(grid.features) == 2 and grid.cells > _LARGE for grid in grids):
        return None
    x = judge.x
    counts = [_counts(grid, x[: judge.labelled]) for grid in grids]
    paths = [_Path(grid, count) for grid, count in zip(grids, counts, strict=True)]
    places = [grid.places(x) for grid in grids]
    largest = max(path.dearest for path in paths)
    budget = options.max_accuracy_drop
    allowed = budget / 4 if options.max_changed is None else options.max_changed / 2
    best = None
    for halvings in range(_STEPS + 1):
        merged = [path.up_to(largest / 2**halvings) for path in paths]
        scores = np.tile(np.array(model.base), (len(x), 1))
        for (fewer, number), own in zip(merged, places, strict=True):
            where = tuple(new[old] for new, old in zip(number, own, strict=True))
            scores[:, list(fewer.outputs)] += fewer.values[where]
        answers = model.decide(scores)
        drop, changed = judge.drop(answers[: judge.labelled]), judge.changed(answers)
        if (drop is None or drop <= budget / 2) and changed <= allowed:
            best = merged, scores
            break
    if best is None:
        return None
    merged, scores = best
    error = sum(
        float(np.abs(fewer.values[np.ix_(*number)] - grid.values).max())
        for grid, (fewer, number) in zip(grids, merged, strict=True)
    )
    moved = float(np.abs(scores - judge.float_scores)[: judge.labelled].max())
    before, after = (sum(g.cells for g in own) for own in (grids, [g for g, _ in merged]))
    base = np.array(model.base)
    trees = []
    for grid, _ in merged:
        kept = [axis for axis, cuts in enumerate(grid.cuts) if len(cuts)]
        if kept:
            values = grid.values.reshape(*(len(grid.cuts[axis]) + 1 for axis in kept), -1)
            features, cuts = ([own[axis] for axis in kept] for own in (grid.features, grid.cuts))
            trees.append(grid_tree(Grid(tuple(features), tuple(cuts), values, grid.outputs)))
        else:  # one value for all
            base[list(grid.outputs)] += grid.values.reshape(-1)
    if not trees:
        return None
    fewer = replace(model, trees=tuple(trees), base=tuple(base.tolist()))
    return fewer, Rebinning(before, after, error, moved)


def _counts(grid: Grid, x: np.ndarray) -> np.ndarray:
    """Return the rows of `x` in each cell, an empty one with a trace of a row."""
    found = np.full(grid.values.shape[:-1], _PRIOR)
    np.add.at(found, grid.places(x), 1.0)
    return found


class _Path:
    """The order in which a table's bins merge: always the two neighbours that lose least.

    What a merge loses is the squared distance of the cells from what they become, by their rows.
    """

    def __init__(self, grid: Grid, counts: np.ndarray) -> None:
        self.grid, self.counts = grid, counts
        self.merges: list[tuple[float, int, int]] = []  # (dearest so far, axis, bin)
        values, weights = grid.values, counts
        dearest = 0.0
        while max(weights.shape) > 1:
            costs = [self._costs(values, weights, axis) for axis in range(weights.ndim)]
            axis = min(range(weights.ndim), key=lambda a: costs[a].min(initial=np.inf))
            place = int(np.argmin(costs[axis]))
            dearest = max(dearest, float(costs[axis][place]))
            self.merges.append((dearest, axis, place))
            values, weights = _merged(values, weights, axis, place)

    @property
    def dearest(self) -> float:
        """What the dearest merge loses."""
        return self.merges[-1][0] if self.merges else 0.0

    @staticmethod
    def _costs(values: np.ndarray, weights: np.ndarray, axis: int) -> np.ndarray:
        """Return what merging each bin of `axis` with its next loses."""
        values, weights = np.moveaxis(values, axis, 0), np.moveaxis(weights, axis, 0)
        a, b = weights[:-1], weights[1:]
        apart = ((values[:-1] - values[1:]) ** 2).sum(axis=-1)
        return (a * b / (a + b) * apart).sum(axis=tuple(range(1, a.ndim)))

    def up_to(self, most: float) -> tuple[Grid, tuple[np.ndarray, ...]]:
        """Return the grid after all merges that lose at most `most`, and each old bin's new one."""
        values, weights = self.grid.values, self.counts
        cuts = list(self.grid.cuts)
        numbers = [np.arange(side) for side in weights.shape]
        for lost, axis, place in self.merges:
            if lost > most:
                break
            values, weights = _merged(values, weights, axis, place)
            cuts[axis] = np.delete(cuts[axis], place)
            numbers[axis] = numbers[axis] - (numbers[axis] > place)
        grid = replace(self.grid, cuts=tuple(cuts), values=values)
        return grid, tuple(numbers)


def _merged(
    values: np.ndarray, weights: np.ndarray, axis: int, place: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return values and weights with one bin and its next as their weighted mean."""
    values, weights = np.moveaxis(values, axis, 0), np.moveaxis(weights, axis, 0)
    pair = weights[place : place + 2]
    mean = (values[place : place + 2] * pair[..., None]).sum(axis=0) / pair.sum(axis=0)[..., None]
    values = np.concatenate([values[:place], mean[None], values[place + 2 :]])
    weights = np.concatenate([weights[:place], pair.sum(axis=0)[None], weights[place + 2 :]])
    return np.moveaxis(values, 0, axis), np.moveaxis(weights, 0, axis)
