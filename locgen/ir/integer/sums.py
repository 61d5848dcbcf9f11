"""Sums of the scores of several nodes."""

from collections.abc import Iterable, Sequence

import numpy as np

from locgen.ir.integer.node import NodeBase

__all__ = ["signed_width", "sum_ranges", "sum_scores"]


def sum_ranges(nodes: Iterable[NodeBase], bias: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Return (lowest, highest) of ``bias`` (outputs,) plus the scores of `nodes`."""
    low, high = list(bias), list(bias)
    for node in nodes:
        for output, (least, most) in zip(node.outputs, node.ranges, strict=True):
            low[output] += least
            high[output] += most
    return tuple(zip(low, high, strict=True))


def sum_scores(
    nodes: Sequence[NodeBase],
    bias: Sequence[int],
    q: np.ndarray,
    missing_codes: np.ndarray,
    counts: np.ndarray | None = None,
) -> np.ndarray:
    """Return ``bias`` plus the integer scores of `nodes`, shape (rows, outputs).

    Parameters
    ----------
    bias : (outputs,) integers
    q, missing_codes : (rows, features) and (features,) codes, see `NodeBase.evaluate`
    counts : (rows, nodes) whether each node counts, None for all
    """
    total = np.tile(np.array(bias, dtype=np.int64), (len(q), 1))
    for number, node in enumerate(nodes):
        part = node.evaluate(q, missing_codes)
        total[:, list(node.outputs)] += part if counts is None else part * counts[:, [number]]
    return total


def signed_width(ranges: Iterable[tuple[int, int]]) -> int:
    """Return the width of a signed number that holds all of these (lowest, highest)."""
    ends = [end for pair in ranges for end in pair]
    return max((end if end >= 0 else ~end).bit_length() for end in ends) + 1
