"""Float step functions of one feature."""

from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from locgen.ir.float.arrays import Floats, Integers
from locgen.ir.float.node import UnivariateNode

__all__ = ["FloatSteps"]


@dataclass(frozen=True, eq=False)
class FloatSteps(UnivariateNode):
    """A function of one feature that is constant between cuts: exact in ranks of these cuts.

    Members
    -------
    feature : index of the feature
    limits : (k,) rising; row n answers above ``limits[n - 1]`` up to and including ``limits[n]``
    rows : (k + 1, len(outputs)) raw scores
    missing : (len(outputs),) raw scores of NaN, None where NaN never gets here
    outputs : the model's outputs that the columns belong to
    """

    feature: int
    limits: Floats
    rows: Floats
    missing: Floats | None
    outputs: tuple[int, ...]
    kind: Literal["steps"] = "steps"
    needs_range: ClassVar[bool] = False

    @property
    def cuts(self) -> tuple[Integers, Floats]:
        """The feature, and its limits."""
        return np.full(len(self.limits), self.feature), self.limits

    def shape(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return raw scores (rows, len(outputs)) of values of the feature (rows,)."""
        found: Floats = self.rows[np.searchsorted(self.limits, x).clip(0, len(self.limits))]
        if self.missing is None:
            return found
        return np.where(np.isnan(x)[:, None], self.missing, found)

    def projected(self, matrix: NDArray[np.float64]) -> Self:
        """Return the node whose scores are this one's times `matrix` (len(outputs), new)."""
        return replace(
            self,
            rows=self.rows @ matrix,
            missing=None if self.missing is None else self.missing @ matrix,
            outputs=tuple(range(matrix.shape[1])),
        )
