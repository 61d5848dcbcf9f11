"""The contract of a node's lowering."""

from abc import ABC, abstractmethod
from typing import ClassVar, Generic, NamedTuple, TypeVar

import numpy as np

from locgen.ir import Feature, FloatNode, Node
from locgen.quantise.lower.context import Context

__all__ = ["WIDEST_SCORE", "Lowered", "NodeLowering", "ScoreWidths"]

NodeT = TypeVar("NodeT", bound=FloatNode)

Lowered = tuple[Node | None, np.ndarray]
"""A node in integers, None if it says nothing, and what is constant of it (outputs,)."""

WIDEST_SCORE = 16


class ScoreWidths(NamedTuple):
    """Score widths worth a trial.

    Members
    -------
    rank : of several kinds of nodes in one model the lowest decides
    first, last : the narrowest and the widest
    """

    rank: int
    first: int
    last: int


class NodeLowering(ABC, Generic[NodeT]):
    """How one kind of float node becomes integer nodes; defaults hold for most kinds.

    Members
    -------
    family : how widths are searched of models of such nodes, a key of `widths.FAMILIES`
    scores_are_distances : whether its scores are distances, whose scale is that of the features
    is_divisible : whether the integer node is weights alone, which a common factor may leave
    """

    family: ClassVar[str] = "arithmetic"
    scores_are_distances: ClassVar[bool] = False
    is_divisible: ClassVar[bool] = False

    def table(self, node: NodeT, context: Context) -> np.ndarray | None:
        """Return the scores (codes, outputs) of the node's feature; None if it reads several."""
        return None

    def compares(self, node: NodeT) -> bool:
        """Return whether the integer node compares codes, though the float one computes."""
        return False

    @abstractmethod
    def lower(self, node: NodeT, context: Context, steps: np.ndarray, width: int) -> Lowered:
        """Return `node` in integers.

        Parameters
        ----------
        steps : (outputs of the node,) score steps in a raw score of 1
        width : bits of its widest term
        """

    @abstractmethod
    def span(self, node: NodeT, context: Context) -> np.ndarray:
        """Return the widest range of any of the node's terms, for each output."""

    def constant(self, node: NodeT, context: Context) -> np.ndarray:
        """Return what every row gets of the node, for each output."""
        return np.zeros(len(node.outputs))

    def term_bits(self, node: NodeT, context: Context, width: int) -> int:
        """Return the bits of the node's widest term, where its parameters have `width` bits."""
        return width

    def score_widths(
        self, node: NodeT, features: tuple[Feature, ...], classification: bool
    ) -> ScoreWidths:
        """Return the score widths to try for a model of such nodes."""
        return ScoreWidths(4, 1, WIDEST_SCORE)
