"""The linear node: an integer dot product."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from pydantic import ConfigDict

from locgen.ir.features import Feature
from locgen.ir.integer.node import NodeBase, check_features, check_outputs

__all__ = ["LinearNode"]


@dataclass(frozen=True)
class LinearNode(NodeBase):
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
        check_outputs(self.outputs, "a linear node")
        if list(self.features) != sorted(set(self.features)) or min((*self.features, 0)) < 0:
            raise ValueError("features of a linear node must rise and not be negative")
        if {len(self.feature_bits), len(self.weights)} != {len(self.features)}:
            raise ValueError("a linear node must have a width and weights for each feature")
        if min((*self.feature_bits, 1)) < 1:
            raise ValueError("features of a linear node must have at least one bit")
        if {len(row) for row in (*self.weights, self.bias)} != {len(self.outputs)}:
            raise ValueError("a linear node must have a weight and a bias for each output")

    @cached_property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """(lowest, highest) score over all codes, for each output: both are reached."""
        ends = []
        for column, bias in enumerate(self.bias):
            most = [
                row[column] * ((1 << bits) - 1)
                for row, bits in zip(self.weights, self.feature_bits, strict=True)
            ]
            ends.append((bias + sum(min(m, 0) for m in most), bias + sum(max(m, 0) for m in most)))
        return tuple(ends)

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
        bits = 1 + sum((high - low).bit_length() for low, high in self.ranges)
        return bits + sum(w.bit_length() for row in self.weights for w in row) // 3

    @cached_property
    def terms(self) -> tuple["LinearNode", ...]:
        """One node a feature; the first has the bias."""
        nothing = (0,) * len(self.outputs)
        return tuple(
            LinearNode((feature,), (bits,), (row,), nothing if n else self.bias, self.outputs)
            for n, (feature, bits, row) in enumerate(
                zip(self.features, self.feature_bits, self.weights, strict=True)
            )
        ) or (self,)

    def check(self, features: tuple[Feature, ...]) -> None:
        """Raise ValueError if the node does not fit the model's `features`."""
        check_features(self.features, self.feature_bits, features)

    def evaluate(self, q: np.ndarray, missing_codes: np.ndarray) -> np.ndarray:
        """Return integer scores (rows, len(outputs)) of quantised rows (rows, features)."""
        return q[:, list(self.features)].astype(np.int64) @ self._weights + np.array(
            self.bias, dtype=np.int64
        )

    def account(self, q: np.ndarray, missing_codes: np.ndarray) -> dict[str, np.ndarray]:
        """Return `terms` (rows, features, outputs): what each feature adds to each score."""
        return {"terms": q[:, list(self.features), None].astype(np.int64) * self._weights}

    @property
    def constant(self) -> tuple[int, ...]:
        """The bias."""
        return self.bias

    def shifted(self, amounts: tuple[int, ...]) -> "LinearNode":
        """Return the node with `amounts` added to its scores, one for each output."""
        return replace(self, bias=tuple(b + a for b, a in zip(self.bias, amounts, strict=True)))

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
