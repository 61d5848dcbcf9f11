"""The rows that quantisation searches on and is judged by."""

from dataclasses import dataclass

import numpy as np

from locgen.errors import DataError

__all__ = ["Dataset", "check_rows"]


@dataclass(frozen=True)
class Dataset:
    """Training and test rows: the search sees the training rows alone.

    Members
    -------
    x_train, x_test : (rows, features) float64
    y_train, y_test : (rows,) labels, or (rows,) or (rows, outputs) regression targets
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def check_rows(x: object, features: int, missing: bool, what: str = "X") -> np.ndarray:
    """Return `x` as a float64 array (rows, features).

    Raises
    ------
    DataError
        If it has another number of columns, holds no numbers, an infinite value, or NaN while the
        model does not accept missing values.
    """
    try:
        rows = np.asarray(x, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{what} must hold numbers only: {error}") from error
    if rows.ndim != 2:
        raise DataError(f"{what} must be a table (rows, features), not of shape {rows.shape}")
    if rows.shape[1] != features:
        raise DataError(
            f"{what} has {rows.shape[1]} columns, the model was trained on {features} features; "
            "give the same columns in the same order"
        )
    bad = np.isinf(rows) if missing else ~np.isfinite(rows)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise DataError(
            f"{what} holds {rows[row, column]} at row {row}, column {column}: the model was "
            "trained without such values; remove or impute these rows"
        )
    return rows
