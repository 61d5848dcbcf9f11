"""Distances to prototypes in integers."""

from typing import ClassVar

import numpy as np

from locgen.ir import DistanceNode, Feature, FloatPrototype
from locgen.quantise.lower.base import Lowered, NodeLowering, ScoreWidths
from locgen.quantise.lower.context import Context

__all__ = ["PrototypeLowering"]

_FINEST = 8
"""Binary places of a prototype's codes behind those of its features."""


class PrototypeLowering(NodeLowering[FloatPrototype]):
    """A stored row in codes of some binary places; its distances have the features' scale."""

    scores_are_distances: ClassVar[bool] = True

    def lower(
        self, node: FloatPrototype, context: Context, steps: np.ndarray, width: int
    ) -> Lowered:
        """Return the node; `width` is the binary places of its codes."""
        used = tuple(f for f in node.features if context.features[f].bits)
        codes = np.floor(((node.centre - context.low) / context.steps_of) * (1 << width) + 0.5)
        codes = np.clip(codes.astype(np.int64), 0, ((context.largest + 1) << width) - 1)
        lowered = DistanceNode(
            features=used,
            feature_bits=tuple(context.features[f].bits for f in used),
            prototype=tuple(int(codes[f]) for f in used),
            weights=(1,) * len(used),
            metric=node.metric,
            fraction=width,
            bias=0,
            prototype_id=node.prototype_id,
            outputs=node.outputs,
        )
        return lowered, np.zeros(1)

    def span(self, node: FloatPrototype, context: Context) -> np.ndarray:
        """Return nothing: features give distances their scale."""
        return np.zeros(len(node.outputs))

    def score_widths(
        self, node: FloatPrototype, features: tuple[Feature, ...], classification: bool
    ) -> ScoreWidths:
        """Return the binary places of a prototype's codes."""
        return ScoreWidths(0, 0, _FINEST)
