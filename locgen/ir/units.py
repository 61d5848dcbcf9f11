"""Float nodes that compute with the size of a feature: linear, quadratic and prototype."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from locgen.ir.floatclauses import FloatClauses
from locgen.ir.floatlayers import FloatLayers
from locgen.ir.floatneighbours import FloatNeighbours
from locgen.ir.shapes import FloatShape, FloatSteps
from locgen.ir.softmax import FloatSoftmax

__all__ = ["TABLED", "FloatLinear", "FloatPrototype", "FloatQuadratic", "FloatUnit"]


@dataclass(frozen=True, eq=False)
class FloatLinear:
    """``x @ coefficients``.

    Members
    -------
    coefficients : (features, len(outputs)), a row of zeros for a feature that is not read
    outputs : the model's outputs that the columns belong to
    """

    coefficients: np.ndarray
    outputs: tuple[int, ...]

    @property
    def features(self) -> tuple[int, ...]:
        """Features that count."""
        return tuple(np.flatnonzero((self.coefficients != 0).any(axis=1)).tolist())

    def evaluate(self, x: np.ndarray) -> np.ndarray:
        """Return raw scores (rows, len(outputs)) of float rows (rows, features)."""
        used = list(self.features)  # another column may be missing
        return x[:, used] @ self.coefficients[used]

    def mixed(self, matrix: np.ndarray) -> "FloatLinear":
        """Return the node whose scores are this one's times `matrix` (len(outputs), new)."""
        new = tuple(range(matrix.shape[1]))
        return replace(self, coefficients=self.coefficients @ matrix, outputs=new)


@dataclass(frozen=True, eq=False)
class FloatQuadratic:
    """``-(curvature * (x - centre)**2) @ mix`` of one feature: a Gaussian's log likelihood.

    Members
    -------
    feature : index of the feature
    centre, curvature : (parts,) of each parabola
    mix : (parts, len(outputs)) share of each parabola in each output
    outputs : the model's outputs that the columns belong to
    """

    feature: int
    centre: np.ndarray
    curvature: np.ndarray
    mix: np.ndarray
    outputs: tuple[int, ...]

    @property
    def features(self) -> tuple[int, ...]:
        """The feature."""
        return (self.feature,)

    def shape(self, x: np.ndarray) -> np.ndarray:
        """Return raw scores (rows, len(outputs)) of values of the feature (rows,)."""
        return -(self.curvature * (x[:, None] - self.centre) ** 2) @ self.mix

    def evaluate(self, x: np.ndarray) -> np.ndarray:
        """Return raw scores (rows, len(outputs)) of float rows (rows, features)."""
        return self.shape(x[:, self.feature])

    def mixed(self, matrix: np.ndarray) -> "FloatQuadratic":
        """Return the node whose scores are this one's times `matrix` (len(outputs), new)."""
        return replace(self, mix=self.mix @ matrix, outputs=tuple(range(matrix.shape[1])))


@dataclass(frozen=True, eq=False)
class FloatPrototype:
    """Minus the distance to a prototype: squared Euclidean (`l2`) or city block (`l1`).

    Members
    -------
    centre : (features,) the prototype
    scale : (features,) the metric compares ``x * scale``; 0 for a feature that does not count
    metric : how differences become a distance
    prototype_id : the library's number
    outputs : the one output of the model
    """

    centre: np.ndarray
    scale: np.ndarray
    metric: Literal["l1", "l2"]
    prototype_id: int
    outputs: tuple[int, ...]

    @property
    def features(self) -> tuple[int, ...]:
        """Features that count."""
        return tuple(np.flatnonzero(self.scale).tolist())

    def evaluate(self, x: np.ndarray) -> np.ndarray:
        """Return raw scores (rows, 1) of float rows (rows, features)."""
        d = (x - self.centre) * self.scale
        size = d * d if self.metric == "l2" else np.abs(d)
        return -size.sum(axis=1, keepdims=True)


TABLED = (FloatQuadratic, FloatShape, FloatSteps)
"""Units with a `shape`: functions of one feature, which become tables."""

FloatUnit = (
    FloatLinear
    | FloatQuadratic
    | FloatPrototype
    | FloatShape
    | FloatSteps
    | FloatLayers
    | FloatClauses
    | FloatNeighbours
    | FloatSoftmax
)
