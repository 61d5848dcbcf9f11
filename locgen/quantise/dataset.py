"""A user's rows as float64: columns by name where both sides have names, values checked."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from locgen.errors import DataError
from locgen.passes import Dataset

__all__ = ["Dataset", "as_numbers", "check_rows", "in_order", "match_columns", "numbered"]

_LISTED = 8
"""How many names a message lists."""
_UNSEEN = ": the model was trained without such values; remove or impute these rows"
_FRACTION = ", which was declared to hold integers: build with --feature-kind rank or affine"


def numbered(names: Sequence[str]) -> bool:
    """Return whether `names` only number columns from 0, as libraries do that saw no names."""
    prefix = re.sub(r"\d+$", "", names[0]) if names else ""
    ends = [name[len(prefix) :] if name.startswith(prefix) else "" for name in names]
    return all(end.isdecimal() and int(end) == place for place, end in enumerate(ends))


def match_columns(
    own: Sequence[object], names: Sequence[str], what: str = "X", named: bool | None = None
) -> list[int] | None:
    """Return for each of `names` its place among the columns `own`; None if they count by place.

    Names count where both sides have them, in any order. A blank in a name counts as an underscore,
    which LightGBM writes for it.

    Parameters
    ----------
    own : labels of the user's columns; numbers from 0 on are no names
    names : of the model's columns
    what : the rows, as messages call them
    named : whether training saw `names`; None where only they themselves can tell

    Raises
    ------
    DataError
        If names differ: says which are missing, unknown or given twice.
    """
    texts = list(map(str, own))
    for blank in (" ", "_"):
        have, wanted = ([text.replace(" ", blank) for text in each] for each in (texts, names))
        places = {name: place for place, name in enumerate(have)}
        if len(places) == len(have) and places.keys() == set(wanted):
            return [places[name] for name in wanted]
    unnamed = not any(isinstance(name, str) for name in own) or (
        numbered(texts) and texts[0] == "0"
    )
    if named is None:
        named = not numbered(names)
    if unnamed or not (named or set(have) & set(wanted)):
        return None
    differ = {
        "missing": [name for name in names if name.replace(" ", "_") not in places],
        "unknown": [text for text in texts if text.replace(" ", "_") not in wanted],
        "given twice": sorted({text for text in texts if texts.count(text) > 1}),
    }
    said = (
        f"{kind} {', '.join(map(repr, found[:_LISTED]))}{', ...' if len(found) > _LISTED else ''}"
        for kind, found in differ.items()
        if found
    )
    raise DataError(
        f"{what} and the model differ in columns: {'; '.join(said)}: give the columns that it was "
        "trained on"
    )


def in_order(x: Any, names: Sequence[str], what: str = "X", named: bool | None = None) -> Any:
    """Return a frame `x` with the columns `names` in their order, anything else as it is.

    A frame without names gets those that training saw, and one of another library than pandas
    becomes pandas' own. The rest is as of `match_columns`.
    """
    if not hasattr(x, "columns"):
        return x
    if not hasattr(x, "iloc"):
        from pandas import DataFrame

        own = getattr(x, "column_names", x.columns)
        x = DataFrame({name: np.asarray(x[name]) for name in own})
    places = match_columns(x.columns, names, what, named)
    if places is not None:
        x = x.iloc[:, places]
    elif not named or len(x.columns) != len(names):
        return x
    return x.set_axis(list(names), axis=1)


def as_numbers(x: Any, what: str = "X") -> np.ndarray:
    """Return `x`, a frame, an array, lists or sparse rows, as float64; what is missing as NaN.

    A category counts as its value, True as 1; entries that sparse rows leave out are 0.

    Raises
    ------
    DataError
        If it is no table of numbers.
    """
    if hasattr(x, "toarray"):
        x = x.toarray()
    column = ""
    try:
        if not hasattr(x, "iloc") or x.ndim != 2:
            if np.iscomplexobj(x):
                raise TypeError("they are complex")
            rows = np.asarray(x, dtype=np.float64)
        else:
            rows = np.empty(x.shape)
            for place, name in enumerate(x.columns):
                column = f" in column {name!r}"
                series = x.iloc[:, place]
                if series.dtype.kind in "cmM":
                    raise TypeError(f"they are {series.dtype}")
                rows[:, place] = series.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise DataError(f"{what} must hold numbers only{column}: {error}") from error
    if rows.ndim != 2:
        raise DataError(f"{what} must be a table (rows, features), not of shape {rows.shape}")
    return rows


def check_rows(
    x: Any,
    names: Sequence[str],
    missing: bool,
    what: str = "X",
    integers: Sequence[int] = (),
    *,
    named: bool | None = None,
    row_name: Callable[[int], str] = "row {}".format,
) -> np.ndarray:
    """Return `x` as a float64 array (rows, len(names)), columns of a frame in the order of `names`.

    Parameters
    ----------
    x : rows as `as_numbers` takes them
    names : of the model's columns
    missing : whether the model takes NaN
    what : the rows, as messages call them
    integers : columns that hold no fractions
    named : whether training saw `names`, see `match_columns`
    row_name : what messages call a row by its number from 0

    Raises
    ------
    DataError
        If names or the number of columns differ, or `x` holds something else than numbers, an
        infinite value, NaN that the model does not take, or a fraction in `integers`.
    """
    rows = as_numbers(in_order(x, names, what, named), what)
    if rows.shape[1] != len(names):
        raise DataError(
            f"{what} has {rows.shape[1]} columns, the model was trained on {len(names)} features; "
            "give the same columns in the same order"
        )
    whole = rows[:, list(integers)]
    for wrong, columns, reason in (
        (np.isinf(rows) if missing else ~np.isfinite(rows), range(len(names)), _UNSEEN),
        (~np.isnan(whole) & (whole != np.floor(whole)), integers, _FRACTION),
    ):
        for row, place in np.argwhere(wrong)[:1]:
            column = columns[place]
            name = "" if numbered(names) else f" {names[column]!r}"
            where = f"{row_name(row)}, column {column}{name}"
            raise DataError(f"{what} holds {rows[row, column]} at {where}{reason}")
    return rows
