"""Arrays of fitted estimators, checked for shape and damage."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from locgen.errors import ModelFileError

__all__ = ["DEVIATIONS", "finite", "holds_float32", "is_text", "vector"]

DEVIATIONS = 4.0
"""Of a feature's own, either side of its mean: the range assumed where a model knows no better."""


def vector(estimator: BaseEstimator, name: str, *shape: int) -> np.ndarray:
    """Return the attribute `name` as finite float64 of that shape.

    Raises
    ------
    ModelFileError
        If it has another shape or holds anything but finite numbers.
    """
    return finite(getattr(estimator, name), shape, f"{type(estimator).__name__}.{name}")


def finite(array: ArrayLike, shape: tuple[int, ...], what: str) -> np.ndarray:
    """Return `array` as finite float64 of that shape; errors are those of `vector`."""
    values = np.asarray(array, dtype=np.float64)
    if values.shape != shape or not np.isfinite(values).all():
        raise ModelFileError(f"{what} is damaged: save the fitted model again")
    return values


def is_text(categories: Iterable[object]) -> bool:
    """Return whether categories are no numbers: text that looks like some is text."""
    numbers = (int, float, np.number, np.bool_, type(None))
    return any(not isinstance(category, numbers) for category in categories)


def holds_float32(part: object) -> bool:
    """Return whether an estimator, or one inside it, was trained on float32 rows and adds them up.

    Its own arrays tell: they have the type of the training rows.
    """
    if isinstance(part, np.ndarray) and part.dtype != object:
        return part.dtype == np.float32
    if isinstance(part, dict):
        return any(map(holds_float32, part.values()))
    if isinstance(part, list | tuple | np.ndarray):
        return any(map(holds_float32, part))
    return isinstance(part, BaseEstimator) and holds_float32(vars(part))
