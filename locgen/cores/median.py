"""The weighted median of scores, bit by bit."""

from amaranth import *
from amaranth.lib import data

from locgen.cores.arithmetic import add_up
from locgen.cores.step import DecisionStep, Word
from locgen.ir import Median
from locgen.ir.decisions import MedianBit

__all__ = ["MedianStep"]


def _state(median: Median, done: int) -> data.StructLayout | int:
    """Return the layout of a median of which `done` bits are found, the first highest.

    Of each score `less` says that it is below the bits so far, `equal` that it agrees with them;
    `rest` has its bits that are still to come.
    """
    if done == median.bits:
        return done
    flags = {"found": done, "less": median.outputs, "equal": median.outputs} if done else {}
    rest = data.ArrayLayout(median.bits - done, median.outputs)
    return data.StructLayout({**flags, "rest": rest})


class MedianStep(DecisionStep[MedianBit]):
    """One bit of a weighted median, the most significant first. Latency 0 (combinational).

    The bit is 0 if the scores that a 0 leaves at or below the median have half of all weights.

    Members
    -------
    i, o : In and Out, the state before and after; the last step gives the median alone
    """

    def shapes(self) -> tuple[Word, Word]:
        """Return the shapes of the state before and after."""
        median, done = self.step.median, self.step.done
        return _state(median, done), _state(median, done + 1)

    def elaborate(self, platform: object) -> Module:
        """Build the sum of weights and the new flags."""
        m = Module()
        median, done = self.step.median, self.step.done
        count = median.outputs
        state = self.i
        found = state.found if done else C(0, 0)
        less, equal = (state.less, state.equal) if done else (C(0, count), ~C(0, count))
        ahead, within, bit = Signal(count), Signal(count), Signal()
        weights = median.weights
        terms = [(Mux(within[n], int(w), 0), 0, int(w)) for n, w in enumerate(weights) if w]
        m.d.comb += [
            ahead.eq(Cat(state.rest[n][-1] for n in range(count))),
            within.eq(less | (equal & ~ahead)),
            bit.eq(add_up(m, terms, "weight")[0] < (sum(weights) + 1) // 2),
        ]
        now = Cat(bit, found)  # what was found before is higher
        if done + 1 == median.bits:
            m.d.comb += self.o.eq(now)
            return m
        m.d.comb += [
            self.o.found.eq(now),
            self.o.less.eq(Mux(bit, within, less)),
            self.o.equal.eq(equal & Mux(bit, ahead, ~ahead)),
            *(self.o.rest[n].eq(state.rest[n][:-1]) for n in range(count)),
        ]
        return m
