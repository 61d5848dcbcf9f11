"""Softmax nodes: the largest code, powers of differences, and the share of each."""

from amaranth import *

from locgen.cores.arithmetic import add_up, weighted_sum
from locgen.cores.layers import look_up_sum
from locgen.cores.parallel import NodeCore
from locgen.ir import SoftmaxNode

__all__ = ["SoftmaxCore"]


class SoftmaxCore(NodeCore[SoftmaxNode]):
    """The weighted shares of some codes, see `NodeCore`."""

    def elaborate(self, platform: object) -> Module:
        """Build a tournament tree, a table a code, a reciprocal, and products."""
        m = Module()
        node, bits = self.node, self.node.feature_bits[0]
        contenders = self.codes
        while len(contenders) > 1:
            above: list[Value] = []
            for first, second in zip(contenders[::2], contenders[1::2], strict=False):
                larger = Signal(bits, name=f"larger_{len(contenders)}_{len(above)}")
                m.d.comb += larger.eq(Mux(second > first, second, first))
                above.append(larger)
            contenders = above + contenders[len(above) * 2 :]
        powers, power, start = [], node.power, node.power.bias[0]
        for number, code in enumerate(self.codes):
            behind = Signal(bits, name=f"behind_{number}")
            m.d.comb += behind.eq(contenders[0] - code)
            sums = (behind + start, start, (1 << bits) - 1 + start)
            powers.append((look_up_sum(m, power, *sums, f"power_{number}"), 0, power.largest))
        total, _, high = add_up(m, powers, "total")
        start = node.reciprocal.bias[0]
        part = look_up_sum(m, node.reciprocal, total + start, start, high + start, "reciprocal")
        shares: list[Value] = []
        for number, (value, _, _) in enumerate(powers):
            share = Signal(range(node.largest + 1), name=f"share_{number}")
            m.d.comb += share.eq(value * part + (1 << node.drop - 1) >> node.drop)
            shares.append(share)
        for column, bias in enumerate(node.bias):
            weights = [row[column] for row in node.weights]
            total = weighted_sum(m, shares, weights, bias, f"score_{column}")
            m.d.comb += self.scores[column].eq(total)
        return m
