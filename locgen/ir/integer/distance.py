"""The distance node: how near a row is to a stored prototype."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, cast

import numpy as np
from pydantic import ConfigDict

from locgen.ir.features import Feature
from locgen.ir.integer.arithmetic import ArithmeticNode, with_bias
from locgen.ir.integer.checks import check_columns, check_features
from locgen.ir.integer.cost import Cost, Links, nonzero_digits
from locgen.ir.integer.linear import LinearNode
from locgen.ir.rules import refuse_if
from locgen.ir.wording import Account, Wording

__all__ = ["DistanceNode", "Metric"]

Metric = Literal["l1", "l2", "linf", "hamming"]


@dataclass(frozen=True)
class DistanceNode(ArithmeticNode):
    """``bias - distance`` to a prototype.

    With ``d = q * 2**fraction - prototype`` for each feature, the distance is the sum of
    ``weight * abs(d)`` (l1), of ``weight * d**2`` (l2, no root is drawn) or of the weights where d
    is not 0 (hamming), or the largest ``weight * abs(d)`` (linf).

    Members
    -------
    features : indices of the features, rising
    feature_bits, prototype, weights : width, stored code and weight (not negative) of each
    metric : how differences become a distance
    fraction : binary places by which the stored codes are finer than the features'
    bias : score of the prototype itself
    prototype_id : the library's number of the prototype
    outputs : the one output of the model that the score is added to
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    features: tuple[int, ...]
    feature_bits: tuple[int, ...]
    prototype: tuple[int, ...]
    weights: tuple[int, ...]
    metric: Metric
    fraction: int
    bias: int
    prototype_id: int
    outputs: tuple[int, ...]
    kind: Literal["distance"] = "distance"

    evidence_words = "every prototype's id and its distance"

    def __post_init__(self) -> None:
        """Check that lengths agree and the prototype is one of codes."""
        check_columns(self.features, self.outputs, "a distance node")
        refuse_if(len(self.outputs) != 1, "a distance node must have exactly one output")
        lengths = {len(m) for m in (self.feature_bits, self.prototype, self.weights)}
        refuse_if(
            lengths != {len(self.features)},
            "a distance node must have a code and a weight for each feature",
        )
        refuse_if(
            min((*self.weights, self.fraction)) < 0 or min((*self.feature_bits, 1)) < 1,
            "a distance node must have features of at least one bit, no negatives",
        )
        for code, bits in zip(self.prototype, self.feature_bits, strict=True):
            refuse_if(
                not 0 <= code < 1 << (bits + self.fraction),
                "the prototype of a distance node must be made of codes",
            )

    @property
    def _stored(self) -> tuple[tuple[int, int], ...]:
        return tuple(zip(self.prototype, self.weights, strict=True))

    def parts(self, q: np.ndarray) -> np.ndarray:
        """Return what each feature adds to the distance, or for linf competes with."""
        d = q[:, list(self.features)].astype(np.int64) << self.fraction
        d = d - np.array(self.prototype, dtype=np.int64)
        if self.metric == "hamming":
            size = (d != 0).astype(np.int64)
        else:
            size = d * d if self.metric == "l2" else np.abs(d)
        return cast(np.ndarray, size * np.array(self.weights, dtype=np.int64))

    def distance(self, q: np.ndarray) -> np.ndarray:
        """Return the distance of quantised rows (rows, features), shape (rows,)."""
        parts = self.parts(q)
        return cast(
            np.ndarray, parts.max(axis=1, initial=0) if self.metric == "linf" else parts.sum(axis=1)
        )

    @cached_property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """(lowest, highest) score over all codes; the highest is reached without a fraction."""
        most = []
        for bits, code, weight in zip(self.feature_bits, self.prototype, self.weights, strict=True):
            far = max(code, abs((((1 << bits) - 1) << self.fraction) - code))
            size = {"l2": far * far, "hamming": int(far > 0)}.get(self.metric, far)
            most.append(weight * size)
        largest = max(most, default=0) if self.metric == "linf" else sum(most)
        return ((self.bias - largest, self.bias),)

    @property
    def levels(self) -> float:
        """Three for difference and size, one to tell equality, two for each level behind them."""
        first = 1.0 if self.metric == "hamming" else 3.0
        return first + 2.0 * max(len(self.features) - 1, 0).bit_length()

    @property
    def stream_levels(self) -> float:
        """The stored code of a beat, its difference or square, then an adder."""
        return 7.0

    @property
    def load(self) -> int:
        """Bits of the accumulator twice, and a third of the stored codes."""
        ((low, high),) = self.ranges
        return 1 + 2 * (high - low).bit_length() + sum(c.bit_length() for c in self.prototype) // 3

    @cached_property
    def terms(self) -> tuple["DistanceNode | LinearNode", ...]:
        """One node a feature, see `with_bias`; linf does not add up and stays whole.

        ``-(q - p)**2`` is ``-q**2``, which does not depend on the prototype, and a product: so all
        prototypes share the squares, and none has a square of its own.
        """
        if self.metric == "linf" or not self.features:
            return (self,)
        members = zip(self.features, self.feature_bits, self.prototype, self.weights, strict=True)
        single = [
            replace(
                self, features=(f,), feature_bits=(bits,), prototype=(code,), weights=(w,), bias=0
            )
            for f, bits, code, w in members
        ]
        if self.metric != "l2":
            return with_bias(single, (self.bias,), [self.ranges[0][0]])
        squares = [replace(node, prototype=(0,), prototype_id=0) for node in single]
        places = self.fraction + 1
        factors = [(w * code << places,) for code, w in self._stored]
        products = LinearNode(self.features, self.feature_bits, tuple(factors), (0,), self.outputs)
        constant = self.bias - sum(w * code * code for code, w in self._stored)
        lowest = self.ranges[0][0]
        if not lowest:
            constant += sum(node.ranges[0][0] for node in squares)
            squares = [node.shifted((-node.ranges[0][0],)) for node in squares]
        return (*squares, *with_bias(products.terms, (constant,), (lowest,)))

    @property
    def anonymous(self) -> "DistanceNode":
        """The node without its prototype's number and its output."""
        return replace(self, outputs=(0,), prototype_id=0)

    @property
    def looked_up_bits(self) -> int:
        """Bits of a feature up to which its term is looked up: a square is worth two more."""
        return 6 if self.metric == "l2" else 4

    @property
    def size_bits(self) -> int:
        """Bits of the adders of its differences, squares and products."""
        if self.metric == "hamming":
            return sum(-(-width // 3) for width in self.feature_bits)
        bits = 0
        for width, weight in zip(self.feature_bits, self.weights, strict=True):
            square = width * width if self.metric == "l2" else 0
            bits += 2 * width + square + max(nonzero_digits(weight) - 1, 0) * 2 * width
        return bits

    def stream_cost(self, links: Links, evidence_beats: int) -> Cost:
        """Return accumulators, and stored codes as functions of the feature that passes.

        Of squares there is one for all nodes, and each has products in place of its differences.
        """
        column, widest = self.prototype, max(self.feature_bits, default=0)
        if self.metric == "l2":
            places = self.fraction + 1
            column = tuple(w * code << places for code, w in self._stored) or self.prototype
            own = Cost(shared={"table": widest * widest})
        else:
            own = Cost(table=4 * widest)
        return own + Cost(sum=self.score_bits) + self.stream_sums([column], links, evidence_beats)

    def check(self, features: tuple[Feature, ...]) -> None:
        """Raise ValueError if the node does not fit the model's `features`."""
        check_features(self.features, self.feature_bits, features)

    def evaluate(self, q: np.ndarray, missing_codes: np.ndarray) -> np.ndarray:
        """Return integer scores (rows, 1) of quantised rows (rows, features)."""
        return self.bias - self.distance(q)[:, None]

    def account(self, q: np.ndarray, missing_codes: np.ndarray) -> dict[str, np.ndarray]:
        """Return `prototype` (rows,), the library's number, `distance` (rows,) and `terms`.

        `terms` (rows, features, 1) is what each feature takes off the score; of linf only the
        lowest counts.
        """
        return {
            "prototype": np.full(len(q), self.prototype_id, dtype=np.int64),
            "distance": self.distance(q),
            "terms": -self.parts(q)[:, :, None],
        }

    def describe(self, account: Account, codes: np.ndarray, wording: Wording) -> str:
        """Return the prototype and its distance."""
        return f"prototype {account['prototype']} is {account['distance']} away"

    def total(self, account: Account) -> np.ndarray:
        """Return the bias and all terms, or with linf the lowest of them."""
        if self.metric == "linf":
            return cast(np.ndarray, self.bias + account["terms"].min(axis=1, initial=0))
        return super().total(account)

    @property
    def adds_up(self) -> bool:
        """Whether the metric is a sum: linf takes the largest."""
        return self.metric != "linf"

    @property
    def constant(self) -> tuple[int, ...]:
        """The bias."""
        return (self.bias,)

    def shifted(self, amounts: tuple[int, ...]) -> "DistanceNode":
        """Return the node with `amounts` added to its scores, one for each output."""
        (amount,) = amounts
        return replace(self, bias=self.bias + amount)

    def edges(self) -> Iterable[tuple[int, int]]:
        """Yield the codes at the prototype: there the difference changes its sign."""
        return [(f, c >> self.fraction) for f, c in zip(self.features, self.prototype, strict=True)]
