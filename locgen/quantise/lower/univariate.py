"""Functions of one feature as tables of its codes."""

import numpy as np

from locgen.ir import TableNode, UnivariateNode
from locgen.quantise.lower.base import Lowered, NodeLowering
from locgen.quantise.lower.context import Context

__all__ = ["UnivariateLowering"]


class UnivariateLowering(NodeLowering[UnivariateNode]):
    """An entry for each code."""

    def table(self, node: UnivariateNode, context: Context) -> np.ndarray:
        """Return what the node says of each code, cut off at the limit."""
        return context.shape(node)

    def lower(
        self, node: UnivariateNode, context: Context, steps: np.ndarray, width: int
    ) -> Lowered:
        """Return the node, which counts from its lowest score, and what that is."""
        shape = context.shape(node)
        low = shape.min(axis=0)
        rows = np.rint((shape - low) * steps).astype(np.int64)
        if not rows.any():
            return None, low
        return TableNode(node.feature, tuple(map(tuple, rows.tolist())), node.outputs), low

    def span(self, node: UnivariateNode, context: Context) -> np.ndarray:
        """Return how far the entries of each score reach."""
        return np.ptp(context.shape(node), axis=0)
