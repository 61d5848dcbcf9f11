"""The two-layer node: sums of codes, a table of each, weighted sums of what the tables hold.

One mechanism for kernels (distance to a stored vector, table, weight), hidden units (dot product,
table, weight) and quadratic forms (projection, table of squares, weight), and for more than one
such layer in a row.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple, cast

import numpy as np
from pydantic import ConfigDict

from locgen.ir.features import Feature
from locgen.ir.integer.arithmetic import BiasedNode, weighted_ranges
from locgen.ir.integer.checks import check_columns, check_features
from locgen.ir.integer.cost import Cost, Links, nonzero_digits
from locgen.ir.integer.layer import WIDEST_SUM, Layer, exact_product
from locgen.ir.integer.node import Kept
from locgen.ir.rules import refuse_if
from locgen.ir.wording import Account, Wording

__all__ = ["LayeredNode"]

_MOST_EDGES = 64
_DRAIN = 6
"""Cycles from a layer's last product to its last value in memory, see `cores.layers`."""


_SLACK = 1.5
"""Small memories become gates, so an estimate may lie above the device's block RAM."""


class _Words(NamedTuple):
    """What a reader calls a unit of the last layer, and what there is to say of it."""

    unit: str
    evidence: str
    distance: bool = False
    remedy: str = ""


_WORDS = {
    "kernel": _Words(
        "stored vector",
        "the library's number, distance, what each adds",
        True,
        " (Nystroem(n_components={fewer}) and a linear model, or a smaller nu or C)",
    ),
    "dense": _Words("hidden unit", "value, what each adds to each score"),
}


@dataclass(frozen=True)
class LayeredNode(BiasedNode):
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

    adds_up = False
    _summands = "share"

    def __post_init__(self) -> None:
        """Check that lengths agree."""
        what = f"a {self.kind} node"
        check_columns(self.features, self.outputs, what)
        refuse_if(
            not self.features or len(self.feature_bits) != len(self.features),
            f"{what} must have features, and a width for each",
        )
        refuse_if(
            min(self.feature_bits) < 1 or max(self.feature_bits) > 24,
            f"features of {what} must have 1 to 24 bits",
        )
        refuse_if(not self.layers, f"{what} must have at least one layer")
        before = len(self.features)
        for layer in self.layers:
            refuse_if(
                layer.inputs != before, f"every layer of {what} must read all of the one before"
            )
            before = layer.units
        refuse_if(
            {len(self.weights), len(self.unit_ids)} != {before},
            f"{what} must have weights and a number for each unit",
        )
        refuse_if(
            {len(row) for row in (*self.weights, self.bias)} != {len(self.outputs)},
            f"{what} must have a weight and a bias for each output",
        )

    @cached_property
    def largest_inputs(self) -> tuple[tuple[int, ...], ...]:
        """For each layer, and for the weighted sums behind the last, its inputs' largest values."""
        largest = [tuple((1 << bits) - 1 for bits in self.feature_bits)]
        largest += [(layer.largest,) * layer.units for layer in self.layers]
        return tuple(largest)

    @cached_property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """(lowest, highest) score, and sum on the way to it, for values from 0 to the largest."""
        return weighted_ranges(self.weights, self.bias, self.largest_inputs[-1])

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
        units = []
        for number, row in enumerate(self.weights):
            columns = [c for c, weight in enumerate(row) if weight or number == 0]
            if not columns:
                continue
            unit = replace(
                layer, parameters=(layer.parameters[number],), bias=(layer.bias[number],)
            )
            units.append(
                replace(
                    self,
                    layers=(unit,),
                    weights=(tuple(row[c] for c in columns),),
                    bias=tuple(self.bias[c] if number == 0 else 0 for c in columns),
                    unit_ids=(self.unit_ids[number],),
                    outputs=tuple(self.outputs[c] for c in columns),
                )
            )
        return tuple(units)

    @property
    def _words(self) -> _Words:
        return _WORDS[self.kind]

    @property
    def evidence_words(self) -> str:
        """What its evidence says."""
        return f"{self._words.unit}s by weight: {self._words.evidence}"

    @property
    def layer_units(self) -> tuple[int, ...]:
        """Units of each layer."""
        return tuple(layer.units for layer in self.layers)

    @property
    def functions(self) -> tuple[str, ...]:
        """What the table of each layer stands for and how well."""
        return tuple(layer.describe() for layer in self.layers)

    def cost(self) -> Cost:
        """Return the LUT4 of all units at once, adders between units left out."""
        luts = sum(
            layer.luts(largest)
            for layer, largest in zip(self.layers, self.largest_inputs, strict=False)
        )
        most = self.layers[-1].largest.bit_length()
        digits = [max(nonzero_digits(w) - 1, 0) for row in self.weights for w in row]
        return Cost(product=luts + sum(digits) * most)

    def stream_cost(self, links: Links, evidence_beats: int) -> Cost:
        """Return both multipliers, and registers of sums, tables' inputs, scores and counters."""
        memory = self.memories
        factor = max(memory["parameters"][1], memory["values"][1]) + 1
        places = max(layer.fraction for layer in self.layers)
        slope = memory["tables"][1] - memory["values"][1]
        counters = 7 * memory["values"][0].bit_length() + memory["parameters"][0].bit_length()
        return self.digit_cost(evidence_beats) + Cost(
            multiplier=factor * factor + places * slope,
            pipeline=2 * self.accumulator_bits + self.score_bits + counters,
        )

    @property
    def kept(self) -> Kept:
        """The units of all layers."""
        return Kept(sum(self.layer_units), f"{self._words.unit}s", _SLACK, self._words.remedy)

    @property
    def memories(self) -> dict[str, tuple[int, int]]:
        """(words, bits) of each memory of the serial core."""
        layers = self.layers
        parameters = [p for layer in layers for row in layer.parameters for p in row]
        parameters += [w for row in self.weights for w in row]
        values = max(*self.feature_bits, *(layer.value_bits for layer in layers))
        hidden = sum(self.layer_units)
        tables = {(layer.table, layer.slopes) for layer in layers}
        slopes = [abs(slope) for layer in layers for slope in layer.slopes]
        steep = max(slopes).bit_length() + 1 if slopes else 0
        sizes = {
            "parameters": (len(parameters), max(map(abs, parameters)).bit_length() + 1),
            "values": (len(self.features) + hidden, values),
            "tables": (len(tables) * max(len(layer.table) for layer in layers), values + steep),
        }
        if len({bias for layer in layers for bias in layer.bias}) > 1 or len(self.outputs) > 1:
            sizes["starts"] = (hidden + len(self.outputs), self.accumulator_bits)
        return sizes

    def check(self, features: tuple[Feature, ...]) -> None:
        """Raise ValueError if the node does not fit the model's `features`."""
        check_features(self.features, self.feature_bits, features)
        refuse_if(self.accumulator_bits > WIDEST_SUM, "sums of a node must fit 58 bits")

    def values(self, q: np.ndarray) -> np.ndarray:
        """Return the values (rows, units) of the last layer."""
        values = q[:, list(self.features)].astype(np.int64)
        for layer in self.layers:
            values = layer.evaluate(values)
        return values

    def evaluate(self, q: np.ndarray, missing_codes: np.ndarray) -> np.ndarray:
        """Return integer scores (rows, len(outputs)) of quantised rows (rows, features)."""
        return exact_product(self.values(q), self._weights) + np.array(self.bias, dtype=np.int64)

    @cached_property
    def _weights(self) -> np.ndarray:
        return np.array(self.weights, dtype=np.int64)

    def account(self, q: np.ndarray, missing_codes: np.ndarray) -> dict[str, np.ndarray]:
        """Return `unit` (rows, units), the last layer's units by falling weight in the scores.

        In the same order `value` (rows, units) is what each unit's table gave, and `share`
        (rows, units, outputs) what that adds to each score. Of a kernel `distance` (rows, units) is
        the argument of the table: how far the row is from the stored vector, in steps of codes,
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
        account = {
            "unit": np.array(self.unit_ids, dtype=np.int64)[order],
            "value": value[rows, order],
            "share": share[rows, order],
        }
        if self._words.distance:
            account["distance"] = (sums - np.array(last.bias, dtype=np.int64))[rows, order]
        return account

    def describe(self, account: Account, codes: np.ndarray, wording: Wording) -> str:
        """Return the unit that weighs most, and its value."""
        return f"unit {account['unit'][0]} above all, with {account['value'][0]}"

    def edges(self) -> Iterable[tuple[int, int]]:
        """Yield the codes at the stored vectors, evenly thinned if very many."""
        if self.layers[0].metric == "dot":
            return []
        largest = self.largest_inputs[0]
        codes = sorted(
            {
                (feature, min(code, most))
                for row in self.layers[0].parameters
                for feature, code, most in zip(self.features, row, largest, strict=True)
            }
        )
        return codes[:: -(-len(codes) // _MOST_EDGES) or 1]

    def part_index(self, q: np.ndarray, missing_codes: np.ndarray) -> np.ndarray:
        """Return the unit that weighs most in the scores of each row, shape (rows,)."""
        share = np.abs(self.values(q)[:, :, None] * self._weights).max(axis=2)
        return cast(np.ndarray, np.argmax(share, axis=1))

    def part_name(self, part: int) -> str:
        """Return the unit in words."""
        return f"{self._words.unit} {self.unit_ids[part]}"
