"""Distance nodes: how near a row is to a stored prototype."""

from dataclasses import replace

from amaranth import *

from locgen.cores.arithmetic import LOOK_UP_BITS, Term, add_up, largest, look_up
from locgen.cores.linear import accumulate
from locgen.cores.parallel import NodeCore
from locgen.cores.serial import FeatureCounter, NodeStream
from locgen.ir import DistanceNode

__all__ = ["DistanceCore", "DistanceStream"]

_SQUARE_BITS = 6
"""A square of so many bits is looked up, a wider one is a product."""


def _size(
    m: Module, node: DistanceNode, code: Value, stored: Value | int, bits: int, name: str
) -> Value:
    """Return ``abs(code * 2**fraction - stored)``, squared for l2, 0 or 1 for hamming.

    Parameters
    ----------
    m : where signals are added
    node : says metric and fraction
    code : of `bits` bits; stored : of as many and the fraction's
    name : begins the signals' names
    """
    fine = Cat(Const(0, node.fraction), code) if node.fraction else code
    if node.metric == "hamming":
        return fine != stored
    difference = Signal(signed(bits + node.fraction + 1), name=f"{name}_difference")
    size = Signal(bits + node.fraction, name=f"{name}_size")
    m.d.comb += [
        difference.eq(fine - stored),
        size.eq(Mux(difference < 0, -difference, difference)),
    ]
    return size * size if node.metric == "l2" else size


class DistanceCore(NodeCore[DistanceNode]):
    """One hardwired prototype, see `NodeCore`."""

    def elaborate(self, platform: object) -> Module:
        """Build what each feature adds, then their sum or the largest."""
        m = Module()
        node = self.node
        parts = [
            self._part(m, single, code, f"part_{number}")
            for number, (single, code) in enumerate(zip(_singles(node), self.codes, strict=True))
        ]
        far = largest(p for p, *_ in parts) if node.metric == "linf" else add_up(m, parts, "sum")[0]
        m.d.comb += self.scores[0].eq(node.bias - far)
        return m

    @staticmethod
    def _part(m: Module, node: DistanceNode, code: Value, name: str) -> Term:
        """Return what one feature adds to the distance."""
        high = node.bias - node.ranges[0][0]
        (bits,), (stored,), (weight,) = node.feature_bits, node.prototype, node.weights
        part = Signal(max(high.bit_length(), 1), name=name)
        if bits <= (_SQUARE_BITS if node.metric == "l2" else LOOK_UP_BITS):
            rows = (abs((row << node.fraction) - stored) for row in range(1 << bits))
            of = {"l2": lambda size: size * size, "hamming": bool}.get(node.metric, int)
            look_up(m, code, [weight * of(size) for size in rows], part)
        else:
            m.d.comb += part.eq(_size(m, node, code, stored, bits, name) * weight)
        return part, 0, high


def _singles(node: DistanceNode) -> list[DistanceNode]:
    """Return the node's features as nodes of one feature each, without bias."""
    members = zip(node.features, node.feature_bits, node.prototype, node.weights, strict=True)
    return [
        replace(node, features=(f,), feature_bits=(b,), prototype=(p,), weights=(w,), bias=0)
        for f, b, p, w in members
    ]


class DistanceStream(NodeStream[DistanceNode]):
    """One hardwired prototype that compares features in flight, see `NodeStream`.

    A feature is whole in its last beat, where what it adds to the distance is accumulated; only
    the feature that passes is kept. Squares take the way of ``q**2 - 2*p*q + p**2``, whose product
    is accumulated digit by digit.
    """

    def elaborate(self, platform: object) -> Module:
        """Build the passing feature, its share, the accumulator and the choice of a digit."""
        m = Module()
        node, link = self.node, self.link
        ((_, high),), (low,) = node.ranges, self.lows
        counter = self.count_features(m)
        products: dict[int, list[int]] = {}
        start = node.bias - low
        if node.metric == "l2":
            members = zip(node.features, node.prototype, node.weights, strict=True)
            for feature, stored, weight in members:
                products[feature] = [weight * stored << node.fraction + 1]
                start -= weight * stored * stored
        share = self._share(m, counter, max((high - low).bit_length(), 1))
        if node.metric == "linf":
            most, total = Signal.like(share), Signal.like(share)
            with m.If(link.down & (share > most)):
                m.d.sync += most.eq(share)
            with m.Elif(link.up & (link.index == self.schedule.last_beat)):
                m.d.sync += most.eq(0)
            m.d.comb += total.eq(high - low - most)
            totals: list[Value] = [total]
        else:
            totals = accumulate(m, self, counter, products, [start], [-share])
        self.send(m, totals)
        return m

    def _share(self, m: Module, counter: FeatureCounter, width: int) -> Signal:
        """Return what the feature that ends in this beat adds to the distance, else 0."""
        node, schedule, link = self.node, self.schedule, self.link
        share = Signal(width, name="share")
        if not node.features:
            return share
        down = schedule.down_width
        most = max(schedule.beats_of(feature)[1] for feature in node.features)
        passing: Value = link.digit
        if most > 1:
            kept = Signal((most - 1) * down, name="kept")
            passing = Cat(kept, link.digit)
            with m.If(link.down):
                m.d.sync += kept.eq(passing[down:])
        bits = most * down
        code = Signal(bits, name="code")
        stored = Signal(bits + node.fraction, name="stored")
        weight = Signal(max(max(node.weights).bit_length(), 1), name="weight")
        with m.If(counter.last), m.Switch(counter.number):
            for feature, target, factor in zip(
                node.features, node.prototype, node.weights, strict=True
            ):
                beats = schedule.beats_of(feature)[1]
                with m.Case(schedule.travelling.index(feature)):
                    m.d.comb += [
                        code.eq(passing[(most - beats) * down :]),
                        stored.eq(0 if node.metric == "l2" else target),
                        weight.eq(factor),
                    ]
        if node.metric == "l2":
            square = Signal(2 * bits, name="square")
            if bits <= _SQUARE_BITS:
                look_up(m, code, [k * k for k in range(1 << bits)], square)
            else:
                m.d.comb += square.eq(code * code)
            m.d.comb += share.eq((square << 2 * node.fraction) * weight)
        else:
            m.d.comb += share.eq(_size(m, node, code, stored, bits, "passing") * weight)
        return share
