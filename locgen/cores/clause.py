"""Clause nodes: conjunctions of comparisons with weights, or the first that holds."""

from collections.abc import Callable
from functools import reduce
from operator import and_, or_

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from locgen.cores.arithmetic import Term, add_up, constant_term
from locgen.cores.features import NodeInputs
from locgen.cores.parallel import ComparisonCore, NodeCore
from locgen.cores.serial import ComparisonStream
from locgen.ir import ClauseNode
from locgen.ir.integer.node import NodeBase

__all__ = ["ClauseCore", "ClauseStream"]


class ClauseCore(ComparisonCore[ClauseNode]):
    """All clauses of a node at once, see `ComparisonCore`.

    Members
    -------
    fired : Out(len(node.clauses)), which clauses count
    """

    def inputs(self) -> dict[str, wiring.Member]:
        """Return the comparisons' results, and which clauses count."""
        return {**super().inputs(), "fired": Out(len(self.node.clauses))}

    def elaborate(self, platform: object) -> Module:
        """Build an AND a clause, and the sum or the choice of their scores."""
        m = Module()
        node = self.node
        before: Value = Const(0, 1)
        for number, literals in enumerate(node.literals):
            wanted = [self.bits[place] if holds else ~self.bits[place] for place, holds in literals]
            holds = Signal(name=f"holds_{number}")
            m.d.comb += [
                holds.eq(reduce(and_, wanted, Const(1, 1))),
                self.fired[number].eq(holds & ~before if node.first else holds),
            ]
            if node.first:
                either = Signal(name=f"either_{number}")
                m.d.comb += either.eq(before | holds)
                before = either
        for column, bias in enumerate(node.bias):
            scores = [row[column] for row in node.scores]
            total = self._first(scores, bias) if node.first else self._sum(m, scores, column)
            m.d.comb += self.scores[column].eq(total)
        return m

    def _sum(self, m: Module, scores: list[int], column: int) -> Value:
        """Return the bias and the scores of the clauses that count."""
        terms: list[Term] = [constant_term(self.node.bias[column])]
        for fired, score in zip(self.fired, scores, strict=True):
            if score:
                terms.append((Mux(fired, score, 0), min(score, 0), max(score, 0)))
        return add_up(m, terms, f"score_{column}")[0]

    def _first(self, scores: list[int], bias: int) -> Value:
        """Return `bias` and the score of the one clause that counts, if any does: no adder."""
        low = min(0, *scores)
        width = max((score - low).bit_length() for score in (*scores, 0))
        chosen = [
            Const(score - low, width) & fired.replicate(width)
            for fired, score in zip(self.fired, scores, strict=True)
            if width
        ]
        none = Const(-low, width) & (~self.fired.any()).replicate(width)
        return reduce(or_, chosen, none) + (bias + low)

    @classmethod
    def evidence(
        cls,
        m: Module,
        name: str,
        node: ClauseNode,
        inputs: NodeInputs,
        add: Callable[[str, NodeBase], NodeCore],
    ) -> Value:
        """Return which clauses count, see `NodeCore.evidence`."""
        return add(name, node).fired


class ClauseStream(ComparisonStream[ClauseNode]):
    """Clauses whose scores leave digit by digit, see `ComparisonStream`.

    The bits of the clauses that count are the evidence.
    """

    def elaborate(self, platform: object) -> Module:
        """Build the parallel core and the choice of a digit."""
        m = Module()
        node = self.node
        m.submodules.clauses = core = ClauseCore(node.shifted(tuple(-low for low in self.lows)))
        m.d.comb += core.bits.eq(self.bits)
        members = zip(core.scores, node.ranges, self.lows, strict=True)
        scores = [score[: (high - low).bit_length()] for score, (_, high), low in members]
        self.send(m, scores, core.fired)
        return m
