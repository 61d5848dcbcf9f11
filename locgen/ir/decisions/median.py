"""The weighted median of scores."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal, cast

import numpy as np
from pydantic import ConfigDict, Field

from locgen.ir.decisions.base import DecisionBase, Scale, Step
from locgen.ir.decisions.votes import WEIGHTED_BITS
from locgen.ir.decisions.weights import integer_weights
from locgen.ir.levels import ADD_LEVELS, tree_levels
from locgen.ir.rules import refuse_if

__all__ = ["Median", "MedianBit"]


@dataclass(frozen=True)
class MedianBit(Step):
    """One bit of a weighted median, behind the `done` higher ones."""

    median: "Median"
    done: int


@dataclass(frozen=True)
class Median(DecisionBase):
    """The weighted median of all scores: the least score that, with all below it, has half.

    Half of the sum of `weights`, that is. The answer of a regression, so the decision is itself a
    score; the integer IR counts them from 0 to below ``1 << bits``.

    Members
    -------
    weights : of each score, not negative, not all 0
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    weights: Annotated[tuple[Annotated[int | float, Field(ge=0)], ...], Field(min_length=1)]
    bits: Annotated[int, Field(ge=1, le=62)]
    kind: Literal["median"] = "median"

    description = "weighted median"
    gives_values = True
    takes_codes = True
    parallel_only = True
    answers = 0

    def __post_init__(self) -> None:
        """Check that something counts."""
        refuse_if(not sum(self.weights) > 0, "a weighted median needs a weight above 0")

    @property
    def outputs(self) -> int:
        """Number of scores it is made from."""
        return len(self.weights)

    @property
    def scales(self) -> tuple[Scale, ...]:
        """Scores that are compared with each other: all."""
        return (Scale(tuple(range(self.outputs)), False),)

    @property
    def is_integral(self) -> bool:
        """Whether all weights are integers."""
        return all(isinstance(weight, int) for weight in self.weights)

    def evaluate(self, scores: np.ndarray) -> np.ndarray:
        """Return the median (rows,) of scores (rows, outputs)."""
        order = np.argsort(scores, axis=1, kind="stable")
        below = np.cumsum(np.array(self.weights)[order], axis=1)
        place = np.argmax(2 * below >= below[:, -1:], axis=1)
        return cast(
            np.ndarray, np.take_along_axis(scores, order, axis=1)[np.arange(len(scores)), place]
        )

    def value_scores(self, decided: np.ndarray | None, scores: np.ndarray) -> np.ndarray:
        """Return the median as the only column."""
        assert decided is not None
        return decided[:, None]

    def check_scores(self, ranges: Sequence[tuple[int, int]], offsets: Sequence[float]) -> None:
        """Raise ValueError unless all scores count from one 0, within the median's bits."""
        refuse_if(
            len(set(offsets)) > 1 or any(low < 0 or high >> self.bits for low, high in ranges),
            "scores of a median must count from 0, within its bits",
        )

    def over_integers(self, highest: int) -> "Median":
        """Return the same over scores from 0 to `highest`, with integers as weights."""
        bits = max(highest.bit_length(), 1)
        return replace(self, bits=bits, weights=integer_weights(self.weights))

    @property
    def levels(self) -> float:
        """All steps."""
        return sum(self.step_levels(False))

    def step_levels(self, alone: bool) -> tuple[float, ...]:
        """Return those of each bit: a sum of weights and a comparison."""
        return (0.5 + ADD_LEVELS * tree_levels(self.outputs),) * self.bits

    def steps(self, score_bits: int, signed: bool = True, bias: int = 0) -> tuple[Step, ...]:
        """Return a step for each bit, the most significant first; scores are unsigned."""
        return tuple(MedianBit(self, done) for done in range(self.bits))

    @property
    def adder_bits(self) -> float:
        """Bits of adders of the sums of weights, about."""
        bits = int(sum(self.weights)).bit_length()
        return WEIGHTED_BITS * self.bits * (self.outputs - 1) * bits
