"""Cost of integer nodes before any synthesis: counts that a synthesiser's result follows.

Trees are counted in multiplexers of their reduced decision diagrams, in the manner of Brace, Rudell
and Bryant (DAC 1990): equal parts are shared between all bits, a part and its complement are one.
What a count is worth in logic cells stands in `plan.estimate`.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from locgen.ir.integer.clause import ClauseNode
from locgen.ir.integer.distance import DistanceNode
from locgen.ir.integer.layercost import parallel_luts
from locgen.ir.integer.layered import LayeredNode
from locgen.ir.integer.linear import LinearNode
from locgen.ir.integer.neighbours import NeighboursNode
from locgen.ir.integer.node import Comparison, NodeBase
from locgen.ir.integer.softmax import SoftmaxNode
from locgen.ir.integer.table import TableNode
from locgen.ir.integer.tree import TreeNode

__all__ = [
    "clause_luts",
    "comparison_luts",
    "function_luts",
    "is_looked_up",
    "multiplexers",
    "neighbours_luts",
    "node_cells",
    "signed_digits",
    "size_bits",
    "table_luts",
    "term_luts",
    "tree_multiplexers",
    "tree_stream_cost",
]


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
def tree_stream_cost(
    node: TreeNode, digits: int, width: int, evidence_digits: int = 0
) -> tuple[int, int]:
    """Return (multiplexers, functions of the beat) of a tree that sends its scores in digits.

    At the leaves of each bit of a digit stand functions of the beat number, counted once each
    unless they are constant. Scores count from the lowest of their output; the number of the leaf
    may follow them as evidence.
    """
    mask = (1 << width) - 1
    leaves = [
        [
            (score - low) >> digit * width & mask
            for score, (low, _) in zip(row, node.ranges, strict=True)
            for digit in range(digits)
        ]
        + [leaf >> digit * width & mask for digit in range(evidence_digits)]
        for leaf, row in enumerate(node.leaf_scores)
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


def signed_digits(number: int) -> tuple[tuple[int, int], ...]:
    """Return (shift, sign) of the fewest powers of two that add up to `number`: Booth's recoding.

    A constant product needs an adder for each but the first.
    """
    digits, shift = [], 0
    while number:
        if number & 1:
            sign = 2 - (number & 3)
            digits.append((shift, sign))
            number -= sign
        number >>= 1
        shift += 1
    return tuple(digits)


def function_luts(inputs: int) -> float:
    """Return the LUT4 of one function of so many bits that has no structure."""
    return 1.0 if inputs <= 4 else 1.5 * 2 ** (inputs - 4)


def table_luts(node: TableNode) -> float:
    """Return the LUT4 of a table, its scores counted from the lowest; equal functions are one."""
    functions = set()
    for column, (low, high) in zip(zip(*node.scores, strict=True), node.ranges, strict=True):
        for bit in range((high - low).bit_length()):
            functions.add(tuple((score - low) >> bit & 1 for score in column))
    return len(functions) * function_luts(node.bits)


def clause_luts(node: ClauseNode) -> float:
    """Return the LUT4 of clauses: an AND each, joined with its score's bits, comparisons apart."""
    ands = sum(max(-(-(len(clause) - 1) // 3), 0) for clause in node.clauses)
    choice = len(node.clauses) if node.first else 0
    set_bits = sum(abs(score).bit_count() for row in node.scores for score in row)
    return float(ands + choice + (set_bits + 2) // 3)


def size_bits(node: LinearNode | DistanceNode) -> int:
    """Return the adder bits that the node's terms need before they are added up."""
    bits = 0
    if isinstance(node, LinearNode):
        for width, row in zip(node.feature_bits, node.weights, strict=True):
            for digits in map(signed_digits, row):
                shifts = [shift for shift, _ in digits]
                bits += sum(width + shift - shifts[0] for shift in shifts[1:])
        return bits
    for width, weight in zip(node.feature_bits, node.weights, strict=True):
        if node.metric == "hamming":
            bits += -(-width // 3)
            continue
        product = len(signed_digits(weight)) - 1 if weight else 0
        square = width * width if node.metric == "l2" else 0
        bits += 2 * width + square + max(product, 0) * 2 * width
    return bits


def neighbours_luts(node: NeighboursNode) -> float:
    """Return the LUT4 of all distances at once, and of a list that every row goes through."""
    sizes = sum(2 * b + (b * b if node.metric == "l2" else 0) for b in node.feature_bits)
    adders = len(node.features) * node.distance_bits
    entry = 3 * node.distance_bits + 2 * len(node.stored).bit_length()
    return float(len(node.stored) * (sizes + adders + node.listed * entry))


def is_looked_up(term: NodeBase) -> bool:
    """Return whether the cores make a look-up of a term, see `NodeBase.terms`, not arithmetic."""
    if isinstance(term, TableNode | LayeredNode | ClauseNode | NeighboursNode):
        return not isinstance(term, LayeredNode | NeighboursNode)
    square = isinstance(term, DistanceNode) and term.metric == "l2"
    return len(term.features) == 1 and term.feature_bits[0] <= (6 if square else 4)


def term_luts(term: NodeBase) -> float:
    """Return the LUT4 of a term of a node where all terms work at once."""
    if isinstance(term, TableNode):
        return table_luts(term)
    if isinstance(term, ClauseNode):
        return clause_luts(term)
    if isinstance(term, SoftmaxNode):
        return term.luts
    if is_looked_up(term):
        q = np.zeros((1 << term.feature_bits[0], term.features[0] + 1), dtype=np.int64)
        q[:, term.features[0]] = np.arange(len(q))
        rows = term.evaluate(q, np.full(q.shape[1], -1))
        return table_luts(TableNode(0, tuple(map(tuple, rows.tolist())), term.outputs))
    if isinstance(term, NeighboursNode):
        return neighbours_luts(term)
    return parallel_luts(term) if isinstance(term, LayeredNode) else float(size_bits(term))


def node_cells(node: NodeBase) -> float:
    """Return about how many logic cells a node and its adders take where all work in parallel.

    Good enough to choose widths by; `plan.estimate` has the weights.
    """
    if isinstance(node, TreeNode):
        return float(tree_multiplexers(node))
    adders = sum((high - low).bit_length() for t in node.terms for low, high in t.ranges)
    return sum(term_luts(term) for term in node.terms) + adders
