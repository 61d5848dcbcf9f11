"""Decision trees: leaf scores from comparisons' results."""

from collections.abc import Callable

from amaranth import *

from locgen.cores.features import NodeInputs
from locgen.cores.parallel import ComparisonCore, NodeCore, scores_shape
from locgen.cores.serial import ComparisonStream
from locgen.ir import TreeNode
from locgen.ir.integer.node import NodeBase

__all__ = ["TreeCore", "TreeStream"]


_LEVELS = 8
"""Levels of multiplexers in one expression."""


def _select(m: Module, node: TreeNode, bits: Value, leaves: list[Value], name: str) -> Value:
    """Return the value of the leaf that `bits` lead to, as multiplexers from the leaves up.

    Every few levels a signal holds what has been chosen so far: an expression may not grow as deep
    as a tree, but a signal for each split would double the time of elaboration.
    """
    chosen: list[tuple[Value, int]] = [(leaves[0], 0)] * len(node.feature)  # value, levels in it
    for split in reversed(range(len(node.feature))):
        (left, deep), (right, other) = (
            (leaves[~child], 0) if child < 0 else chosen[child]
            for child in (node.left[split], node.right[split])
        )
        if left is right:
            chosen[split] = left, deep
            continue
        value, levels = Mux(bits[node.split_comparison[split]], left, right), max(deep, other) + 1
        if levels == _LEVELS:
            signal = Signal.like(value, name=f"{name}_{split}")
            m.d.comb += signal.eq(value)
            value, levels = signal, 0
        chosen[split] = value, levels
    return chosen[0][0] if chosen else leaves[0]


class TreeCore(ComparisonCore[TreeNode]):
    """One hardwired decision tree, see `ComparisonCore`."""

    def elaborate(self, platform: object) -> Module:
        """Build multiplexers over the leaf vectors."""
        m = Module()
        shape = scores_shape(self.node)
        constants: dict[tuple[int, ...], Value] = {}
        for row in self.node.leaf_scores:
            constants.setdefault(row, Cat(Const(score, shape) for score in row))
        leaves = [constants[row] for row in self.node.leaf_scores]
        m.d.comb += self.scores.as_value().eq(_select(m, self.node, self.bits, leaves, "scores"))
        return m

    @classmethod
    def evidence(
        cls,
        m: Module,
        name: str,
        node: TreeNode,
        inputs: NodeInputs,
        add: Callable[[str, NodeBase], NodeCore],
    ) -> Value:
        """Return the number of the leaf, see `NodeCore.evidence`."""
        return add(name, node.numbered()).scores[0]


class TreeStream(ComparisonStream[TreeNode]):
    """One hardwired decision tree that sends its scores, see `ComparisonStream`.

    A leaf costs one small function of the beat number, however many outputs there are. The leaf's
    number is the evidence.
    """

    def words(self, leaf: int) -> list[int]:
        """Return the digits that `leaf` sends, one integer a beat."""
        width, digits = self.schedule.up_width, self.schedule.digits
        scores = [0] * self.schedule.outputs
        row = self.node.leaf_scores[leaf]
        for output, score, low in zip(self.node.outputs, row, self.lows, strict=True):
            scores[output] = score - low
        mask = (1 << width) - 1
        words = [score >> k * width & mask for score in scores for k in range(digits)]
        if self.evidence is not None:
            words += [0] * (self.evidence - len(words))
            words += [leaf >> k & mask for k in range(0, leaf.bit_length(), width)]
        return words

    def elaborate(self, platform: object) -> Module:
        """Build multiplexers over the leaves' digit sequences."""
        m = Module()
        sequences: dict[tuple[int, ...], Value] = {}
        leaves = []
        for leaf in range(len(self.node.leaf_scores)):
            words = tuple(self.words(leaf))
            if words not in sequences:
                sequences[words] = word = Signal(len(self.digit), name=f"leaf_{leaf}")
                with m.Switch(self.link.index):
                    for beat, value in enumerate(words):
                        if value:
                            with m.Case(beat):
                                m.d.comb += word.eq(value)
            leaves.append(sequences[words])
        m.d.comb += self.digit.eq(_select(m, self.node, self.bits, leaves, "digit"))
        return m
