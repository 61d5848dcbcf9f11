"""No decision."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import ConfigDict

from locgen.ir.decisions.base import DecisionBase, Scale

__all__ = ["Identity"]


@dataclass(frozen=True)
class Identity(DecisionBase):
    """No decision: the scores themselves are the answer (regression)."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    kind: Literal["identity"] = "identity"

    description = "none: the sums are it"
    gives_values = True
    scores_answer = True
    bits = 0
    outputs = None
    answers = 0
    levels = 0.0

    @property
    def scales(self) -> tuple[Scale, ...]:
        """Scores that need one scale: each has its own."""
        return ()

    def evaluate(self, scores: np.ndarray) -> None:
        """Return None: there is nothing to decide."""

    def step_levels(self, alone: bool) -> tuple[float, ...]:
        """Return no step."""
        return ()
