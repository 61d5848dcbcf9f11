"""The functions of one number that two-layer nodes apply between their sums."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy.special import expit

__all__ = ["Function", "FunctionName"]

FunctionName = Literal[
    "identity",
    "relu",
    "tanh",
    "logistic",
    "exp",
    "power",
    "cos",
    "reciprocal",
    "confidence",
    "lines",
]

_LARGEST_POWER = 700.0
"""Of e, that float64 holds."""


@dataclass(frozen=True)
class Function:
    """A named function of one real number.

    ``relu`` is ``max(z, 0)``, ``logistic`` ``1 / (1 + exp(-z))``, ``exp`` ``exp(-z)`` (of a
    distance: falling), ``power`` ``z ** degree``, ``cos`` the cosine, ``reciprocal`` ``1 / z`` of
    z from 1 up, ``confidence`` ``z / (3 * (abs(z) + 1))``, ``lines`` rises or falls from knot to
    knot and stays as it is beyond the last.

    Members
    -------
    name : which
    degree : exponent of a power, at least 1
    most : where a table cuts the function off above; infinite for nowhere
    knots : of lines, (z, value) pairs with rising z and values that all rise or all fall
    """

    name: FunctionName
    degree: int = 1
    most: float = np.inf
    knots: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        """Check the name and the exponent."""
        if self.name not in get_args(FunctionName):
            raise ValueError(f"name must be one of {get_args(FunctionName)}, not {self.name!r}")
        if self.degree < 1:
            raise ValueError(f"degree must be at least 1, not {self.degree!r}")
        if (self.name == "lines") != bool(self.knots):
            raise ValueError("lines, and nothing else, must have knots")
        if self.knots:
            z, values = np.array(self.knots).T
            steps = np.diff(values)
            if (np.diff(z) <= 0).any() or ((steps < 0).any() and (steps > 0).any()):
                raise ValueError("knots must rise, and their values all rise or all fall")

    @classmethod
    def square(cls) -> "Function":
        """Return the square: what makes quadratic forms out of projections."""
        return cls("power", 2)

    def evaluate(self, z: np.ndarray) -> np.ndarray:
        """Return the function of each entry of `z`, of any shape."""
        found: np.ndarray
        if self.name == "reciprocal":
            found = 1 / np.maximum(z, 1.0)
        elif self.name == "confidence":
            found = z / (3 * (np.abs(z) + 1))
        elif self.name == "lines":
            found = np.interp(z, *np.array(self.knots).T)
        elif self.name == "relu":
            found = np.maximum(z, 0.0)
        elif self.name == "tanh":
            found = np.tanh(z)
        elif self.name == "logistic":
            found = expit(z)
        elif self.name == "exp":
            found = np.exp(-np.maximum(z, -_LARGEST_POWER))
        elif self.name == "power":
            found = z**self.degree
        else:
            found = np.cos(z) if self.name == "cos" else np.asarray(z, dtype=np.float64)
        return found

    def tabled(self, z: np.ndarray) -> np.ndarray:
        """Return the function of each entry of `z`, cut off at `most`: what a table stands for."""
        found: np.ndarray = np.minimum(self.evaluate(z), self.most)
        return found

    def turns(self, low: float, high: float) -> np.ndarray:
        """Return where between `low` and `high` it turns from rising to falling or back."""
        if self.name == "power" and self.degree % 2 == 0:
            return np.zeros(1) if low < 0 < high else np.zeros(0)
        if self.name == "cos":
            return np.pi * np.arange(np.ceil(low / np.pi), np.floor(high / np.pi) + 1)
        return np.zeros(0)

    @property
    def words(self) -> str:
        """What a reader calls it."""
        words = {
            "exp": "exp(-z)",
            "power": f"z**{self.degree}",
            "cos": "cos(z)",
            "reciprocal": "1/z",
            "confidence": "z/(3|z|+3)",
            "lines": f"{len(self.knots)} knots",
        }.get(self.name, self.name)
        return words if self.most == np.inf else f"{words} up to {self.most:g}"
