"""Float parabolas of one feature."""

from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from locgen.ir.float.arrays import Floats
from locgen.ir.float.node import UnivariateNode

__all__ = ["FloatQuadratic"]


@dataclass(frozen=True, eq=False)
class FloatQuadratic(UnivariateNode):
    """``-(curvature * (x - centre)**2) @ mix`` of one feature: a Gaussian's log likelihood.

    Members
    -------
    feature : index of the feature
    centre, curvature : (parts,) of each parabola
    mix : (parts, len(outputs)) share of each parabola in each output
    outputs : the model's outputs that the columns belong to
    """

    feature: int
    centre: Floats
    curvature: Floats
    mix: Floats
    outputs: tuple[int, ...]
    kind: Literal["quadratic"] = "quadratic"

    def shape(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return raw scores (rows, len(outputs)) of values of the feature (rows,)."""
        return -(self.curvature * (x[:, None] - self.centre) ** 2) @ self.mix

    def projected(self, matrix: NDArray[np.float64]) -> Self:
        """Return the node whose scores are this one's times `matrix` (len(outputs), new)."""
        return replace(self, mix=self.mix @ matrix, outputs=tuple(range(matrix.shape[1])))
