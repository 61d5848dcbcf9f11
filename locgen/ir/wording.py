"""Features and their limits in the units of the data, for readers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from locgen.ir.features import Feature

__all__ = ["Account", "Wording", "plain"]

Account = Mapping[str, np.ndarray]
"""Why a row got its scores: integers by name, see `NodeBase.account`."""


@dataclass(frozen=True)
class Wording:
    """Words for a model's features: the raw columns, then the memberships.

    Members
    -------
    features : the quantisers; columns : number of raw columns
    """

    features: tuple[Feature, ...]
    columns: int

    def name(self, number: int) -> str:
        """Return the name of a feature."""
        return self.features[number].name

    def condition(
        self, number: int, above: int | None, below: int | None, absent: bool = False
    ) -> str:
        """Return what a path or a clause requires of one feature.

        Parameters
        ----------
        number : of the feature
        above, below : codes that the feature's must exceed, and must not exceed; None for no limit
        absent : whether its value is missing
        """
        feature = self.features[number]
        if absent:
            return f"{feature.name} is missing"
        if number >= self.columns:
            return feature.name if below is not None else f"not {feature.name}"
        low = None if above is None else feature.limit(above)
        high = None if below is None else feature.limit(below)
        if low is None and high is None:
            return f"{feature.name} is there"
        left = "" if low is None else f"{low} < "
        return f"{left}{feature.name}{'' if high is None else f' <= {high}'}"


def plain(values: Iterable[object]) -> str:
    """Return `values` side by side, as text."""
    return " ".join(map(str, values))
