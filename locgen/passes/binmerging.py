"""Merging of a table's bins: always the two neighbours that lose least."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from locgen.ir.grids import Grid

__all__ = ["MergePath", "cell_counts"]

Floats = NDArray[np.float64]

_PRIOR = 1e-3
"""Rows that an empty cell counts for: it is merged first, towards its neighbour's value."""


def cell_counts(grid: Grid, x: Floats) -> Floats:
    """Return the rows of `x` in each cell, an empty one with a trace of a row."""
    found = np.full(grid.values.shape[:-1], _PRIOR)
    np.add.at(found, grid.places(x), 1.0)
    return found


class MergePath:
    """The order in which a table's bins merge: always the two neighbours that lose least.

    What a merge loses is the squared distance of the cells from what they become, by their rows.
    """

    def __init__(self, grid: Grid, counts: Floats) -> None:
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
    def _costs(values: Floats, weights: Floats, axis: int) -> Floats:
        """Return what merging each bin of `axis` with its next loses."""
        values, weights = np.moveaxis(values, axis, 0), np.moveaxis(weights, axis, 0)
        a, b = weights[:-1], weights[1:]
        apart = ((values[:-1] - values[1:]) ** 2).sum(axis=-1)
        losses = (a * b / (a + b) * apart).sum(axis=tuple(range(1, a.ndim)))
        return np.asarray(losses, dtype=np.float64)

    def up_to(self, most: float) -> tuple[Grid, tuple[NDArray[np.intp], ...]]:
        """Return the grid after all merges that lose at most `most`, and each old bin's new one."""
        values, weights = self.grid.values, self.counts
        cuts = list(self.grid.cuts)
        numbers: list[NDArray[np.intp]] = [np.arange(side) for side in weights.shape]
        for lost, axis, place in self.merges:
            if lost > most:
                break
            values, weights = _merged(values, weights, axis, place)
            cuts[axis] = np.delete(cuts[axis], place)
            numbers[axis] = numbers[axis] - (numbers[axis] > place)
        grid = replace(self.grid, cuts=tuple(cuts), values=values)
        return grid, tuple(numbers)


def _merged(values: Floats, weights: Floats, axis: int, place: int) -> tuple[Floats, Floats]:
    """Return values and weights with one bin and its next as their weighted mean."""
    values, weights = np.moveaxis(values, axis, 0), np.moveaxis(weights, axis, 0)
    pair = weights[place : place + 2]
    mean = (values[place : place + 2] * pair[..., None]).sum(axis=0) / pair.sum(axis=0)[..., None]
    values = np.concatenate([values[:place], mean[None], values[place + 2 :]])
    weights = np.concatenate([weights[:place], pair.sum(axis=0)[None], weights[place + 2 :]])
    return np.moveaxis(values, 0, axis), np.moveaxis(weights, 0, axis)
