"""Integers in the proportions of real weights."""

from collections.abc import Sequence

import numpy as np

__all__ = ["integer_weights"]

_FINEST_WEIGHT = 1023
_LARGEST_DENOMINATOR = 64


def integer_weights(weights: Sequence[float]) -> tuple[int, ...]:
    """Return integers in the proportions of `weights`.

    Exactly so where the weights are multiples of one number, or have a small common denominator;
    else rounded, the largest to 1023.
    """
    given = np.asarray(weights, dtype=np.float64)
    largest = given.max()
    positive = given[given > 0]
    units = [1 / d for d in range(1, _LARGEST_DENOMINATOR + 1)]
    for unit in (positive.min(), *units):
        multiples = given / unit
        rounded = np.rint(multiples)
        if rounded.max() <= _FINEST_WEIGHT and np.allclose(multiples, rounded, rtol=1e-12, atol=0):
            common = int(np.gcd.reduce(rounded.astype(np.int64)))
            return tuple(int(value) // common for value in rounded)
    return tuple(int(value) for value in np.rint(given / largest * _FINEST_WEIGHT))
