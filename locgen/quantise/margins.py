"""Losses of rows as one output's score changes, while all other scores stand still."""

from collections.abc import Sequence

import numpy as np

from locgen.ir.decisions.base import DecisionRule

__all__ = ["Margins", "Rivalry"]

Rivalry = tuple[tuple[int, ...], DecisionRule, np.ndarray]
"""A group of outputs, the decision over it, and what the float model decides for each row."""

_FAR = 1 << 20
"""A margin beyond any other."""
_CLIP = 63
"""Margins beyond this lose nothing, or as much as this one."""
_SOFTNESS = 2.0
"""Steps over which the loss falls by about e: 1 fits the training rows closer, 3 blurs."""
_LOSS = np.log1p(np.exp(-(np.arange(-_CLIP, _CLIP + 1) + 0.5) / _SOFTNESS))


class Margins:
    """How far rows are from another decision, as an output's score changes.

    In each group that the output is part of, a row's margin is the lesser of what rises or falls
    with the score and of what does not. Below 0 the decision is another. A row loses log(1 +
    exp(-margin)), in all groups together.

    Parameters
    ----------
    output : the output; scores : (outputs, rows); groups : see `Rivalry`
    """

    def __init__(self, output: int, scores: np.ndarray, groups: Sequence[Rivalry]) -> None:
        self._parts = [
            _group_margins(group.index(output), scores[list(group)], decision, decided)
            for group, decision, decided in groups
            if output in group
        ]
        self._now = self.lost(np.zeros(scores.shape[1], dtype=np.int32))

    def more(self, change: np.ndarray, members: np.ndarray) -> np.ndarray:
        """Return how much more rows `members` would lose than now, see `lost`."""
        return self.lost(change, members) - self._now[members]

    def lost(self, change: np.ndarray, members: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Return the loss of rows `members` if the output's score changed by so much (members,)."""
        total = np.zeros(len(change))
        for sign, lead, cap in self._parts:
            index = change * sign[members]
            index += lead[members]
            np.minimum(index, cap[members], out=index)
            total = total + _LOSS.take(index, mode="clip")
        return total

    def move(self, change: np.ndarray, members: np.ndarray | slice = slice(None)) -> None:
        """Note that the output's score of rows `members` has changed by so much (members,)."""
        for sign, lead, _ in self._parts:
            lead[members] += change * sign[members]
        self._now[members] = self.lost(np.zeros_like(change), members)


def _group_margins(
    place: int, scores: np.ndarray, decision: DecisionRule, decided: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return sign, lead and cap (rows,): the margin is the lesser of lead and cap, less `_CLIP`.

    The lead changes by sign with a step of the output's score.

    Parameters
    ----------
    place : of the output in its group; scores : (outputs of the group, rows)
    """
    cap = np.full(len(decided), 2 * _CLIP, dtype=np.int32)
    if decision.scales[0].absolute:
        at_zero = decision.evaluate(np.zeros((1, 1)))
        assert at_zero is not None
        least = 0 if at_zero[0] else 1
        own = decided == 1
        lead = np.where(own, scores[place] - least, least - 1 - scores[place])
    else:
        rows = np.arange(len(decided))
        own = decided == place
        mine, first = scores[place], scores[decided, rows]
        # Ties go to the lower index: a rival before the row's own wins with as much.
        rivals = scores + (np.arange(len(scores))[:, None] < decided)
        rivals[decided, rows] = -_FAR
        rivals[place] = -_FAR
        highest = rivals.max(axis=0)
        lead = np.where(own, mine - highest, first - (place < decided) - mine)
        np.minimum(cap, np.where(own, _CLIP, first - highest) + _CLIP, out=cap, casting="unsafe")
    return np.where(own, 1, -1).astype(np.int32), (lead + _CLIP).astype(np.int32), cap
