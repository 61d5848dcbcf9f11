"""Float conjunctions of comparisons, with a weight each."""

from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from locgen.ir.float.arrays import Floats, Integers
from locgen.ir.float.node import FloatNode

__all__ = ["FloatClauses", "FloatLiteral"]

FloatLiteral = tuple[int, float, bool]
"""(feature, cut, whether ``x[feature] <= cut`` has to hold or to fail)."""


@dataclass(frozen=True, eq=False)
class FloatClauses(FloatNode):
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
    weights: Floats
    outputs: tuple[int, ...]
    clause_ids: tuple[int, ...]
    first: bool
    kind: Literal["clauses"] = "clauses"
    needs_range: ClassVar[bool] = False

    @property
    def features(self) -> tuple[int, ...]:
        """Features that are compared."""
        return tuple(np.unique(self.cuts[0]).tolist())

    @property
    def cuts(self) -> tuple[Integers, Floats]:
        """Feature and cut of each literal."""
        literals = [(feature, cut) for clause in self.clauses for feature, cut, _ in clause]
        feature, cut = np.array(literals).reshape(-1, 2).T
        return feature.astype(np.int64), cut

    def fired(self, x: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which clauses count for float rows (rows, features), booleans (rows, clauses)."""
        fired = np.ones((len(x), len(self.clauses)), dtype=bool)
        for number, clause in enumerate(self.clauses):
            for feature, cut, holds in clause:
                fired[:, number] &= (x[:, feature] <= cut) == holds
        if self.first:
            fired[:, 1:] &= ~np.logical_or.accumulate(fired, axis=1)[:, :-1]
        return fired

    def evaluate(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return raw scores (rows, len(outputs)) of float rows (rows, features)."""
        return self.fired(x) @ self.weights

    def projected(self, matrix: NDArray[np.float64]) -> Self:
        """Return the node whose scores are this one's times `matrix` (len(outputs), new)."""
        return replace(self, weights=self.weights @ matrix, outputs=tuple(range(matrix.shape[1])))
