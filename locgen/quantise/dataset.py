"""Checks of the rows that widths are searched on."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from locgen.errors import DataError
from locgen.passes import Dataset

__all__ = ["Dataset", "check_rows", "in_order"]


def in_order(x: Any, names: Sequence[str], what: str = "X") -> Any:
    """Return a frame `x` with its columns in the order of `names`, anything else as it is.

    A frame that shares no name with the model counts by position. A blank in a name counts as an
    underscore, which LightGBM writes for it.

    Raises
    ------
    DataError
        If it shares some names with the model, but not all.
    """
    if not hasattr(x, "columns") or not hasattr(x, "iloc"):
        return x
    own, wanted = ([str(name).replace(" ", "_") for name in part] for part in (x.columns, names))
    if own == wanted or not set(own) & set(wanted):
        return x
    unshared = sorted(set(own) ^ set(wanted))
    if unshared or len(own) != len(wanted):
        raise DataError(
            f"{what} and the model differ in {', '.join(unshared[:4]) or 'a column given twice'}: "
            "give the columns that it was trained on"
        )
    return x.iloc[:, [own.index(name) for name in wanted]]


def check_rows(
    x: Any, names: Sequence[str], missing: bool, what: str = "X", integers: Sequence[int] = ()
) -> np.ndarray:
    """Return `x` as a float64 array (rows, len(names)), columns of a frame in the order of `names`.

    Raises
    ------
    DataError
        If it has another number of columns, holds no numbers, an infinite value, NaN while the
        model does not accept missing values, or a fraction in one of the columns `integers`.
    """
    x = in_order(x, names, what)
    try:
        if np.iscomplexobj(x):
            raise TypeError("they are complex")
        rows = np.asarray(x, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{what} must hold numbers only: {error}") from error
    if rows.ndim != 2:
        raise DataError(f"{what} must be a table (rows, features), not of shape {rows.shape}")
    if rows.shape[1] != len(names):
        raise DataError(
            f"{what} has {rows.shape[1]} columns, the model was trained on {len(names)} features; "
            "give the same columns in the same order"
        )
    bad = np.isinf(rows) if missing else ~np.isfinite(rows)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise DataError(
            f"{what} holds {rows[row, column]} at row {row}, column {column}: the model was "
            "trained without such values; remove or impute these rows"
        )
    whole = rows[:, list(integers)]
    fractions = np.argwhere(~np.isnan(whole) & (whole != np.floor(whole)))
    if len(fractions):
        row, place = fractions[0]
        raise DataError(
            f"{what} holds {whole[row, place]} at row {row}, column {integers[place]}, which was "
            "declared to hold integers: build with --feature-kind rank or affine"
        )
    return rows
