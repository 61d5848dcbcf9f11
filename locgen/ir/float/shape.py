"""Float functions of one feature that change everywhere: polynomials between breaks."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, Self

import numpy as np
from numpy.polynomial.chebyshev import chebpts1, chebvander
from numpy.typing import NDArray

from locgen.ir.float.arrays import Floats
from locgen.ir.float.node import UnivariateNode

__all__ = ["FloatShape"]

_NEGLIGIBLE = 1e-13
"""Coefficients of the outer pieces below this share of the largest are what rounding leaves of 0.
Far outside they would count."""
_FAR = 1e30
"""So many half widths from a piece's centre a value is as good as infinite."""


@dataclass(frozen=True, eq=False)
class FloatShape(UnivariateNode):
    """A function of one feature that is a polynomial between breaks.

    Piece n is a sum of Chebyshev polynomials in ``(x - centres[n]) / halves[n]``.

    Members
    -------
    feature : index of the feature
    breaks : (k,) rising; piece n ends with ``breaks[n]``, included
    centres, halves : (k + 1,) middle and half width of each piece, for the outer ones of a part
    coefficients : (k + 1, degree + 1, len(outputs))
    missing : (len(outputs),) raw scores of NaN, None where NaN has none of its own
    outputs : the model's outputs that the columns belong to
    periodic : whether what lies between the first break and the last repeats
    """

    feature: int
    breaks: Floats
    centres: Floats
    halves: Floats
    coefficients: Floats
    missing: Floats | None
    outputs: tuple[int, ...]
    periodic: bool = False
    kind: Literal["shape"] = "shape"

    @classmethod
    def through(
        cls,
        feature: int,
        function: Callable[[NDArray[np.float64]], NDArray[np.float64]],
        breaks: NDArray[np.float64],
        degree: int,
        ends: tuple[float, float],
        missing: NDArray[np.float64] | None,
        periodic: bool = False,
    ) -> "FloatShape":
        """Return the node that equals `function`, up to rounding.

        Parameters
        ----------
        feature, missing, periodic : see the class
        function : values (rows,) to raw scores (rows, outputs), polynomials between breaks
        breaks : (k,) rising
        degree : of the polynomials, at most
        ends : interval of likely values, in which one piece without breaks is read off
        """
        edges = np.array(ends)
        if len(breaks):
            width = np.ptp(breaks) or np.ptp(edges) or 1.0
            edges = np.concatenate([[breaks[0] - width], breaks, [breaks[-1] + width]])
        low, high = edges[:-1, None], edges[1:, None]
        centres, halves = low / 2 + high / 2, np.maximum(high / 2 - low / 2, 1e-300)
        nodes = chebpts1(degree + 1)
        places = np.clip(centres + halves * nodes, np.nextafter(low, np.inf), high)
        values = function(places.reshape(-1)).reshape(*places.shape, -1)
        coefficients = np.einsum("dn,pno->pdo", np.linalg.inv(chebvander(nodes, degree)), values)
        outer = coefficients[[0, -1]]
        small = np.abs(outer) <= _NEGLIGIBLE * np.abs(outer).max(axis=1, keepdims=True)
        coefficients[[0, -1]] = np.where(small, 0.0, outer)
        outputs = tuple(range(values.shape[-1]))
        return cls(
            feature, breaks, centres[:, 0], halves[:, 0], coefficients, missing, outputs, periodic
        )

    @property
    def needs_missing_code(self) -> bool:
        """Whether NaN has a score of its own."""
        return self.missing is not None

    def shape(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return raw scores (rows, len(outputs)) of values of the feature (rows,)."""
        value = np.nan_to_num(x)
        first, last = 0, len(self.breaks)
        if self.periodic:
            start, end = self.breaks[[0, -1]]
            value = start + (value - start) % (end - start)
            first, last = 1, last - 1
        piece = np.searchsorted(self.breaks, value).clip(first, last)
        place = np.clip((value - self.centres[piece]) / self.halves[piece], -_FAR, _FAR)
        powers = chebvander(place, self.coefficients.shape[1] - 1)
        found: Floats = np.einsum("rd,rdo->ro", powers, self.coefficients[piece])
        if self.missing is None:
            return found
        return np.where(np.isnan(x)[:, None], self.missing, found)

    def projected(self, matrix: NDArray[np.float64]) -> Self:
        """Return the node whose scores are this one's times `matrix` (len(outputs), new)."""
        return replace(
            self,
            coefficients=self.coefficients @ matrix,
            missing=None if self.missing is None else self.missing @ matrix,
            outputs=tuple(range(matrix.shape[1])),
        )
