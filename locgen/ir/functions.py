"""The functions of one number that two-layer nodes apply between their sums."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy.special import expit

__all__ = ["Function", "FunctionName"]

FunctionName = Literal["identity", "relu", "tanh", "logistic", "exp", "power", "cos"]


@dataclass(frozen=True)
class Function:
    """A named function of one real number.

    ``relu`` is ``max(z, 0)``, ``logistic`` ``1 / (1 + exp(-z))``, ``exp`` ``exp(-z)`` (of a
    distance: falling), ``power`` ``z ** degree``, ``cos`` the cosine.

    Members
    -------
    name : which
    degree : exponent of a power, at least 1
    """

    name: FunctionName
    degree: int = 1

    def __post_init__(self) -> None:
        """Check the name and the exponent."""
        if self.name not in get_args(FunctionName):
            raise ValueError(f"name must be one of {get_args(FunctionName)}, not {self.name!r}")
        if self.degree < 1:
            raise ValueError(f"degree must be at least 1, not {self.degree!r}")

    @classmethod
    def square(cls) -> "Function":
        """Return the square: what makes quadratic forms out of projections."""
        return cls("power", 2)

    def evaluate(self, z: np.ndarray) -> np.ndarray:
        """Return the function of each entry of `z`, of any shape."""
        if self.name == "relu":
            return np.maximum(z, 0.0)
        if self.name == "tanh":
            return np.tanh(z)
        if self.name == "logistic":
            return expit(z)
        if self.name == "exp":
            return np.exp(-z)
        if self.name == "power":
            return z**self.degree
        return np.cos(z) if self.name == "cos" else np.asarray(z, dtype=np.float64)

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
        return {"exp": "exp(-z)", "power": f"z**{self.degree}", "cos": "cos(z)"}.get(
            self.name, self.name
        )
