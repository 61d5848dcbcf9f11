"""The comparison of a score with a constant."""

from amaranth import *

from locgen.cores.compare import at_most
from locgen.cores.step import DecisionStep, Word
from locgen.ir.decisions import AtLeast

__all__ = ["AtLeastStep"]


class AtLeastStep(DecisionStep[AtLeast]):
    """Whether a score is at least a constant. Latency 0 (combinational).

    Members
    -------
    i : In(width); o : Out(1)
    """

    def shapes(self) -> tuple[Word, Word]:
        """Return the shapes of the score and of a bit."""
        return self.step.width, 1

    def elaborate(self, platform: object) -> Module:
        """Build gates, which take fewer cells than the carry chain of a comparison."""
        m = Module()
        least, score = self.step.least, self.i
        if not self.step.signed:
            reached = 0 < least < 1 << len(score)
            decided = ~at_most(score, least - 1) if reached else Const(least <= 0)
        elif least in (0, 1):
            decided = ~score[-1] & score.any() if least else ~score[-1]
        else:
            decided = score.as_signed() >= least
        m.d.comb += self.o.eq(decided)
        return m
