"""The comparison of a single score with zero."""

from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
from pydantic import ConfigDict

from locgen.ir.decisions.base import DecisionBase, Scale, Step
from locgen.ir.levels import THRESHOLD_LEVELS

__all__ = ["AtLeast", "Threshold"]


@dataclass(frozen=True)
class AtLeast(Step):
    """Whether a number of `width` bits is at least `least`; `signed` says if it has a sign."""

    width: int
    least: int
    signed: bool = True


@dataclass(frozen=True)
class Threshold(DecisionBase):
    """1 where the single score is at least (`>=`) or above (`>`) zero, else 0."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    operator: Literal[">", ">="]
    kind: Literal["threshold"] = "threshold"

    description = "threshold"
    bits = 1
    outputs = 1
    answers = 2
    counts_from_zero = True
    levels = THRESHOLD_LEVELS

    @property
    def scales(self) -> tuple[Scale, ...]:
        """Scores that need one scale: the only one."""
        return (Scale((0,), True),)

    @property
    def least(self) -> int:
        """The least integer score that is decided 1."""
        return 0 if self.operator == ">=" else 1

    def evaluate(self, scores: np.ndarray) -> np.ndarray:
        """Return decisions (rows,) of scores (rows, 1)."""
        score = scores[:, 0]
        return (score >= 0 if self.operator == ">=" else score > 0).astype(np.int64)

    def margin(self, scores: np.ndarray) -> np.ndarray:
        """Return how far each row (rows,) of scores is from another decision."""
        return cast(np.ndarray, np.abs(scores[:, 0]))

    def step_levels(self, alone: bool) -> tuple[float, ...]:
        """Return one comparison where the decision is asked for `alone`, else it needs no step."""
        return (self.levels,) if alone else ()

    def steps(self, score_bits: int, signed: bool = True, bias: int = 0) -> tuple[Step, ...]:
        """Return the comparison."""
        return (AtLeast(score_bits, self.least - bias, signed),)
