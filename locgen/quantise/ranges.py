"""Ranges of features' values, estimated from few rows."""

import numpy as np

__all__ = ["training_ranges"]


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
