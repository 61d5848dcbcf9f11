"""Decision cores over groups of scores: votes, several decisions, and the weighted median."""

from collections.abc import Sequence

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from locgen.cores.argmax import ArgmaxLevel, candidate_layout
from locgen.cores.cascade import CascadeStep
from locgen.ir import Argmax, Cascade, Group, Median, MultiOutput, Votes

__all__ = ["GroupStep", "LargestStep", "MedianStep", "TallyStep", "decision_steps"]


def largest_index(m: Module, scores: Sequence[Value], bits: int, name: str) -> Value:
    """Return the index (`bits` wide) of the largest of `scores`, ties to the lowest."""
    width = max(len(score) for score in scores)
    shape = signed(width) if scores[0].shape().signed else unsigned(width)
    candidate = candidate_layout(shape, bits)
    front: list[Value] = []
    for index, score in enumerate(scores):
        entry = Signal(candidate, name=f"{name}_candidate_{index}")
        m.d.comb += [entry.score.eq(score), entry.index.eq(index)]
        front.append(Value.cast(entry))
    level = 0
    while len(front) > 1:
        knock_out = ArgmaxLevel(candidate, len(front))
        m.submodules[f"{name}_{level}"] = knock_out
        m.d.comb += [Value.cast(knock_out.i[n]).eq(entry) for n, entry in enumerate(front)]
        front = [Value.cast(knock_out.o[n]) for n in range((len(front) + 1) // 2)]
        level += 1
    return data.View(candidate, front[0]).index


class GroupStep(wiring.Component):
    """Each group of scores decides for itself. Latency 0 (combinational).

    Members
    -------
    i : In, all scores, `width` bits each, the first lowest
    o : Out, each group's decision, the first lowest
    """

    def __init__(self, groups: Sequence[Group], width: int) -> None:
        self.groups = tuple(groups)
        self.width = width
        count = len({score for group in groups for score in group.scores})
        bits = sum(group.decision.bits for group in groups)
        super().__init__({"i": In(count * width), "o": Out(bits)})

    def elaborate(self, platform: object) -> Module:
        """Build a comparison with zero or a knock-out for each group."""
        m = Module()
        decisions = []
        for number, group in enumerate(self.groups):
            scores = [self.i.word_select(n, self.width).as_signed() for n in group.scores]
            if isinstance(group.decision, Argmax):
                bits = group.decision.bits
                decisions.append(largest_index(m, scores, bits, f"group_{number}"))
                continue
            if isinstance(group.decision, Votes):
                word: Value = Cat(scores)
                for place, step in enumerate(decision_steps(group.decision, self.width)):
                    m.submodules[f"group_{number}_{place}"] = step
                    m.d.comb += step.i.eq(word)
                    word = step.o
                decisions.append(word)
                continue
            below = scores[0][-1]
            above = ~below if group.decision.operator == ">=" else ~below & scores[0].any()
            decisions.append(above)
        m.d.comb += self.o.eq(Cat(decisions))
        return m


class TallyStep(wiring.Component):
    """Adds up the weights of the votes for each class. Latency 0 (combinational).

    Members
    -------
    i : In, the groups' decisions as `GroupStep` gives them
    o : Out, each class's sum, `width` bits each, the first lowest
    """

    def __init__(self, votes: Votes) -> None:
        self.votes = votes
        self.width = max(sum(votes.weights).bit_length(), 1)
        bits = sum(group.decision.bits for group in votes.groups)
        super().__init__({"i": In(bits), "o": Out(votes.classes * self.width)})

    def elaborate(self, platform: object) -> Module:
        """Build one adder tree for each class."""
        m = Module()
        votes = self.votes
        heard: list[list[Value]] = [[] for _ in range(votes.classes)]
        place = 0
        for group, choices, weight in zip(votes.groups, votes.choices, votes.weights, strict=True):
            decided = self.i[place : place + group.decision.bits]
            place += group.decision.bits
            for choice in sorted(set(choices)):
                named = [n for n, chosen in enumerate(choices) if chosen == choice]
                heard[choice].append(Mux(decided.matches(*named), weight, 0))
        for choice, parts in enumerate(heard):
            m.d.comb += self.o.word_select(choice, self.width).eq(sum_of(parts))
        return m


def sum_of(parts: Sequence[Value]) -> Value:
    """Return the sum of `parts` as a balanced tree of adders."""
    level = list(parts) or [Const(0, 1)]
    while len(level) > 1:
        pairs = [a + b for a, b in zip(level[::2], level[1::2], strict=False)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0]


class LargestStep(wiring.Component):
    """Index of the largest of unsigned numbers, ties to the lowest. Latency 0 (combinational).

    Members
    -------
    i : In, `count` numbers of `width` bits, the first lowest; o : Out(bits)
    """

    def __init__(self, count: int, width: int, bits: int) -> None:
        self.count = count
        self.width = width
        super().__init__({"i": In(count * width), "o": Out(bits)})

    def elaborate(self, platform: object) -> Module:
        """Build a knock-out."""
        m = Module()
        numbers = [self.i.word_select(n, self.width) for n in range(self.count)]
        m.d.comb += self.o.eq(largest_index(m, numbers, len(self.o), "largest"))
        return m


class MedianStep(wiring.Component):
    """One bit of a weighted median, the most significant first. Latency 0 (combinational).

    Scores that agree with the median's bits so far are still `equal`, those below are `less`, the
    others neither. The bit is 0 if the scores that a 0 leaves at or below the median have half of
    all weights.

    Members
    -------
    i, o : In and Out: the bits found so far (`done`, the first highest), then `less` and `equal` of
        each score, then the bits still to come of each score; the last step gives the median alone
    """

    def __init__(self, median: Median, done: int) -> None:
        self.median = median
        self.done = done
        count, bits = median.outputs, median.bits
        flags = 2 * count if done else 0
        last = done + 1 == bits
        super().__init__(
            {
                "i": In(done + flags + count * (bits - done)),
                "o": Out(bits if last else done + 1 + 2 * count + count * (bits - done - 1)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the sum of weights and the new flags."""
        m = Module()
        count, left = self.median.outputs, self.median.bits - self.done
        found = self.i[: self.done]
        less = self.i[self.done : self.done + count] if self.done else C(0, count)
        place = self.done + (count if self.done else 0)
        equal = self.i[place : place + count] if self.done else ~C(0, count)
        rest = self.i[len(self.i) - count * left :]
        words = [rest.word_select(n, left) for n in range(count)]
        ahead = Signal(count)
        m.d.comb += ahead.eq(Cat(word[-1] for word in words))
        within = Signal(count)
        m.d.comb += within.eq(less | (equal & ~ahead))
        weights = self.median.weights
        weight = sum_of([Mux(within[n], w, 0) for n, w in enumerate(weights) if w])
        bit = Signal()
        m.d.comb += bit.eq(weight < (sum(weights) + 1) // 2)
        now = Cat(bit, found)  # what was found before is higher
        if left == 1:
            m.d.comb += self.o.eq(now)
            return m
        fewer = Mux(bit, within, less)
        same = equal & Mux(bit, ahead, ~ahead)
        m.d.comb += self.o.eq(Cat(now, fewer[:count], same[:count], *(word[:-1] for word in words)))
        return m


def decision_steps(
    decision: Votes | MultiOutput | Median | Cascade, width: int
) -> tuple[CascadeStep | GroupStep | TallyStep | LargestStep | MedianStep, ...]:
    """Return what computes `decision`, one after the other, from scores of `width` bits.

    The first takes all scores side by side, each takes the one before's `o`; the last gives the
    decision. A median takes scores of its own bits, unsigned; the others signed ones.
    """
    if isinstance(decision, Median):
        return tuple(MedianStep(decision, done) for done in range(decision.bits))
    if isinstance(decision, Cascade):
        step = CascadeStep(decision, width)
        every = Group(tuple(range(len(decision.bias))), decision.decision)
        return step, GroupStep((every,), step.width)
    groups = GroupStep(decision.groups, width)
    if isinstance(decision, MultiOutput):
        return (groups,)
    tally = TallyStep(decision)
    return groups, tally, LargestStep(decision.classes, tally.width, decision.bits)
