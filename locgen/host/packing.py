"""Rows of features as the bits of a predict request."""

from collections.abc import Iterable

import numpy as np

__all__ = ["pack_features", "payload_words"]

ROWS_AT_ONCE = 1024  # keeps the bit matrix of `pack_features` small


def pack_features(q: np.ndarray, widths: Iterable[int]) -> np.ndarray:
    """Return the predict payloads of rows of features.

    Parameters
    ----------
    q : (rows, features) unsigned integers; ``q[:, j] < 2**widths[j]``. Values of features of
        width 0 are not looked at.
    widths : (features,) bits of each feature, 0 to 63

    Returns
    -------
    (rows, bytes) uint8; bytes is ceil(sum(widths) / 8), but at least 1 (a core without any feature
    has one unused bit)

    Raises
    ------
    ValueError : wrong shape or type, or a value that does not fit
    """
    q = np.asarray(q)
    widths = np.fromiter(widths, dtype=np.int64)
    if q.ndim != 2 or q.shape[1] != len(widths):
        raise ValueError(f"q must have shape (rows, {len(widths)}), not {q.shape}")
    if q.dtype.kind not in "iub":
        raise ValueError(f"q must hold integers, not {q.dtype}")
    if len(widths) and not (widths.min() >= 0 and widths.max() <= 63):
        raise ValueError(f"widths must be from 0 to 63, not {widths.tolist()}")
    used = np.flatnonzero(widths)
    misfit = ((q[:, used] < 0) | (q[:, used] >= (1 << widths[used]).astype(np.uint64))).any(axis=0)
    if misfit.any():
        feature = int(used[np.argmax(misfit)])
        raise ValueError(f"feature {feature} must be from 0 to {2 ** int(widths[feature]) - 1}")

    source = np.repeat(np.arange(len(widths)), widths)
    starts = np.cumsum(widths) - widths
    shift = np.arange(len(source)) - starts[source]
    packed = np.zeros((len(q), max(1, -(-len(source) // 8))), dtype=np.uint8)
    for start in range(0, len(q), ROWS_AT_ONCE) if len(source) else ():
        rows = q[start : start + ROWS_AT_ONCE, source].astype(np.uint64)
        bits = (rows >> shift.astype(np.uint64)) & np.uint64(1)
        packed[start : start + ROWS_AT_ONCE] = np.packbits(
            bits.astype(np.uint8), axis=1, bitorder="little"
        )
    return packed


def payload_words(q: np.ndarray, widths: Iterable[int]) -> list[int]:
    """Return the same rows as the integers that stand on a core's ``i__payload``."""
    return [int.from_bytes(row.tobytes(), "little") for row in pack_features(q, widths)]
