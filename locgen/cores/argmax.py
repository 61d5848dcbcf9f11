"""Decision cores: argmax over scores that stand side by side, or arrive one after the other."""

from itertools import combinations

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

__all__ = [
    "ArgmaxLevel",
    "LevelChoice",
    "LevelCompare",
    "PairChoice",
    "PairCompare",
    "SerialArgmax",
    "candidate_layout",
]


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
        """Build the comparisons and the choice behind them."""
        m = Module()
        candidate, count = self.i.shape().elem_shape, self.i.shape().length
        m.submodules.compare = compare = LevelCompare(candidate, count)
        m.submodules.choice = choice = LevelChoice(candidate, count)
        m.d.comb += [
            compare.i.eq(self.i),
            choice.i.eq(self.i),
            choice.later.eq(compare.later),
            self.o.eq(choice.o),
        ]
        return m


class LevelCompare(wiring.Component):
    """The comparisons of one level of a knock-out, see `ArgmaxLevel`. Latency 0 (combinational).

    Members
    -------
    i : In(ArrayLayout(candidate, count)); later : Out(one bit a pair), whether the right one wins
    """

    def __init__(self, candidate: data.StructLayout, count: int) -> None:
        super().__init__(
            {
                "i": In(data.ArrayLayout(candidate, count)),
                "later": Out(max(count // 2, 1)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build one comparison a pair."""
        m = Module()
        for pair in range(self.i.shape().length // 2):
            left, right = self.i[2 * pair], self.i[2 * pair + 1]
            m.d.comb += self.later[pair].eq(right.score > left.score)
        return m


class LevelChoice(wiring.Component):
    """The candidates that go on from one level of a knock-out. Latency 0 (combinational).

    Members
    -------
    i : In(ArrayLayout(candidate, count)); later : In(one bit a pair), from `LevelCompare`
    o : Out(ArrayLayout(candidate, ceil(count / 2)))
    """

    def __init__(self, candidate: data.StructLayout, count: int) -> None:
        super().__init__(
            {
                "i": In(data.ArrayLayout(candidate, count)),
                "later": In(max(count // 2, 1)),
                "o": Out(data.ArrayLayout(candidate, (count + 1) // 2)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build one multiplexer a pair; one without a partner goes on."""
        m = Module()
        count = self.i.shape().length
        for pair in range(count // 2):
            left, right = self.i[2 * pair], self.i[2 * pair + 1]
            m.d.comb += self.o[pair].eq(left)
            with m.If(self.later[pair]):
                m.d.comb += self.o[pair].eq(right)
        if count % 2:
            m.d.comb += self.o[count // 2].eq(self.i[count - 1])
        return m


def _pairs(count: int) -> dict[tuple[int, int], int]:
    """Return the bit of each pair (lower, higher) of `count` candidates."""
    return {pair: bit for bit, pair in enumerate(combinations(range(count), 2))}


class PairCompare(wiring.Component):
    """Every candidate against every other at once: the last rounds of a knock-out, in one.

    Latency 0 (combinational).

    Members
    -------
    i : In(ArrayLayout(score, count)); o : Out(one bit a pair), whether the higher index wins
    """

    def __init__(self, score: Shape, count: int) -> None:
        super().__init__(
            {"i": In(data.ArrayLayout(score, count)), "o": Out(max(len(_pairs(count)), 1))}
        )

    def elaborate(self, platform: object) -> Module:
        """Build one comparison a pair; ties go to the lower index."""
        m = Module()
        for (low, high), bit in _pairs(self.i.shape().length).items():
            m.d.comb += self.o[bit].eq(self.i[high] > self.i[low])
        return m


class PairChoice(wiring.Component):
    """The winner of a knock-out whose comparisons have all been made, see `PairCompare`.

    Latency 0 (combinational): each round picks its comparison by those of the rounds before.

    Members
    -------
    i : In(one bit a pair); names : In(ArrayLayout(index_width, count))
    o : Out(index_width), the winner's name
    """

    def __init__(self, count: int, index_width: int) -> None:
        super().__init__(
            {
                "i": In(max(len(_pairs(count)), 1)),
                "names": In(data.ArrayLayout(index_width, count)),
                "o": Out(index_width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build a knock-out over names; a group is a candidate or (bit, group, group)."""
        m = Module()
        bit_of = _pairs(self.names.shape().length)

        def later_wins(first: object, second: object) -> Value:
            if isinstance(first, tuple):
                bit, left, right = first
                return Mux(bit, later_wins(right, second), later_wins(left, second))
            if isinstance(second, tuple):
                bit, left, right = second
                return Mux(bit, later_wins(first, right), later_wins(first, left))
            return self.i[bit_of[first, second]]

        def name_of(group: object) -> Value:
            if isinstance(group, tuple):
                bit, left, right = group
                return Mux(bit, name_of(right), name_of(left))
            return self.names[group]

        groups: list[object] = list(range(len(self.names)))
        while len(groups) > 1:
            winners = []
            for first, second in zip(groups[::2], groups[1::2], strict=False):
                bit = Signal(name=f"later_{len(groups)}_{len(winners)}")
                m.d.comb += bit.eq(later_wins(first, second))
                winners.append((bit, first, second))
            groups = winners + groups[2 * len(winners) :]
        m.d.comb += self.o.eq(name_of(groups[0]))
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
