"""Yes-no features made of one raw column: for splits that ask for a set and not for a limit."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

import numpy as np
from pydantic import ConfigDict, Field

from locgen.ir.rules import refuse_if

__all__ = ["Membership", "expand"]


@dataclass(frozen=True)
class Membership:
    """0 where a raw column's value lies in a set of intervals, 1 where it does not.

    The host computes it, exactly; a split asks for ``<= 0``.

    Members
    -------
    name : for people, such as ``"colour in {1, 4}"``
    column : the raw column
    edges : rising float64, an even number; a value is inside where an odd number lies below it
    missing : whether NaN counts as inside
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: str
    column: Annotated[int, Field(ge=0)]
    edges: tuple[float, ...]
    missing: bool

    def __post_init__(self) -> None:
        """Check the edges."""
        values = np.array(self.edges)
        refuse_if(
            len(values) % 2 or np.isnan(values).any() or np.any(np.diff(values) <= 0),
            "edges of a membership must rise and be even in number",
        )

    def evaluate(self, x: np.ndarray) -> np.ndarray:
        """Return 0.0 (inside) or 1.0 for each value of the raw column `x` (rows,)."""
        below = np.searchsorted(self._edges, x, side="left")
        inside = np.where(np.isnan(x), self.missing, below % 2 == 1)
        return np.where(inside, 0.0, 1.0)

    @cached_property
    def _edges(self) -> np.ndarray:
        return np.array(self.edges, dtype=np.float64)


def expand(x: np.ndarray, memberships: Sequence[Membership]) -> np.ndarray:
    """Return the raw rows `x` (rows, columns) with a column more for each membership."""
    x = np.asarray(x, dtype=np.float64)
    if not memberships:
        return x
    return np.column_stack([x, *(m.evaluate(x[:, m.column]) for m in memberships)])
