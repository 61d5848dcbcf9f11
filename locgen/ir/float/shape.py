"""Float functions of one feature that change everywhere."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from locgen.ir.float.arrays import Floats
from locgen.ir.float.node import UnivariateNode

__all__ = ["FloatShape"]


@dataclass(frozen=True, eq=False)
class FloatShape(UnivariateNode):
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
    mix: Floats
    takes_missing: bool
    outputs: tuple[int, ...]
    kind: Literal["shape"] = "shape"

    @property
    def needs_missing_code(self) -> bool:
        """Whether NaN has a score of its own."""
        return self.takes_missing

    def shape(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return raw scores (rows, len(outputs)) of values of the feature (rows,)."""
        return self.ask(x) @ self.mix

    def projected(self, matrix: NDArray[np.float64]) -> Self:
        """Return the node whose scores are this one's times `matrix` (len(outputs), new)."""
        return replace(self, mix=self.mix @ matrix, outputs=tuple(range(matrix.shape[1])))
