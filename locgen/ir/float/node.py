"""The contract of every node of the float IR."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from locgen.ir.float.arrays import Floats, Integers, JsonData

__all__ = ["FloatNode", "UnivariateNode"]


class FloatNode(JsonData, ABC):
    """A node over raw float64 features, with defaults for one that computes with their size.

    Members
    -------
    kind : its name in JSON
    outputs : outputs of the model that the columns of the node's scores belong to
    needs_range : whether the size of its features counts, and not only between which cuts it lies
    univariate : whether it is a function of one feature, see `UnivariateNode`
    addable : whether an ensemble may add its scores to those of other nodes
    beside_trees : whether it may be part of one model with trees
    can_merge : whether the difference of two of its scores may stand for both
    """

    kind: str
    outputs: tuple[int, ...]
    needs_range: ClassVar[bool] = True
    univariate: ClassVar[bool] = False
    addable: ClassVar[bool] = True
    beside_trees: ClassVar[bool] = True
    can_merge: ClassVar[bool] = True

    @property
    @abstractmethod
    def features(self) -> tuple[int, ...]:
        """Features that it reads, rising."""

    @abstractmethod
    def evaluate(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return raw scores (rows, len(outputs)) of float rows (rows, features)."""

    @abstractmethod
    def projected(self, matrix: NDArray[np.float64]) -> Self:
        """Return the node whose scores are this one's times `matrix` (len(outputs), new)."""

    @property
    def cuts(self) -> tuple[Integers, Floats]:
        """Feature and cut of each comparison, (comparisons,) both; none by default."""
        return np.zeros(0, dtype=np.int64), np.zeros(0)

    @property
    def dot_product(self) -> Floats | None:
        """Coefficients (features, len(outputs)) of a node that is nothing else; None if it is."""
        return None

    @property
    def needs_missing_code(self) -> bool:
        """Whether NaN has a score of its own, and so needs a code; ranks have one anyway."""
        return False

    @property
    def distance_scale(self) -> Floats | None:
        """By what it scales each feature (features,) for distances; None if it computes none."""
        return None

    def span(self, low: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the (lowest, highest) value of each feature that its codes must cover.

        Parameters
        ----------
        low : (features,) what a feature has that the node says nothing about
        """
        return low, low

    def reindexed(self, positions: Sequence[int], count: int) -> Self:
        """Return the node that reads feature ``positions[n]`` of `count` in place of feature n.

        Raises
        ------
        ValueError
            If nodes of this kind have their features for good.
        """
        raise ValueError(f"the features of a {type(self).__name__} must stay as they are")

    def widened(self, columns: int) -> Self:
        """Return the node over so many features: it reads none of those behind its own."""
        return self

    def magnitude(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the size of the products that it adds up, whatever their sum, (rows,)."""
        return np.zeros(len(x))


class UnivariateNode(FloatNode):
    """A node that is any function of one feature: it becomes a table of the feature's codes.

    Members
    -------
    feature : its index
    """

    feature: int
    univariate: ClassVar[bool] = True

    @property
    def features(self) -> tuple[int, ...]:
        """The feature."""
        return (self.feature,)

    @abstractmethod
    def shape(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return raw scores (rows, len(outputs)) of values of the feature (rows,)."""

    def evaluate(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return raw scores (rows, len(outputs)) of float rows (rows, features)."""
        return self.shape(x[:, self.feature])
