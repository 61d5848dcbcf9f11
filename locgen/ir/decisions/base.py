"""The contract of a decision: from scores to the answer, and what that takes in hardware."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Self, cast

import numpy as np

__all__ = ["DecisionBase", "DecisionRule", "Label", "Scale", "Step"]

Label = str | int | float | bool


class Scale(NamedTuple):
    """Scores that are compared with each other, or (`absolute`) one that is compared with 0."""

    outputs: tuple[int, ...]
    absolute: bool


class Step:
    """One combinational step of a decision, as data; `locgen.cores` has a component for each.

    The first step takes all scores side by side, each takes the one before's result, and the last
    gives the decision.
    """


class DecisionRule(ABC):
    """From scores to the answer, with defaults for one class a row.

    Members
    -------
    gives_values : whether the answer is made of values, not of classes
    scores_answer : whether these values are the scores themselves
    takes_codes : whether it takes unsigned scores of its own width, not signed ones
    description : what it is, for a reader
    """

    gives_values = False
    scores_answer = False
    takes_codes = False
    description = ""

    if TYPE_CHECKING:  # fields of some kinds, properties of others

        @property
        @abstractmethod
        def kind(self) -> str:
            """Name in JSON."""

        @property
        @abstractmethod
        def bits(self) -> int:
            """Width of the decision in bits, 0 where the scores are the answer."""

        @property
        @abstractmethod
        def outputs(self) -> int | None:
            """Number of scores that it is made from, None for any number."""

        @property
        @abstractmethod
        def answers(self) -> int:
            """Number of classes that it tells apart, 0 where the answer is a value."""

        @property
        @abstractmethod
        def scales(self) -> tuple[Scale, ...]:
            """Scores that need one scale."""

    @abstractmethod
    def evaluate(self, scores: np.ndarray) -> np.ndarray | None:
        """Return decisions (rows,) of scores (rows, outputs); None where nothing is decided."""

    def margin(self, scores: np.ndarray) -> np.ndarray:
        """Return how far each row (rows,) of scores is from another decision."""
        return np.full(len(scores), np.inf)

    @property
    def parts(self) -> tuple[tuple[tuple[int, ...], "DecisionRule"], ...]:
        """(scores, decision over them) of each group; one group of all scores by default."""
        return ((tuple(range(self.outputs or 0)), self),)

    def targets(self, outputs: int) -> int:
        """Return the number of values or labels in an answer that is made from `outputs` scores."""
        return outputs if self.scores_answer else 1

    def label_groups(self, classes: Sequence[Label]) -> list[tuple[Label, ...]]:
        """Return for each label of an answer which it may be, in the order of its decision.

        `classes` are those of all decisions one after the other.
        """
        return [tuple(classes)]

    def labels(self, classes: Sequence[Label], decided: np.ndarray) -> np.ndarray:
        """Return the labels (rows,), or (rows, targets) of several decisions, of `decided`."""
        return cast(np.ndarray, np.array(classes)[decided])

    def value_scores(self, decided: np.ndarray | None, scores: np.ndarray) -> np.ndarray:
        """Return the scores (rows, targets) that a regression answers, of those (rows, outputs)."""
        return scores


class DecisionBase(DecisionRule):
    """A decision that hardware can make, with defaults for one that is made in a single step.

    Members
    -------
    root_cycles : cycles from the last digit at the root of the tree fabric to the answer
    counts_from_zero : whether a constant may be left out of all scores, for the decision to add
    parallel_only : whether it looks at all scores at once, bit by bit: on the direct fabric alone
    """

    root_cycles = 2
    counts_from_zero = False
    parallel_only = False

    def check_scores(self, ranges: Sequence[tuple[int, int]], offsets: Sequence[float]) -> None:
        """Raise ValueError if scores of these (lowest, highest) and real offsets do not fit."""

    @property
    def is_integral(self) -> bool:
        """Whether its parameters are integers, as the integer IR has them."""
        return True

    def over_integers(self, highest: int) -> Self:
        """Return the decision over integer scores that reach from 0 to `highest`."""
        return self

    @property
    def second_stage_levels(self) -> float:
        """Levels of LUT4 of nodes that read the scores; 0.0 without any."""
        return 0.0

    @property
    @abstractmethod
    def levels(self) -> float:
        """Levels of LUT4 where all of it is done between two registers."""

    def step_levels(self, alone: bool) -> tuple[float, ...]:
        """Return the levels of LUT4 of each step that a register may follow in the direct fabric.

        `alone` says that the decision is asked for without the scores.
        """
        return (self.levels,)

    def steps(self, score_bits: int, signed: bool = True, bias: int = 0) -> tuple[Step, ...]:
        """Return what decides, step by step.

        Parameters
        ----------
        score_bits : width of each score; signed : whether scores have a sign
        bias : what is missing of all scores, where `counts_from_zero` says that it may
        """
        return ()

    @property
    def adder_bits(self) -> float:
        """Bits of adders that it takes, about, beside the comparisons of scores."""
        return 0.0

    def root_bits(self, outputs: int, score_bits: int, serial: bool) -> float:
        """Return the bits of registers and adders at the root of the tree fabric for it alone.

        Parameters
        ----------
        outputs, score_bits : number of scores and the width of each in bits
        serial : whether a score arrives in several digits
        """
        return 0.0

    def facts(self) -> dict[str, object]:
        """Return what `locgen inspect` says of nodes that read the scores; nothing without any."""
        return {}
