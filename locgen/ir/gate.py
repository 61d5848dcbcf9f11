"""The gate of a sparse mixture: integer nodes that score experts, and which of them open."""

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

import numpy as np
from pydantic import ConfigDict, Field

from locgen.ir.node import Comparison
from locgen.ir.nodes import Node

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
        if not 1 <= self.top_k <= len(self.bias):
            raise ValueError("top_k of a gate must be at least 1 and at most the number of experts")
        if any(output >= self.experts for node in self.nodes for output in node.outputs):
            raise ValueError("outputs of a gate's nodes must be experts")

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
        low, high = list(self.bias), list(self.bias)
        for node in self.nodes:
            for output, (least, most) in zip(node.outputs, node.ranges, strict=True):
                low[output] += least
                high[output] += most
        return tuple(zip(low, high, strict=True))

    @cached_property
    def is_mask(self) -> bool:
        """Whether the scores are 1 for open and 0 for closed experts: nothing is left to rank."""
        if len(self.nodes) != 1 or any(self.bias) or self.nodes[0].kind != "tree":
            return False
        rows = self.nodes[0].leaf_scores
        return all(set(row) <= {0, 1} and sum(row) == self.top_k for row in rows)

    def scores(self, q: np.ndarray, missing_codes: np.ndarray) -> np.ndarray:
        """Return integer scores (rows, experts) of quantised rows; see `NodeBase`."""
        total = np.tile(np.array(self.bias, dtype=np.int64), (len(q), 1))
        for node in self.nodes:
            total[:, list(node.outputs)] += node.evaluate(q, missing_codes)
        return total

    def evaluate(self, q: np.ndarray, missing_codes: np.ndarray) -> np.ndarray:
        """Return which experts are open, (rows, experts) booleans with `top_k` true a row."""
        return highest(self.scores(q, missing_codes), self.top_k)
