"""Decisions: how reduced integer scores become the answer."""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import ConfigDict, Field

__all__ = ["Argmax", "Decision", "Identity", "Threshold"]

_STRICT = ConfigDict(extra="forbid")


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

    def evaluate(self, scores: np.ndarray) -> np.ndarray:
        """Return decisions (rows,) of integer scores (rows, outputs)."""
        return np.argmax(scores, axis=1)


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

    def evaluate(self, scores: np.ndarray) -> np.ndarray:
        """Return decisions (rows,) of integer scores (rows, 1)."""
        least = 0 if self.operator == ">=" else 1
        return (scores[:, 0] >= least).astype(np.int64)


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

    def evaluate(self, scores: np.ndarray) -> None:
        """Return None: there is nothing to decide."""


Decision = Annotated[Argmax | Threshold | Identity, Field(discriminator="kind")]
