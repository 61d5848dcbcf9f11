"""Float nodes whose stored rows vote: the nearest of them, or all within a radius."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

__all__ = ["FloatNeighbours"]

_CELLS = 1 << 22  # of one matrix of distances: 32 MB


@dataclass(frozen=True, eq=False)
class FloatNeighbours:
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

    stored: np.ndarray
    scale: np.ndarray
    metric: Literal["l1", "l2", "linf"]
    nearest: int
    votes: np.ndarray
    row_ids: tuple[int, ...]
    outputs: tuple[int, ...]
    radius: float | None = None

    @property
    def features(self) -> tuple[int, ...]:
        """Features that count."""
        return tuple(np.flatnonzero(self.scale).tolist())

    def places(self, x: np.ndarray) -> np.ndarray:
        """Return places in `stored` (rows, nearest), the nearest first, of rows of features."""
        order = (np.argsort(part, axis=1, kind="stable") for part in self.distances(x))
        return np.concatenate([places[:, : self.nearest] for places in order])

    def distances(self, x: np.ndarray) -> Iterator[np.ndarray]:
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

    def evaluate(self, x: np.ndarray) -> np.ndarray:
        """Return raw scores (rows, len(outputs)) of float rows (rows, features)."""
        if self.radius is not None:
            within = [part <= self.radius for part in self.distances(x)]
            return np.concatenate(within).astype(np.float64) @ self.votes
        return self.votes[self.places(x)].sum(axis=1)

    def mixed(self, matrix: np.ndarray) -> "FloatNeighbours":
        """Return the node whose scores are this one's times `matrix` (len(outputs), new)."""
        new = tuple(range(matrix.shape[1]))
        return replace(self, votes=self.votes @ matrix, outputs=new)
