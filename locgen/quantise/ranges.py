"""Ranges of features' values, estimated from few rows."""

import numpy as np

from locgen.errors import ConfigurationError
from locgen.ir import Model

__all__ = ["check_ranges", "training_ranges"]


def training_ranges(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the (lowest, highest) value (columns,) that codes should cover.

    Of n rows that come, some lie beyond the outermost of n known ones, and clipped an outlier may
    pass for an inlier. How far beyond is told by the tail: the outermost square root of n values
    lie this much further out, on average, than the next one, and values with an exponential tail
    pass the outermost known one by more than that in one case of e. Whole numbers and constants
    keep their ends, missing values do not count.

    Parameters
    ----------
    x : (rows, columns) training rows, NaN where missing
    """
    low, high = np.zeros((2, x.shape[1]))
    for number, column in enumerate(x.T):
        known = np.sort(column[~np.isnan(column)])
        if not len(known):
            continue
        low[number], high[number] = known[0], known[-1]
        tail = int(np.sqrt(len(known)))
        if len(known) <= 2 * tail or np.array_equal(known, np.floor(known)):
            continue
        with np.errstate(over="ignore"):
            least = known[0] - (known[tail] - known[:tail].mean())
            most = known[-1] + (known[-tail:].mean() - known[-tail - 1])
        if np.isfinite(most - least):
            low[number], high[number] = least, most
    return low, high


def check_ranges(model: Model, x_train: np.ndarray | None) -> None:
    """Refuse a model whose features' ranges cannot be known.

    Raises
    ------
    ConfigurationError
        If there are no training rows, and the model does not tell the range of a feature it reads.
    """
    if x_train is not None and len(x_train):
        return
    for feature in model.range_features:
        if not model.ranges or model.ranges[feature] is None:
            raise ConfigurationError(
                f"the range of feature {model.feature_names[feature]!r} cannot be known from a "
                f"bare {model.family}: give training rows with --data"
            )
