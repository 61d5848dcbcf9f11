"""Trees in integers, one score step for all of them."""

from dataclasses import replace
from typing import ClassVar

import numpy as np

from locgen.ir import FloatTree
from locgen.quantise.lower.base import Lowered, NodeLowering
from locgen.quantise.lower.context import Context

__all__ = ["TreeLowering"]


class TreeLowering(NodeLowering[FloatTree]):
    """Splits in codes, leaves in score steps."""

    family: ClassVar[str] = "trees"

    def lower(self, node: FloatTree, context: Context, steps: np.ndarray, width: int) -> Lowered:
        """Return the tree, whose leaves count from the lowest, and what that is."""
        split = context.splits[id(node)]
        values = node.leaf_values[[leaf for (leaf,) in split.leaf_scores]]
        low = values.min(axis=0)
        scores = np.rint((values - low) * steps).astype(np.int64)
        if not scores.any():
            return None, values.mean(axis=0)
        rows = tuple(map(tuple, scores.tolist()))
        return replace(split, leaf_scores=rows, outputs=node.outputs), low

    def span(self, node: FloatTree, context: Context) -> np.ndarray:
        """Return how far the leaves reach."""
        return np.ptp(node.leaf_values, axis=0)
