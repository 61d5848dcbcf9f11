"""Linear cores: an integer dot product, in parallel and in flight."""

from amaranth import *
from amaranth.lib import wiring

from locgen.cores.capture import (
    FeatureCounter,
    LinkSchedule,
    send_digits,
    summed_evidence,
)
from locgen.cores.nodecore import NodeCore, NodeStream, scores_shape, signed_shape
from locgen.cores.table import look_up
from locgen.ir.integer.cost import signed_digits

__all__ = ["LinearCore", "LinearStream", "accumulate", "add_up", "count_features", "multiply"]

_LOOK_UP_BITS = 4
"""A function of so many bits is one LUT4: no product is cheaper than its table."""


def multiply(m: Module, code: Value, factor: int, name: str) -> tuple[Value, int, int]:
    """Return (``code * factor``, its lowest, its highest value) for an unsigned code."""
    largest = (1 << len(code)) - 1
    low, high = min(factor * largest, 0), max(factor * largest, 0)
    product = Signal(signed_shape(low, high), name=name)
    if len(code) <= _LOOK_UP_BITS:
        look_up(m, code, [factor * k for k in range(largest + 1)], product)
        return product, low, high
    total: Value = Const(0)
    for shift, sign in signed_digits(factor):
        part = code << shift
        total = total + part if sign > 0 else total - part
    m.d.comb += product.eq(total)
    return product, low, high


def add_up(m: Module, parts: list[tuple[Value, int, int]], name: str) -> tuple[Value, int, int]:
    """Return the sum of (value, lowest, highest) triples, added in pairs; 0 of none."""
    level = 0
    while len(parts) > 1:
        above = []
        for pair in range(0, len(parts) - 1, 2):
            (a, a_low, a_high), (b, b_low, b_high) = parts[pair : pair + 2]
            low, high = a_low + b_low, a_high + b_high
            total = Signal(signed_shape(low, high), name=f"{name}_{level}_{pair // 2}")
            m.d.comb += total.eq(a + b)
            above.append((total, low, high))
        parts = above + parts[len(parts) - len(parts) % 2 :]
        level += 1
    return parts[0] if parts else (Const(0), 0, 0)


class LinearCore(NodeCore):
    """One hardwired dot product for each output.

    Latency 0 (combinational), one inference per cycle.

    Parameters
    ----------
    node : the weights; ``scores == node.evaluate(q)``

    Members
    -------
    features : In(sum(node.feature_bits)), at least one bit, packed in the node's order
    scores : Out(ArrayLayout(shape, len(node.outputs))) of the narrowest shape for all outputs
    """

    def elaborate(self, platform: object) -> Module:
        """Build a product for each weight and adders in pairs."""
        m = Module()
        node = self.node
        for column, bias in enumerate(node.bias):
            parts, start = [], 0
            for number, (bits, row) in enumerate(zip(node.feature_bits, node.weights, strict=True)):
                if row[column]:
                    code = self.features[start : start + bits]
                    parts.append(multiply(m, code, row[column], f"product_{column}_{number}"))
                start += bits
            if start <= _LOOK_UP_BITS and len(node.features) == 1:
                rows = [bias + node.weights[0][column] * code for code in range(1 << start)]
                score = Signal(scores_shape(node), name=f"score_{column}")
                look_up(m, self.features, rows, score)
                parts = [(score, 0, 0)]
            elif bias:
                parts.append((Const(bias, signed_shape(bias, bias)), bias, bias))
            m.d.comb += self.scores[column].eq(add_up(m, parts, f"sum_{column}")[0])
        return m


def accumulate(
    m: Module,
    core: wiring.Component,
    counter: FeatureCounter,
    weights: dict[int, list[int]],
    starts: list[int],
    highs: list[int],
    schedule: LinkSchedule,
    extra: list[Value],
) -> list[Signal]:
    """Return registers that add ``weight(feature) * digit``, in place, in every beat down.

    They hold their sums from the first beat up; in the last one they start again. Only the sums
    need to fit: on the way they may wrap. A weight is looked up in its feature's first beat and
    moves left with the digits that follow.

    Parameters
    ----------
    core : has the ports of `LinkSchedule.ports`; counter : says which feature passes
    weights : by feature, for each register what one code step is worth
    starts, highs : what each register starts from, and the largest sum that it can end with
    extra : what each register adds besides in the same beat
    """
    sums = []
    serial = any(schedule.beats_of(feature)[1] > 1 for feature in weights)
    for number, (start, high) in enumerate(zip(starts, highs, strict=True)):
        width = max(high.bit_length(), 1)
        mask = (1 << width) - 1
        total = Signal(width, init=start & mask, name=f"sum_{number}")
        weight = Signal(width, name=f"weight_{number}")
        if weights:
            column = [weights[f][number] & mask if f in weights else 0 for f in schedule.travelling]
            look_up(m, counter.number, column, weight)
        if serial:
            moved, held = Signal.like(weight), Signal(width, name=f"held_{number}")
            m.d.comb += moved.eq(Mux(counter.first, weight, held << schedule.down_width))
            with m.If(core.down):
                m.d.sync += held.eq(moved)
            weight = moved
        product: Value = Const(0)
        for bit in range(len(core.data)):
            part = (weight << bit) & core.data[bit].replicate(width + bit)
            product = product + part if bit else part
        with m.If(core.down):
            m.d.sync += total.eq(total + product + extra[number])
        with m.Elif(core.up & (core.index == schedule.last_beat)):
            m.d.sync += total.eq(start & mask)
        sums.append(total)
    return sums


def count_features(m: Module, core: wiring.Component, schedule: LinkSchedule) -> FeatureCounter:
    """Add the submodule `counter` to a core with the ports of `LinkSchedule.ports`."""
    m.submodules.counter = counter = FeatureCounter(schedule)
    m.d.comb += [
        counter.index.eq(core.index),
        counter.down.eq(core.down),
        counter.up.eq(core.up),
    ]
    return counter


class LinearStream(NodeStream):
    """A dot product made in flight: no feature is kept, only one sum an output.

    Latency 0 from a beat of the up phase to its digit.

    Parameters
    ----------
    node : the weights; schedule : when features pass and scores leave
    from_zero : send the scores, none below 0, as they are; else counted from the lowest
    evidence : first beat in which all sums leave once more, counted from the lowest, None to send
        none

    Members
    -------
    See `LinkSchedule.ports`.
    """

    def elaborate(self, platform: object) -> Module:
        """Build one accumulator an output, and the choice of a digit."""
        m = Module()
        node = self.node
        sums = accumulate(
            m,
            self,
            count_features(m, self, self.schedule),
            {f: list(row) for f, row in zip(node.features, node.weights, strict=True)},
            [bias - low for bias, low in zip(node.bias, self.lows, strict=True)],
            [high - low for (_, high), low in zip(node.ranges, self.lows, strict=True)],
            self.schedule,
            [Const(0)] * len(node.outputs),
        )
        scores = dict(zip(node.outputs, sums, strict=True))
        evidence = summed_evidence(node, sums, self.lows, self.evidence)
        send_digits(m, self, scores, self.schedule, evidence)
        return m
