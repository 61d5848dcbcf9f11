"""The largest of several scores, side by side or one after the other; ties to the lowest index."""

from collections.abc import Sequence
from itertools import combinations

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from locgen.cores.step import DecisionStep, Word
from locgen.ir.decisions import Largest

__all__ = [
    "ArgmaxLevel",
    "LargestStep",
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


def compared_layout(candidate: data.StructLayout, count: int) -> data.StructLayout:
    """Return the layout of candidates in pairs, and for each pair whether the later one wins."""
    return data.StructLayout(
        {"later": max(count // 2, 1), "candidates": data.ArrayLayout(candidate, count)}
    )


def pairs_layout(count: int, index_width: int) -> data.StructLayout:
    """Return the layout of all pairs' comparisons, and of the candidates' indices."""
    indices = data.ArrayLayout(index_width, count)
    return data.StructLayout({"later": max(len(_pairs(count)), 1), "indices": indices})


def _pairs(count: int) -> dict[tuple[int, int], int]:
    """Return the bit of each pair (lower, higher) of `count` candidates."""
    return {pair: bit for bit, pair in enumerate(combinations(range(count), 2))}


class _Part(wiring.Component):
    """A combinational part of a tournament tree, from `i` to `o`, over `count` candidates."""

    def __init__(
        self, candidate: data.StructLayout, count: int, i: data.Layout, o: data.Layout | int
    ) -> None:
        self.candidate = candidate
        self.count = count
        super().__init__({"i": In(i), "o": Out(o)})


class LevelCompare(_Part):
    """The comparisons of one level of a tournament tree, see `ArgmaxLevel`.

    Members
    -------
    i : In(ArrayLayout(candidate, count)); o : Out(compared_layout(candidate, count))
    """

    def __init__(self, candidate: data.StructLayout, count: int) -> None:
        compared = compared_layout(candidate, count)
        super().__init__(candidate, count, data.ArrayLayout(candidate, count), compared)

    def elaborate(self, platform: object) -> Module:
        """Build one comparison a pair."""
        m = Module()
        m.d.comb += self.o.candidates.eq(self.i)
        for pair in range(self.count // 2):
            m.d.comb += self.o.later[pair].eq(self.i[2 * pair + 1].score > self.i[2 * pair].score)
        return m


class LevelChoice(_Part):
    """The candidates that go on from one level of a tournament tree.

    Members
    -------
    i : In(compared_layout(candidate, count)); o : Out(ArrayLayout(candidate, ceil(count / 2)))
    """

    def __init__(self, candidate: data.StructLayout, count: int) -> None:
        above = data.ArrayLayout(candidate, (count + 1) // 2)
        super().__init__(candidate, count, compared_layout(candidate, count), above)

    def elaborate(self, platform: object) -> Module:
        """Build one multiplexer a pair; one without a partner goes on."""
        m = Module()
        for place in range(self.count)[::2]:
            winner = self.o[place // 2]
            m.d.comb += winner.eq(self.i.candidates[place])
            if place + 1 < self.count:
                with m.If(self.i.later[place // 2]):
                    m.d.comb += winner.eq(self.i.candidates[place + 1])
        return m


class ArgmaxLevel(_Part):
    """One level of a tournament tree: of each neighbouring pair the larger score goes on.

    Ties go to the lower index: inputs are in rising order of index, so the left one wins. Latency
    0 (combinational).

    Members
    -------
    i : In(ArrayLayout(candidate, count)); o : Out(ArrayLayout(candidate, ceil(count / 2)))
    """

    def __init__(self, candidate: data.StructLayout, count: int) -> None:
        above = data.ArrayLayout(candidate, (count + 1) // 2)
        super().__init__(candidate, count, data.ArrayLayout(candidate, count), above)

    def elaborate(self, platform: object) -> Module:
        """Build the comparisons and the choice behind them."""
        m = Module()
        m.submodules.compare = compare = LevelCompare(self.candidate, self.count)
        m.submodules.choice = choice = LevelChoice(self.candidate, self.count)
        m.d.comb += [compare.i.eq(self.i), choice.i.eq(compare.o), self.o.eq(choice.o)]
        return m


class PairCompare(_Part):
    """Every candidate against every other at once: the last levels of a tournament tree, in one.

    Latency 0 (combinational).

    Members
    -------
    i : In(ArrayLayout(candidate, count)); o : Out(pairs_layout(count, index_width))
    """

    def __init__(self, candidate: data.StructLayout, count: int) -> None:
        pairs = pairs_layout(count, candidate["index"].width)
        super().__init__(candidate, count, data.ArrayLayout(candidate, count), pairs)

    def elaborate(self, platform: object) -> Module:
        """Build one comparison a pair."""
        m = Module()
        for (low, high), bit in _pairs(self.count).items():
            m.d.comb += self.o.later[bit].eq(self.i[high].score > self.i[low].score)
        m.d.comb += [self.o.indices[n].eq(self.i[n].index) for n in range(self.count)]
        return m


Contender = int | tuple[Signal, "Contender", "Contender"]
"""A candidate, or (whether the later one wins, the earlier, the later)."""


class PairChoice(_Part):
    """The winner of a tournament tree whose comparisons have all been made, see `PairCompare`.

    Latency 0 (combinational): each level picks its comparison by those of the levels before.

    Members
    -------
    i : In(pairs_layout(count, index_width)); o : Out(index_width), the winner's index
    """

    def __init__(self, candidate: data.StructLayout, count: int) -> None:
        width = candidate["index"].width
        super().__init__(candidate, count, pairs_layout(count, width), width)

    def elaborate(self, platform: object) -> Module:
        """Build a tournament tree over indices."""
        m = Module()
        contenders: list[Contender] = list(range(self.count))
        while len(contenders) > 1:
            winners: list[Contender] = []
            for first, second in zip(contenders[::2], contenders[1::2], strict=False):
                bit = Signal(name=f"later_{len(contenders)}_{len(winners)}")
                m.d.comb += bit.eq(self._later_wins(first, second))
                winners.append((bit, first, second))
            contenders = winners + contenders[2 * len(winners) :]
        m.d.comb += self.o.eq(self._index_of(contenders[0]))
        return m

    def _later_wins(self, first: Contender, second: Contender) -> Value:
        """Return the comparison of the candidates that `first` and `second` turn out to be."""
        if isinstance(first, tuple):
            bit, left, right = first
            return Mux(bit, self._later_wins(right, second), self._later_wins(left, second))
        if isinstance(second, tuple):
            bit, left, right = second
            return Mux(bit, self._later_wins(first, right), self._later_wins(first, left))
        return self.i.later[_pairs(self.count)[first, second]]

    def _index_of(self, contender: Contender) -> Value:
        """Return the index of the candidate that a contender turns out to be."""
        if isinstance(contender, tuple):
            bit, left, right = contender
            return Mux(bit, self._index_of(right), self._index_of(left))
        return self.i.indices[contender]


class LargestStep(DecisionStep[Largest]):
    """Index of the largest of several numbers. Latency 0 (combinational).

    Members
    -------
    i : In(count * width), the first number lowest; o : Out(bits)
    """

    def shapes(self) -> tuple[Word, Word]:
        """Return the shapes of the numbers and of an index."""
        return self.step.count * self.step.width, self.step.bits

    @classmethod
    def enter(cls, step: Largest, word: Value) -> Value:
        """Return the numbers with their indices."""
        numbers = (word.word_select(n, step.width) for n in range(step.count))
        return Cat(Cat(number, Const(n, step.bits)) for n, number in enumerate(numbers))

    @classmethod
    def leave(cls, step: Largest, word: Value) -> Value:
        """Return the index of the winner."""
        return word[len(word) - step.bits :]

    @classmethod
    def parts(cls, step: Largest, units: int, alone: bool) -> Sequence[wiring.Component]:
        """Return the levels of a tournament tree.

        For a decision `alone` each compares and then chooses, and the last levels are one, which
        compares each with each.
        """
        if units < 2:
            return (cls(step),)
        if not alone:
            return cls._levels(step)
        candidate, left = _candidate(step), step.count
        parts: list[wiring.Component] = []
        while len(parts) < units - 2:
            parts += [LevelCompare(candidate, left), LevelChoice(candidate, left)]
            left = (left + 1) // 2
        return [*parts, PairCompare(candidate, left), PairChoice(candidate, left)]

    @classmethod
    def serial(cls, step: Largest) -> "SerialArgmax":
        """Return the same for numbers that arrive one after the other."""
        return SerialArgmax(step.width, step.bits)

    @staticmethod
    def _levels(step: Largest) -> list[wiring.Component]:
        """Return the levels of a tournament tree, each in one part."""
        levels: list[wiring.Component] = []
        left = step.count
        while left > 1:
            levels.append(ArgmaxLevel(_candidate(step), left))
            left = (left + 1) // 2
        return levels

    def elaborate(self, platform: object) -> Module:
        """Build a tournament tree."""
        m = Module()
        word = self.enter(self.step, self.i)
        for number, level in enumerate(self._levels(self.step)):
            m.submodules[f"level_{number}"] = level
            m.d.comb += Value.cast(level.i).eq(word)
            word = Value.cast(level.o)
        m.d.comb += self.o.eq(self.leave(self.step, word))
        return m


def _candidate(step: Largest) -> data.StructLayout:
    """Return the layout of one of the numbers and its index."""
    return candidate_layout(signed(step.width) if step.signed else unsigned(step.width), step.bits)


class SerialArgmax(wiring.Component):
    """Index of the largest of scores that arrive one a cycle at most; ties to the earlier.

    Latency 1: `index` covers all scores up to the one taken in the cycle before.

    Members
    -------
    score : In(signed(width)); valid : In(1); first : In(1), forget the scores before
    index : Out(index_width)
    """

    def __init__(self, width: int, index_width: int) -> None:
        flags = {"valid": In(1), "first": In(1)}
        super().__init__({"score": In(signed(width)), **flags, "index": Out(index_width)})

    def elaborate(self, platform: object) -> Module:
        """Build the best score so far and a counter."""
        m = Module()
        best, count = Signal.like(self.score), Signal.like(self.index)
        with m.If(self.valid):
            m.d.sync += count.eq(Mux(self.first, 1, count + 1))
            with m.If(self.first | (self.score > best)):
                m.d.sync += [best.eq(self.score), self.index.eq(Mux(self.first, 0, count))]
        return m
