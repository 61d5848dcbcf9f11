"""Float nodes that are any function of one feature: they become tables of its codes."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

__all__ = ["FloatShape", "FloatSteps"]


@dataclass(frozen=True, eq=False)
class FloatSteps:
    """A function of one feature that is constant between cuts: exact in ranks of these cuts.

    Members
    -------
    feature : index of the feature
    cuts : (k,) rising; row n answers above ``cuts[n - 1]`` up to and including ``cuts[n]``
    rows : (k + 1, len(outputs)) raw scores
    missing : (len(outputs),) raw scores of NaN, None where NaN never gets here
    outputs : the model's outputs that the columns belong to
    """

    feature: int
    cuts: np.ndarray
    rows: np.ndarray
    missing: np.ndarray | None
    outputs: tuple[int, ...]

    @property
    def features(self) -> tuple[int, ...]:
        """The feature."""
        return (self.feature,)

    def shape(self, x: np.ndarray) -> np.ndarray:
        """Return raw scores (rows, len(outputs)) of values of the feature (rows,)."""
        found = self.rows[np.searchsorted(self.cuts, x, side="left").clip(0, len(self.cuts))]
        if self.missing is None:
            return found
        return np.where(np.isnan(x)[:, None], self.missing, found)

    def evaluate(self, x: np.ndarray) -> np.ndarray:
        """Return raw scores (rows, len(outputs)) of float rows (rows, features)."""
        return self.shape(x[:, self.feature])

    def mixed(self, matrix: np.ndarray) -> "FloatSteps":
        """Return the node whose scores are this one's times `matrix` (len(outputs), new)."""
        return replace(
            self,
            rows=self.rows @ matrix,
            missing=None if self.missing is None else self.missing @ matrix,
            outputs=tuple(range(matrix.shape[1])),
        )


@dataclass(frozen=True, eq=False)
class FloatShape:
    """A function of one feature that changes everywhere: asked at the codes that it is given.

    Members
    -------
    feature : index of the feature
    ask : values of the feature (rows,) to raw scores (rows, parts); NaN too if it may be missing
    mix : (parts, len(outputs)) share of each part in each output
    takes_missing : whether NaN has a score of its own
    outputs : the model's outputs that the columns belong to
    """

    feature: int
    ask: Callable[[np.ndarray], np.ndarray]
    mix: np.ndarray
    takes_missing: bool
    outputs: tuple[int, ...]

    @property
    def features(self) -> tuple[int, ...]:
        """The feature."""
        return (self.feature,)

    def shape(self, x: np.ndarray) -> np.ndarray:
        """Return raw scores (rows, len(outputs)) of values of the feature (rows,)."""
        return self.ask(x) @ self.mix

    def evaluate(self, x: np.ndarray) -> np.ndarray:
        """Return raw scores (rows, len(outputs)) of float rows (rows, features)."""
        return self.shape(x[:, self.feature])

    def mixed(self, matrix: np.ndarray) -> "FloatShape":
        """Return the node whose scores are this one's times `matrix` (len(outputs), new)."""
        return replace(self, mix=self.mix @ matrix, outputs=tuple(range(matrix.shape[1])))
