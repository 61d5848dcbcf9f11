"""The gate of a sparse mixture: integer nodes that score experts, and which of them open."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

import numpy as np
from pydantic import ConfigDict, Field

from locgen.ir.integer import Node
from locgen.ir.integer.node import Comparison, NodeBase
from locgen.ir.integer.sums import signed_width, sum_ranges, sum_scores
from locgen.ir.levels import ADD_LEVELS, RANK_LEVELS
from locgen.ir.rules import refuse_if

__all__ = ["Gate", "highest"]


def highest(scores: np.ndarray, count: int) -> np.ndarray:
    """Return a mask (rows, columns) of each row's `count` highest scores, ties to the lowest."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :count]
    mask = np.zeros(scores.shape, dtype=bool)
    np.put_along_axis(mask, order, True, axis=1)
    return mask


@dataclass(frozen=True)
class Gate:
    """Opens the `top_k` experts with the highest scores, ties to the lowest index.

    The score of an expert is its bias plus the sum over the nodes.

    Members
    -------
    nodes : integer nodes whose outputs are experts
    bias : one integer an expert
    top_k : number of experts that are open for any input
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    nodes: tuple[Node, ...]
    bias: tuple[int, ...]
    top_k: Annotated[int, Field(ge=1)]

    def __post_init__(self) -> None:
        """Check that nodes score experts and that there are enough of them."""
        refuse_if(
            not 1 <= self.top_k <= len(self.bias),
            "top_k of a gate must be at least 1 and at most the number of experts",
        )
        refuse_if(
            any(output >= self.experts for node in self.nodes for output in node.outputs),
            "outputs of a gate's nodes must be experts",
        )

    @property
    def experts(self) -> int:
        """Number of experts."""
        return len(self.bias)

    @cached_property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Distinct comparisons of all nodes, sorted: the core's input bits in this order."""
        return tuple(sorted({c for node in self.nodes for c in node.comparisons}))

    @cached_property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """Interval of each expert's score, from the nodes' own ranges."""
        return sum_ranges(self.nodes, self.bias)

    @cached_property
    def ranked_terms(self) -> tuple[NodeBase, ...]:
        """The nodes' terms but for those that all experts share, which tell none apart.

        Of squared distances these are the squares of the features.
        """
        terms = [term for node in self.nodes for term in node.terms]
        owners = Counter((term.anonymous, term.outputs[0]) for term in terms)
        shared = {
            alike: min(owners[alike, expert] for expert in range(self.experts))
            for alike, _ in owners
        }
        shared[None] = 0
        kept: list[NodeBase] = []
        dropped: Counter[tuple[NodeBase | None, int]] = Counter()
        for term in terms:
            key = (term.anonymous, term.outputs[0])
            if dropped[key] < shared[term.anonymous]:
                dropped[key] += 1
            else:
                kept.append(term)
        return tuple(kept)

    @cached_property
    def ranked(self) -> tuple[tuple[int, int], ...]:
        """Interval of what is ranked for each expert: the bias and its `ranked_terms`."""
        return sum_ranges(self.ranked_terms, self.bias)

    @property
    def levels(self) -> float:
        """Levels of LUT4 from the comparisons' results and the features' codes to the mask."""
        terms = self.ranked_terms
        own = max((term.levels for term in terms), default=0.0)
        if self.is_mask:
            return own
        most = max(Counter(o for term in terms for o in term.outputs).values(), default=1)
        ranks = (self.experts - 1).bit_length() if self.top_k == 1 else 2
        return own + (most - 1).bit_length() * ADD_LEVELS + ranks * RANK_LEVELS

    @cached_property
    def is_mask(self) -> bool:
        """Whether the scores are 1 for open and 0 for closed experts: nothing is left to rank."""
        return len(self.nodes) == 1 and not any(self.bias) and self.nodes[0].is_mask(self.top_k)

    def describe(self) -> str:
        """Return its kind and size in words."""
        if self.is_mask:
            depth, splits, _ = self.nodes[0].shape
            return f"{self.nodes[0].kind}: {splits} splits, depth {depth}, a mask in each leaf"
        kinds = ", ".join(sorted({node.kind for node in self.nodes}))
        read = len({feature for node in self.nodes for feature in node.features})
        return f"{kinds}: {read} features, {signed_width(self.ranges)}-bit scores that are ranked"

    def scores(self, q: np.ndarray, missing_codes: np.ndarray) -> np.ndarray:
        """Return integer scores (rows, experts) of quantised rows; see `NodeBase`."""
        return sum_scores(self.nodes, self.bias, q, missing_codes)

    def evaluate(self, q: np.ndarray, missing_codes: np.ndarray) -> np.ndarray:
        """Return which experts are open, (rows, experts) booleans with `top_k` true a row."""
        return highest(self.scores(q, missing_codes), self.top_k)

    def sum_over_open(self, intervals: Sequence[tuple[int, int]]) -> tuple[int, int]:
        """Return the interval of the sum over the open experts, given each one's own."""
        lows = sorted(low for low, _ in intervals)
        highs = sorted(high for _, high in intervals)
        return sum(lows[: self.top_k]), sum(highs[self.experts - self.top_k :])
