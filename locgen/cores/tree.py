"""Tree cores: a decision tree's leaf scores from its comparison bits."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from locgen.cores.nodecore import scores_shape
from locgen.ir import TreeNode

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


class TreeCore(wiring.Component):
    """One hardwired decision tree.

    Latency 0 (combinational), one inference per cycle.

    Parameters
    ----------
    node : the tree; ``scores == node.evaluate(q)``

    Members
    -------
    bits : In(len(node.comparisons)), in that order
    scores : Out(ArrayLayout(shape, len(node.outputs))) of the narrowest shape for all outputs
    """

    def __init__(self, node: TreeNode) -> None:
        self.node = node
        super().__init__(
            {
                "bits": In(len(node.comparisons)),
                "scores": Out(data.ArrayLayout(scores_shape(node), len(node.outputs))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build multiplexers over the leaf vectors."""
        m = Module()
        shape = self.scores.shape().elem_shape
        constants: dict[tuple[int, ...], Value] = {}
        for row in self.node.leaf_scores:
            constants.setdefault(row, Cat(Const(score, shape) for score in row))
        leaves = [constants[row] for row in self.node.leaf_scores]
        m.d.comb += self.scores.as_value().eq(_select(m, self.node, self.bits, leaves, "scores"))
        return m


class TreeStream(wiring.Component):
    """One hardwired decision tree that sends its scores digit by digit.

    In beat k the output carries digit ``k % digits`` (least significant first) of output
    ``k // digits``; scores count from the lowest of their output, so they are never negative, or
    with `from_zero` from 0, which no score may be below then. With `evidence`, the number of the
    leaf follows from that beat on. A leaf costs one small function of the beat number, however many
    outputs there are. Latency 0.

    Parameters
    ----------
    node : the tree
    outputs : number of outputs of the model; those that the node has none for read 0
    digits, width : digits of one score, bits of a digit
    index_bits : bits of the beat number
    evidence : first beat of the leaf's number, None to send none

    Members
    -------
    bits : In(len(node.comparisons)); index : In(index_bits); digit : Out(width)
    """

    def __init__(
        self,
        node: TreeNode,
        outputs: int,
        digits: int,
        width: int,
        index_bits: int,
        from_zero: bool = False,
        evidence: int | None = None,
    ) -> None:
        if from_zero and min(low for low, _ in node.ranges) < 0:
            raise ValueError("scores that count from 0 must not be negative")
        self.from_zero = from_zero
        self.evidence = evidence
        self.node = node
        self.outputs = outputs
        self.digits = digits
        super().__init__(
            {
                "bits": In(len(node.comparisons)),
                "index": In(index_bits),
                "digit": Out(width),
            }
        )

    def words(self, leaf: int) -> list[int]:
        """Return the digits that `leaf` sends, one integer a beat."""
        width = len(self.digit)
        scores = [0] * self.outputs
        row = self.node.leaf_scores[leaf]
        for output, score, (low, _) in zip(self.node.outputs, row, self.node.ranges, strict=True):
            scores[output] = score if self.from_zero else score - low
        mask = (1 << width) - 1
        words = [score >> k * width & mask for score in scores for k in range(self.digits)]
        if self.evidence is not None:
            words += [0] * (self.evidence - len(words))
            number = leaf
            while number:
                words.append(number & mask)
                number >>= width
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
                with m.Switch(self.index):
                    for beat, value in enumerate(words):
                        if value:
                            with m.Case(beat):
                                m.d.comb += word.eq(value)
            leaves.append(sequences[words])
        m.d.comb += self.digit.eq(_select(m, self.node, self.bits, leaves, "digit"))
        return m
