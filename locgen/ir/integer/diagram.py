"""Multiplexers of reduced decision diagrams, in the manner of Brace, Rudell and Bryant (DAC 1990).

Equal parts are shared between all bits, a part and its complement are one.
"""

from collections.abc import Sequence

__all__ = ["multiplexers", "score_bits"]


def multiplexers(
    children: Sequence[tuple[int, int]],
    comparisons: Sequence[int],
    columns: Sequence[Sequence[int]],
) -> int:
    """Return the multiplexers that select `columns`: for each column one function a leaf.

    Functions are numbered so that ``f ^ 1`` is the complement of `f`: 0 and 1 are the constants. A
    choice between a constant and anything is a gate that joins a neighbour's LUT: not counted.

    Parameters
    ----------
    children : (left, right) of each split, parents first; below 0 for leaf ``~child``
    comparisons : number of the comparison of each split
    columns : for each bit one function a leaf
    """
    unique: dict[tuple[int, int, int], int] = {}
    first = max((value for column in columns for value in column), default=0) // 2 + 1
    count = 0
    for column in columns:
        reduced = [0] * len(children)
        for split in reversed(range(len(children))):
            left, right = (
                column[~child] if child < 0 else reduced[child] for child in children[split]
            )
            if left == right:
                reduced[split] = left
                continue
            complement = left & 1
            key = (comparisons[split], left ^ complement, right ^ complement)
            if key not in unique:
                unique[key] = 2 * (first + len(unique))
                count += left > 1 and right > 1
            reduced[split] = unique[key] ^ complement
    return count


def score_bits(
    leaf_scores: Sequence[Sequence[int]], ranges: Sequence[tuple[int, int]]
) -> list[list[int]]:
    """Return for each bit of each output its value at the leaves, of scores in two's complement."""
    columns = []
    for scores, (low, high) in zip(zip(*leaf_scores, strict=True), ranges, strict=True):
        width = max(high.bit_length(), (~low).bit_length() + 1 if low < 0 else 0)
        columns += [[score >> bit & 1 for score in scores] for bit in range(width)]
    return columns


def digit_functions(
    words_of_leaves: Sequence[Sequence[int]], width: int
) -> tuple[list[list[int]], int]:
    """Return the columns of each bit of a digit, and how many functions of the beat there are.

    Parameters
    ----------
    words_of_leaves : for each leaf the digit of each beat
    width : bits of a digit
    """
    beats = len(words_of_leaves[0])
    known = {(0,) * beats: 0, (1,) * beats: 1}
    columns = [
        [
            known.setdefault(tuple(word >> bit & 1 for word in words), 2 * len(known))
            for words in words_of_leaves
        ]
        for bit in range(width)
    ]
    return columns, len(known) - 2
