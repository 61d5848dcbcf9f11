"""CSV files: separators, headers and records, their values as pandas reads them."""

import codecs
import csv
import io
import warnings
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from locgen.errors import DataError
from locgen.flow.layout import Layout, Table, number_in
from locgen.quantise import numbered

__all__ = ["read_csv"]

_SEPARATORS = ",;\t"
_LINES_TO_JUDGE = 100
"""Lines that the separator is found by."""
_SHOWN = 8
"""Fields of a line that a message shows."""


def read_csv(path: Path, layout: Layout, label: str | None, na: Sequence[str]) -> Table:
    """Return the columns of a CSV file that a model reads, and its labels as text.

    Parameters
    ----------
    path : of the file
    layout : what the model reads
    label : names of the labels' columns, divided by commas; None to find them
    na : texts that mean a missing value; a blank cell always does

    Raises
    ------
    DataError
        If it is damaged, or holds other columns than the model's, or text among them.
    """
    try:
        raw = path.read_bytes()
        utf16 = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        text = raw.decode("utf-16" if utf16 else "utf-8-sig")
        separator = max(_SEPARATORS, key=lambda each: _fit(text, each, layout, label))
        first = list(islice(_records(text, separator), _LINES_TO_JUDGE))
        header = _header(path, layout, label, na, first)
        if len(first) < 1 + (header is not None):
            raise ValueError("it must have a header and at least one row")
        width = len(first[0].fields)
        columns = layout.columns(path, label, header, width)
        lines, labels = [], []
        for record in islice(_records(text, separator), int(header is not None), None):
            if len(record.fields) != width:
                given = len(record.fields)
                raise DataError(f"{path} row {record.line} has {given} fields, not {width}")
            lines.append(record.line)
            labels.append([record.fields[column].strip() for column in columns.labels])
        frame = _frame(text, separator, header is not None, width, na)
        if len(frame) != len(lines):
            raise ValueError("a quote has no end, or blanks alone fill a line")
    except (ValueError, csv.Error) as error:
        raise DataError(f"{path} is no readable CSV file: {str(error).strip()}") from error
    names = list(map(str, range(width))) if header is None else header
    for column in columns.model:
        if not pd.api.types.is_numeric_dtype(frame.dtypes.iloc[column]):
            rows = islice(_records(text, separator), int(header is not None), None)
            cells = [record.fields[column].strip() for record in rows]
            values = _numbers(f"{path} column {names[column]!r}", lines, cells, na)
            frame.isetitem(column, values)
    frame.columns = pd.Index(names)
    return Table(
        frame.iloc[:, columns.model],
        columns.named,
        np.array(labels, dtype=str) if columns.labels else None,
        lambda row: f"row {lines[row]}",
    )


class _Record(NamedTuple):
    """A row of a CSV file, and the line on which it starts as an editor counts them."""

    line: int
    fields: list[str]


def _records(text: str, separator: str) -> Iterator[_Record]:
    """Yield the rows but blank ones."""
    line = [""]

    def kept() -> Iterator[str]:
        for line[0] in io.StringIO(text, newline=""):
            yield line[0]

    reader = csv.reader(kept(), delimiter=separator, skipinitialspace=True)
    start = 1
    for fields in reader:
        if len(fields) > 1 or line[0].strip():
            yield _Record(start, fields)
        start = reader.line_num + 1


def _fit(text: str, separator: str, layout: Layout, label: str | None) -> tuple[int, ...]:
    """Return how well a separator fits the first lines; the header's known names count first."""
    rows = [each.fields for each in islice(_records(text, separator), _LINES_TO_JUDGE)]
    widths = {len(fields) for fields in rows}
    names = [field.strip() for field in rows[0]] if rows else []
    known = len(_names(names, layout)) + len(set(names) & set(_named(label)))
    expected = len(layout.names) + np.arange(layout.targets + 2)
    numbers = [number_in(field) is not None for fields in rows[1:] for field in fields]
    return (
        known,
        len(widths) == 1 and widths != {1},
        bool(widths & set(expected.tolist())),
        sum(numbers),
    )


def _is_value(field: str) -> bool:
    """Return whether a field is a number, NaN, a boolean or blank, and so no name."""
    return number_in(field) is not None or field.lower() in ("", "nan", "true", "false")


def _named(label: str | None) -> list[str]:
    return [] if label is None else [label, *(name.strip() for name in label.split(","))]


def _names(fields: Sequence[str], layout: Layout) -> list[str]:
    """Return the fields that the model knows as names, and that are no values."""
    return [field for field in layout.names_in(fields) if not _is_value(field)]


def _counts_rows(records: Sequence[_Record]) -> bool:
    """Return whether the first column is an index of the rows from 0 on."""
    return all(each.fields[0].strip() == str(row) for row, each in enumerate(records))


def _header(
    path: Path, layout: Layout, label: str | None, na: Sequence[str], records: Sequence[_Record]
) -> list[str] | None:
    """Return the names in the first line, None if it is a row.

    It holds names if one of them is known, or words stand where values belong; it is a row if only
    values do. Numbers are names if they count from 0, as pandas does, or all of the model's names
    are among them, and numbers of another form, with a decimal point, stand below.

    Raises
    ------
    DataError
        If it may be either.
    """
    fields = [field.strip() for field in records[0].fields] if records else []
    if not fields or label is not None or _names(fields, layout):
        return fields
    texts = layout.targets if len(fields) >= len(layout.names) + layout.targets else 0
    features, labels = fields[: len(fields) - texts], fields[len(fields) - texts :]
    words = {field for field in features if not _is_value(field) and field not in na}
    if words and words.union(na, [""]) >= {*features}:
        return fields
    counted = fields[1:] if fields[0] == "" else fields
    counts = counted[:1] == ["0"] and numbered(counted[: len(counted) - texts])
    strange = any(number_in(text) is None and text not in layout.classes for text in labels)
    if strange and (counts or not any(field and _is_value(field) for field in fields)):
        return fields
    counts = counts and numbered(counted)
    if counts or len({*layout.names_in(fields)}) == len(layout.names):
        for column in zip(*(each.fields for each in records[1:]), strict=False):
            if all("." in cell or not cell.strip() for cell in column) and any(column):
                return fields
    elif not (words or strange or (fields[0] == "" and _counts_rows(records[1:]))):
        return None
    raise DataError(
        f"{path} starts with {','.join(fields[:_SHOWN])}, which may be names or a row: name the "
        "columns in a header"
    )


def _frame(text: str, separator: str, headed: bool, width: int, na: Sequence[str]) -> pd.DataFrame:
    """Return all columns by place, with the types that pandas finds."""
    with warnings.catch_warnings():
        # pandas 3.1 reads floats exactly by itself, and deprecates the argument.
        warnings.filterwarnings("ignore", "The 'float_precision' argument")
        return pd.read_csv(
            io.StringIO(text, newline=""),
            sep=separator,
            header=0 if headed else None,
            names=list(range(width)),
            index_col=False,
            na_values=["", *na],
            keep_default_na=False,
            skipinitialspace=True,
            float_precision="round_trip",
            low_memory=False,
        )


def _numbers(
    what: str, lines: Sequence[int], cells: Sequence[str], na: Sequence[str]
) -> np.ndarray:
    """Return a column in which pandas finds no numbers: booleans with blanks, large integers.

    Parameters
    ----------
    what : the column, as messages call it
    lines, cells : of each row
    na : texts that mean a missing value
    """
    missing = {"", *na}
    truth = {text.lower() for text in cells if text not in missing} <= {"true", "false"}
    values = np.full(len(cells), np.nan)
    for number, text in enumerate(cells):
        if text in missing:
            continue
        value = text.lower() == "true" if truth else number_in(text)
        if value is None:
            comma = number_in(text.replace(",", ".")) is not None
            way = f"turn it into one, name the label with --label, or say --na {text} for missing"
            raise DataError(
                f"{what} must hold numbers, row {lines[number]} has {text!r}: "
                f"{'write it with a decimal point and no other mark' if comma else way}"
            )
        values[number] = value
    return values
