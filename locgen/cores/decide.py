"""Decision cores: argmax over scores that stand side by side, or arrive one after the other."""

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["ArgmaxLevel", "SerialArgmax", "candidate_layout"]


def candidate_layout(score: Shape, index_width: int) -> data.StructLayout:
    """Return the layout of a score that competes, with the index of its output."""
    return data.StructLayout({"score": score, "index": index_width})


class ArgmaxLevel(wiring.Component):
    """One level of a knock-out: of each neighbouring pair the larger score goes on.

    Ties go to the lower index: inputs are in rising order of index, so the left one wins. Latency
    0 (combinational).

    Members
    -------
    i : In(ArrayLayout(candidate, count)); o : Out(ArrayLayout(candidate, ceil(count / 2)))
    """

    def __init__(self, candidate: data.StructLayout, count: int) -> None:
        super().__init__(
            {
                "i": In(data.ArrayLayout(candidate, count)),
                "o": Out(data.ArrayLayout(candidate, (count + 1) // 2)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build one comparison and one multiplexer a pair."""
        m = Module()
        count = self.i.shape().length
        for pair in range(count // 2):
            left, right = self.i[2 * pair], self.i[2 * pair + 1]
            m.d.comb += self.o[pair].eq(left)
            with m.If(right.score > left.score):
                m.d.comb += self.o[pair].eq(right)
        if count % 2:
            m.d.comb += self.o[count // 2].eq(self.i[count - 1])
        return m


class SerialArgmax(wiring.Component):
    """Index of the largest of scores that arrive one a cycle at most; ties to the earlier.

    Latency 1: `index` covers all scores up to the one taken in the cycle before.

    Members
    -------
    score : In(signed(width)); valid : In(1); first : In(1), forget the scores before
    index : Out(index_width)
    """

    def __init__(self, width: int, index_width: int) -> None:
        super().__init__(
            {
                "score": In(signed(width)),
                "valid": In(1),
                "first": In(1),
                "index": Out(index_width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the best score so far and a counter."""
        m = Module()
        best = Signal.like(self.score)
        count = Signal.like(self.index)
        with m.If(self.valid):
            m.d.sync += count.eq(Mux(self.first, 1, count + 1))
            with m.If(self.first | (self.score > best)):
                m.d.sync += [best.eq(self.score), self.index.eq(Mux(self.first, 0, count))]
        return m
