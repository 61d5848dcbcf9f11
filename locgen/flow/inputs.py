"""Rows to ask a design about: a user's file, with or without labels."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from locgen.errors import DataError
from locgen.flow.layout import Layout
from locgen.flow.tables import read_rows
from locgen.ir import QuantisedModel
from locgen.quantise import check_rows

__all__ = ["load_rows"]


def load_rows(
    path: Path,
    model: QuantisedModel,
    label: str | None = None,
    na: str | Sequence[str] | None = None,
) -> np.ndarray:
    """Return the rows (rows, columns) in `path` to ask a design about, checked against `model`.

    Of a `.npz` these are ``X_test``, or ``X``; of a table the columns that the model reads.

    Raises
    ------
    DataError
        If the file is missing, unreadable, or its rows do not fit the model.
    """
    names, missing = model.column_names, model.rule.missing
    table = read_rows(path, Layout.of(names, model), label, na)
    if not isinstance(table, dict):
        rows, row_name = table.rows, table.row_name
    elif {"X", "X_test"} & set(table):
        rows, row_name = table.get("X_test", table.get("X")), "row {}".format
    else:
        raise DataError(f"{path} must hold X_test or X")
    return check_rows(rows, names, missing, str(path), model.integer_columns, row_name=row_name)
