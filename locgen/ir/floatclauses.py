"""Float clauses: conjunctions of comparisons of raw features, with a weight each."""

from dataclasses import dataclass, replace

import numpy as np

__all__ = ["FloatClauses", "FloatLiteral"]

FloatLiteral = tuple[int, float, bool]
"""(feature, cut, whether ``x[feature] <= cut`` has to hold or to fail)."""


@dataclass(frozen=True, eq=False)
class FloatClauses:
    """Weights of the clauses that hold, added up; or of the first that holds alone.

    Members
    -------
    clauses : for each clause its literals; one without literals always holds
    weights : (clauses, len(outputs))
    outputs : the model's outputs that the columns belong to
    clause_ids : the model's own number of each clause
    first : whether only the first clause that holds counts
    """

    clauses: tuple[tuple[FloatLiteral, ...], ...]
    weights: np.ndarray
    outputs: tuple[int, ...]
    clause_ids: tuple[int, ...]
    first: bool

    @property
    def feature(self) -> np.ndarray:
        """Feature of each literal, as a tree has of its splits."""
        return np.array([f for clause in self.clauses for f, _, _ in clause], dtype=np.int64)

    @property
    def cut(self) -> np.ndarray:
        """Cut of each literal."""
        return np.array([cut for clause in self.clauses for _, cut, _ in clause], dtype=np.float64)

    @property
    def features(self) -> tuple[int, ...]:
        """Features that are compared."""
        return tuple(np.unique(self.feature).tolist())

    def fired(self, x: np.ndarray) -> np.ndarray:
        """Return which clauses count for float rows (rows, features), booleans (rows, clauses)."""
        fired = np.ones((len(x), len(self.clauses)), dtype=bool)
        for number, clause in enumerate(self.clauses):
            for feature, cut, holds in clause:
                fired[:, number] &= (x[:, feature] <= cut) == holds
        if self.first:
            fired[:, 1:] &= ~np.logical_or.accumulate(fired, axis=1)[:, :-1]
        return fired

    def evaluate(self, x: np.ndarray) -> np.ndarray:
        """Return raw scores (rows, len(outputs)) of float rows (rows, features)."""
        return self.fired(x) @ self.weights

    def mixed(self, matrix: np.ndarray) -> "FloatClauses":
        """Return the node whose scores are this one's times `matrix` (len(outputs), new)."""
        return replace(self, weights=self.weights @ matrix, outputs=tuple(range(matrix.shape[1])))
