"""Losses of a float model's rows, by which cells are weighed against accuracy."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from locgen.ir import Model

__all__ = ["DecisionLoss", "Loss", "ValueLoss"]

Floats = NDArray[np.float64]

_SOFTNESS = 1 / 8
"""The loss falls by e over this part of the usual margin."""
_ROWS = 1 << 13
"""Rows that the loss is summed over, those with the least margin; the budget holds on all."""


class Loss(Protocol):
    """What rows lose by other scores.

    Members
    -------
    rows : the rows that count, of those of the evaluator
    """

    rows: NDArray[np.intp]

    def of(self, scores: Floats, members: NDArray[np.intp]) -> Floats:
        """Return the loss (members,) of `scores` (members, outputs), members counted in `rows`."""


class DecisionLoss:
    """log(1 + exp(-margin)), summed over the groups of a decision: rows that change lose most."""

    def __init__(self, model: Model, scores: Floats) -> None:
        parts = [(list(outputs), rule) for outputs, rule in model.rule_of_decision.parts]
        self._groups = [
            (outputs, np.asarray(rule.evaluate(scores[:, outputs]))) for outputs, rule in parts
        ]
        least = np.min(self._margins(scores, np.arange(len(scores))), axis=0)
        self.rows = np.sort(np.argsort(least, kind="stable")[:_ROWS])
        self._groups = [(outputs, decided[self.rows]) for outputs, decided in self._groups]
        self._scale = max(_SOFTNESS * float(np.median(np.abs(least))), 1e-12)

    def _margins(self, scores: Floats, members: NDArray[np.intp]) -> list[Floats]:
        """Return for each group by how much each row decides as it did."""
        margins = []
        every = np.arange(len(scores))
        for outputs, all_decided in self._groups:
            group, decided = scores[:, outputs], all_decided[members]
            if len(outputs) == 1:
                margins.append(np.where(decided == 1, group[:, 0], -group[:, 0]))
                continue
            lead = group[every, decided]
            group[every, decided] = -np.inf
            margins.append(lead - group.max(axis=1))
        return margins

    def of(self, scores: Floats, members: NDArray[np.intp]) -> Floats:
        """Return the loss (members,) of `scores` (members, outputs), members counted in `rows`."""
        margins = np.stack(self._margins(scores, members))
        return np.asarray(np.logaddexp(0, -margins / self._scale).sum(axis=0), dtype=np.float64)


class ValueLoss:
    """Squares of how far values move, in units of their own spread."""

    def __init__(self, scores: Floats) -> None:
        self.rows = np.arange(min(len(scores), _ROWS))
        self._before = scores[self.rows].copy()
        spread = scores.std(axis=0)
        self._scale = np.where(spread > 0, spread, 1.0)

    def of(self, scores: Floats, members: NDArray[np.intp]) -> Floats:
        """Return the loss (members,) of `scores` (members, outputs), members counted in `rows`."""
        moved = ((scores - self._before[members]) / self._scale) ** 2
        return np.asarray(moved.sum(axis=1), dtype=np.float64)
