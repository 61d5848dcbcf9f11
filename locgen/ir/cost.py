"""Cost of integer nodes in LUT4, before any synthesis.

The counts are of reduced decision diagrams, which is what a synthesiser ends up with; the weights
that turn them into logic cells are in `plan.estimate`.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from locgen.ir.tree import Comparison, TreeNode

__all__ = ["comparison_luts", "diagram_nodes", "tree_diagram", "tree_stream_diagram"]


def comparison_luts(comparison: Comparison, bits: int) -> float:
    """Return the LUT4 of one constant comparison: ones at the low end of the threshold are free."""
    threshold = max(comparison.threshold, 0)
    low_ones = ((threshold + 1) & ~threshold).bit_length() - 1
    inputs = max(bits - low_ones, 1)
    extra = max(-(-(bits - 1) // 3), 1) if comparison.missing_left else 0
    return max(-(-(inputs - 1) // 3), 0) + extra


def diagram_nodes(node: TreeNode, columns: Sequence[Sequence[int]]) -> int:
    """Return the nodes of the decision diagrams of `columns`: one number for each leaf, per column.

    Numbers stand for the functions at the leaves: 0 and 1 for the constants, others for anything.
    """
    total = 0
    for column in columns:
        unique: dict[tuple[int, int, int], int] = {}
        first = max((*column, 1)) + 1
        reduced = [0] * len(node.feature)
        for split in reversed(range(len(node.feature))):
            left, right = (
                column[~child] if child < 0 else reduced[child]
                for child in (node.left[split], node.right[split])
            )
            if left == right:
                reduced[split] = left
                continue
            key = (node.split_comparison[split], left, right)
            reduced[split] = unique.setdefault(key, len(unique) + first)
        total += len(unique)
    return total


def _bit_columns(words: Iterable[int], width: int) -> list[tuple[int, ...]]:
    words = tuple(words)
    return [tuple(word >> bit & 1 for word in words) for bit in range(width)]


@lru_cache(maxsize=4096)
def tree_diagram(node: TreeNode) -> int:
    """Return the diagram nodes of a tree whose scores leave in parallel, one diagram per bit."""
    columns = []
    for scores, (low, high) in zip(zip(*node.leaf_scores, strict=True), node.ranges, strict=True):
        width = max(high.bit_length(), (~low).bit_length() + 1 if low < 0 else 0)
        columns += _bit_columns((score & (1 << width) - 1 for score in scores), width)
    return diagram_nodes(node, columns)


@lru_cache(maxsize=4096)
def tree_stream_diagram(node: TreeNode, digits: int, width: int) -> tuple[int, int]:
    """Return (diagram nodes, functions of the beat) of a tree that sends its scores in digits.

    There is a diagram for each bit of a digit; at its leaves stand functions of the beat number,
    counted once each unless they are constant.
    """
    nodes, functions = 0, 0
    mask = (1 << width) - 1
    leaves = [
        [
            (score - low) >> k * width & mask
            for score, (low, _) in zip(row, node.ranges, strict=True)
            for k in range(digits)
        ]
        for row in node.leaf_scores
    ]
    for bit in range(width):
        sequences = [tuple(word >> bit & 1 for word in words) for words in leaves]
        known = {tuple([0] * len(sequences[0])): 0}
        column = [known.setdefault(s, len(known) + 1) for s in sequences]
        functions += len(known) - 1
        nodes += diagram_nodes(node, [column])
    return nodes, functions
