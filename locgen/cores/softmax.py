"""The softmax core: the largest code, powers of differences, and the share of each."""

from amaranth import *

from locgen.cores.layers import look_up_sum
from locgen.cores.linear import add_up, multiply
from locgen.cores.nodecore import NodeCore, signed_shape

__all__ = ["SoftmaxCore"]


class SoftmaxCore(NodeCore):
    """The weighted shares of some codes.

    Latency 0 (combinational), one inference per cycle.
    """

    def elaborate(self, platform: object) -> Module:
        """Build a knock-out, a table a code, a reciprocal, and products."""
        m = Module()
        node = self.node
        bits = node.feature_bits[0]
        codes = [self.features.word_select(n, bits) for n in range(len(node.features))]
        front = list(codes)
        while len(front) > 1:
            above = []
            for first, second in zip(front[::2], front[1::2], strict=False):
                larger = Signal(bits, name=f"larger_{len(front)}_{len(above)}")
                m.d.comb += larger.eq(Mux(second > first, second, first))
                above.append(larger)
            front = above + front[len(above) * 2 :]
        most = (1 << bits) - 1
        powers = []
        for number, code in enumerate(codes):
            behind = Signal(bits, name=f"behind_{number}")
            m.d.comb += behind.eq(front[0] - code)
            start = node.power.bias[0]
            powers.append(
                look_up_sum(m, node.power, behind + start, start, most + start, f"power_{number}")
            )
        largest = node.power.largest
        total, _, high = add_up(m, [(power, 0, largest) for power in powers], "total")
        start = node.reciprocal.bias[0]
        part = look_up_sum(m, node.reciprocal, total + start, start, high + start, "reciprocal")
        shares = []
        for number, power in enumerate(powers):
            share = Signal(range(node.largest + 1), name=f"share_{number}")
            m.d.comb += share.eq(power * part + (1 << node.drop - 1) >> node.drop)
            shares.append(share)
        for column, bias in enumerate(node.bias):
            parts = [(Const(bias, signed_shape(bias, bias)), bias, bias)]
            parts += [
                multiply(m, share, row[column], f"weighted_{column}_{number}")
                for number, (share, row) in enumerate(zip(shares, node.weights, strict=True))
                if row[column]
            ]
            m.d.comb += self.scores[column].eq(add_up(m, parts, f"score_{column}")[0])
        return m
