"""Cost of integer nodes before any synthesis: counts that a synthesiser's result follows.

Trees are counted in multiplexers of their reduced decision diagrams, in the manner of Brace, Rudell
and Bryant (DAC 1990): equal parts are shared between all bits, a part and its complement are one.
What a count is worth in logic cells stands in `plan.estimate`.
"""

from collections.abc import Sequence
from functools import lru_cache

from locgen.ir.tree import Comparison, TreeNode

__all__ = ["comparison_luts", "multiplexers", "tree_multiplexers", "tree_stream_cost"]


def comparison_luts(comparison: Comparison, bits: int) -> float:
    """Return the LUT4 of one constant comparison: ones at the low end of the threshold are free."""
    threshold = max(comparison.threshold, 0)
    low_ones = ((threshold + 1) & ~threshold).bit_length() - 1
    inputs = max(bits - low_ones, 1)
    extra = max(-(-(bits - 1) // 3), 1) if comparison.missing_left else 0
    return max(-(-(inputs - 1) // 3), 0) + extra


def multiplexers(node: TreeNode, columns: Sequence[Sequence[int]]) -> int:
    """Return the multiplexers that select `columns`: for each column one function a leaf.

    Functions are numbered so that ``f ^ 1`` is the complement of `f`: 0 and 1 are the constants. A
    choice between a constant and anything is a gate that joins a neighbour's LUT: not counted.
    """
    unique: dict[tuple[int, int, int], int] = {}
    first = max((value for column in columns for value in column), default=0) // 2 + 1
    count = 0
    for column in columns:
        reduced = [0] * len(node.feature)
        for split in reversed(range(len(node.feature))):
            left, right = (
                column[~child] if child < 0 else reduced[child]
                for child in (node.left[split], node.right[split])
            )
            if left == right:
                reduced[split] = left
                continue
            complement = left & 1
            key = (node.split_comparison[split], left ^ complement, right ^ complement)
            if key not in unique:
                unique[key] = 2 * (first + len(unique))
                count += left > 1 and right > 1
            reduced[split] = unique[key] ^ complement
    return count


@lru_cache(maxsize=4096)
def tree_multiplexers(node: TreeNode) -> int:
    """Return the multiplexers of a tree whose scores leave in parallel."""
    columns = []
    for scores, (low, high) in zip(zip(*node.leaf_scores, strict=True), node.ranges, strict=True):
        width = max(high.bit_length(), (~low).bit_length() + 1 if low < 0 else 0)
        columns += [[score >> bit & 1 for score in scores] for bit in range(width)]
    return multiplexers(node, columns)


@lru_cache(maxsize=4096)
def tree_stream_cost(node: TreeNode, digits: int, width: int) -> tuple[int, int]:
    """Return (multiplexers, functions of the beat) of a tree that sends its scores in digits.

    At the leaves of each bit of a digit stand functions of the beat number, counted once each
    unless they are constant. Scores count from the lowest of their output.
    """
    mask = (1 << width) - 1
    leaves = [
        [
            (score - low) >> digit * width & mask
            for score, (low, _) in zip(row, node.ranges, strict=True)
            for digit in range(digits)
        ]
        for row in node.leaf_scores
    ]
    beats = len(leaves[0])
    known = {(0,) * beats: 0, (1,) * beats: 1}
    columns = [
        [
            known.setdefault(tuple(word >> bit & 1 for word in words), 2 * len(known))
            for words in leaves
        ]
        for bit in range(width)
    ]
    return multiplexers(node, columns), len(known) - 2
