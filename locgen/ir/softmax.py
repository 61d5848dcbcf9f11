"""The softmax of several scores in the float IR: only behind scores, see `FloatCascade`."""

from dataclasses import dataclass, replace

import numpy as np

__all__ = ["FloatSoftmax"]


@dataclass(frozen=True, eq=False)
class FloatSoftmax:
    """``softmax(x[:, features]) @ weights``.

    Members
    -------
    features : the scores
    weights : (len(features), len(outputs))
    outputs : the model's outputs that the columns belong to
    """

    features: tuple[int, ...]
    weights: np.ndarray
    outputs: tuple[int, ...]

    def shares(self, x: np.ndarray) -> np.ndarray:
        """Return the probabilities (rows, len(features)) of rows of scores."""
        own = x[:, list(self.features)]
        powers = np.exp(own - own.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def evaluate(self, x: np.ndarray) -> np.ndarray:
        """Return raw scores (rows, len(outputs)) of rows of scores."""
        return self.shares(x) @ self.weights

    def mixed(self, matrix: np.ndarray) -> "FloatSoftmax":
        """Return the node whose scores are this one's times `matrix` (len(outputs), new)."""
        new = tuple(range(matrix.shape[1]))
        return replace(self, weights=self.weights @ matrix, outputs=new)
