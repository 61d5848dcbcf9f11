"""Float distances to one stored row."""

from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from locgen.ir.float.arrays import Floats
from locgen.ir.float.node import FloatNode

__all__ = ["FloatPrototype"]


@dataclass(frozen=True, eq=False)
class FloatPrototype(FloatNode):
    """Minus the distance to a prototype: squared Euclidean (`l2`) or city block (`l1`).

    Members
    -------
    centre : (features,) the prototype
    scale : (features,) the metric compares ``x * scale``; 0 for a feature that does not count
    metric : how differences become a distance
    prototype_id : the library's number
    outputs : the one output of the model
    """

    centre: Floats
    scale: Floats
    metric: Literal["l1", "l2"]
    prototype_id: int
    outputs: tuple[int, ...]
    kind: Literal["prototype"] = "prototype"
    addable: ClassVar[bool] = False
    can_merge: ClassVar[bool] = False

    @property
    def features(self) -> tuple[int, ...]:
        """Features that count."""
        return tuple(np.flatnonzero(self.scale).tolist())

    def evaluate(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return raw scores (rows, 1) of float rows (rows, features)."""
        d = (x - self.centre) * self.scale
        size = d * d if self.metric == "l2" else np.abs(d)
        distance: Floats = size.sum(axis=1, keepdims=True)
        return -distance

    def projected(self, matrix: NDArray[np.float64]) -> Self:
        """Refuse: a distance is the score of one output, as it is."""
        raise ValueError("the distance to a prototype must stay as it is")

    @property
    def distance_scale(self) -> Floats:
        """By what it scales each feature."""
        return self.scale

    def span(self, low: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the prototype twice."""
        return self.centre, self.centre
