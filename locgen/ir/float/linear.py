"""Float weighted sums of features."""

from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from locgen.ir.float.arrays import Floats
from locgen.ir.float.node import FloatNode

__all__ = ["FloatLinear"]


@dataclass(frozen=True, eq=False)
class FloatLinear(FloatNode):
    """``x @ coefficients``.

    Members
    -------
    coefficients : (features, len(outputs)), a row of zeros for a feature that is not read
    outputs : the model's outputs that the columns belong to
    """

    coefficients: Floats
    outputs: tuple[int, ...]
    kind: Literal["linear"] = "linear"

    @property
    def features(self) -> tuple[int, ...]:
        """Features that count."""
        return tuple(np.flatnonzero((self.coefficients != 0).any(axis=1)).tolist())

    def evaluate(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return raw scores (rows, len(outputs)) of float rows (rows, features)."""
        used = list(self.features)  # another column may be missing
        return x[:, used] @ self.coefficients[used]

    def projected(self, matrix: NDArray[np.float64]) -> Self:
        """Return the node whose scores are this one's times `matrix` (len(outputs), new)."""
        new = tuple(range(matrix.shape[1]))
        return replace(self, coefficients=self.coefficients @ matrix, outputs=new)

    @property
    def dot_product(self) -> Floats:
        """The coefficients."""
        return self.coefficients

    def magnitude(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the size of the products that it adds up, whatever their sum, (rows,)."""
        size: Floats = (np.abs(x) @ np.abs(self.coefficients)).max(axis=1)
        return size

    def widened(self, columns: int) -> Self:
        """Return the node over so many features: it reads none of those behind its own."""
        rows = np.zeros((columns, len(self.outputs)))
        rows[: len(self.coefficients)] = self.coefficients
        return replace(self, coefficients=rows)
