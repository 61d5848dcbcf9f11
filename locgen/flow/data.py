"""Data of a user for the width search and for accuracy: files, frames and arrays."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeGuard

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.model_selection import train_test_split

from locgen.errors import DataError
from locgen.flow.labels import labels_of
from locgen.flow.layout import Layout
from locgen.flow.tables import read_rows
from locgen.ir import Model
from locgen.quantise import Dataset, check_rows, in_order

__all__ = ["as_dataset", "form_of_rows", "load_dataset", "read_dataset"]

_TEST_SHARE = 0.3
_ANY_ROW = "row {}".format


def read_dataset(
    data: object,
    model: Model,
    label: str | None = None,
    na: str | Sequence[str] | None = None,
    named: bool | None = None,
    what: str = "data",
) -> Dataset | None:
    """Return `data`, the path of a file or arrays, checked against `model`; None if it is None.

    Parameters
    ----------
    data : as `load_dataset` or `as_dataset` take it
    model : float model whose columns and labels the rows must have
    label, na : label columns of a table, texts that mean a missing value, see `read_rows`
    named : whether training saw the model's names; None where only they themselves can tell
    what : what messages call arrays

    Raises
    ------
    DataError
        As of `load_dataset` and `as_dataset`.
    """
    if data is None:
        return None
    if isinstance(data, str | Path):
        return load_dataset(Path(data), model, label, na, named)
    return as_dataset(data, model, what, named)


def form_of_rows(data: object) -> dict[str, bool]:
    """Return whether all rows in `data`, as `read_dataset` takes it, are float32, or sparse.

    Files of tables have types of their own and hold float64.
    """
    if isinstance(data, tuple | list):
        keys = ("X", "y") if len(data) == 2 else ("X_train", "X_test")
        data = dict(zip(keys, data, strict=False))
    rows = [data[k] for k in ("X", "X_train", "X_test") if k in data] if _is_mapping(data) else []
    types = [set(x.dtypes) if isinstance(x, pd.DataFrame) else {_dtype_of(x)} for x in rows]
    return {
        "float32": bool(rows) and all(kinds == {np.dtype(np.float32)} for kinds in types),
        "sparse": bool(rows) and all(map(issparse, rows)),
    }


def _is_mapping(data: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(data, Mapping)


def _dtype_of(rows: object) -> object:
    return getattr(rows, "dtype", None)


def load_dataset(
    path: Path,
    model: Model,
    label: str | None = None,
    na: str | Sequence[str] | None = None,
    named: bool | None = None,
) -> Dataset:
    """Return the rows in `path`, checked against `model`; parameters are those of `read_dataset`.

    A `.npz` holds ``X_train y_train X_test y_test`` or ``X y``, no pickled objects; a table is what
    `read_rows` takes, with labels. Rows without a given split are split 70 to 30, classes in
    proportion, with a fixed seed.

    Raises
    ------
    DataError
        If the file is missing, unreadable, or its rows do not fit the model.
    """
    table = read_rows(path, Layout.of(model.feature_names, model, named), label, na)
    if isinstance(table, dict):
        return as_dataset(table, model, str(path), named)
    if table.labels is None:
        raise DataError(f"{path} has no column of labels beside those that the model reads")
    part = _checked(table.rows, table.labels, model, str(path), named, table.row_name)
    return _dataset(*_split(part if table.named else part._replace(frame=None), model, str(path)))


def as_dataset(
    arrays: object, model: Model, what: str = "data", named: bool | None = None
) -> Dataset:
    """Return `arrays` as a checked `Dataset`.

    `arrays` is a mapping with the keys of a `.npz` (see `load_dataset`), a pair (X, y), or four
    arrays (X_train, X_test, y_train, y_test) as scikit-learn's ``train_test_split`` returns them.
    Rows are arrays, lists, frames or sparse matrices.

    Parameters
    ----------
    arrays : rows and labels
    model : float model whose columns and labels the rows must have
    what : the rows, as messages call them
    named : as of `read_dataset`

    Raises
    ------
    DataError
        If shapes, names, labels or values do not fit the model.
    """
    if isinstance(arrays, Dataset):
        frames = (arrays.frame_train, arrays.frame_test)
        rows = zip(frames, (arrays.x_train, arrays.x_test), strict=True)
        x_train, x_test = (plain if frame is None else frame for frame, plain in rows)
        arrays = (x_train, x_test, arrays.y_train, arrays.y_test)
    if isinstance(arrays, (tuple, list)):
        keys = {2: ("X", "y"), 4: ("X_train", "X_test", "y_train", "y_test")}.get(len(arrays))
        if keys is None:
            raise DataError(f"{what} must be (X, y) or four arrays, not {len(arrays)} of them")
        arrays = dict(zip(keys, arrays, strict=True))
    if not isinstance(arrays, Mapping):
        raise DataError(f"{what} must be (X, y), four arrays or a mapping, not {type(arrays)}")
    if {"X_train", "y_train", "X_test", "y_test"} <= set(arrays):
        train, test = (
            _checked(arrays[f"X_{part}"], arrays[f"y_{part}"], model, f"{what} ({told})", named)
            for part, told in (("train", "training"), ("test", "test"))
        )
        if not len(train.rows) or not len(test.rows):
            raise DataError(f"{what} must hold at least one training and one test row")
        return _dataset(train, test)
    if {"X", "y"} <= set(arrays):
        return _dataset(
            *_split(_checked(arrays["X"], arrays["y"], model, what, named), model, what)
        )
    raise DataError(f"{what} must hold X_train y_train X_test y_test, or X y")


class _Part(NamedTuple):
    """Checked rows and labels, and the frame that they came in."""

    rows: np.ndarray
    labels: np.ndarray
    frame: pd.DataFrame | None

    def take(self, rows: np.ndarray) -> "_Part":
        frame = None if self.frame is None else self.frame.iloc[rows]
        return _Part(self.rows[rows], self.labels[rows], frame)


def _checked(
    x: object,
    y: object,
    model: Model,
    what: str,
    named: bool | None,
    row_name: Callable[[int], str] = _ANY_ROW,
) -> _Part:
    """Return rows and labels as the model takes them; the parameters are those of `check_rows`."""
    names, missing = model.feature_names, model.rule.missing
    x = in_order(x, names, what, named)
    rows = check_rows(x, names, missing, what, named=named, row_name=row_name)
    if model.rule.input_dtype == "float32":
        large = np.nanmax(np.abs(rows), initial=0.0)
        if large > np.finfo(np.float32).max:
            raise DataError(
                f"{what} holds {large:g}, which {model.family} cannot cast to float32: remove "
                "or scale these rows"
            )
    labels = labels_of(y, len(rows), model, f"{what} labels", row_name)
    return _Part(rows, labels, x if isinstance(x, pd.DataFrame) else None)


def _split(part: _Part, model: Model, what: str) -> list[_Part]:
    """Return training and test rows, classes in proportion where there are enough of each."""
    count = len(part.rows)
    if count < 2:
        raise DataError(f"{what} must hold at least two rows")
    strata = None
    if model.task == "classification" and part.labels.ndim == 1:
        _, counts = np.unique(part.labels, return_counts=True)
        test_rows = int(np.ceil(_TEST_SHARE * count))
        if counts.min() >= 2 and min(test_rows, count - test_rows) >= len(counts):
            strata = part.labels
    parts = train_test_split(
        np.arange(count), test_size=_TEST_SHARE, random_state=0, stratify=strata
    )
    return [part.take(rows) for rows in parts]


def _dataset(train: _Part, test: _Part) -> Dataset:
    return Dataset(train.rows, train.labels, test.rows, test.labels, train.frame, test.frame)
