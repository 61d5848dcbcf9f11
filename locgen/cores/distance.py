"""Distance cores: how near a row is to a stored prototype, in parallel and in flight."""

from amaranth import *

from locgen.cores.capture import (
    FeatureCounter,
    send_digits,
    summed_evidence,
)
from locgen.cores.linear import accumulate, add_up, count_features
from locgen.cores.nodecore import NodeCore, NodeStream
from locgen.cores.table import look_up
from locgen.ir import DistanceNode, LinearNode

__all__ = ["DistanceCore", "DistanceStream"]

_LOOK_UP_BITS = 4
"""A function of so many bits is one LUT4: no difference is cheaper than its table."""
_SQUARE_BITS = 6
"""A square of so many bits is looked up, a wider one is a product."""


def _size(
    m: Module, node: DistanceNode, code: Value, stored: Value | int, bits: int, name: str
) -> Value:
    """Return ``abs(code * 2**fraction - stored)``, squared for l2, 0 or 1 for hamming."""
    fine = Cat(Const(0, node.fraction), code) if node.fraction else code
    if node.metric == "hamming":
        return fine != stored
    difference = Signal(signed(bits + node.fraction + 1), name=f"{name}_difference")
    m.d.comb += difference.eq(fine - stored)
    size = Signal(bits + node.fraction, name=f"{name}_size")
    m.d.comb += size.eq(Mux(difference < 0, -difference, difference))
    return size * size if node.metric == "l2" else size


class DistanceCore(NodeCore):
    """One hardwired prototype.

    Latency 0 (combinational), one inference per cycle.

    Parameters
    ----------
    node : the prototype; ``scores == node.evaluate(q)``

    Members
    -------
    features : In(sum(node.feature_bits)), at least one bit, packed in the node's order
    scores : Out(ArrayLayout(shape, 1))
    """

    def elaborate(self, platform: object) -> Module:
        """Build what each feature adds, then their sum or the largest."""
        m = Module()
        node, start, parts = self.node, 0, []
        for bits, single in zip(node.feature_bits, _singles(node), strict=True):
            code = self.features[start : start + bits]
            start += bits
            parts.append(self._part(m, single, code, f"part_{len(parts)}"))
        if node.metric == "linf":
            largest: Value = Const(0)
            for part, _, _ in parts:
                largest = Mux(part > largest, part, largest)
        else:
            largest = add_up(m, parts, "sum")[0]
        m.d.comb += self.scores[0].eq(node.bias - largest)
        return m

    @staticmethod
    def _part(m: Module, node: DistanceNode, code: Value, name: str) -> tuple[Value, int, int]:
        """Return (what one feature adds to the distance, 0, the most it can add)."""
        high = node.bias - node.ranges[0][0]
        (bits,), (stored,), (weight,) = node.feature_bits, node.prototype, node.weights
        part = Signal(max(high.bit_length(), 1), name=name)
        plain = node.metric == "l2" and bits <= _SQUARE_BITS
        if bits <= _LOOK_UP_BITS or plain:
            look_up(m, code, part_table(node), part)
        else:
            m.d.comb += part.eq(_size(m, node, code, stored, bits, name) * weight)
        return part, 0, high


def _singles(node: DistanceNode) -> list[DistanceNode]:
    """Return the node's features as nodes of one feature each, without bias."""
    members = zip(node.features, node.feature_bits, node.prototype, node.weights, strict=True)
    return [
        DistanceNode(
            (feature,), (bits,), (code,), (weight,),
            node.metric, node.fraction, 0, node.prototype_id, node.outputs,
        )
        for feature, bits, code, weight in members
    ]  # fmt: skip


def part_table(node: DistanceNode) -> list[int]:
    """Return what the one feature of `node` adds to the distance, for each code."""
    (bits,), (stored,), (weight,) = node.feature_bits, node.prototype, node.weights
    table = []
    for code in range(1 << bits):
        size = abs((code << node.fraction) - stored)
        table.append(weight * {"l2": size * size, "hamming": int(size > 0)}.get(node.metric, size))
    return table


class DistanceStream(NodeStream):
    """One hardwired prototype that compares features in flight.

    A feature is whole in its last beat, where what it adds to the distance is accumulated; only
    the feature that passes is kept. Squares take the way of ``q**2 - 2*p*q + p**2``, whose product
    is accumulated digit by digit. Latency 0 from a beat of the up phase to its digit.

    Parameters
    ----------
    node : the prototype; schedule : when features pass and scores leave
    from_zero : send the score, not below 0, as it is; else counted from the lowest
    evidence : first beat in which the score leaves once more, counted from the lowest, None to send
        none

    Members
    -------
    See `LinkSchedule.ports`.
    """

    def elaborate(self, platform: object) -> Module:
        """Build the passing feature, its share, the accumulator and the choice of a digit."""
        m = Module()
        node = self.node
        ((_, high),), (low,) = node.ranges, self.lows
        counter = count_features(m, self, self.schedule)
        products: dict[int, list[int]] = {}
        start = node.bias
        if node.metric == "l2" and node.features:
            terms = [term for term in node.terms if isinstance(term, LinearNode)]
            start = sum(term.bias[0] for term in terms)
            products = {term.features[0]: [term.weights[0][0]] for term in terms}
        share = self._share(m, counter, max((high - low).bit_length(), 1))
        if node.metric == "linf":
            largest = Signal.like(share)
            last = self.up & (self.index == self.schedule.last_beat)
            with m.If(self.down & (share > largest)):
                m.d.sync += largest.eq(share)
            with m.Elif(last):
                m.d.sync += largest.eq(0)
            total = Signal.like(share)
            m.d.comb += total.eq(high - low - largest)
        else:
            starts, highs = [start - low], [high - low]
            (total,) = accumulate(
                m, self, counter, products, starts, highs, self.schedule, [-share]
            )
        evidence = summed_evidence(node, [total], self.lows, self.evidence)
        send_digits(m, self, {node.outputs[0]: total}, self.schedule, evidence)
        return m

    def _share(self, m: Module, counter: FeatureCounter, width: int) -> Signal:
        """Return what the feature that ends in this beat adds to the distance, else 0."""
        node, schedule = self.node, self.schedule
        share = Signal(width, name="share")
        if not node.features:
            return share
        down = schedule.down_width
        most = max(schedule.beats_of(feature)[1] for feature in node.features)
        passing: Value = self.data
        if most > 1:
            kept = Signal((most - 1) * down, name="kept")
            passing = Cat(kept, self.data)
            with m.If(self.down):
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
