"""Decisions side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Annotated, Literal

import numpy as np
from pydantic import ConfigDict, Field

from locgen.ir.decisions.base import Label
from locgen.ir.decisions.votes import Group, GroupedBase, scores_of
from locgen.ir.rules import refuse_if

__all__ = ["MultiOutput"]


@dataclass(frozen=True)
class MultiOutput(GroupedBase):
    """A decision for each group of scores, side by side: the first in the lowest bits."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    groups: Annotated[tuple[Group, ...], Field(min_length=1)]
    kind: Literal["several"] = "several"

    description = "one a label"

    def __post_init__(self) -> None:
        """Check the groups."""
        scores_of(self.groups)
        refuse_if(self.bits > 62, "all decisions together must fit 62 bits")

    @property
    def bits(self) -> int:
        """Width of all decisions together in bits."""
        return sum(group.decision.bits for group in self.groups)

    @property
    def answers(self) -> int:
        """Number of classes of all decisions together."""
        return sum(group.decision.answers for group in self.groups)

    def evaluate(self, scores: np.ndarray) -> np.ndarray:
        """Return all decisions as one number a row (rows,) of scores (rows, outputs)."""
        packed = np.zeros(len(scores), dtype=np.int64)
        for group, place in zip(self.groups, self.places, strict=True):
            packed |= group.evaluate(scores).astype(np.int64) << place
        return packed

    @property
    def places(self) -> tuple[int, ...]:
        """Lowest bit of each group's decision."""
        bits = [group.decision.bits for group in self.groups]
        return tuple(accumulate(bits[:-1], initial=0))

    def apart(self, packed: np.ndarray) -> np.ndarray:
        """Return the decisions (rows, groups) of numbers (rows,) as `evaluate` returns them."""
        packed = np.asarray(packed, dtype=np.int64)
        fields = [
            packed >> place & (1 << group.decision.bits) - 1
            for group, place in zip(self.groups, self.places, strict=True)
        ]
        return np.stack(fields, axis=1)

    def targets(self, outputs: int) -> int:
        """Return the number of groups."""
        return len(self.groups)

    def label_groups(self, classes: Sequence[Label]) -> list[tuple[Label, ...]]:
        """Return the labels of each group."""
        left = iter(classes)
        return [tuple(next(left) for _ in range(group.decision.answers)) for group in self.groups]

    def labels(self, classes: Sequence[Label], decided: np.ndarray) -> np.ndarray:
        """Return the labels (rows, groups) of `decided` (rows,)."""
        columns = zip(self.label_groups(classes), self.apart(decided).T, strict=True)
        return np.stack([np.array(labels)[index] for labels, index in columns], axis=1)
