"""Yes-no features of splits on sets of values."""

import numpy as np

from locgen.ir.membership import Membership

__all__ = ["Memberships", "union"]


class Memberships:
    """The yes-no features that splits need so far, each kept once."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.found: list[Membership] = []
        self._index: dict[Membership, int] = {}

    def index_of(self, membership: Membership) -> int:
        """Return the feature's index behind the raw columns."""
        if membership not in self._index:
            self._index[membership] = self.columns + len(self.found)
            self.found.append(membership)
        return self._index[membership]


def union(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return rising edges of the union of intervals (low, high] that do not overlap."""
    order = np.argsort(low)
    edges: list[float] = []
    for a, b in zip(low[order].tolist(), high[order].tolist(), strict=True):
        if edges and edges[-1] == a:
            edges[-1] = b
        elif a < b:
            edges += [a, b]
    return np.array(edges)
