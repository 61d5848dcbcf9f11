"""Re-binning: fewer bins of large tables, before anything is rounded, within a stated error.

Explainable boosting draws two features into 32 or 64 bins each, a thousand values and more for each
pair, of which next to all are like their neighbours. Rows or columns of a table that differ least,
by the training rows that they hold, are merged until the accuracy budget is half spent.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from locgen.ir import Model
from locgen.ir.grids import Grid, grid_of, grid_tree
from locgen.passes.binmerging import MergePath, cell_counts
from locgen.passes.context import Context, Evaluator, Passed

__all__ = ["Rebinning", "run"]

_LARGE = 64
"""Cells of a pair's table from which on merging is tried."""
_STEPS = 40
"""Halvings of what a merge may cost."""

Merged = tuple[Grid, tuple[NDArray[np.intp], ...]]
"""A grid with fewer bins, and each old bin's new one."""


@dataclass(frozen=True)
class Rebinning:
    """Values of a model with merged bins, and how far its scores move.

    Members
    -------
    before, after : values of all tables
    error : most by which the score of any row whatever may have moved
    moved : by how much that of a training row did at most
    """

    name: ClassVar[str] = "rebinning"
    before: int
    after: int
    error: float
    moved: float

    @property
    def words(self) -> str:
        """Summary in one line."""
        return (
            f"re-binned: {self.after} of {self.before} values; training rows' scores moved by at "
            f"most {self.moved:.3g}, no row's by more than {self.error:.3g}"
        )


def run(model: Model, context: Context) -> Passed[Model]:
    """Return `model` with merged bins, if it has large tables of pairs and there are data.

    Half of the accuracy budget is spent, and half of the decisions that may change.
    """
    if context.prune or context.evaluator is None or not _has_large_pairs(model):
        return Passed(model)
    evaluator = context.evaluator(model)
    if not evaluator.labelled:
        return Passed(model)
    grids = [grid for grid in map(grid_of, model.trees) if grid is not None]
    known = evaluator.x[: evaluator.labelled]
    paths = [MergePath(grid, cell_counts(grid, known)) for grid in grids]
    places = [grid.places(evaluator.x) for grid in grids]
    budget = context.max_accuracy_drop
    allowed = budget / 4 if context.max_changed is None else context.max_changed / 2
    largest = max(path.dearest for path in paths)
    for halvings in range(_STEPS + 1):
        merged = [path.up_to(largest / 2**halvings) for path in paths]
        scores = _scores(model, merged, places)
        answers = model.decide(scores)
        drop, changed = evaluator.drop(answers[: evaluator.labelled]), evaluator.changed(answers)
        if (drop is None or drop <= budget / 2) and changed <= allowed:
            fewer = _with_grids(model, [grid for grid, _ in merged])
            done = _rebinning(grids, merged, scores, evaluator)
            return Passed(fewer, (done,)) if fewer.trees else Passed(model)
    return Passed(model)


def _has_large_pairs(model: Model) -> bool:
    """Return whether all nodes are tables, of which a large one has two features."""
    grids = [grid_of(tree) for tree in model.trees]
    if model.units or model.second_stage or any(grid is None for grid in grids):
        return False
    return any(grid and len(grid.features) == 2 and grid.cells > _LARGE for grid in grids)


def _scores(
    model: Model, merged: Sequence[Merged], places: Sequence[tuple[NDArray[np.intp], ...]]
) -> NDArray[np.float64]:
    """Return the scores (rows, outputs) of merged grids for rows in `places` of the old ones."""
    scores = np.tile(np.array(model.base), (len(places[0][0]), 1))
    for (fewer, number), where in zip(merged, places, strict=True):
        bins = tuple(new[old] for new, old in zip(number, where, strict=True))
        scores[:, list(fewer.outputs)] += fewer.values[bins]
    return scores


def _rebinning(
    grids: Sequence[Grid],
    merged: Sequence[Merged],
    scores: NDArray[np.float64],
    evaluator: Evaluator,
) -> Rebinning:
    """Return values before and after, and how far `scores` (rows, outputs) moved."""
    error = sum(
        float(np.abs(fewer.values[np.ix_(*number)] - grid.values).max())
        for grid, (fewer, number) in zip(grids, merged, strict=True)
    )
    moved = float(np.abs(scores - evaluator.float_scores)[: evaluator.labelled].max())
    cells = sum(grid.cells for grid in grids), sum(grid.cells for grid, _ in merged)
    return Rebinning(*cells, error, moved)


def _with_grids(model: Model, grids: Sequence[Grid]) -> Model:
    """Return `model` with `grids` as its trees; those of a single value become constants."""
    base = np.array(model.base)
    trees = []
    for grid in grids:
        kept = [axis for axis, cuts in enumerate(grid.cuts) if len(cuts)]
        if kept:
            values = grid.values.reshape(*(len(grid.cuts[axis]) + 1 for axis in kept), -1)
            features = tuple(grid.features[axis] for axis in kept)
            cuts = tuple(grid.cuts[axis] for axis in kept)
            trees.append(grid_tree(Grid(features, cuts, values, grid.outputs)))
        else:
            base[list(grid.outputs)] += grid.values.reshape(-1)
    return replace(model, trees=tuple(trees), base=tuple(base.tolist()))
