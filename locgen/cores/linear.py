"""Linear nodes: integer dot products."""

from amaranth import *

from locgen.cores.arithmetic import (
    LOOK_UP_BITS,
    Term,
    add_up,
    constant_term,
    look_up,
    multiply,
)
from locgen.cores.parallel import NodeCore, scores_shape
from locgen.cores.serial import FeatureCounter, NodeStream
from locgen.ir import LinearNode

__all__ = ["LinearCore", "LinearStream", "accumulate"]


class LinearCore(NodeCore[LinearNode]):
    """One hardwired dot product for each output, see `NodeCore`."""

    def elaborate(self, platform: object) -> Module:
        """Build a product for each weight and adders in pairs."""
        m = Module()
        node = self.node
        for column, bias in enumerate(node.bias):
            terms: list[Term] = []
            if len(self.codes) == 1 and len(self.codes[0]) <= LOOK_UP_BITS:
                score = Signal(scores_shape(node), name=f"score_{column}")
                rows = range(1 << len(self.codes[0]))
                weight = node.weights[0][column]
                look_up(m, self.codes[0], [bias + weight * code for code in rows], score)
                terms.append((score, 0, 0))
            else:
                for number, (code, row) in enumerate(zip(self.codes, node.weights, strict=True)):
                    if row[column]:
                        name = f"product_{column}_{number}"
                        terms.append(multiply(m, code, row[column], name))
                if bias:
                    terms.append(constant_term(bias))
            m.d.comb += self.scores[column].eq(add_up(m, terms, f"sum_{column}")[0])
        return m


def accumulate(
    m: Module,
    stream: NodeStream,
    counter: FeatureCounter,
    weights: dict[int, list[int]],
    starts: list[int],
    extra: list[Value],
) -> list[Value]:
    """Return registers that add ``weight(feature) * digit``, in place, in every beat down.

    They hold the node's scores from the first beat up, counted from `stream.lows`; in the last one
    they start again. Only the sums need to fit: on the way they may wrap. A weight is looked up in
    its feature's first beat and moves left with the digits that follow.

    Parameters
    ----------
    m : module of the stream
    stream : the node; counter : says which feature passes
    weights : by feature, for each register what one code step is worth
    starts : what each register starts from
    extra : what each register adds besides in the same beat
    """
    sums: list[Value] = []
    schedule, link = stream.schedule, stream.link
    serial = any(schedule.beats_of(feature)[1] > 1 for feature in weights)
    ends = zip(starts, stream.node.ranges, stream.lows, strict=True)
    for number, (start, (_, high), low) in enumerate(ends):
        width = max((high - low).bit_length(), 1)
        mask = (1 << width) - 1
        total = Signal(width, init=start & mask, name=f"sum_{number}")
        weight = Signal(width, name=f"weight_{number}")
        if weights:
            column = [weights[f][number] & mask if f in weights else 0 for f in schedule.travelling]
            look_up(m, counter.number, column, weight)
        if serial:
            moved, held = Signal.like(weight), Signal(width, name=f"held_{number}")
            m.d.comb += moved.eq(Mux(counter.first, weight, held << schedule.down_width))
            with m.If(link.down):
                m.d.sync += held.eq(moved)
            weight = moved
        product: Value = Const(0)
        for bit in range(len(link.digit)):
            part = (weight << bit) & link.digit[bit].replicate(width + bit)
            product = product + part if bit else part
        with m.If(link.down):
            m.d.sync += total.eq(total + product + extra[number])
        with m.Elif(link.up & (link.index == schedule.last_beat)):
            m.d.sync += total.eq(start & mask)
        sums.append(total)
    return sums


class LinearStream(NodeStream[LinearNode]):
    """A dot product made in flight, see `NodeStream`: only one sum an output is kept."""

    def elaborate(self, platform: object) -> Module:
        """Build one accumulator an output, and the choice of a digit."""
        m = Module()
        node = self.node
        weights = {f: list(row) for f, row in zip(node.features, node.weights, strict=True)}
        starts = [bias - low for bias, low in zip(node.bias, self.lows, strict=True)]
        nothing: list[Value] = [Const(0)] * len(starts)
        self.send(m, accumulate(m, self, self.count_features(m), weights, starts, nothing))
        return m
