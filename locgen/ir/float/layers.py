"""Float nodes of one layer and more: sums, a function of each, weighted sums of those."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from locgen.ir.float.arrays import Floats
from locgen.ir.float.node import FloatNode
from locgen.ir.functions import Function

__all__ = ["FloatLayer", "FloatLayers"]


@dataclass(frozen=True, eq=False)
class FloatLayer:
    """``function(sums)`` of the layer's inputs, one for each unit.

    Members
    -------
    metric : what a unit sums up: with ``dot`` products of inputs and its row of `matrix`, with
        ``l1`` and ``l2`` the sizes or squares of ``(input - matrix) * scale``
    matrix : (units, inputs) weights, or stored vectors in the inputs' own units
    bias : (units,) added to the sum
    function : what is made of each sum
    scale : (inputs,) of a distance, 0 for an input that does not count; None with ``dot``
    factor : what a distance is multiplied by
    """

    metric: Literal["dot", "l1", "l2"]
    matrix: Floats
    bias: Floats
    function: Function
    scale: Floats | None = None
    factor: float = 1.0

    @property
    def units(self) -> int:
        """Number of units."""
        return len(self.matrix)

    def sums(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what the function is applied to, (rows, units), of inputs (rows, inputs)."""
        if self.scale is None:
            return x @ self.matrix.T + self.bias
        a, b = x * self.scale, self.matrix * self.scale
        if self.metric == "l2":
            # Not by squares of a and b: they would cancel.
            distance = np.stack([((a - row) ** 2).sum(axis=1) for row in b], axis=1)
        else:
            distance = np.stack([np.abs(a - row).sum(axis=1) for row in b], axis=1)
        return self.factor * distance + self.bias

    def evaluate(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the units' values (rows, units) of inputs (rows, inputs)."""
        return self.function.evaluate(self.sums(x))


@dataclass(frozen=True, eq=False)
class FloatLayers(FloatNode):
    """``layers[-1](... layers[0](x)) @ weights``.

    Members
    -------
    layers : from the features on
    weights : (units of the last layer, len(outputs))
    outputs : the model's outputs that the columns belong to
    unit_ids : (units of the last layer,) the library's number of each
    kind : ``kernel`` where units are stored vectors, else ``dense``
    """

    layers: tuple[FloatLayer, ...]
    weights: Floats
    outputs: tuple[int, ...]
    unit_ids: tuple[int, ...]
    kind: Literal["kernel", "dense"]

    @property
    def features(self) -> tuple[int, ...]:
        """Features that count."""
        first = self.layers[0]
        if first.scale is not None:
            return tuple(np.flatnonzero(first.scale).tolist())
        return tuple(np.flatnonzero((first.matrix != 0).any(axis=0)).tolist())

    def evaluate(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return raw scores (rows, len(outputs)) of float rows (rows, features)."""
        for layer in self.layers:
            x = layer.evaluate(x)
        return x @ self.weights

    def magnitude(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the size of what is added up to a score, whatever its sum, (rows,)."""
        for layer in self.layers:
            x = layer.evaluate(x)
        size: Floats = (np.abs(x) @ np.abs(self.weights)).max(axis=1)
        return size

    def projected(self, matrix: NDArray[np.float64]) -> Self:
        """Return the node whose scores are this one's times `matrix` (len(outputs), new)."""
        new = tuple(range(matrix.shape[1]))
        return replace(self, weights=self.weights @ matrix, outputs=new)

    @property
    def distance_scale(self) -> Floats | None:
        """By what its first layer scales each feature."""
        return self.layers[0].scale

    def span(self, low: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the ends of the vectors that the first layer stores."""
        first = self.layers[0]
        if first.scale is None:
            return low, low
        stored = np.where(first.scale != 0, first.matrix, low)
        return stored.min(axis=0), stored.max(axis=0)

    def reindexed(self, positions: Sequence[int], count: int) -> Self:
        """Return the node that reads feature ``positions[n]`` of `count` in place of feature n."""
        first = self.layers[0]
        matrix = np.zeros((first.units, count))
        matrix[:, list(positions)] = first.matrix
        scale = None
        if first.scale is not None:
            scale = np.zeros(count)
            scale[list(positions)] = first.scale
        return replace(self, layers=(replace(first, matrix=matrix, scale=scale), *self.layers[1:]))

    def widened(self, columns: int) -> Self:
        """Return the node over so many features: it reads none of those behind its own."""
        return self.reindexed(range(self.layers[0].matrix.shape[1]), columns)
