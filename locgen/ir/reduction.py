"""How what the sites send becomes one number on its way up: the integer reference of the stops."""

from dataclasses import dataclass
from typing import Literal, cast, get_args

import numpy as np

__all__ = ["Candidate", "Extreme", "Operation", "Reduction"]

Operation = Literal["add", "or", "min", "max"]
Extreme = Literal["min", "max"]


@dataclass(frozen=True)
class Reduction:
    """One operation over unsigned numbers of `bits` bits.

    A sum must fit `bits`. A site that has nothing to say sends `identity`; if one site alone sends
    another number, the result is that number, whatever the operation.
    """

    operation: Operation
    bits: int

    def __post_init__(self) -> None:
        """Check the operation and the width."""
        if self.operation not in get_args(Operation):
            known = ", ".join(get_args(Operation))
            raise ValueError(f"operation must be one of {known}, not {self.operation!r}")
        if not 1 <= self.bits <= 63:
            raise ValueError(f"bits must be 1 to 63, not {self.bits!r}")

    @property
    def identity(self) -> int:
        """The number that changes no result."""
        return (1 << self.bits) - 1 if self.operation == "min" else 0

    @property
    def most_significant_first(self) -> bool:
        """Whether numbers travel with their most significant digit first."""
        return self.operation in ("min", "max")

    def evaluate(self, numbers: np.ndarray) -> np.ndarray:
        """Return the results (rows,) of numbers (rows, sites).

        Raises
        ------
        ValueError
            If a sum does not fit.
        """
        rows = np.asarray(numbers, dtype=np.int64)
        if self.operation == "add":
            total = rows.sum(axis=1)
            if (total >> self.bits).any():
                raise ValueError(f"sums must fit {self.bits} bits, not be {int(total.max())}")
            return cast(np.ndarray, total)
        if self.operation == "or":
            return cast(np.ndarray, np.bitwise_or.reduce(rows, axis=1))
        return cast(np.ndarray, rows.min(axis=1) if self.operation == "min" else rows.max(axis=1))

    def digits(self, numbers: np.ndarray, width: int) -> np.ndarray:
        """Return digits (..., digits) of `width` bits of numbers (...), in the order of travel."""
        count = -(-self.bits // width)
        places = np.arange(count) * width
        if self.most_significant_first:
            places = places[::-1]
        return np.asarray(numbers, dtype=np.int64)[..., None] >> places & (1 << width) - 1


@dataclass(frozen=True)
class Candidate:
    """A key that competes, with the index of its owner, as one number.

    The smallest number (`min`), or the largest (`max`), has the best key and, of equal keys, the
    lowest index, wherever in the tree the candidates meet. The worst number of all is the
    operation's identity.
    """

    operation: Extreme
    key_bits: int
    index_bits: int

    @property
    def bits(self) -> int:
        """Width of the number."""
        return self.key_bits + self.index_bits

    @property
    def reduction(self) -> Reduction:
        """The operation over the numbers."""
        return Reduction(self.operation, self.bits)

    def number(self, key: np.ndarray, index: np.ndarray) -> np.ndarray:
        """Return the numbers (...) of keys (...) and indices (...), all unsigned."""
        low = np.asarray(index, dtype=np.int64)
        if self.operation == "max":
            low = low ^ (1 << self.index_bits) - 1
        return np.asarray(key, dtype=np.int64) << self.index_bits | low

    def key(self, number: np.ndarray) -> np.ndarray:
        """Return the keys (...) of numbers (...)."""
        return np.asarray(number, dtype=np.int64) >> self.index_bits

    def index(self, number: np.ndarray) -> np.ndarray:
        """Return the indices (...) of numbers (...)."""
        mask = (1 << self.index_bits) - 1
        low = np.asarray(number, dtype=np.int64) & mask
        return low ^ mask if self.operation == "max" else low
