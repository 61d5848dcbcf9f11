"""The largest score."""

from dataclasses import dataclass
from typing import Annotated, Literal, cast

import numpy as np
from pydantic import ConfigDict, Field

from locgen.ir.decisions.base import DecisionBase, Scale, Step
from locgen.ir.levels import RANK_LEVELS, THRESHOLD_LEVELS, tree_levels

__all__ = ["LAST_ROUND", "Argmax", "Largest"]

LAST_ROUND = 5
"""So many scores compare each with each where the decision alone is asked for: on ten classes that
takes two carry chains in a row in place of four, and 8 % more cells."""
_PAIRS_COMPARE = 3.75
"""All pairs of what is left, each score read by four carry chains."""
_ROUND_COMPARE = 2.75
"""The carry chains of one round of a tournament, two LUTs before them and one behind."""
_ROUND_CHOICE = 1.5
"""The multiplexers that such a comparison drives."""
_PAIRS_CHOICE = 3.75
"""A tournament over comparisons that have been made: it waits for the slowest of all pairs. With
this, the register of two stages lies where wine routes at 156 MHz, not 116, digits at 84, not 79.
"""


@dataclass(frozen=True)
class Largest(Step):
    """Index, of `bits` bits, of the largest of `count` numbers; ties go to the lowest.

    Members
    -------
    width : of each number in bits; signed : whether they have a sign
    """

    count: int
    width: int
    bits: int
    signed: bool = True


@dataclass(frozen=True)
class Argmax(DecisionBase):
    """Index of the largest score; ties go to the lowest index."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    outputs: Annotated[int, Field(ge=1)]
    kind: Literal["argmax"] = "argmax"

    description = "largest score"
    root_cycles = 3
    counts_from_zero = True

    @property
    def bits(self) -> int:
        """Width of the decision in bits, at least 1."""
        return max(1, (self.outputs - 1).bit_length())

    @property
    def answers(self) -> int:
        """Number of classes it tells apart."""
        return self.outputs

    @property
    def scales(self) -> tuple[Scale, ...]:
        """Scores that are compared with each other, and so need one scale."""
        return (Scale(tuple(range(self.outputs)), False),)

    def evaluate(self, scores: np.ndarray) -> np.ndarray:
        """Return decisions (rows,) of scores (rows, outputs)."""
        return cast(np.ndarray, np.argmax(scores, axis=1))

    def margin(self, scores: np.ndarray) -> np.ndarray:
        """Return how far each row (rows,) of scores is from another decision."""
        if self.outputs == 1:
            return np.full(len(scores), np.inf)
        ranked = np.sort(scores, axis=1)
        return cast(np.ndarray, ranked[:, -1] - ranked[:, -2])

    @property
    def rounds(self) -> int:
        """Rounds of a tournament until few enough are left to compare each with each."""
        left, rounds = self.outputs, 0
        while left > LAST_ROUND:
            left, rounds = (left + 1) // 2, rounds + 1
        return rounds

    @property
    def levels(self) -> float:
        """All rounds of a tournament."""
        return max(RANK_LEVELS * tree_levels(self.outputs), THRESHOLD_LEVELS)

    def step_levels(self, alone: bool) -> tuple[float, ...]:
        """Return those of each round; `alone`, comparing and choosing are steps of their own."""
        if not alone or self.outputs == 1:
            return (RANK_LEVELS,) * tree_levels(self.outputs)
        each = (_ROUND_COMPARE, _ROUND_CHOICE)
        return (*each * self.rounds, _PAIRS_COMPARE, _PAIRS_CHOICE)

    def steps(self, score_bits: int, signed: bool = True, bias: int = 0) -> tuple[Step, ...]:
        """Return the tournament, as one step."""
        return (Largest(self.outputs, score_bits, self.bits, signed),)

    def root_bits(self, outputs: int, score_bits: int, serial: bool) -> float:
        """Return the best score so far, and the scores held while the last one is compared."""
        return 3 * score_bits + (0 if serial else outputs * score_bits)
