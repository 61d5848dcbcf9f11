"""Cost of integer nodes in LUT4, before any synthesis.

The counts are of reduced decision diagrams, which is what a synthesiser ends up with; the factors
that turn diagram nodes into LUT4 were fitted to Yosys's `synth_ice40` on the models that
`benchmarks/estimate.py` builds, which also prints their error.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from locgen.ir.tree import Comparison, TreeNode

__all__ = ["comparison_luts", "diagram_nodes", "tree_luts", "tree_stream_luts"]

_LUTS_PER_DIAGRAM_NODE = 0.56
_LUTS_PER_SEQUENCE_BIT = 0.36


def comparison_luts(comparison: Comparison, bits: int) -> float:
    """Return the LUT4 of one constant comparison: ones at the low end of the threshold are free."""
    threshold = max(comparison.threshold, 0)
    low_ones = ((threshold + 1) & ~threshold).bit_length() - 1
    inputs = max(bits - low_ones, 1)
    extra = max(-(-(bits - 1) // 3), 1) if comparison.missing_left else 0
    return max(-(-(inputs - 1) // 3), 0) + extra


def diagram_nodes(node: TreeNode, columns: Sequence[Sequence[int]]) -> int:
    """Return the nodes of the decision diagrams of `columns`: one bit for each leaf, per column."""
    total = 0
    for column in columns:
        unique: dict[tuple[int, int, int], int] = {}
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
            reduced[split] = unique.setdefault(key, len(unique) + 2)
        total += len(unique)
    return total


def _bit_columns(words: Iterable[int], width: int) -> list[tuple[int, ...]]:
    words = tuple(words)
    return [tuple(word >> bit & 1 for word in words) for bit in range(width)]


@lru_cache(maxsize=4096)
def tree_luts(node: TreeNode) -> float:
    """Return the LUT4 of a tree whose scores leave in parallel."""
    columns = []
    for scores, (low, high) in zip(zip(*node.leaf_scores, strict=True), node.ranges, strict=True):
        width = max(high.bit_length(), (~low).bit_length() + 1 if low < 0 else 0)
        columns += _bit_columns((score & (1 << width) - 1 for score in scores), width)
    return _LUTS_PER_DIAGRAM_NODE * diagram_nodes(node, columns)


@lru_cache(maxsize=4096)
def tree_stream_luts(node: TreeNode, up_beats: int) -> float:
    """Return the LUT4 of a tree that sends its scores over `up_beats` beats."""
    rows = {row: number for number, row in enumerate(sorted(set(node.leaf_scores)))}
    column = [rows[row] + 2 for row in node.leaf_scores]
    generators = sum(sum(score.bit_length() for score in row) for row in rows)
    return diagram_nodes(node, [column]) + _LUTS_PER_SEQUENCE_BIT * min(
        generators, len(rows) * up_beats
    )
