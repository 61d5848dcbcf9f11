"""Plain decisions: the largest score, a threshold, or none.

The float IR uses the same ones, with real scores.
"""

from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

import numpy as np
from pydantic import ConfigDict, Field

__all__ = ["Argmax", "Identity", "Scale", "Threshold"]

_STRICT = ConfigDict(extra="forbid")


class Scale(NamedTuple):
    """Scores that are compared with each other, or (`absolute`) one that is compared with 0."""

    outputs: tuple[int, ...]
    absolute: bool


@dataclass(frozen=True)
class Argmax:
    """Index of the largest score; ties go to the lowest index."""

    __pydantic_config__ = _STRICT

    outputs: Annotated[int, Field(ge=1)]
    kind: Literal["argmax"] = "argmax"

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
        """Return decisions (rows,) of integer scores (rows, outputs)."""
        return np.argmax(scores, axis=1)

    def margin(self, scores: np.ndarray) -> np.ndarray:
        """Return how far each row (rows,) of scores is from another decision."""
        if self.outputs == 1:
            return np.full(len(scores), np.inf)
        ranked = np.sort(scores, axis=1)
        return ranked[:, -1] - ranked[:, -2]


@dataclass(frozen=True)
class Threshold:
    """1 where the single score is at least (`>=`) or above (`>`) zero, else 0."""

    __pydantic_config__ = _STRICT

    operator: Literal[">", ">="]
    kind: Literal["threshold"] = "threshold"

    @property
    def bits(self) -> int:
        """Width of the decision in bits."""
        return 1

    @property
    def outputs(self) -> int:
        """Number of scores it is made from."""
        return 1

    @property
    def answers(self) -> int:
        """Number of classes it tells apart."""
        return 2

    @property
    def scales(self) -> tuple[Scale, ...]:
        """Scores that need one scale: the only one."""
        return (Scale((0,), True),)

    def evaluate(self, scores: np.ndarray) -> np.ndarray:
        """Return decisions (rows,) of scores (rows, 1)."""
        score = scores[:, 0]
        return (score >= 0 if self.operator == ">=" else score > 0).astype(np.int64)

    def margin(self, scores: np.ndarray) -> np.ndarray:
        """Return how far each row (rows,) of scores is from another decision."""
        return np.abs(scores[:, 0])


@dataclass(frozen=True)
class Identity:
    """No decision: the scores themselves are the answer (regression)."""

    __pydantic_config__ = _STRICT

    kind: Literal["identity"] = "identity"

    @property
    def bits(self) -> int:
        """Width of the decision in bits: 0, the answer is the scores."""
        return 0

    @property
    def outputs(self) -> None:
        """None: any number of scores."""
        return None

    @property
    def answers(self) -> int:
        """Number of classes: none."""
        return 0

    @property
    def scales(self) -> tuple[Scale, ...]:
        """Scores that need one scale: each has its own."""
        return ()

    def evaluate(self, scores: np.ndarray) -> None:
        """Return None: there is nothing to decide."""
