"""Exact thresholds of black-box predicates, by bisection over the ordered float64 line.

float64 has a total order that integers can carry: the bit pattern of a number that is not negative
rises with its value, that of a negative one falls. On those integers 64 halvings find the last
number for which a monotone predicate holds, whatever casts, scalers and roundings lie inside it.
Nothing is folded, so nothing can round differently from the predicate itself.
"""

from collections.abc import Callable

import numpy as np

__all__ = ["largest_true"]

_MAGNITUDE = np.int64(2**63 - 1)
_INFINITY_KEY = np.float64(np.inf).view(np.int64)
_STEPS = 64


def _from_key(key: np.ndarray) -> np.ndarray:
    """Return the float64 of each ordered key (int64): -0.0 is key -1, +0.0 is key 0."""
    bits = np.where(key < 0, np.bitwise_xor(key, _MAGNITUDE), key)
    return bits.astype(np.int64).view(np.float64)


def largest_true(predicate: Callable[[np.ndarray], np.ndarray], count: int) -> np.ndarray:
    """Return, for each of `count` monotone predicates, the largest float64 for which it holds.

    Parameters
    ----------
    predicate : takes (count,) float64 candidates, infinities among them but never NaN, and returns
        (count,) booleans; element k must be true up to some number and false above it
    count : number of predicates that are asked at once

    Returns
    -------
    (count,) float64. A predicate that always holds gives +inf, one that never holds gives -inf, as
    does one that holds for -inf alone.

    Raises
    ------
    ValueError
        If the predicate returns another shape.
    """
    low = np.full(count, -_INFINITY_KEY - 2)  # one below -inf: taken to be true, never asked
    high = np.full(count, _INFINITY_KEY + 1)  # one above +inf: taken to be false, never asked
    for _ in range(_STEPS):
        middle = (low >> 1) + (high >> 1) + (low & high & 1)  # their sum does not fit 64 bits
        open_ = middle > low  # the others are decided: low and high are neighbours
        candidate = _from_key(np.clip(middle, -_INFINITY_KEY - 1, _INFINITY_KEY))
        holds = np.asarray(predicate(candidate), dtype=bool)
        if holds.shape != (count,):
            raise ValueError(f"predicate must return shape {(count,)}, not {holds.shape}")
        low = np.where(open_ & holds, middle, low)
        high = np.where(open_ & ~holds, middle, high)
    return _from_key(np.maximum(low, -_INFINITY_KEY - 1))
