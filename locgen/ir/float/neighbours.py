"""Float votes of stored rows: of the nearest, or of all within a radius."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from locgen.ir.float.arrays import Floats
from locgen.ir.float.node import FloatNode

__all__ = ["FloatNeighbours"]

_BEYOND = 1.02
"""Of a radius: what is clipped there lies outside."""
_CELLS = 1 << 22  # of one matrix of distances: 32 MB


@dataclass(frozen=True, eq=False)
class FloatNeighbours(FloatNode):
    """Sum of the votes of the `nearest` stored rows; equal distances go to the lower number.

    With a radius those of them vote that are not farther away.

    Members
    -------
    stored : (stored, features) the rows
    scale : (features,) the metric compares ``x * scale``; 0 for a feature that does not count
    metric : how differences become a distance: the sum of sizes, of squares, or the largest size
    nearest : how many rows vote
    votes : (stored, len(outputs))
    row_ids : (stored,) the library's number of each row
    outputs : the model's outputs that the columns belong to
    radius : the largest distance that votes, in the scaled metric (its square for squares), or None
    """

    stored: Floats
    scale: Floats
    metric: Literal["l1", "l2", "linf"]
    nearest: int
    votes: Floats
    row_ids: tuple[int, ...]
    outputs: tuple[int, ...]
    radius: float | None = None
    kind: Literal["neighbours"] = "neighbours"
    beside_trees: ClassVar[bool] = False
    can_merge: ClassVar[bool] = False

    @property
    def features(self) -> tuple[int, ...]:
        """Features that count."""
        return tuple(np.flatnonzero(self.scale).tolist())

    def places(self, x: NDArray[np.float64]) -> NDArray[np.intp]:
        """Return places in `stored` (rows, nearest), the nearest first, of rows of features."""
        order = (np.argsort(part, axis=1, kind="stable") for part in self.distances(x))
        return np.concatenate([places[:, : self.nearest] for places in order])

    def distances(self, x: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
        """Yield the distances (some rows, stored) of all rows of features, in their order."""
        used = list(self.features)
        a, b = x[:, used] * self.scale[used], self.stored[:, used] * self.scale[used]
        at_once = max(1, _CELLS // max(len(b), 1))
        for start in range(0, max(len(a), 1), at_once):
            part = a[start : start + at_once]
            total = np.zeros((len(part), len(b)))
            for column in range(len(used)):
                size = np.abs(part[:, [column]] - b[:, column])
                if self.metric == "linf":
                    np.maximum(total, size, out=total)
                else:
                    total += size * size if self.metric == "l2" else size
            yield total

    def evaluate(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return raw scores (rows, len(outputs)) of float rows (rows, features)."""
        if self.radius is not None:
            within = [part <= self.radius for part in self.distances(x)]
            return np.concatenate(within).astype(np.float64) @ self.votes
        scores: Floats = self.votes[self.places(x)].sum(axis=1)
        return scores

    def projected(self, matrix: NDArray[np.float64]) -> Self:
        """Return the node whose scores are this one's times `matrix` (len(outputs), new)."""
        new = tuple(range(matrix.shape[1]))
        return replace(self, votes=self.votes @ matrix, outputs=new)

    @property
    def distance_scale(self) -> Floats:
        """By what it scales each feature."""
        return self.scale

    def span(self, low: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the ends of the stored rows, and beyond where no row lies within the radius."""
        room = np.zeros(self.stored.shape[1])
        if self.radius is not None:
            reach = np.sqrt(self.radius) if self.metric == "l2" else self.radius
            room = _BEYOND * reach / np.where(self.scale > 0, self.scale, np.inf)
        return (self.stored - room).min(axis=0), (self.stored + room).max(axis=0)
