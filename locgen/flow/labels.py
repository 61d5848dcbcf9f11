"""Labels of a user's rows, as those of the model, and regression targets."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from locgen.errors import DataError
from locgen.flow.layout import number_in
from locgen.ir import Model

__all__ = ["labels_of"]


def labels_of(
    y: object, rows: int, model: Model, what: str, row_name: Callable[[int], str]
) -> np.ndarray:
    """Return labels as the model's own classes, or regression targets as floats.

    Parameters
    ----------
    y : (rows,) or (rows, targets)
    rows : how many there must be
    model : whose labels they are
    what : the labels, as messages call them
    row_name : what messages call a row by its number from 0

    Raises
    ------
    DataError
        If there are more or fewer, or one is missing or none of the model's.
    """
    values = np.asarray(y)
    if values.ndim < 1:
        raise DataError(f"{what} must hold one entry a row, not a single value")
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if len(values) != rows:
        raise DataError(f"{what} must be {rows}, one label a row, not {len(values)}")
    wanted = (rows,) if model.targets == 1 else (rows, model.targets)
    if values.shape != wanted:
        raise DataError(f"{what} must be of shape {wanted}, not of shape {values.shape}")
    if model.task == "regression":
        return _targets(values, what, row_name)
    if model.targets == 1:
        return _labels(values, model.classes, what, row_name)
    groups = model.rule_of_decision.label_groups(model.classes)
    columns = zip(values.T, groups, strict=True)
    return np.stack([_labels(*each, what, row_name) for each in columns], axis=1)


def _targets(values: np.ndarray, what: str, row_name: Callable[[int], str]) -> np.ndarray:
    numbers = np.full(values.shape, np.nan)
    for place, value in np.ndenumerate(values):
        try:
            numbers[place] = value
        except (TypeError, ValueError) as error:
            raise DataError(
                f"{what} must be numbers, {row_name(place[0])} holds {str(value)!r}"
            ) from error
        if not np.isfinite(numbers[place]):
            raise DataError(f"{what} must be finite, {row_name(place[0])} holds {value}")
    return numbers


def _labels(
    values: np.ndarray,
    classes: Sequence[str | float],
    what: str,
    row_name: Callable[[int], str],
) -> np.ndarray:
    """Return labels (rows,) as those of `classes` that they are, or that they are the text of.

    The number 2 may be written as 2.0 or 2e0.
    """
    missing = pd.isna(values)
    if not missing.any():
        if np.isin(values, np.array(classes)).all():
            return values
        missing = values == ""
    if np.any(missing):
        raise DataError(
            f"{what} lack one at {row_name(int(np.argmax(missing)))}: give every row a label that "
            "the model was trained on, or leave the row out"
        )
    by_text = {str(label): label for label in classes}
    by_number = {float(label): label for label in classes if not isinstance(label, str)}

    made = []
    for number, text in enumerate(map(str, values.tolist())):
        value = number_in(text)
        found = by_text.get(text, None if value is None else by_number.get(value))
        if found is None:
            raise DataError(
                f"{what} hold {text!r} at {row_name(number)}, which is none of the model's classes "
                f"{', '.join(sorted(by_text)[:8])}; use the labels that the model was trained on"
            )
        made.append(found)
    return np.array(made)
