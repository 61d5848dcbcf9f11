"""Sums of weighted votes."""

from amaranth import *

from locgen.cores.arithmetic import Term, add_up
from locgen.cores.step import DecisionStep, Word
from locgen.ir.decisions import Tally

__all__ = ["TallyStep"]


class TallyStep(DecisionStep[Tally]):
    """The sum of the weights of the votes for each class. Latency 0 (combinational).

    Members
    -------
    i : In, the decision of each group, the first lowest
    o : Out(classes * width), each class's sum, the first lowest
    """

    def shapes(self) -> tuple[Word, Word]:
        """Return the shapes of all groups' decisions and of all sums."""
        votes = self.step.votes
        return sum(group.decision.bits for group in votes.groups), votes.classes * self.step.width

    def elaborate(self, platform: object) -> Module:
        """Build one adder tree for each class."""
        m = Module()
        votes = self.step.votes
        heard: list[list[Term]] = [[] for _ in range(votes.classes)]
        place = 0
        for group, choices, weight in zip(votes.groups, votes.choices, votes.weights, strict=True):
            decided = self.i[place : place + group.decision.bits]
            place += group.decision.bits
            for choice in sorted(set(choices)):
                named = [n for n, chosen in enumerate(choices) if chosen == choice]
                heard[choice].append((Mux(decided.matches(*named), int(weight), 0), 0, int(weight)))
        for choice, terms in enumerate(heard):
            total, _, _ = add_up(m, terms, f"votes_{choice}")
            m.d.comb += self.o.word_select(choice, self.step.width).eq(total)
        return m
