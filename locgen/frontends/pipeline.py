"""The scalers in front of a model, asked and never folded.

A split compares what the scalers and the library's cast make of a raw feature. The cut of a split
is found by bisecting exactly that: the scalers' own `transform`, the cast, the comparison. Many
splits are packed into one matrix, each candidate in the column of its feature, since scalers look
at one column at a time.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from locgen.errors import UnsupportedModel
from locgen.quantise.bisect import largest_true

__all__ = ["cuts", "feature_names", "library_quiet", "scale", "unwrap"]

SCALERS = (StandardScaler, MinMaxScaler, RobustScaler)
_LARGEST = np.finfo(np.float64).max
_CELLS = 1 << 21  # of one packed matrix: 16 MB, and the scalers make a few copies of it


@contextmanager
def library_quiet() -> Iterator[None]:
    """Hold back what scikit-learn and NumPy say about arrays without names and about overflow."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        yield


def unwrap(estimator: object) -> tuple[tuple[object, ...], object]:
    """Return the scalers in front of a model and the model, which is `estimator` if it is bare.

    Raises
    ------
    UnsupportedModel
        If the pipeline holds a step that is no scaler, or ends without a model.
    """
    if type(estimator) is not Pipeline:
        return (), estimator
    *front, (_, last) = estimator.steps or [("", None)]
    if last is None or isinstance(last, str):
        raise UnsupportedModel("Pipeline does not end in a model: add a tree model as last step")
    scalers = []
    for name, step in front:
        if step is None or (isinstance(step, str) and step == "passthrough"):
            continue
        if type(step) not in SCALERS:
            raise UnsupportedModel(
                f"Pipeline step {name!r} ({type(step).__name__}) is not supported: use "
                "StandardScaler, MinMaxScaler or RobustScaler, or transform the data beforehand"
            )
        scalers.append(step)
    return tuple(scalers), last


def feature_names(steps: Sequence[object], features: int) -> tuple[str, ...]:
    """Return the names that the first step saw in training, or x0, x1, ... if it saw none."""
    names = getattr(steps[0], "feature_names_in_", None)
    if names is None:
        return tuple(f"x{index}" for index in range(features))
    return tuple(str(name) for name in names)


def scale(scalers: Sequence[object], x: np.ndarray) -> np.ndarray:
    """Return the rows of `x` (rows, features), float64, as the scalers hand them to the model.

    Infinities, which the scalers refuse, are taken as the largest float64: that keeps the order.
    """
    for scaler in scalers:
        x = np.asarray(scaler.transform(np.clip(x, -_LARGEST, _LARGEST)))
    return x


def cuts(
    scalers: Sequence[object], features: int, feature: np.ndarray, threshold: np.ndarray
) -> np.ndarray:
    """Return for each split the largest raw float64 that scikit-learn's trees send left.

    Parameters
    ----------
    scalers : fitted, in order
    features : number of raw features
    feature : (splits,) the feature each split compares
    threshold : (splits,) the float64 it compares the scaled, float32 value to

    Returns
    -------
    (splits,) float64; +inf if every number goes left, -inf if none does
    """
    if len(feature) == 0:
        return np.zeros(0)
    pairs, back = np.unique(
        np.stack([feature.astype(np.float64), threshold], axis=1), axis=0, return_inverse=True
    )
    column, limit = pairs[:, 0].astype(np.int64), pairs[:, 1]
    first = np.searchsorted(column, column)  # pairs are sorted by feature: number them within it
    row = np.arange(len(column)) - first
    rows_at_once = max(1, _CELLS // features)
    cut = np.empty(len(column))
    for start in range(0, int(row.max()) + 1, rows_at_once):
        part = np.flatnonzero((row >= start) & (row < start + rows_at_once))
        cut[part] = _cuts(scalers, features, column[part], row[part] - start, limit[part])
    return cut[back.reshape(-1)]


def _cuts(
    scalers: Sequence[object],
    features: int,
    column: np.ndarray,
    row: np.ndarray,
    limit: np.ndarray,
) -> np.ndarray:
    """Return the cuts of splits that each own the cell (row, column) of one matrix."""
    matrix = np.zeros((int(row.max()) + 1, features))

    def goes_left(x: np.ndarray) -> np.ndarray:
        value = x
        if scalers:
            matrix[row, column] = x
            value = scale(scalers, matrix)[row, column]
        return value.astype(np.float32).astype(np.float64) <= limit

    with library_quiet():
        return largest_true(goes_left, len(column))
