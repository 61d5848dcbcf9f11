"""Columns of a table that a model reads, and those that hold labels."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import pandas as pd

from locgen.errors import DataError
from locgen.ir import Model, QuantisedModel
from locgen.quantise import match_columns

__all__ = ["Columns", "Layout", "Table", "number_in"]

_INDEX = ("", "Unnamed: 0")
"""What pandas calls the column of an index without a name: written, and read and written again."""


def number_in(text: str) -> float | None:
    """Return the finite or infinite number that `text` is."""
    try:
        value = float(text)
    except ValueError:
        return None
    return None if math.isnan(value) or "_" in text else value


class Columns(NamedTuple):
    """Places of a table's columns, the model's in its order; `named` if names told which."""

    model: list[int]
    labels: list[int]
    named: bool


@dataclass(frozen=True)
class Layout:
    """The columns that a model reads, and its labels.

    Members
    -------
    names : of the columns
    named : whether training saw them; None where only they themselves can tell
    targets : how many labels a row has
    classes : the labels as text, none for a regression
    """

    names: Sequence[str]
    named: bool | None
    targets: int
    classes: frozenset[str]

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(name.replace(" ", "_") for name in self.names)

    def names_in(self, fields: Sequence[str]) -> list[str]:
        """Return those of `fields` that are names of the model's columns."""
        return [field for field in fields if field.replace(" ", "_") in self._known]

    @classmethod
    def of(
        cls, names: Sequence[str], model: Model | QuantisedModel, named: bool | None = None
    ) -> Self:
        """Return what `model`, whose columns have these `names`, reads."""
        return cls(names, named, model.targets, frozenset(map(str, model.classes)))

    def columns(
        self, path: Path, label: str | None, header: list[str] | None, width: int
    ) -> Columns:
        """Return the places of the model's columns and of the labels.

        Parameters
        ----------
        path : of the file, for messages
        label : names of the labels, divided by commas; None to find them
        header : the names, None where the file has none
        width : number of columns

        Raises
        ------
        DataError
            If columns are missing or unknown, or there is no column that `label` names.
        """
        count = len(self.names)
        columns = list(range(width))
        twice = [name for name, times in Counter(header or ()).items() if times > 1]
        if self.names_in(twice):
            raise DataError(f"{path} has two columns {twice[0]!r}: rename or remove one")
        if width == 1 < count:
            raise DataError(
                f"{path} has one column, the model was trained on {count} features; divide them by "
                "commas, semicolons or tabs"
            )
        if header and header[0] in _INDEX and header[0] not in self.names:
            del columns[0]
        labels = columns[count:] if len(columns) == count + self.targets else []
        if label is not None:
            labels = self._named_labels(path, label, header or [])
        elif header:
            unknown = [column for column in columns if not self.names_in([header[column]])]
            if len(columns) - len(unknown) == count and len(unknown) in (0, self.targets):
                labels = unknown
        features = [column for column in columns if column not in labels]
        own = [header[column] for column in features] if header else range(len(features))
        places = match_columns(own, self.names, str(path), self.named)
        if places is not None:
            return Columns([features[place] for place in places], labels, True)
        if len(features) != count:
            raise DataError(
                f"{path} has {len(features)} columns, the model was trained on {count} features; "
                "give the same columns, and name labels with --label"
            )
        return Columns(features, labels, False)

    def _named_labels(self, path: Path, label: str, header: list[str]) -> list[int]:
        wanted = [label] if label in header else [name.strip() for name in label.split(",")]
        for name in wanted:
            if header.count(name) != 1:
                many = "two columns" if name in header else "no column"
                raise DataError(f"{path} has {many} {name!r}; it has {', '.join(header)}")
        if len(wanted) != self.targets:
            raise DataError(
                f"the model answers {self.targets} labels, --label names {len(wanted)}: name as "
                "many, divided by commas"
            )
        return [header.index(name) for name in wanted]


@dataclass(frozen=True)
class Table:
    """Rows of a file.

    Members
    -------
    rows : (rows, columns) in the model's order, under the file's names and with its types
    named : whether they were matched by name
    labels : (rows, targets), text of a CSV file; None without
    row_name : what messages call a row
    """

    rows: pd.DataFrame
    named: bool
    labels: np.ndarray | None
    row_name: Callable[[int], str]
