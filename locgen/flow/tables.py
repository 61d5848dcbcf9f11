"""Files of rows: `.npz`, CSV and Parquet."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from locgen.errors import DataError, ToolNotFound
from locgen.flow.csvfile import read_csv
from locgen.flow.layout import Layout, Table

__all__ = ["read_npz", "read_rows"]

_KINDS = "a .npz or .csv (or .tsv, .parquet)"


def read_rows(
    path: Path, layout: Layout, label: str | None = None, na: str | Sequence[str] | None = None
) -> Table | dict[str, np.ndarray]:
    """Return the columns of a table that a model reads and its labels, or the arrays of a `.npz`.

    Columns are matched by name, and by place where the file or the model has no names. Labels are
    those that `label` names, else what the model does not know, else the last. An index that pandas
    wrote without a name is left out.

    Parameters
    ----------
    path : of the file
    layout : what the model reads
    label : names of the labels' columns, divided by commas; None to find them
    na : texts that mean a missing value in CSV; a blank cell always does

    Raises
    ------
    DataError
        If it is missing or damaged, or holds other columns than the model's.
    ToolNotFound
        If Parquet needs a package.
    """
    if not path.is_file():
        raise DataError(f"{path} is no file; --data takes {_KINDS}")
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return read_npz(path)
    if suffix in (".csv", ".tsv"):
        return read_csv(path, layout, label, [na] if isinstance(na, str) else na or ())
    if suffix != ".parquet":
        raise DataError(f"{path} must end in {_KINDS[2:]}; save it with numpy.savez or as CSV")
    try:
        frame = pd.read_parquet(path)
    except ImportError as error:
        raise ToolNotFound(f'{path} needs pyarrow: pip install "locgen[parquet]"') from error
    except (ValueError, OSError) as error:
        raise DataError(f"{path} is no readable Parquet file: {error}") from error
    header = list(map(str, frame.columns))
    columns = layout.columns(path, label, header, len(header))
    labels = frame.iloc[:, columns.labels].to_numpy() if columns.labels else None
    return Table(frame.iloc[:, columns.model], columns.named, labels, "row {}".format)


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
