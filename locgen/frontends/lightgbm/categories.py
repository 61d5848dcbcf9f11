"""Categories of data frames: LightGBM computes with positions, its users with values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import lightgbm
import numpy as np

from locgen.errors import UnsupportedModel
from locgen.frontends.memberships import union
from locgen.frontends.raw_trees import CategorySplit

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["FrameCategories"]


@dataclass(frozen=True)
class FrameCategories:
    """Columns that were categories of the frame that a booster was trained on.

    Members
    -------
    names : of all columns of the frame
    values : of each such column the value at each position, numbers all
    """

    names: tuple[str, ...]
    values: dict[int, tuple[float | int | bool, ...]]

    @classmethod
    def of(cls, booster: lightgbm.Booster, name: str) -> Self:
        """Return the categories of `booster`; none if it was trained on arrays.

        Parameters
        ----------
        name : of the model, for refusals

        Raises
        ------
        UnsupportedModel
            If categories are text, or some column of them is ordered.
        """
        listed = booster.pandas_categorical or []
        if not listed:
            return cls((), {})
        settings = booster.params or {}
        columns = settings.get("categorical_column") or settings.get("categorical_feature") or []
        if any(not isinstance(v, int | float | np.number) for values in listed for v in values):
            raise UnsupportedModel(
                f"{name} was trained on a DataFrame of text categories: train on their codes, with "
                "categorical_feature=[...]"
            )
        if len(columns) != len(listed) or not all(isinstance(c, int) for c in columns):
            raise UnsupportedModel(
                f"{name} was trained on a DataFrame with ordered categories: train on their codes "
                "(frame[column].cat.codes)"
            )
        values = {c: tuple(v) for c, v in zip(sorted(columns), listed, strict=True)}
        return cls(tuple(booster.feature_name()), values)

    def positions(self, x: np.ndarray) -> np.ndarray:
        """Return rows (rows, columns) with values as positions, NaN for a value in no category."""
        if not self.values:
            return x
        x = np.array(x, dtype=np.float64)
        for column in self.values:
            codes = self._codes(column, x[:, column])
            x[:, column] = np.where(codes < 0, np.nan, codes)
        return x

    def _codes(self, column: int, numbers: np.ndarray) -> np.ndarray:
        """Return the positions of values (rows,) of a column, -1 for one in no category."""
        codes = np.full(len(numbers), -1)
        for position, value in enumerate(self.values[column]):
            codes[numbers == value] = position
        return codes

    def framed(self, rows: "np.ndarray | DataFrame") -> "DataFrame":
        """Return rows as a frame with these categories; one that has them stays as it is."""
        from pandas import Categorical, CategoricalDtype, DataFrame

        columns = list(self.names)
        given = rows.copy() if isinstance(rows, DataFrame) else DataFrame(rows, columns=columns)
        for column, values in self.values.items():
            if not isinstance(given.dtypes.iloc[column], CategoricalDtype):
                codes = self._codes(column, given.iloc[:, column].to_numpy(dtype=np.float64))
                given.isetitem(column, Categorical.from_codes(codes, categories=list(values)))
        return given

    def split(self, feature: int, column: int, positions: Sequence[int]) -> CategorySplit | None:
        """Return the split that sends the values at `positions` left; None for other features.

        Parameters
        ----------
        feature : of the model; column : the raw column that it is
        positions : of the categories
        """
        if feature not in self.values:
            return None
        values = self.values[feature]
        listed = np.sort(np.array([values[p] for p in positions if 0 <= p < len(values)], float))
        shown = ", ".join(f"{value:g}" for value in listed[:6])
        return CategorySplit(
            column=column,
            edges=union(np.nextafter(listed, -np.inf), listed),
            inside_left=True,
            missing_left=False,
            shown=f"{{{shown}{', ...' if len(listed) > 6 else ''}}}",
        )
