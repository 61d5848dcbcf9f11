"""Weighted sums of features in integers."""

from typing import ClassVar

import numpy as np

from locgen.ir import Feature, FloatLinear, LinearNode
from locgen.quantise.lower.base import Lowered, NodeLowering, ScoreWidths
from locgen.quantise.lower.context import Context

__all__ = ["LinearLowering"]

_WIDEST_WEIGHT = 12


class LinearLowering(NodeLowering[FloatLinear]):
    """Weights times codes."""

    is_divisible: ClassVar[bool] = True

    def lower(self, node: FloatLinear, context: Context, steps: np.ndarray, width: int) -> Lowered:
        """Return the node, and the constant that makes its weights' rounding good at half range."""
        exact = node.coefficients * context.steps_of[:, None] * (context.largest > 0)[:, None]
        weights = np.rint(exact * steps).astype(np.int64)
        missed = exact - weights / steps
        constant = context.low @ node.coefficients + (context.largest / 2) @ missed
        used = np.flatnonzero((weights != 0).any(axis=1))
        if not len(used):
            return None, constant
        return LinearNode(
            features=tuple(used.tolist()),
            feature_bits=tuple(context.features[f].bits for f in used),
            weights=tuple(map(tuple, weights[used].tolist())),
            bias=(0,) * len(node.outputs),
            outputs=node.outputs,
        ), constant

    def span(self, node: FloatLinear, context: Context) -> np.ndarray:
        """Return how far a feature moves each score over its range."""
        reach = np.abs(node.coefficients) * (context.steps_of * context.largest)[:, None]
        return reach.max(axis=0, initial=0.0)

    def constant(self, node: FloatLinear, context: Context) -> np.ndarray:
        """Return the scores of code 0."""
        return context.low @ node.coefficients

    def term_bits(self, node: FloatLinear, context: Context, width: int) -> int:
        """Return the bits of a weight times a code."""
        return width + max((context.features[f].bits for f in node.features), default=0)

    def score_widths(
        self, node: FloatLinear, features: tuple[Feature, ...], classification: bool
    ) -> ScoreWidths:
        """Return widths up to those of the widest weights."""
        return ScoreWidths(3, 1, _WIDEST_WEIGHT + max(f.bits for f in features))
