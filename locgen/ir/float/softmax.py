"""The float softmax of several scores."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from locgen.ir.float.arrays import Floats
from locgen.ir.float.node import FloatNode

__all__ = ["FloatSoftmax"]


@dataclass(frozen=True, eq=False)
class FloatSoftmax(FloatNode):
    """``softmax(x[:, scores]) @ weights``.

    Members
    -------
    scores : the features that are scores
    weights : (len(scores), len(outputs))
    outputs : the model's outputs that the columns belong to
    """

    scores: tuple[int, ...]
    weights: Floats
    outputs: tuple[int, ...]
    kind: Literal["softmax"] = "softmax"

    @property
    def features(self) -> tuple[int, ...]:
        """The scores."""
        return self.scores

    def shares(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probabilities (rows, len(scores)) of rows of scores."""
        own = x[:, list(self.scores)]
        powers = np.exp(own - own.max(axis=1, keepdims=True))
        shares: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
        return shares

    def evaluate(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return raw scores (rows, len(outputs)) of rows of scores."""
        return self.shares(x) @ self.weights

    def projected(self, matrix: NDArray[np.float64]) -> Self:
        """Return the node whose scores are this one's times `matrix` (len(outputs), new)."""
        new = tuple(range(matrix.shape[1]))
        return replace(self, weights=self.weights @ matrix, outputs=new)

    def reindexed(self, positions: Sequence[int], count: int) -> Self:
        """Return the node that reads feature ``positions[n]`` of `count` in place of feature n."""
        return replace(self, scores=tuple(positions[score] for score in self.scores))
