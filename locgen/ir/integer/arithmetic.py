"""Nodes that start from a bias, and nodes that add up a term of each feature."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

import numpy as np

from locgen.ir.integer.cost import Cost, Links, lookup_luts
from locgen.ir.integer.node import NodeBase

__all__ = ["ArithmeticNode", "BiasedNode", "weighted_ranges", "with_bias"]

_Term = TypeVar("_Term", bound=NodeBase)


class BiasedNode(NodeBase):
    """A node whose scores start from its member `bias`, one integer for each output."""

    if TYPE_CHECKING:

        @property
        @abstractmethod
        def bias(self) -> tuple[int, ...]:
            """What each score starts from."""

    @property
    def constant(self) -> tuple[int, ...]:
        """The bias."""
        return self.bias

    def shifted(self, amounts: tuple[int, ...]) -> Self:
        """Return the node with `amounts` added to its scores, one for each output."""
        bias = tuple(b + amount for b, amount in zip(self.bias, amounts, strict=True))
        return cast(Self, replace(cast(Any, self), bias=bias))


class ArithmeticNode(NodeBase):
    """A node that adds up a product or a difference of each feature.

    Members
    -------
    feature_bits : width of each feature
    """

    if TYPE_CHECKING:

        @property
        @abstractmethod
        def feature_bits(self) -> tuple[int, ...]:
            """Width of each feature."""

    @property
    @abstractmethod
    def size_bits(self) -> int:
        """Bits of the adders that its terms need before they are added up."""

    @property
    def looked_up_bits(self) -> int:
        """Most bits of a feature whose term is looked up."""
        return 4

    @property
    def is_looked_up(self) -> bool:
        """Whether the parallel core makes a look-up of it, not arithmetic."""
        return len(self.features) == 1 and self.feature_bits[0] <= self.looked_up_bits

    def cost(self) -> Cost:
        """Return its look-up or its adders."""
        if not self.is_looked_up:
            return Cost(product=self.size_bits)
        q = np.zeros((1 << self.feature_bits[0], self.features[0] + 1), dtype=np.int64)
        q[:, self.features[0]] = np.arange(len(q))
        rows = self.evaluate(q, np.full(q.shape[1], -1))
        return Cost(table=lookup_luts(rows.tolist(), self.feature_bits[0]))

    def evidence_cost(self) -> Cost:
        """Return the adders of the whole node's scores."""
        return Cost(adder=len(self.features) * sum(self.evidence_bits))

    def stream_sums(
        self, columns: Sequence[Sequence[int]], links: Links, evidence_beats: int
    ) -> Cost:
        """Return accumulators, and what moves or stores `columns` as features pass.

        Parameters
        ----------
        columns : weights or stored codes, one a feature each
        links, evidence_beats : see `stream_cost`
        """
        widths = [max(map(abs, column), default=0).bit_length() + 1 for column in columns]
        return self.digit_cost(evidence_beats) + Cost(
            sum=(links.down_width + links.serial) * self.score_bits,
            weight=links.weight_luts * sum(widths),
            shared={"weight": links.down_beats.bit_length() + links.number_bits},
        )


def with_bias(
    terms: Sequence[_Term], bias: Sequence[int], lows: Sequence[int]
) -> tuple[_Term, ...]:
    """Return `terms` that together score `bias` more, where it costs least.

    Where the scores count from 0 each term does: what falls as its code rises is then a function of
    the inverted code, without a sign. What is left stands in the term of widest range.

    Parameters
    ----------
    terms : nodes of the same outputs, or none
    bias : one integer for each output
    lows : the lowest score of all terms and the bias together, for each output
    """
    if not terms:
        return ()
    amounts = [[0] * len(bias) for _ in terms]
    for output, (left, lowest) in enumerate(zip(bias, lows, strict=True)):
        ranges = [term.ranges[output] for term in terms]
        if left and not lowest:
            for amount, (low, _) in zip(amounts, ranges, strict=True):
                amount[output] = -low
            left += sum(low for low, _ in ranges)
        spans = [high - low for low, high in ranges]
        amounts[spans.index(max(spans))][output] += left
    return tuple(term.shifted(tuple(a)) for term, a in zip(terms, amounts, strict=True))


def weighted_ranges(
    weights: Sequence[Sequence[int]], bias: Sequence[int], largest: Sequence[int]
) -> tuple[tuple[int, int], ...]:
    """Return (lowest, highest) of ``bias + values @ weights``, for each column.

    Parameters
    ----------
    weights : (values, columns); bias : (columns,)
    largest : (values,) what each may reach from 0 on
    """
    ends = []
    for column, start in enumerate(bias):
        reach = [row[column] * most for row, most in zip(weights, largest, strict=True)]
        low = start + sum(min(r, 0) for r in reach)
        ends.append((low, start + sum(max(r, 0) for r in reach)))
    return tuple(ends)
