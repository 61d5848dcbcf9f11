"""Rows to ask a design about: a user's file, with or without labels."""

from pathlib import Path

import numpy as np

from locgen.errors import DataError
from locgen.flow.data import csv_numbers, csv_table, read_npz
from locgen.ir import QuantisedModel
from locgen.quantise import check_rows

__all__ = ["load_rows"]


def load_rows(path: Path, model: QuantisedModel, label: str | None = None) -> np.ndarray:
    """Return the rows (rows, columns) in `path`, checked against `model`.

    Of a `.npz` these are ``X_test``, or ``X``; of a `.csv` all columns but the labels: those named
    in `label`, or the last ones where there are so many more columns than the model has.

    Raises
    ------
    DataError
        If the file is missing, unreadable, or its rows do not fit the model.
    """
    if not path.is_file():
        raise DataError(f"{path} is no file; --data takes a .npz or .csv")
    if path.suffix == ".npz":
        arrays = read_npz(path)
        found = next((arrays[key] for key in ("X_test", "X") if key in arrays), None)
        if found is None:
            raise DataError(f"{path} must hold X_test or X")
    elif path.suffix == ".csv":
        found = _rows_of_csv(path, model, label)
    else:
        raise DataError(f"{path} must end in .npz or .csv; save it with numpy.savez or as CSV")
    names, missing = model.column_names, model.rule.missing
    return check_rows(found, names, missing, str(path), model.integer_columns)


def _rows_of_csv(path: Path, model: QuantisedModel, label: str | None) -> np.ndarray:
    header, rows = csv_table(path)
    columns = list(range(len(header)))
    if label is not None:
        for name in [label] if label in header else label.split(","):
            if name.strip() not in header:
                raise DataError(f"{path} has no column {name!r}; it has {', '.join(header)}")
            columns.remove(header.index(name.strip()))
    elif len(columns) == model.columns + model.targets:
        columns = columns[: model.columns]
    if len(columns) != model.columns:
        raise DataError(
            f"{path} has {len(columns)} columns, the model was trained on {model.columns} "
            "features; give the same columns, and name labels with --label"
        )
    names = [header[n] for n in columns]
    wanted = list(model.column_names)
    if sorted(names) == sorted(wanted) and len(set(names)) == len(names):
        columns = [columns[names.index(name)] for name in wanted]
    return csv_numbers(path, rows, columns)
