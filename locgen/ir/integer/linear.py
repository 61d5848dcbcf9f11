"""The linear node: an integer dot product."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, cast

import numpy as np
from pydantic import ConfigDict

from locgen.ir.features import Feature
from locgen.ir.integer.arithmetic import ArithmeticNode, BiasedNode, weighted_ranges, with_bias
from locgen.ir.integer.checks import check_columns, check_features
from locgen.ir.integer.cost import Cost, Links, signed_digits
from locgen.ir.rules import refuse_if

__all__ = ["LinearNode"]


@dataclass(frozen=True)
class LinearNode(BiasedNode, ArithmeticNode):
    """``q[features] @ weights + bias``.

    Members
    -------
    features : indices of the features, rising
    feature_bits : the width of each of them
    weights : one tuple a feature, one integer for each entry of `outputs`
    bias : one integer for each entry of `outputs`
    outputs : outputs of the model that the scores are added to
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    features: tuple[int, ...]
    feature_bits: tuple[int, ...]
    weights: tuple[tuple[int, ...], ...]
    bias: tuple[int, ...]
    outputs: tuple[int, ...]
    kind: Literal["linear"] = "linear"

    def __post_init__(self) -> None:
        """Check that lengths agree."""
        check_columns(self.features, self.outputs, "a linear node")
        refuse_if(
            {len(self.feature_bits), len(self.weights)} != {len(self.features)},
            "a linear node must have a width and weights for each feature",
        )
        refuse_if(
            min((*self.feature_bits, 1)) < 1, "features of a linear node must have at least one bit"
        )
        refuse_if(
            {len(row) for row in (*self.weights, self.bias)} != {len(self.outputs)},
            "a linear node must have a weight and a bias for each output",
        )

    @cached_property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """(lowest, highest) score over all codes, for each output: both are reached."""
        largest = [(1 << bits) - 1 for bits in self.feature_bits]
        return weighted_ranges(self.weights, self.bias, largest)

    @property
    def levels(self) -> float:
        """Two for a product, and two for each level of adders."""
        return 2.0 + 2.0 * max(len(self.features) - 1, 0).bit_length()

    @property
    def stream_levels(self) -> float:
        """The coefficient of a beat, then an adder."""
        return 4.0

    @property
    def load(self) -> int:
        """Bits of the accumulators, a third of the weights', which are functions of the beat."""
        bits = 1 + self.score_bits
        return bits + sum(w.bit_length() for row in self.weights for w in row) // 3

    @cached_property
    def terms(self) -> tuple["LinearNode", ...]:
        """One node a feature, see `with_bias`."""
        nothing = (0,) * len(self.outputs)
        members = zip(self.features, self.feature_bits, self.weights, strict=True)
        single = [
            LinearNode((f,), (bits,), (row,), nothing, self.outputs) for f, bits, row in members
        ]
        return with_bias(single, self.bias, [low for low, _ in self.ranges]) or (self,)

    @property
    def size_bits(self) -> int:
        """Bits of the adders that its products need."""
        bits = 0
        for width, row in zip(self.feature_bits, self.weights, strict=True):
            for digits in map(signed_digits, row):
                shifts = [shift for shift, _ in digits]
                bits += sum(width + shift - shifts[0] for shift in shifts[1:])
        return bits

    def stream_cost(self, links: Links, evidence_beats: int) -> Cost:
        """Return accumulators, and weights as functions of the feature that passes."""
        return self.stream_sums(list(zip(*self.weights, strict=True)), links, evidence_beats)

    def check(self, features: tuple[Feature, ...]) -> None:
        """Raise ValueError if the node does not fit the model's `features`."""
        check_features(self.features, self.feature_bits, features)

    def evaluate(self, q: np.ndarray, missing_codes: np.ndarray) -> np.ndarray:
        """Return integer scores (rows, len(outputs)) of quantised rows (rows, features)."""
        products = q[:, list(self.features)].astype(np.int64) @ self._weights
        return cast(np.ndarray, products + np.array(self.bias, dtype=np.int64))

    def account(self, q: np.ndarray, missing_codes: np.ndarray) -> dict[str, np.ndarray]:
        """Return `terms` (rows, features, outputs): what each feature adds to each score."""
        return {"terms": q[:, list(self.features), None].astype(np.int64) * self._weights}

    def widened(self, output: int, constant: int) -> "LinearNode":
        """Return the node with `constant` as its score of one more output."""
        return replace(
            self,
            weights=tuple((*row, 0) for row in self.weights),
            bias=(*self.bias, constant),
            outputs=(*self.outputs, output),
        )

    @cached_property
    def _weights(self) -> np.ndarray:
        shape = (len(self.features), len(self.outputs))
        return np.array(self.weights, dtype=np.int64).reshape(shape)
