"""Data of a user for the width search and for accuracy: `.npz`, `.csv` and arrays."""

import csv
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split

from locgen.errors import DataError
from locgen.ir import Model
from locgen.quantise import Dataset, check_rows, in_order

__all__ = ["as_dataset", "csv_numbers", "csv_table", "load_dataset", "read_dataset", "read_npz"]

_TEST_SHARE = 0.3


def read_dataset(data: object, model: Model, label: str | None = None) -> Dataset | None:
    """Return `data`, the path of a file or arrays, checked against `model`; None if it is None.

    Parameters
    ----------
    data : as `load_dataset` or `as_dataset` take it
    model : float model whose columns and labels the rows must have
    label : label column of a ``.csv``

    Raises
    ------
    DataError
        As of `load_dataset` and `as_dataset`.
    """
    if data is None:
        return None
    if isinstance(data, str | Path):
        return load_dataset(Path(data), model, label)
    return as_dataset(data, model)


def load_dataset(path: Path, model: Model, label: str | None = None) -> Dataset:
    """Return the rows in `path`, checked against `model`.

    A `.npz` holds ``X_train y_train X_test y_test`` or ``X y``, no pickled objects; a `.csv` has a
    header, and its label in the last column or the one named `label` (of several labels as many
    columns, their names divided by commas). Rows without a given split
    are split 70 to 30, classes in proportion, with a fixed seed.

    Raises
    ------
    DataError
        If the file is missing, unreadable, or its rows do not fit the model.
    """
    if not path.is_file():
        raise DataError(f"{path} is no file; --data takes a .npz or .csv")
    if path.suffix == ".npz":
        arrays = read_npz(path)
    elif path.suffix == ".csv":
        arrays = _read_csv(path, model, label)
    else:
        raise DataError(f"{path} must end in .npz or .csv; save it with numpy.savez or as CSV")
    return as_dataset(arrays, model, str(path))


def as_dataset(arrays: object, model: Model, what: str = "data") -> Dataset:
    """Return `arrays` as a checked `Dataset`.

    `arrays` is a mapping with the keys of a `.npz` (see `load_dataset`), a pair (X, y), or four
    arrays (X_train, X_test, y_train, y_test) as scikit-learn's ``train_test_split`` returns them.

    Raises
    ------
    DataError
        If shapes, labels or values do not fit the model.
    """
    if isinstance(arrays, Dataset):
        arrays = (arrays.x_train, arrays.x_test, arrays.y_train, arrays.y_test)
    if isinstance(arrays, (tuple, list)):
        keys = {2: ("X", "y"), 4: ("X_train", "X_test", "y_train", "y_test")}.get(len(arrays))
        if keys is None:
            raise DataError(f"{what} must be (X, y) or four arrays, not {len(arrays)} of them")
        arrays = dict(zip(keys, arrays, strict=True))
    if not isinstance(arrays, Mapping):
        raise DataError(f"{what} must be (X, y), four arrays or a mapping, not {type(arrays)}")
    if {"X_train", "y_train", "X_test", "y_test"} <= set(arrays):
        parts = [arrays[key] for key in ("X_train", "X_test", "y_train", "y_test")]
    elif {"X", "y"} <= set(arrays):
        x = in_order(arrays["X"], model.feature_names, what)
        parts = _split(np.asarray(x), np.asarray(arrays["y"]), model, what)
    else:
        raise DataError(f"{what} must hold X_train y_train X_test y_test, or X y")
    x_train, x_test, y_train, y_test = parts
    names, missing = model.feature_names, model.rule.missing
    for part, name in zip(parts, ("X", "X", "y", "y"), strict=True):
        if np.ndim(part) < 1:
            raise DataError(f"{what}: {name} must hold one entry a row, not a single value")
    train = check_rows(x_train, names, missing, f"{what}: training rows")
    test = check_rows(x_test, names, missing, f"{what}: test rows")
    if model.rule.input_dtype == "float32":
        for rows in (train, test):
            large = np.nanmax(np.abs(rows), initial=0.0)
            if large > np.finfo(np.float32).max:
                raise DataError(
                    f"{what} holds {large:g}, which {model.family} cannot cast to float32: remove "
                    "or scale these rows"
                )
    if not len(train) or not len(test):
        raise DataError(f"{what} must hold at least one training and one test row")
    return Dataset(
        train,
        _targets(y_train, len(train), model, f"{what}: training labels"),
        test,
        _targets(y_test, len(test), model, f"{what}: test labels"),
    )


def _split(x: np.ndarray, y: np.ndarray, model: Model, what: str) -> list[np.ndarray]:
    if min(x.ndim, y.ndim) < 1 or len(x) != len(y) or len(x) < 2:
        raise DataError(f"{what} must hold at least two rows and one label a row")
    strata = None
    if model.task == "classification" and y.ndim == 1:
        _, counts = np.unique(y, return_counts=True)
        test_rows = int(np.ceil(_TEST_SHARE * len(x)))
        if counts.min() >= 2 and min(test_rows, len(x) - test_rows) >= len(counts):
            strata = y
    return train_test_split(x, y, test_size=_TEST_SHARE, random_state=0, stratify=strata)


def _targets(y: object, rows: int, model: Model, what: str) -> np.ndarray:
    """Return labels as the model's own classes, or regression targets as floats."""
    values = np.asarray(y)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if len(values) != rows:
        raise DataError(f"{what} must be {rows}, one a row, not {len(values)}")
    if model.task == "regression":
        wanted = (rows,) if model.targets == 1 else (rows, model.targets)
        try:
            numbers = values.astype(np.float64)
        except ValueError as error:
            raise DataError(f"{what} must be numbers: {error}") from error
        if numbers.shape != wanted or not np.isfinite(numbers).all():
            raise DataError(f"{what} must be finite and of shape {wanted}, not {numbers.shape}")
        return numbers
    if model.targets > 1:
        if values.shape != (rows, model.targets):
            raise DataError(f"{what} must be {model.targets} a row, not of shape {values.shape}")
        groups = model.rule_of_decision.label_groups(model.classes)
        columns = [_labels(c, g, what) for c, g in zip(values.T, groups, strict=True)]
        return np.stack(columns, axis=1)
    if values.ndim != 1:
        raise DataError(f"{what} must be one a row, not of shape {values.shape}")
    return _labels(values, model.classes, what)


def _labels(values: np.ndarray, classes: Sequence[str | float], what: str) -> np.ndarray:
    """Return labels (rows,) as those of `classes` that they are, or that they are the text of.

    The number 2 may be written as 2.0 or 2e0.
    """
    if np.isin(values, np.array(classes)).all():
        return values
    by_text = {str(label): label for label in classes}
    by_number = {float(label): label for label in classes if not isinstance(label, str)}

    def read(text: str) -> object:
        if text in by_text or not by_number:
            return by_text[text]
        try:
            return by_number[float(text)]
        except ValueError:
            raise KeyError(text) from None

    try:
        return np.array([read(str(value)) for value in values.tolist()])
    except KeyError as error:
        raise DataError(
            f"{what} hold {error.args[0]!r}, which is none of the model's classes "
            f"{', '.join(sorted(by_text)[:8])}; use the labels that the model was trained on"
        ) from error


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a `.npz` that rows and labels may lie in.

    Raises
    ------
    DataError
        If it is none, or holds pickled objects.
    """
    try:
        # Opened here because NumPy leaves a damaged archive open.
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            wanted = ("X_train", "y_train", "X_test", "y_test", "X", "y")
            return {key: file[key] for key in wanted if key in file.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} is no readable .npz without pickled objects: {error}") from error


def csv_table(path: Path) -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows of a CSV file, all of the same length.

    Raises
    ------
    DataError
        If it is no CSV file, holds no row, or rows differ in length.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is no readable CSV file: {error}") from error
    if len(rows) < 2:
        raise DataError(f"{path} must have a header and at least one row")
    header = [name.strip() for name in rows[0]]
    ragged = next((n for n, row in enumerate(rows, 1) if len(row) != len(header)), None)
    if ragged is not None:
        raise DataError(
            f"{path} row {ragged} has {len(rows[ragged - 1])} fields, not {len(header)}"
        )
    return header, rows[1:]


def csv_numbers(path: Path, rows: list[list[str]], columns: list[int]) -> np.ndarray:
    """Return those columns as float64 (rows, columns), NaN where nothing stands.

    Raises
    ------
    DataError
        If they hold something else than numbers.
    """
    numbers = np.full((len(rows), len(columns)), np.nan)
    for number, row in enumerate(rows):
        for place, column in enumerate(columns):
            text = row[column].strip()
            try:
                numbers[number, place] = float(text) if text else np.nan
            except ValueError as error:
                raise DataError(
                    f"{path} must hold numbers in all columns but the label, row {number} has "
                    f"{text!r}: name the label with --label, or turn text into numbers"
                ) from error
    return numbers


def _read_csv(path: Path, model: Model, label: str | None) -> dict[str, np.ndarray]:
    header, rows = csv_table(path)
    positions = _label_columns(path, header, model, label)
    columns = [n for n in range(len(header)) if n not in positions]
    names = [header[n] for n in columns]
    if sorted(names) == sorted(model.feature_names) and len(set(names)) == len(names):
        columns = [columns[names.index(name)] for name in model.feature_names]
    x = csv_numbers(path, rows, columns)
    text = [[row[position].strip() for position in positions] for row in rows]
    if model.task == "classification":
        return {"X": x, "y": np.array(text)}
    try:
        return {"X": x, "y": np.array([[float(value) for value in row] for row in text])}
    except ValueError as error:
        labels = ", ".join(repr(header[position]) for position in positions)
        raise DataError(f"{path} column {labels} must hold numbers: {error}") from error


def _label_columns(path: Path, header: list[str], model: Model, label: str | None) -> list[int]:
    """Return the positions of the label, or of as many labels as the model answers."""
    if label is None:
        return list(range(len(header) - model.targets, len(header)))
    names = [label] if label in header else [name.strip() for name in label.split(",")]
    for name in names:
        if name not in header:
            raise DataError(f"{path} has no column {name!r}; it has {', '.join(header)}")
    if len(names) != model.targets:
        raise DataError(
            f"{model.family} answers {model.targets} labels, --label names {len(names)}: name as "
            "many, divided by commas"
        )
    return [header.index(name) for name in names]
