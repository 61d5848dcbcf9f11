"""What rows lose as one output's score changes, while all other scores stand still."""

from collections.abc import Sequence

import numpy as np

from locgen.ir import Argmax

__all__ = ["Margins", "Rivalry"]

Rivalry = tuple[tuple[int, ...], object, np.ndarray]
"""A group of outputs, the decision over it, and what the float model decides for each row."""

_FAR = 1 << 20
"""A margin beyond any other."""
_CLIP = 63
"""Margins beyond this lose nothing, or as much as this one."""
_SOFTNESS = 2.0
"""Steps over which the loss falls by about e: 1 fits the training rows closer, 3 blurs."""
_LOSS = np.log1p(np.exp(-(np.arange(-_CLIP, _CLIP + 1) + 0.5) / _SOFTNESS))
_NEAR = 16
"""A margin from which on a row loses next to nothing: e**-8 of what it loses at 0."""
_REACH = 8
"""Steps by which the trees of an output may change a score in one round."""


class Margins:
    """The rows that an output's score matters to, and how far each is from another decision.

    A row's margin is the lesser of what rises or falls with the score, and `cap`, which does not:
    below 0 the decision is another. It loses log(1 + exp(-margin)). Where an output is part of
    several groups, a row is there once for each. Rows far from any border, and rows that another
    output is much nearer to, are left out.

    Members
    -------
    rows : (members,) number of each row
    sign : (members,) 1 where the row's own output is this one, else -1
    lead : (members,) the part of the margin that changes by `sign` with a step of the score

    Parameters
    ----------
    output : the output; scores : (outputs, rows); groups : see `Rivalry`
    """

    def __init__(self, output: int, scores: np.ndarray, groups: Sequence[Rivalry]) -> None:
        parts = [
            _group_margins(group.index(output), scores[list(group)], decision, decided)
            for group, decision, decided in groups
            if output in group
        ]
        own, lead, cap = (np.concatenate(part) for part in zip(*parts, strict=True))
        near = np.flatnonzero(lead < np.minimum(cap, _NEAR) + _REACH)
        self.rows = near % scores.shape[1]
        self.sign = np.where(own[near], 1, -1).astype(np.int32)
        self.lead = lead[near].astype(np.int32)
        self._cap = np.minimum(cap[near], _CLIP).astype(np.int32) + _CLIP

    def lost(self, change: np.ndarray | int = 0, members: np.ndarray | None = None) -> np.ndarray:
        """Return the loss (members,) if the output's score changed by so much."""
        sign, lead, cap = self.sign, self.lead, self._cap
        if members is not None:
            sign, lead, cap = sign[members], lead[members], cap[members]
        index = change * sign
        index += lead
        index += _CLIP
        return _LOSS.take(np.minimum(index, cap, out=index), mode="clip")

    def move(self, change: np.ndarray, members: np.ndarray | slice = slice(None)) -> None:
        """Note that the output's score has changed by so much (members,)."""
        self.lead[members] += change * self.sign[members]


def _group_margins(
    place: int, scores: np.ndarray, decision: object, decided: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return whether each row is the output's own, what changes with its score, and what does not.

    Parameters
    ----------
    place : of the output in its group; scores : (outputs of the group, rows)
    """
    far = np.full(len(decided), _FAR)
    if not isinstance(decision, Argmax):
        least = 0 if decision.operator == ">=" else 1
        own = decided == 1
        return own, np.where(own, scores[place] - least, least - 1 - scores[place]), far
    rows = np.arange(len(decided))
    own = decided == place
    mine, first = scores[place], scores[decided, rows]
    # Ties go to the lower index: a rival before the row's own wins with as much.
    rivals = scores + (np.arange(len(scores))[:, None] < decided)
    rivals[decided, rows] = -_FAR
    rivals[place] = -_FAR
    highest = rivals.max(axis=0)
    lead = np.where(own, mine - highest, first - (place < decided) - mine)
    return own, lead, np.where(own, far, first - highest)
