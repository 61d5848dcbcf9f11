"""Clause cores: conjunctions of comparisons with weights, or the first that holds."""

from functools import reduce
from operator import and_, or_

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from locgen.cores.capture import send_digits
from locgen.cores.linear import add_up
from locgen.cores.nodecore import NodeStream, scores_shape, signed_shape
from locgen.ir import ClauseNode

__all__ = ["ClauseCore", "ClauseStream"]


class ClauseCore(wiring.Component):
    """All clauses of a node at once.

    Latency 0 (combinational), one inference per cycle.

    Parameters
    ----------
    node : the clauses; ``scores == node.evaluate(q)``

    Members
    -------
    bits : In, one for each of ``node.comparisons``, at least one
    fired : Out(len(node.clauses)), which clauses count
    scores : Out(ArrayLayout(shape, len(node.outputs))) of the narrowest shape for all outputs
    """

    def __init__(self, node: ClauseNode) -> None:
        self.node = node
        super().__init__(
            {
                "bits": In(max(len(node.comparisons), 1)),
                "fired": Out(len(node.clauses)),
                "scores": Out(data.ArrayLayout(scores_shape(node), len(node.outputs))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build an AND a clause, and the sum or the choice of their scores."""
        m = Module()
        node = self.node
        before: Value = Const(0, 1)
        for number, literals in enumerate(node.literals):
            wanted = [self.bits[place] if holds else ~self.bits[place] for place, holds in literals]
            holds = Signal(name=f"holds_{number}")
            m.d.comb += holds.eq(reduce(and_, wanted, Const(1, 1)))
            m.d.comb += self.fired[number].eq(holds & ~before if node.first else holds)
            if node.first:
                either = Signal(name=f"either_{number}")
                m.d.comb += either.eq(before | holds)
                before = either
        for column, bias in enumerate(node.bias):
            own = list(enumerate(row[column] for row in node.scores))
            m.d.comb += self.scores[column].eq(self._total(m, own, bias, f"score_{column}"))
        return m

    def _total(self, m: Module, scores: list[tuple[int, int]], bias: int, name: str) -> Value:
        """Return `bias` and the scores of the clauses that count."""
        if not self.node.first:
            parts = [(Const(bias, signed_shape(bias, bias)), bias, bias)]
            for number, score in scores:
                if score:
                    part = Mux(self.fired[number], score, 0)
                    parts.append((part, min(score, 0), max(score, 0)))
            return add_up(m, parts, name)[0]
        # At most one counts: no adder.
        low = min(0, *(score for _, score in scores))
        width = max((score - low).bit_length() for _, score in [*scores, (0, 0)])
        chosen = [
            Const(score - low, width) & self.fired[number].replicate(width)
            for number, score in scores
            if width
        ]
        none = Const(-low, width) & (~self.fired.any()).replicate(width)
        return reduce(or_, chosen, none) + (bias + low)


class ClauseStream(NodeStream):
    """Clauses whose scores leave digit by digit.

    Latency 0 from a beat of the up phase to its digit.

    Parameters
    ----------
    node : the clauses; schedule : when scores leave
    from_zero : send the scores, none below 0, as they are; else counted from the lowest
    evidence : first beat of the bits of the clauses that count, None to send none

    Members
    -------
    bits : In, one for each of ``node.comparisons``, at least one, held from the first beat up
    index : In, the beat; digit : Out(schedule.up_width)
    """

    def ports(self) -> dict[str, wiring.Member]:
        """Return the ports by name: comparisons in the place of the link's features."""
        return {
            "bits": In(max(len(self.node.comparisons), 1)),
            "index": In(self.schedule.index_bits),
            "digit": Out(self.schedule.up_width),
        }

    def elaborate(self, platform: object) -> Module:
        """Build the parallel core and the choice of a digit."""
        m = Module()
        node = self.node
        m.submodules.clauses = core = ClauseCore(node.shifted(tuple(-low for low in self.lows)))
        m.d.comb += core.bits.eq(self.bits)
        sent = [
            core.scores[column][: (high - low).bit_length()]
            for column, ((_, high), low) in enumerate(zip(node.ranges, self.lows, strict=True))
        ]
        evidence = None if self.evidence is None else (self.evidence, core.fired)
        scores = dict(zip(node.outputs, sent, strict=True))
        send_digits(m, self, scores, self.schedule, evidence)
        return m
