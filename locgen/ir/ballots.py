"""Decisions over groups of scores: votes, several decisions side by side, and the weighted median.

The float IR uses the same ones, with real scores and weights; in the integer IR both are integers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Annotated, Literal

import numpy as np
from pydantic import ConfigDict, Field

from locgen.ir.choice import Argmax, Scale, Threshold

__all__ = ["Group", "Median", "Several", "Votes", "integer_weights"]

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Group:
    """A decision over some of a model's scores."""

    __pydantic_config__ = _STRICT

    scores: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]
    decision: Annotated["Argmax | Threshold | Votes", Field(discriminator="kind")]

    def __post_init__(self) -> None:
        """Check that there are as many scores as the decision takes."""
        if len(self.scores) != self.decision.outputs:
            raise ValueError("a group must have the scores that its decision takes")

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


def _grouped(groups: Sequence[Group]) -> int:
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
class Votes:
    """Each group of scores votes for a class; the largest sum of weights wins, ties to the lowest.

    Members
    -------
    groups : who votes; choices : for each group the class that each of its decisions stands for
    weights : what each vote counts, not negative
    classes : number of classes
    """

    __pydantic_config__ = _STRICT

    groups: Annotated[tuple[Group, ...], Field(min_length=1)]
    choices: tuple[tuple[Annotated[int, Field(ge=0)], ...], ...]
    weights: tuple[Annotated[int | float, Field(ge=0)], ...]
    classes: Annotated[int, Field(ge=1)]
    kind: Literal["votes"] = "votes"

    def __post_init__(self) -> None:
        """Check that groups, choices and weights belong together."""
        _grouped(self.groups)
        if not len(self.groups) == len(self.choices) == len(self.weights):
            raise ValueError("every group must have choices and a weight")
        for group, choices in zip(self.groups, self.choices, strict=True):
            if len(choices) != group.decision.answers or max(choices) >= self.classes:
                raise ValueError("choices must name a class for each decision of their group")

    @property
    def bits(self) -> int:
        """Width of the decision in bits, at least 1."""
        return max(1, (self.classes - 1).bit_length())

    @property
    def outputs(self) -> int:
        """Number of scores it is made from."""
        return _grouped(self.groups)

    @property
    def answers(self) -> int:
        """Number of classes it tells apart."""
        return self.classes

    @property
    def scales(self) -> tuple[Scale, ...]:
        """Scores that are compared with each other: those of each group."""
        return tuple(scale for group in self.groups for scale in group.scales)

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

    def tally(self, scores: np.ndarray) -> np.ndarray:
        """Return the sums of weights (rows, classes) of scores (rows, outputs)."""
        exact = all(isinstance(weight, int) for weight in self.weights)
        total = np.zeros((len(scores), self.classes), dtype=np.int64 if exact else np.float64)
        rows = np.arange(len(scores))
        for group, choices, weight in zip(self.groups, self.choices, self.weights, strict=True):
            total[rows, np.array(choices)[group.evaluate(scores)]] += weight
        return total

    def evaluate(self, scores: np.ndarray) -> np.ndarray:
        """Return decisions (rows,) of scores (rows, outputs)."""
        return np.argmax(self.tally(scores), axis=1)

    def margin(self, scores: np.ndarray) -> np.ndarray:
        """Return how far each row (rows,) is from another vote."""
        return np.min([group.margin(scores) for group in self.groups], axis=0)

    def integral(self) -> "Votes":
        """Return the same with integers as weights, see `integer_weights`."""
        groups = tuple(
            replace(group, decision=group.decision.integral())
            if isinstance(group.decision, Votes)
            else group
            for group in self.groups
        )
        return replace(self, groups=groups, weights=integer_weights(self.weights))


@dataclass(frozen=True)
class Several:
    """A decision for each group of scores, side by side: the first in the lowest bits."""

    __pydantic_config__ = _STRICT

    groups: Annotated[tuple[Group, ...], Field(min_length=1)]
    kind: Literal["several"] = "several"

    def __post_init__(self) -> None:
        """Check the groups."""
        _grouped(self.groups)
        if self.bits > 62:
            raise ValueError("all decisions together must fit 62 bits")

    @property
    def bits(self) -> int:
        """Width of all decisions together in bits."""
        return sum(group.decision.bits for group in self.groups)

    @property
    def outputs(self) -> int:
        """Number of scores it is made from."""
        return _grouped(self.groups)

    @property
    def answers(self) -> int:
        """Number of classes of all decisions together."""
        return sum(group.decision.answers for group in self.groups)

    @property
    def scales(self) -> tuple[Scale, ...]:
        """Scores that are compared with each other: those of each group."""
        return tuple(scale for group in self.groups for scale in group.scales)

    def evaluate(self, scores: np.ndarray) -> np.ndarray:
        """Return all decisions as one number a row (rows,) of scores (rows, outputs)."""
        packed = np.zeros(len(scores), dtype=np.int64)
        for group, place in zip(self.groups, self.places, strict=True):
            packed |= group.evaluate(scores).astype(np.int64) << place
        return packed

    def margin(self, scores: np.ndarray) -> np.ndarray:
        """Return how far each row (rows,) is from another decision of any group."""
        return np.min([group.margin(scores) for group in self.groups], axis=0)

    @property
    def places(self) -> tuple[int, ...]:
        """Lowest bit of each group's decision."""
        bits = [group.decision.bits for group in self.groups]
        return tuple(sum(bits[:number]) for number in range(len(bits)))

    def apart(self, packed: np.ndarray) -> np.ndarray:
        """Return the decisions (rows, groups) of numbers (rows,) as `evaluate` returns them."""
        packed = np.asarray(packed, dtype=np.int64)
        return np.stack(
            [
                packed >> place & (1 << group.decision.bits) - 1
                for group, place in zip(self.groups, self.places, strict=True)
            ],
            axis=1,
        )


@dataclass(frozen=True)
class Median:
    """The weighted median of all scores: the least score that, with all below it, has half.

    Half of the sum of `weights`, that is. The answer of a regression, so the decision is itself a
    score; the integer IR counts them from 0 to below ``1 << bits``.

    Members
    -------
    weights : of each score, not negative, not all 0
    """

    __pydantic_config__ = _STRICT

    weights: Annotated[tuple[Annotated[int | float, Field(ge=0)], ...], Field(min_length=1)]
    bits: Annotated[int, Field(ge=1, le=62)]
    kind: Literal["median"] = "median"

    def __post_init__(self) -> None:
        """Check that something counts."""
        if not sum(self.weights) > 0:
            raise ValueError("a weighted median needs a weight above 0")

    @property
    def outputs(self) -> int:
        """Number of scores it is made from."""
        return len(self.weights)

    @property
    def answers(self) -> int:
        """Number of classes: none."""
        return 0

    @property
    def scales(self) -> tuple[Scale, ...]:
        """Scores that are compared with each other: all."""
        return (Scale(tuple(range(self.outputs)), False),)

    def evaluate(self, scores: np.ndarray) -> np.ndarray:
        """Return the median (rows,) of scores (rows, outputs)."""
        order = np.argsort(scores, axis=1, kind="stable")
        below = np.cumsum(np.array(self.weights)[order], axis=1)
        place = np.argmax(2 * below >= below[:, -1:], axis=1)
        return np.take_along_axis(scores, order, axis=1)[np.arange(len(scores)), place]

    def integral(self, bits: int) -> "Median":
        """Return the same over scores of `bits` bits, with integers as weights."""
        return replace(self, bits=bits, weights=integer_weights(self.weights))


_FINEST_WEIGHT = 1023
_LARGEST_DENOMINATOR = 64


def integer_weights(weights: Sequence[float]) -> tuple[int, ...]:
    """Return integers in the proportions of `weights`.

    Exactly so where the weights are multiples of one number, or have a small common denominator;
    else rounded, the largest to 1023.
    """
    given = np.asarray(weights, dtype=np.float64)
    largest = given.max()
    positive = given[given > 0]
    units = [1 / d for d in range(1, _LARGEST_DENOMINATOR + 1)]
    for unit in (positive.min(), *units):
        multiples = given / unit
        rounded = np.rint(multiples)
        if rounded.max() <= _FINEST_WEIGHT and np.allclose(multiples, rounded, rtol=1e-12, atol=0):
            common = int(np.gcd.reduce(rounded.astype(np.int64)))
            return tuple(int(value) // common for value in rounded)
    return tuple(int(value) for value in np.rint(given / largest * _FINEST_WEIGHT))
