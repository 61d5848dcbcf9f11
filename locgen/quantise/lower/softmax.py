"""Softmaxes of scores in integers."""

from typing import cast

import numpy as np

from locgen.ir import FloatSoftmax, Node, SoftmaxNode
from locgen.quantise.functiontable import longest_index, softmax_tables
from locgen.quantise.lower.base import Lowered, NodeLowering
from locgen.quantise.lower.context import Context
from locgen.quantise.lower.layers import WIDEST_WEIGHT

__all__ = ["SoftmaxLowering"]


class SoftmaxLowering(NodeLowering[FloatSoftmax]):
    """Tables of powers and of their sum's reciprocal; the scores' codes have one low and step."""

    def lower(self, node: FloatSoftmax, context: Context, steps: np.ndarray, width: int) -> Lowered:
        """Return the node, and what rounding shifts on the rows' mean."""
        floats = node.shares(context.x) @ node.weights
        index = longest_index(width)
        code = float(context.steps_of[node.features[0]])
        found = softmax_tables(code, len(node.features), index, width)
        weights = np.rint(node.weights * found.step * steps).astype(np.int64)
        if not weights.any():
            return None, floats.mean(axis=0)
        lowered = SoftmaxNode(
            features=node.features,
            feature_bits=tuple(context.features[f].bits for f in node.features),
            power=found.power,
            reciprocal=found.reciprocal,
            drop=found.drop,
            weights=tuple(map(tuple, weights.tolist())),
            bias=(0,) * len(node.outputs),
            outputs=node.outputs,
            error=found.error,
        )
        given = lowered.evaluate(context.codes, np.full(context.codes.shape[1], -1))
        # It only stands behind scores, where a model's nodes become those of a `Cascade`.
        return cast(Node, lowered), (floats - given / steps).mean(axis=0)

    def span(self, node: FloatSoftmax, context: Context) -> np.ndarray:
        """Return the largest weight of a probability."""
        return np.abs(node.weights).max(axis=0)

    def term_bits(self, node: FloatSoftmax, context: Context, width: int) -> int:
        """Return the bits of a weight times a probability."""
        return width + min(width, WIDEST_WEIGHT)
