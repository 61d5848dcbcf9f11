"""The two-layer node: sums of codes, a table of each, weighted sums of what the tables hold.

One mechanism for kernels (distance to a stored vector, table, weight), hidden units (dot product,
table, weight) and quadratic forms (projection, table of squares, weight), and for more than one
such layer in a row.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from pydantic import ConfigDict

from locgen.ir.features import Feature
from locgen.ir.node import NodeBase, check_features, check_outputs

__all__ = ["Layer", "LayeredNode"]

_EXACT = 1 << 53
"""Sums below this are exact in float64, whose products are many times as fast as int64's."""
_WIDEST = 58
"""Bits of a sum: int64 holds what a distance is made from as well."""
_MOST_EDGES = 64
_DRAIN = 6
"""Cycles from a layer's last product to its last value in memory, see `cores.layers`."""


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
        if not self.parameters or len(self.bias) != len(self.parameters):
            raise ValueError("a layer must have units, and a bias for each")
        if len({len(row) for row in self.parameters}) != 1:
            raise ValueError("every unit of a layer must have a parameter for each input")
        if self.metric != "dot" and min((0, *(p for row in self.parameters for p in row))) < 0:
            raise ValueError("stored codes must not be negative")
        if len(self.table) < 2 or len(self.table) & (len(self.table) - 1) or min(self.table) < 0:
            raise ValueError("a layer's table must have 2, 4, 8 ... values, none negative")
        if not 0 <= self.shift < 48:
            raise ValueError("a layer's shift must be 0 to 47")
        if len(self.table) << self.shift > 1 << _WIDEST or max(self.table) >= 1 << 32:
            raise ValueError("a layer's table must cover sums of at most 58 bits, values of 32")
        if not 0 <= self.fraction <= min(self.shift, 24) or (self.fraction > 0) != bool(
            self.slopes
        ):
            raise ValueError("a layer must have slopes for a fraction, of at most its shift and 24")
        if self.slopes and len(self.slopes) != len(self.table):
            raise ValueError("a layer must have a slope for each entry of its table")
        if any(value + slope < 0 for value, slope in zip(self.table, self.slopes, strict=False)):
            raise ValueError("no slope of a layer's table may lead below 0")

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
        product = _product(values, stored.T)
        if self.metric == "dot":
            return product + bias
        squares = (values**2).sum(axis=1)[:, None] + (stored**2).sum(axis=1)
        return squares - 2 * product + bias

    def evaluate(self, values: np.ndarray) -> np.ndarray:
        """Return the units' values (rows, units) of input integers (rows, inputs)."""
        return self.look_up(self.sums(values))

    def look_up(self, sums: np.ndarray) -> np.ndarray:
        """Return what the table has for `sums`, of any shape."""
        inside = np.clip(sums, 0, (len(self.table) << self.shift) - 1)
        index = inside >> self.shift
        value = np.array(self.table, dtype=np.int64)[index]
        if not self.slopes:
            return value
        part = inside >> self.shift - self.fraction & (1 << self.fraction) - 1
        slope, half = np.array(self.slopes, dtype=np.int64)[index], 1 << self.fraction - 1
        return value + (slope * part + half >> self.fraction)


def _product(values: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return ``values @ matrix`` of integers, exactly."""
    size = float(np.abs(values).max(initial=0)) * float(np.abs(matrix).sum(axis=0).max(initial=0))
    if size < _EXACT:
        return np.rint(values.astype(np.float64) @ matrix.astype(np.float64)).astype(np.int64)
    return values @ matrix


@dataclass(frozen=True)
class LayeredNode(NodeBase):
    """``layers[-1](... layers[0](q[features])) @ weights + bias``.

    Members
    -------
    features : indices of the features, rising
    feature_bits : the width of each of them
    layers : from the features on
    weights : for each unit of the last layer one integer for each entry of `outputs`
    bias : one integer for each entry of `outputs`
    unit_ids : the library's number of each unit of the last layer
    outputs : outputs of the model that the scores are added to
    kind : ``kernel`` where the units are stored vectors, else ``dense``
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    features: tuple[int, ...]
    feature_bits: tuple[int, ...]
    layers: tuple[Layer, ...]
    weights: tuple[tuple[int, ...], ...]
    bias: tuple[int, ...]
    unit_ids: tuple[int, ...]
    outputs: tuple[int, ...]
    kind: Literal["kernel", "dense"] = "dense"

    def __post_init__(self) -> None:
        """Check that lengths agree."""
        what = f"a {self.kind} node"
        check_outputs(self.outputs, what)
        if list(self.features) != sorted(set(self.features)) or min((*self.features, 0)) < 0:
            raise ValueError(f"features of {what} must rise and not be negative")
        if not self.features or len(self.feature_bits) != len(self.features):
            raise ValueError(f"{what} must have features, and a width for each")
        if min(self.feature_bits) < 1 or max(self.feature_bits) > 24:
            raise ValueError(f"features of {what} must have 1 to 24 bits")
        if not self.layers:
            raise ValueError(f"{what} must have at least one layer")
        before = len(self.features)
        for layer in self.layers:
            if layer.inputs != before:
                raise ValueError(f"every layer of {what} must read all of the one before")
            before = layer.units
        if {len(self.weights), len(self.unit_ids)} != {before}:
            raise ValueError(f"{what} must have weights and a number for each unit")
        if {len(row) for row in (*self.weights, self.bias)} != {len(self.outputs)}:
            raise ValueError(f"{what} must have a weight and a bias for each output")

    @cached_property
    def largest_inputs(self) -> tuple[tuple[int, ...], ...]:
        """For each layer, and for the weighted sums behind the last, its inputs' largest values."""
        largest = [tuple((1 << bits) - 1 for bits in self.feature_bits)]
        largest += [(layer.largest,) * layer.units for layer in self.layers]
        return tuple(largest)

    @cached_property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """(lowest, highest) score, and sum on the way to it, for values from 0 to the largest."""
        most, ends = self.layers[-1].largest, []
        for column, bias in enumerate(self.bias):
            reach = [row[column] * most for row in self.weights]
            low = bias + sum(min(r, 0) for r in reach)
            ends.append((low, bias + sum(max(r, 0) for r in reach)))
        return tuple(ends)

    @cached_property
    def accumulator_bits(self) -> int:
        """Width of a signed register that holds every sum on its way."""
        ends = [
            end
            for layer, largest in zip(self.layers, self.largest_inputs, strict=False)
            for pair in layer.terms_range(largest)
            for end in pair
        ]
        # Scores are summed up from their lowest on.
        ends += [high - low for low, high in self.ranges]
        return max((end if end >= 0 else ~end).bit_length() for end in ends) + 1

    @property
    def steps(self) -> int:
        """Products and differences of one inference."""
        units = sum(layer.units * layer.inputs for layer in self.layers)
        return units + len(self.outputs) * len(self.weights)

    @property
    def compute_cycles(self) -> int:
        """Cycles that the serial core takes behind the last feature."""
        return self.steps + _DRAIN * (len(self.layers) + 1)

    @property
    def levels(self) -> float:
        """Where all works at once: products, sums, table, products of one unit."""
        return sum(6.0 + 2.0 * max(layer.inputs - 1, 1).bit_length() for layer in self.layers) + 4.0

    @property
    def stream_levels(self) -> float:
        """The product of the serial core, a row of adders."""
        return 7.0

    @property
    def load(self) -> int:
        """A core of its own: far more than a node of any other kind."""
        return 1000 + self.steps

    @cached_property
    def terms(self) -> tuple["LayeredNode", ...]:
        """One node a unit, the first with the bias; more than one layer stays whole."""
        if len(self.layers) > 1:
            return (self,)
        (layer,) = self.layers
        found = []
        for number, row in enumerate(self.weights):
            columns = [c for c, weight in enumerate(row) if weight or number == 0]
            if not columns:
                continue
            unit = replace(
                layer, parameters=(layer.parameters[number],), bias=(layer.bias[number],)
            )
            found.append(
                replace(
                    self,
                    layers=(unit,),
                    weights=(tuple(row[c] for c in columns),),
                    bias=tuple(self.bias[c] if number == 0 else 0 for c in columns),
                    unit_ids=(self.unit_ids[number],),
                    outputs=tuple(self.outputs[c] for c in columns),
                )
            )
        return tuple(found)

    def check(self, features: tuple[Feature, ...]) -> None:
        """Raise ValueError if the node does not fit the model's `features`."""
        check_features(self.features, self.feature_bits, features)
        if self.accumulator_bits > _WIDEST:
            raise ValueError("sums of a node must fit 58 bits")

    def values(self, q: np.ndarray) -> np.ndarray:
        """Return the values (rows, units) of the last layer."""
        values = q[:, list(self.features)].astype(np.int64)
        for layer in self.layers:
            values = layer.evaluate(values)
        return values

    def evaluate(self, q: np.ndarray, missing_codes: np.ndarray) -> np.ndarray:
        """Return integer scores (rows, len(outputs)) of quantised rows (rows, features)."""
        return _product(self.values(q), self._weights) + np.array(self.bias, dtype=np.int64)

    @cached_property
    def _weights(self) -> np.ndarray:
        return np.array(self.weights, dtype=np.int64)

    def account(self, q: np.ndarray, missing_codes: np.ndarray) -> dict[str, np.ndarray]:
        """Return `unit` (rows, units), the last layer's units by falling weight in the scores.

        In the same order `value` (rows, units) is what each unit's table gave, and `share`
        (rows, units, outputs) what that adds to each score. Of a kernel `distance` (rows, units) is
        what the table was asked for: how far the row is from the stored vector, in steps of codes,
        or the dot product with it.
        """
        inputs = q[:, list(self.features)].astype(np.int64)
        for layer in self.layers[:-1]:
            inputs = layer.evaluate(inputs)
        last = self.layers[-1]
        sums = last.sums(inputs)
        value = last.look_up(sums)
        share = value[:, :, None] * self._weights
        order = np.argsort(-np.abs(share).max(axis=2), axis=1, kind="stable")
        rows = np.arange(len(q))[:, None]
        told = {
            "unit": np.array(self.unit_ids, dtype=np.int64)[order],
            "value": value[rows, order],
            "share": share[rows, order],
        }
        if self.kind == "kernel":
            told["distance"] = (sums - np.array(last.bias, dtype=np.int64))[rows, order]
        return told

    def total(self, account: dict[str, np.ndarray]) -> np.ndarray:
        """Return the bias and all shares."""
        return account["share"].sum(axis=1) + np.array(self.bias, dtype=np.int64)

    @property
    def adds_up(self) -> bool:
        """No: the tables stand between the features and the scores."""
        return False

    @property
    def constant(self) -> tuple[int, ...]:
        """The bias."""
        return self.bias

    def shifted(self, amounts: tuple[int, ...]) -> "LayeredNode":
        """Return the node with `amounts` added to its scores, one for each output."""
        return replace(self, bias=tuple(b + a for b, a in zip(self.bias, amounts, strict=True)))

    def edges(self) -> Iterable[tuple[int, int]]:
        """Yield the codes at the stored vectors, evenly thinned if very many."""
        if self.layers[0].metric == "dot":
            return []
        largest = self.largest_inputs[0]
        found = sorted(
            {
                (feature, min(code, most))
                for row in self.layers[0].parameters
                for feature, code, most in zip(self.features, row, largest, strict=True)
            }
        )
        return found[:: -(-len(found) // _MOST_EDGES) or 1]

    def part_index(self, q: np.ndarray, missing_codes: np.ndarray) -> np.ndarray:
        """Return the unit that weighs most in the scores of each row, shape (rows,)."""
        share = np.abs(self.values(q)[:, :, None] * self._weights).max(axis=2)
        return np.argmax(share, axis=1)

    def part_name(self, part: int) -> str:
        """Return the unit in words."""
        what = "stored vector" if self.kind == "kernel" else "hidden unit"
        return f"{what} {self.unit_ids[part]}"
