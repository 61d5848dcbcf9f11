"""The core of a gate: which experts have the highest scores."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from locgen.cores.argmax import LargestStep
from locgen.ir.decisions import Largest

__all__ = ["TopK"]


class TopK(wiring.Component):
    """Marks the highest of many scores, ties to the lowest index.

    Latency 0 (combinational). One is found by a tournament tree, more by counting for each score
    how many others go before it.

    Parameters
    ----------
    shape, count : of the scores
    top_k : how many are marked

    Members
    -------
    scores : In(ArrayLayout(shape, count)); mask : Out(count)
    """

    def __init__(self, shape: Shape, count: int, top_k: int) -> None:
        if not 1 <= top_k <= count:
            raise ValueError(f"top_k must be from 1 to {count}, not {top_k}")
        self.top_k = top_k
        super().__init__({"scores": In(data.ArrayLayout(shape, count)), "mask": Out(count)})

    def elaborate(self, platform: object) -> Module:
        """Build the tournament tree, or the comparison of every pair and a count a score."""
        m = Module()
        count = len(self.mask)
        scores = [self.scores[n] for n in range(count)]
        if self.top_k == count:
            m.d.comb += self.mask.eq(-1)
            return m
        if self.top_k == 1:
            shape = scores[0].shape()
            step = Largest(count, shape.width, max((count - 1).bit_length(), 1), shape.signed)
            m.submodules.largest = largest = LargestStep(step)
            m.d.comb += [
                largest.i.eq(self.scores.as_value()),
                *(self.mask[n].eq(largest.o == n) for n in range(count)),
            ]
            return m
        before: list[list[Value]] = [[] for _ in range(count)]
        for left in range(count):
            for right in range(left + 1, count):
                later_wins = Signal(name=f"above_{left}_{right}")
                m.d.comb += later_wins.eq(scores[right] > scores[left])
                before[left].append(later_wins)
                before[right].append(~later_wins)
        m.d.comb += [self.mask[n].eq(sum(before[n]) < self.top_k) for n in range(count)]
        return m
