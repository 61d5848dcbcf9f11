"""One layer of a layered node: sums of codes, and a table of each."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, cast

import numpy as np
from pydantic import ConfigDict

from locgen.ir.integer.cost import function_luts, nonzero_digits
from locgen.ir.rules import refuse_if

__all__ = ["WIDEST_SUM", "Layer", "exact_product"]

_EXACT = 1 << 53
"""Sums below this are exact in float64, whose products are many times as fast as int64's."""
WIDEST_SUM = 58
"""Bits of a sum: int64 holds what a distance is made from as well."""


@dataclass(frozen=True)
class Layer:
    """``table[clip((bias + sum) >> shift)]`` for each unit, or on the line to the next entry.

    Members
    -------
    metric : what is summed up over the inputs: with ``dot`` products with the parameters, with
        ``l1`` and ``l2`` sizes or squares of the differences from them
    parameters : for each unit one integer an input; with ``l1`` and ``l2`` not negative
    bias : for each unit what its sum starts from
    shift : binary places of a sum that choose no entry of the table
    table : as many values as a power of two, not negative; a sum outside takes the nearest end
    slopes, fraction : the value grows by ``slope * part / 2**fraction``, rounded half up, with
        `part` the uppermost `fraction` of those binary places; none where entries are constant
    function : what the table stands for, and in what way, for a reader
    error : most by which a value that any codes can lead to differs from that function's, in the
        function's own units; None if that was not found
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    metric: Literal["dot", "l1", "l2"]
    parameters: tuple[tuple[int, ...], ...]
    bias: tuple[int, ...]
    shift: int
    table: tuple[int, ...]
    slopes: tuple[int, ...] = ()
    fraction: int = 0
    function: str = ""
    error: float | None = None

    def __post_init__(self) -> None:
        """Check that lengths agree and signs are as they must be."""
        refuse_if(
            not self.parameters or len(self.bias) != len(self.parameters),
            "a layer must have units, and a bias for each",
        )
        refuse_if(
            len({len(row) for row in self.parameters}) != 1,
            "every unit of a layer must have a parameter for each input",
        )
        refuse_if(
            self.metric != "dot" and min((0, *(p for row in self.parameters for p in row))) < 0,
            "stored codes must not be negative",
        )
        refuse_if(
            len(self.table) < 2 or len(self.table) & (len(self.table) - 1) or min(self.table) < 0,
            "a layer's table must have 2, 4, 8 ... values, none negative",
        )
        refuse_if(not 0 <= self.shift < 48, "a layer's shift must be 0 to 47")
        refuse_if(
            len(self.table) << self.shift > 1 << WIDEST_SUM or max(self.table) >= 1 << 32,
            "a layer's table must cover sums of at most 58 bits, values of 32",
        )
        refuse_if(
            not 0 <= self.fraction <= min(self.shift, 24)
            or (self.fraction > 0) != bool(self.slopes),
            "a layer must have slopes for a fraction, of at most its shift and 24",
        )
        refuse_if(
            self.slopes and len(self.slopes) != len(self.table),
            "a layer must have a slope for each entry of its table",
        )
        refuse_if(
            any(value + slope < 0 for value, slope in zip(self.table, self.slopes, strict=False)),
            "no slope of a layer's table may lead below 0",
        )

    @property
    def units(self) -> int:
        """Number of units."""
        return len(self.parameters)

    @property
    def inputs(self) -> int:
        """Number of inputs."""
        return len(self.parameters[0])

    @property
    def largest(self) -> int:
        """The largest value that it may give."""
        ends = [value + slope for value, slope in zip(self.table, self.slopes, strict=False)]
        return max((*self.table, *ends))

    @property
    def value_bits(self) -> int:
        """Width of a value."""
        return max(self.largest.bit_length(), 1)

    @cached_property
    def _parameters(self) -> np.ndarray:
        return np.array(self.parameters, dtype=np.int64).reshape(self.units, self.inputs)

    def luts(self, largest: tuple[int, ...]) -> float:
        """Return the LUT4 of all units at once, for inputs 0 to `largest`."""
        luts = 0.0
        for row in self.parameters:
            for parameter, most in zip(row, largest, strict=True):
                bits = most.bit_length()
                if self.metric == "dot":
                    luts += bits * max(nonzero_digits(parameter) - 1, 0)
                else:
                    luts += 2 * bits + (bits * bits if self.metric == "l2" else 0)
        sums = [max(abs(low), abs(high)) for low, high in self.terms_range(largest)]
        luts += sum(self.inputs * total.bit_length() for total in sums)
        return luts + self.units * self.table_luts

    @property
    def table_luts(self) -> float:
        """LUT4 of one unit's table and of the line to its next entry."""
        one = function_luts((len(self.table) - 1).bit_length())
        luts = self.value_bits * one * (2 if self.slopes else 1)
        return luts + self.fraction * max(map(abs, self.slopes), default=0).bit_length()

    def describe(self) -> str:
        """Return the table's function and its error, in words."""
        error = "" if self.error is None else f", error at most {self.error:.2g}"
        return f"{self.function}: {len(self.table)} entries{error}"

    def terms_range(self, largest: tuple[int, ...]) -> list[tuple[int, int]]:
        """Return for each unit (lowest, highest) partial sum, for inputs 0 to `largest`."""
        ends = []
        for row, bias in zip(self.parameters, self.bias, strict=True):
            low = high = bias
            for parameter, most in zip(row, largest, strict=True):
                if self.metric == "dot":
                    low += min(parameter * most, 0)
                    high += max(parameter * most, 0)
                else:
                    far = max(parameter, abs(most - parameter))
                    high += far * far if self.metric == "l2" else far
            ends.append((low, high))
        return ends

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Return ``bias + sum`` (rows, units) of input integers (rows, inputs)."""
        stored = self._parameters
        bias = np.array(self.bias, dtype=np.int64)
        if self.metric == "l1":
            distance = np.zeros((len(values), self.units), dtype=np.int64)
            for column in range(self.inputs):
                distance += np.abs(values[:, column, None] - stored[:, column])
            return distance + bias
        product = exact_product(values, stored.T)
        if self.metric == "dot":
            return product + bias
        squares = (values**2).sum(axis=1)[:, None] + (stored**2).sum(axis=1)
        return cast(np.ndarray, squares - 2 * product + bias)

    def evaluate(self, values: np.ndarray) -> np.ndarray:
        """Return the units' values (rows, units) of input integers (rows, inputs)."""
        return self.look_up(self.sums(values))

    def look_up(self, sums: np.ndarray) -> np.ndarray:
        """Return what the table has for `sums`, of any shape."""
        inside = np.clip(sums, 0, (len(self.table) << self.shift) - 1)
        index = inside >> self.shift
        value = np.array(self.table, dtype=np.int64)[index]
        if not self.slopes:
            return cast(np.ndarray, value)
        part = inside >> self.shift - self.fraction & (1 << self.fraction) - 1
        slope, half = np.array(self.slopes, dtype=np.int64)[index], 1 << self.fraction - 1
        return cast(np.ndarray, value + (slope * part + half >> self.fraction))


def exact_product(values: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return ``values @ matrix`` of integers, exactly."""
    size = float(np.abs(values).max(initial=0)) * float(np.abs(matrix).sum(axis=0).max(initial=0))
    if size < _EXACT:
        return np.rint(values.astype(np.float64) @ matrix.astype(np.float64)).astype(np.int64)
    return cast(np.ndarray, values @ matrix)
