"""Kernels between rows and stored vectors, as layers of the float IR."""

from dataclasses import dataclass

import numpy as np

from locgen.frontends.placement import Placement
from locgen.ir.float import FloatLayer, FloatLayers, FloatLinear, FloatUnit
from locgen.ir.functions import Function

__all__ = ["Kernel"]


@dataclass(frozen=True)
class Kernel:
    """A kernel with its parameters.

    Members
    -------
    name : ``linear``, ``poly``, ``rbf``, ``sigmoid`` or ``laplacian``
    gamma, degree, coef0 : as libsvm takes them
    """

    name: str
    gamma: float
    degree: int
    coef0: float

    def layer(self, stored: np.ndarray, place: Placement) -> FloatLayer:
        """Return the kernel between raw rows and `stored` vectors (vectors, features)."""
        if self.name in ("rbf", "laplacian"):
            return FloatLayer(
                "l2" if self.name == "rbf" else "l1",
                place.raw(stored),
                np.zeros(len(stored)),
                Function("exp"),
                scale=place.scale(),
                factor=self.gamma,
            )
        return FloatLayer(
            "dot",
            place.spread(self.gamma * stored * place.slope),
            self.gamma * (stored @ place.offset) + self.coef0,
            Function("power", self.degree) if self.name == "poly" else Function("tanh"),
        )

    def node(
        self, stored: np.ndarray, weights: np.ndarray, ids: tuple[int, ...], place: Placement
    ) -> tuple[FloatUnit, np.ndarray]:
        """Return ``kernel(x, stored) @ weights`` as a node and a constant (outputs,).

        A linear kernel comes to one dot product an output.

        Parameters
        ----------
        stored : (vectors, features)
        weights : (vectors, outputs)
        ids : of the vectors
        place : where the features lie among the raw columns
        """
        outputs = tuple(range(weights.shape[1]))
        if self.name == "linear":
            products = (stored * place.slope).T @ weights
            coefficients = np.ascontiguousarray(place.spread(products.T).T)
            return FloatLinear(coefficients, outputs), stored @ place.offset @ weights
        layers = (self.layer(stored, place),)
        return FloatLayers(layers, weights, outputs, ids, "kernel"), np.zeros(len(outputs))
