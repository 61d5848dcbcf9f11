"""Conjunctions of comparisons in integers; their weights are whole numbers already."""

from typing import ClassVar

import numpy as np

from locgen.ir import ClauseLiteral, ClauseNode, FloatClauses
from locgen.quantise.lower.base import Lowered, NodeLowering
from locgen.quantise.lower.context import Context

__all__ = ["ClausesLowering"]


class ClausesLowering(NodeLowering[FloatClauses]):
    """Cuts in codes."""

    family: ClassVar[str] = "clauses"

    def lower(self, node: FloatClauses, context: Context, steps: np.ndarray, width: int) -> Lowered:
        """Return the node; literals that always hold are left out, and clauses that never do."""
        clauses: list[tuple[ClauseLiteral, ...]] = []
        kept: list[int] = []
        for number, clause in enumerate(node.clauses):
            literals: set[ClauseLiteral] = set()
            for index, cut, holds in clause:
                feature = context.features[index]
                threshold = feature.threshold_of(cut)
                if 0 <= threshold < feature.largest:
                    literals.add((index, threshold, holds))
                elif (threshold >= 0) != holds:  # the codes never say otherwise
                    break
            else:
                if not any((f, t, not holds) in literals for f, t, holds in literals):
                    clauses.append(tuple(sorted(literals)))
                    kept.append(number)
        rows = [tuple(int(w) for w in node.weights[number]) for number in kept]
        ids = tuple(node.clause_ids[number] for number in kept)
        if not kept:  # none ever holds: one that says nothing stands in
            clauses, rows, ids = [()], [(0,) * len(node.outputs)], (0,)
        bias = (0,) * len(node.outputs)
        lowered = ClauseNode(tuple(clauses), tuple(rows), bias, ids, node.first, node.outputs)
        return lowered, np.zeros(len(node.outputs))

    def span(self, node: FloatClauses, context: Context) -> np.ndarray:
        """Return the largest weights."""
        return np.abs(node.weights).max(axis=0)
