"""Weighted votes of groups of scores.

The float IR uses the same decision, with real scores and weights; in the integer IR both are
integers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Annotated, Literal, cast

import numpy as np
from pydantic import ConfigDict, Field

from locgen.ir.decisions.argmax import Argmax, Largest
from locgen.ir.decisions.base import DecisionBase, DecisionRule, Scale, Step
from locgen.ir.decisions.threshold import Threshold
from locgen.ir.decisions.weights import integer_weights
from locgen.ir.levels import ADD_LEVELS, RANK_LEVELS, tree_levels
from locgen.ir.rules import refuse_if

__all__ = ["WEIGHTED_BITS", "Group", "GroupDecisions", "Tally", "Votes", "scores_of"]

WEIGHTED_BITS = 0.6
"""Adder bits for each bit of a weight that counts or not: what is constant costs less."""


@dataclass(frozen=True)
class Group:
    """A decision over some of a model's scores."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    scores: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]
    decision: Annotated["Argmax | Threshold | Votes", Field(discriminator="kind")]

    def __post_init__(self) -> None:
        """Check that there are as many scores as the decision takes."""
        refuse_if(
            len(self.scores) != self.decision.outputs,
            "a group must have the scores that its decision takes",
        )

    @property
    def scales(self) -> tuple[Scale, ...]:
        """The model's scores that need one scale."""
        return tuple(
            Scale(tuple(self.scores[n] for n in scale.outputs), scale.absolute)
            for scale in self.decision.scales
        )

    def evaluate(self, scores: np.ndarray) -> np.ndarray:
        """Return decisions (rows,) of the model's scores (rows, outputs)."""
        return self.decision.evaluate(scores[:, list(self.scores)])

    def margin(self, scores: np.ndarray) -> np.ndarray:
        """Return how far each row (rows,) is from another decision."""
        return self.decision.margin(scores[:, list(self.scores)])


def scores_of(groups: Sequence[Group]) -> int:
    """Return how many scores `groups` are made from.

    Raises
    ------
    ValueError
        If a score below the highest belongs to no group.
    """
    used = {score for group in groups for score in group.scores}
    if used != set(range(len(used))):
        raise ValueError("groups must use every score")
    return len(used)


@dataclass(frozen=True)
class GroupDecisions(Step):
    """Every group's decision of scores of `width` bits; results side by side.

    Members
    -------
    groups : which decide; signed : whether scores have a sign
    """

    groups: tuple[Group, ...]
    width: int
    signed: bool = True


@dataclass(frozen=True)
class Tally(Step):
    """The sum of weights of each class, `width` bits each, of the decisions of all groups."""

    votes: "Votes"
    width: int


class GroupedBase(DecisionBase):
    """What decisions over groups of scores have in common."""

    groups: tuple[Group, ...]

    @property
    def outputs(self) -> int:
        """Number of scores that it is made from."""
        return scores_of(self.groups)

    @property
    def scales(self) -> tuple[Scale, ...]:
        """Scores that are compared with each other: those of each group."""
        return tuple(scale for group in self.groups for scale in group.scales)

    @property
    def parts(self) -> tuple[tuple[tuple[int, ...], DecisionRule], ...]:
        """(scores, decision over them) of each group."""
        return tuple((group.scores, group.decision) for group in self.groups)

    @property
    def levels(self) -> float:
        """All steps."""
        return sum(self.step_levels(False))

    def margin(self, scores: np.ndarray) -> np.ndarray:
        """Return how far each row (rows,) is from another decision of any group."""
        return cast(np.ndarray, np.min([group.margin(scores) for group in self.groups], axis=0))

    def step_levels(self, alone: bool) -> tuple[float, ...]:
        """Return the levels of the slowest group."""
        return (max(group.decision.levels for group in self.groups),)

    def steps(self, score_bits: int, signed: bool = True, bias: int = 0) -> tuple[Step, ...]:
        """Return the decisions of all groups."""
        return (GroupDecisions(self.groups, score_bits, signed),)


@dataclass(frozen=True)
class Votes(GroupedBase):
    """Each group of scores votes for a class; the largest sum of weights wins, ties to the lowest.

    Members
    -------
    groups : who votes; choices : for each group the class that each of its decisions stands for
    weights : what each vote counts, not negative
    classes : number of classes
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    groups: Annotated[tuple[Group, ...], Field(min_length=1)]
    choices: tuple[tuple[Annotated[int, Field(ge=0)], ...], ...]
    weights: tuple[Annotated[int | float, Field(ge=0)], ...]
    classes: Annotated[int, Field(ge=1)]
    kind: Literal["votes"] = "votes"

    description = "weighted votes"

    def __post_init__(self) -> None:
        """Check that groups, choices and weights belong together."""
        scores_of(self.groups)
        refuse_if(
            not len(self.groups) == len(self.choices) == len(self.weights),
            "every group must have choices and a weight",
        )
        for group, choices in zip(self.groups, self.choices, strict=True):
            refuse_if(
                len(choices) != group.decision.answers or max(choices) >= self.classes,
                "choices must name a class for each decision of their group",
            )

    @property
    def bits(self) -> int:
        """Width of the decision in bits, at least 1."""
        return max(1, (self.classes - 1).bit_length())

    @property
    def answers(self) -> int:
        """Number of classes it tells apart."""
        return self.classes

    @classmethod
    def between_pairs(cls, classes: int) -> "Votes":
        """Return one vote for each pair of classes, a score above 0 being one for the first.

        Scores are in the order (0, 1), (0, 2) ... (1, 2) ...: libsvm's one-against-one predictions,
        which are not always what the largest of its decision values says.
        """
        pairs = tuple(combinations(range(classes), 2))
        return cls(
            tuple(Group((number,), Threshold(">")) for number in range(len(pairs))),
            tuple((second, first) for first, second in pairs),
            (1,) * len(pairs),
            classes,
        )

    @property
    def is_integral(self) -> bool:
        """Whether all weights are integers."""
        return all(isinstance(weight, int) for weight in self.weights)

    def tally(self, scores: np.ndarray) -> np.ndarray:
        """Return the sums of weights (rows, classes) of scores (rows, outputs)."""
        total = np.zeros(
            (len(scores), self.classes), dtype=np.int64 if self.is_integral else np.float64
        )
        rows = np.arange(len(scores))
        for group, choices, weight in zip(self.groups, self.choices, self.weights, strict=True):
            total[rows, np.array(choices)[group.evaluate(scores)]] += weight
        return total

    def evaluate(self, scores: np.ndarray) -> np.ndarray:
        """Return decisions (rows,) of scores (rows, outputs)."""
        return cast(np.ndarray, np.argmax(self.tally(scores), axis=1))

    def over_integers(self, highest: int) -> "Votes":
        """Return the same with integers as weights, see `integer_weights`."""
        groups = tuple(
            replace(group, decision=group.decision.over_integers(highest)) for group in self.groups
        )
        return replace(self, groups=groups, weights=integer_weights(self.weights))

    @property
    def tally_bits(self) -> int:
        """Width of a class's sum of integer weights."""
        return max(int(sum(self.weights)).bit_length(), 1)

    def step_levels(self, alone: bool) -> tuple[float, ...]:
        """Return the levels of the groups, of their sums and of a tournament of classes."""
        sums = ADD_LEVELS * max(tree_levels(len(self.groups)), 1)
        return (*super().step_levels(alone), sums, RANK_LEVELS * tree_levels(self.classes))

    def steps(self, score_bits: int, signed: bool = True, bias: int = 0) -> tuple[Step, ...]:
        """Return the groups' decisions, their sums, and the largest of these."""
        width = self.tally_bits
        largest = Largest(self.classes, width, self.bits, signed=False)
        return (*super().steps(score_bits, signed), Tally(self, width), largest)

    @property
    def adder_bits(self) -> float:
        """Bits of adders of the sums, about."""
        bits = int(sum(self.weights)).bit_length()
        return WEIGHTED_BITS * sum(len(set(choices)) for choices in self.choices) * bits
