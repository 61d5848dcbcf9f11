"""The softmax of several scores: differences from the largest, a table, their sum, its reciprocal.

Only in a second stage, see `Cascade`: the scores' codes have one step and one low.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, cast

import numpy as np
from pydantic import ConfigDict

from locgen.ir.features import Feature
from locgen.ir.integer.arithmetic import BiasedNode, weighted_ranges
from locgen.ir.integer.checks import check_columns, check_features
from locgen.ir.integer.cost import Cost, Links
from locgen.ir.integer.layer import Layer
from locgen.ir.rules import refuse_if

__all__ = ["SoftmaxNode"]


@dataclass(frozen=True)
class SoftmaxNode(BiasedNode):
    """``(power * reciprocal[sum of powers] + half >> drop) @ weights + bias``.

    A power is what the table `power` makes of how far a code is below the largest.

    Members
    -------
    features : indices of the scores, rising; feature_bits : the width of each code, all the same
    power : a table of differences of codes; reciprocal : a table of sums of powers
    drop : binary places of a product that are rounded away
    weights : for each score one integer for each entry of `outputs`
    bias : one integer for each entry of `outputs`
    outputs : sums that the scores are added to
    error : most by which a probability differs from the real one
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    features: tuple[int, ...]
    feature_bits: tuple[int, ...]
    power: Layer
    reciprocal: Layer
    drop: int
    weights: tuple[tuple[int, ...], ...]
    bias: tuple[int, ...]
    outputs: tuple[int, ...]
    error: float
    kind: Literal["softmax"] = "softmax"

    adds_up = False
    evidence_words = "the probability of each class"

    def __post_init__(self) -> None:
        """Check that lengths agree."""
        check_columns(self.features, self.outputs, "a softmax node")
        refuse_if(len(self.features) < 2, "features of a softmax node must be two or more")
        refuse_if(
            len(set(self.feature_bits)) != 1 or len(self.feature_bits) != len(self.features),
            "features of a softmax node must have one width",
        )
        refuse_if(
            len(self.weights) != len(self.features),
            "a softmax node must have weights for each feature",
        )
        refuse_if(
            {len(row) for row in (*self.weights, self.bias)} != {len(self.outputs)},
            "a softmax node must have a weight and a bias for each output",
        )
        refuse_if(
            any((layer.units, layer.inputs) != (1, 1) for layer in (self.power, self.reciprocal)),
            "tables of a softmax node must have one input",
        )
        refuse_if(
            not 1 <= self.drop < 48 or self.power.largest * self.reciprocal.largest >= 1 << 48,
            "a softmax node must drop 1 to 47 places of products of 48 bits",
        )

    @cached_property
    def largest(self) -> int:
        """The largest probability that it may find, in integers."""
        return self.power.largest * self.reciprocal.largest + (1 << self.drop - 1) >> self.drop

    @cached_property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """(lowest, highest) score, whatever the probabilities."""
        return weighted_ranges(self.weights, self.bias, [self.largest] * len(self.features))

    @property
    def levels(self) -> float:
        """The largest, a difference, two tables, a product and the weighted sum."""
        rounds = (len(self.features) - 1).bit_length()
        return 24.0 + 5.0 * rounds

    @property
    def stream_levels(self) -> float:
        """The same: it has no serial form."""
        return self.levels

    @property
    def load(self) -> int:
        """A core of its own."""
        return 1000

    @property
    def functions(self) -> tuple[str, ...]:
        """How well it is a softmax."""
        return (f"softmax of {len(self.features)}: error at most {self.error:.2g}",)

    def cost(self) -> Cost:
        """Return the LUT4 of all of it, adders between weighted probabilities left out."""
        count, bits = len(self.features), self.feature_bits[0]
        product = self.power.value_bits * self.reciprocal.value_bits
        tables = count * self.power.table_luts + self.reciprocal.table_luts
        return Cost(product=tables + count * (3 * bits + self.power.value_bits + product))

    def stream_cost(self, links: Links, evidence_beats: int) -> Cost:
        """Return the same: it has no serial form."""
        return self.cost()

    def check(self, features: tuple[Feature, ...]) -> None:
        """Raise ValueError if the node does not fit the scores' codes."""
        check_features(self.features, self.feature_bits, features)

    def shares(self, q: np.ndarray) -> np.ndarray:
        """Return the probabilities (rows, len(features)) in integers."""
        own = q[:, list(self.features)].astype(np.int64)
        power = self.power.evaluate((own.max(axis=1, keepdims=True) - own).reshape(-1, 1))
        power = power.reshape(own.shape)
        part = self.reciprocal.evaluate(power.sum(axis=1, keepdims=True))
        return cast(np.ndarray, power * part + (1 << self.drop - 1) >> self.drop)

    def evaluate(self, q: np.ndarray, missing_codes: np.ndarray) -> np.ndarray:
        """Return integer scores (rows, len(outputs)) of rows of codes."""
        weights = np.array(self.weights, dtype=np.int64)
        return self.shares(q) @ weights + np.array(self.bias, dtype=np.int64)

    def account(self, q: np.ndarray, missing_codes: np.ndarray) -> dict[str, np.ndarray]:
        """Return `value` (rows, features), the probabilities in integers."""
        return {"value": self.shares(q)}
