"""Serial forms of nodes: features taken from the link as they pass, scores sent in digits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from amaranth import *
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from locgen.cores.features import NodeInputs
from locgen.ir.integer.node import NodeBase

__all__ = [
    "ComparisonStream",
    "FeatureCapture",
    "FeatureCounter",
    "LinkSchedule",
    "NodeStream",
    "link_signature",
    "store_features",
]

N = TypeVar("N", bound=NodeBase)


def link_signature(width: int, index_bits: int) -> wiring.Signature:
    """Return the serial link of a site, as the network drives it.

    Members
    -------
    digit : Out(width), of a feature
    index : Out(index_bits), the beat of the phase
    down, compute, up : Out(1), in which phase; all 0 at rest
    """
    phases = {"down": Out(1), "compute": Out(1), "up": Out(1)}
    return wiring.Signature({"digit": Out(width), "index": Out(index_bits), **phases})


@dataclass(frozen=True)
class LinkSchedule:
    """When features pass a site, and when it answers.

    Members
    -------
    slots : for each feature (first beat, number of beats), or None if it never travels
    down_width, up_width : bits of a digit on the way down and up
    digits, outputs : digits of one score, scores of an answer
    index_bits : bits of the beat number
    evidence_beats : beats up behind the scores, in which evidence is gathered
    """

    slots: tuple[tuple[int, int] | None, ...]
    down_width: int
    up_width: int
    digits: int
    outputs: int
    index_bits: int
    evidence_beats: int = 0

    def beats_of(self, feature: int) -> tuple[int, int]:
        """Return (first beat, number of beats) of a feature.

        Raises
        ------
        ValueError
            If it never travels.
        """
        slot = self.slots[feature]
        if slot is None:
            raise ValueError(f"feature {feature} must travel")
        return slot

    @property
    def travelling(self) -> tuple[int, ...]:
        """Features that travel, in the order in which they pass."""
        seen = [feature for feature, slot in enumerate(self.slots) if slot is not None]
        return tuple(sorted(seen, key=self.beats_of))

    @property
    def last_beat(self) -> int:
        """The last beat up."""
        return self.digits * self.outputs + self.evidence_beats - 1

    @property
    def link(self) -> wiring.Signature:
        """The link that a site listens to."""
        return link_signature(self.down_width, self.index_bits)


class FeatureCapture(wiring.Component):
    """One feature, caught as it passes digit by digit, least significant first.

    Latency 1: `code` is right from the cycle after the feature's last beat until its next first.

    Parameters
    ----------
    feature : which; schedule : when it passes

    Members
    -------
    link : In(schedule.link); code : Out(beats * down_width)
    """

    def __init__(self, feature: int, schedule: LinkSchedule) -> None:
        self.start, self.beats = schedule.beats_of(feature)
        code = self.beats * schedule.down_width
        super().__init__({"link": In(schedule.link), "code": Out(code)})

    def elaborate(self, platform: object) -> Module:
        """Build a shift register that moves in the feature's beats."""
        m = Module()
        link = self.link
        passes = link.index.matches(*range(self.start, self.start + self.beats))
        with m.If(link.down & passes):
            m.d.sync += self.code.eq(Cat(self.code, link.digit)[len(link.digit) :])
        return m


class FeatureCounter(wiring.Component):
    """Which of the features passes, and where it begins and ends.

    A function of the feature is much smaller than one of the beat. Latency 0.

    Parameters
    ----------
    schedule : when features pass

    Members
    -------
    link : In(schedule.link)
    number : Out, position in `schedule.travelling` of the feature that passes
    first, last : Out(1), its first and its last beat
    """

    def __init__(self, schedule: LinkSchedule) -> None:
        self.schedule = schedule
        super().__init__(
            {
                "link": In(schedule.link),
                "number": Out(range(max(len(schedule.travelling), 2))),
                "first": Out(1, init=1),
                "last": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build a counter that moves at each feature's last beat."""
        m = Module()
        schedule, link = self.schedule, self.link
        ends = [sum(schedule.beats_of(feature)) - 1 for feature in schedule.travelling]
        if ends:
            m.d.comb += self.last.eq(link.down & link.index.matches(*ends))
        with m.If(link.down):
            m.d.sync += [self.first.eq(self.last), self.number.eq(self.number + self.last)]
        with m.Elif(link.up & (link.index == schedule.last_beat)):
            m.d.sync += [self.first.eq(1), self.number.eq(0)]
        return m


class NodeStream(wiring.Component, Generic[N]):
    """One node of the tree fabric, that takes features from its link and sends its scores.

    Latency 0 from a beat of the up phase to its digit.

    Parameters
    ----------
    node : what it computes; schedule : when features pass and scores leave
    from_zero : send the scores, none below 0, as they are; else counted from the lowest
    evidence : first beat of the node's evidence, behind the scores; None to send none

    Members
    -------
    link : In(schedule.link), carries the digit of beat `index` while `down`
    digit : Out(up_width), in beat `index` of the `up` phase that beat's digit of the scores, and
        then of the evidence if the node sends any

    Raises
    ------
    ValueError
        With `from_zero`, if a score may lie below 0.
    """

    def __init__(
        self,
        node: N,
        schedule: LinkSchedule,
        from_zero: bool = False,
        evidence: int | None = None,
    ) -> None:
        self.node = node
        self.schedule = schedule
        self.evidence = evidence
        self.lows = tuple(low for low, _ in node.ranges)  # what each score is counted from
        if from_zero:
            if min(self.lows) < 0:
                raise ValueError("scores that count from 0 must not be negative")
            self.lows = (0,) * len(self.lows)
        super().__init__(
            {"link": In(schedule.link), **self.inputs(), "digit": Out(schedule.up_width)}
        )

    def inputs(self) -> dict[str, wiring.Member]:
        """Return the ports that the node reads besides the link."""
        return {}

    def connect(self, m: Module, link: wiring.PureInterface, inputs: NodeInputs) -> None:
        """Connect the node to the link of its site, and to the results of its comparisons."""
        wiring.connect(m, wiring.flipped(link), self.link)

    def count_features(self, m: Module) -> FeatureCounter:
        """Add the submodule `counter`, which says which feature passes."""
        m.submodules.counter = counter = FeatureCounter(self.schedule)
        wiring.connect(m, wiring.flipped(self.link), counter.link)
        return counter

    def send(self, m: Module, scores: Sequence[Value], evidence: Value | None = None) -> None:
        """Drive `digit` with the digit of the beat.

        Parameters
        ----------
        m : module of the node
        scores : unsigned score of each of the node's outputs, counted from `lows`
        evidence : all of it; by default the scores, counted from their lowest
        """
        digits, width = self.schedule.digits, self.schedule.up_width
        words = {o * digits: score for o, score in zip(self.node.outputs, scores, strict=True)}
        if self.evidence is not None:
            words[self.evidence] = self._summed(scores) if evidence is None else evidence
        with m.Switch(self.link.index):
            for start, word in sorted(words.items()):
                for k in range(-(-len(word) // width)):
                    with m.Case(start + k):
                        m.d.comb += self.digit.eq(word[k * width : (k + 1) * width])

    def _summed(self, scores: Sequence[Value]) -> Value:
        """Return the scores counted from their lowest, side by side."""
        members = zip(scores, self.node.ranges, self.lows, self.node.evidence_bits, strict=True)
        return Cat(
            (score - (low - counted_from) if low != counted_from else score)[:bits]
            for score, (low, _), counted_from, bits in members
        )

    def recounted(self, scores: Sequence[Value], least: int = 0) -> list[Value]:
        """Return scores counted from their lowest as they are sent, of at least `least` bits."""
        return [
            (score + (low - counted_from))[: max((high - counted_from).bit_length(), least)]
            for score, (low, high), counted_from in zip(
                scores, self.node.ranges, self.lows, strict=True
            )
        ]


class ComparisonStream(NodeStream[N]):
    """A node made of comparisons, whose scores leave digit by digit.

    Members
    -------
    bits : In, the result of each of ``node.comparisons``, at least one, held from the first beat
        up; `link` and `digit` as of `NodeStream`
    """

    def inputs(self) -> dict[str, wiring.Member]:
        """Return the comparisons' results."""
        return {"bits": In(max(len(self.node.comparisons), 1))}

    def connect(self, m: Module, link: wiring.PureInterface, inputs: NodeInputs) -> None:
        """Connect the link and the comparisons' results."""
        super().connect(m, link, inputs)
        m.d.comb += self.bits.eq(inputs.results_of(self.node))


def store_features(m: Module, stream: NodeStream, write: memory.WritePort) -> None:
    """Write each of a node's features as it has passed, at its place among them."""
    node, schedule, link = stream.node, stream.schedule, stream.link
    counter, width = stream.count_features(m), schedule.down_width
    most = max(schedule.beats_of(feature)[1] for feature in schedule.travelling)
    code: Value = link.digit
    if most > 1:
        kept = Signal((most - 1) * width, name="passing")
        beat = Signal(range(most), name="beat")
        code = Signal(most * width, name="whole")
        m.d.comb += code.eq(Mux(counter.first, 0, kept))
        with m.Switch(Mux(counter.first, 0, beat)):
            for position in range(most):
                with m.Case(position):
                    m.d.comb += code.word_select(position, width).eq(link.digit)
        with m.If(link.down):
            m.d.sync += [kept.eq(code), beat.eq(Mux(counter.first, 1, beat + 1))]
    place = Signal(range(max(len(node.features), 2)), name="place_among_features")
    reads = Signal(name="reads")
    with m.Switch(counter.number):
        for number, feature in enumerate(schedule.travelling):
            if feature in node.features:
                with m.Case(number):
                    m.d.comb += [reads.eq(1), place.eq(node.features.index(feature))]
    with m.If(counter.last & reads):
        m.d.comb += [write.en.eq(1), write.addr.eq(place), write.data.eq(code)]
