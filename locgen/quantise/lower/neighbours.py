"""Votes of stored rows in integers."""

import numpy as np

from locgen.ir import Feature, FloatNeighbours, NeighboursNode
from locgen.quantise.lower.base import WIDEST_SCORE, Lowered, NodeLowering, ScoreWidths
from locgen.quantise.lower.context import Context

__all__ = ["NeighboursLowering"]

_ON_BORDER = 1e-6
"""Share of a step by which a distance of codes may pass a radius: rounding makes as much of one."""


class NeighboursLowering(NodeLowering[FloatNeighbours]):
    """Stored rows in codes, and votes in score steps."""

    def lower(
        self, node: FloatNeighbours, context: Context, steps: np.ndarray, width: int
    ) -> Lowered:
        """Return the node, whose votes count from the lowest, and what that comes to."""
        low, radius = node.votes.min(axis=0), None
        if node.radius is not None:  # any number of rows: their votes count from 0
            low = np.zeros(len(node.outputs))
            radius = int(node.radius / _size(node, context) + _ON_BORDER)
        votes = np.rint((node.votes - low) * steps).astype(np.int64)
        used = tuple(f for f in node.features if context.features[f].bits)
        if not votes.any() or not used:
            return None, node.evaluate(node.stored[:1])[0]
        codes = np.stack([context.features[f].quantise(node.stored[:, f]) for f in used], axis=1)
        return NeighboursNode(
            features=used,
            feature_bits=tuple(context.features[f].bits for f in used),
            stored=tuple(map(tuple, codes.tolist())),
            votes=tuple(map(tuple, votes.tolist())),
            bias=(0,) * len(node.outputs),
            nearest=node.nearest,
            metric=node.metric,
            row_ids=node.row_ids,
            outputs=node.outputs,
            radius=radius,
        ), node.nearest * low

    def span(self, node: FloatNeighbours, context: Context) -> np.ndarray:
        """Return how far the votes for each score reach."""
        return np.ptp(node.votes, axis=0)

    def term_bits(self, node: FloatNeighbours, context: Context, width: int) -> int:
        """Return the bits of a vote; those for classes are whole."""
        return 1 if context.model.task == "classification" else width

    def score_widths(
        self, node: FloatNeighbours, features: tuple[Feature, ...], classification: bool
    ) -> ScoreWidths:
        """Return the bits of votes."""
        if node.radius is not None:
            return ScoreWidths(1, 2, 2)  # no row at all is half a vote
        return ScoreWidths(2, 1, 1 if classification else WIDEST_SCORE)


def _size(node: FloatNeighbours, context: Context) -> float:
    """Return what a distance of 1 between codes comes to in the metric."""
    size = max((context.steps_of * node.scale)[list(node.features)].max(initial=0.0), 1e-300)
    return float(size**2 if node.metric == "l2" else size)
