"""What the streams of the tree fabric share: features taken from the link, scores cut in digits."""

from collections.abc import Sequence
from dataclasses import dataclass

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from locgen.ir.integer.node import NodeBase

__all__ = [
    "Capture",
    "FeatureCounter",
    "LinkSchedule",
    "send_digits",
    "sent_lows",
    "summed_evidence",
]


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

    def ports(self) -> dict[str, wiring.Member]:
        """Return the ports of a core that listens on the way down and answers on the way up.

        `data` carries the digit of beat `index` while `down`; in beat `index` of the `up` phase
        `digit` holds that beat's digit of the scores, each counted from its lowest, or from 0, and
        then of the evidence if the core sends any.
        """
        return {
            "data": In(self.down_width),
            "index": In(self.index_bits),
            "down": In(1),
            "up": In(1),
            "digit": Out(self.up_width),
        }


class Capture(wiring.Component):
    """One feature, caught as it passes digit by digit, least significant first.

    Latency 1: `code` is right from the cycle after the feature's last beat until its next first.

    Parameters
    ----------
    feature : which; schedule : when it passes

    Members
    -------
    data : In(down_width); index : In(index_bits); down : In(1), a beat is there
    code : Out(beats * down_width)
    """

    def __init__(self, feature: int, schedule: LinkSchedule) -> None:
        self.start, self.beats = schedule.beats_of(feature)
        width = schedule.down_width
        super().__init__(
            {
                "data": In(width),
                "index": In(schedule.index_bits),
                "down": In(1),
                "code": Out(self.beats * width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build a shift register that moves in the feature's beats."""
        m = Module()
        own = self.index.matches(*range(self.start, self.start + self.beats))
        with m.If(self.down & own):
            m.d.sync += self.code.eq(Cat(self.code, self.data)[len(self.data) :])
        return m


class FeatureCounter(wiring.Component):
    """Which of the features passes, and where it begins and ends.

    A function of the feature is much smaller than one of the beat. Latency 0.

    Parameters
    ----------
    schedule : when features pass

    Members
    -------
    index : In(index_bits); down, up : In(1), in which phase
    number : Out, position in `schedule.travelling` of the feature that passes
    first, last : Out(1), its first and its last beat
    """

    def __init__(self, schedule: LinkSchedule) -> None:
        self.schedule = schedule
        super().__init__(
            {
                "index": In(schedule.index_bits),
                "down": In(1),
                "up": In(1),
                "number": Out(range(max(len(schedule.travelling), 2))),
                "first": Out(1, init=1),
                "last": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build a counter that moves at each feature's last beat."""
        m = Module()
        schedule = self.schedule
        ends = [sum(schedule.beats_of(feature)) - 1 for feature in schedule.travelling]
        if ends:
            m.d.comb += self.last.eq(self.down & self.index.matches(*ends))
        with m.If(self.down):
            m.d.sync += [self.first.eq(self.last), self.number.eq(self.number + self.last)]
        with m.Elif(self.up & (self.index == schedule.last_beat)):
            m.d.sync += [self.first.eq(1), self.number.eq(0)]
        return m


def sent_lows(node: NodeBase, from_zero: bool) -> tuple[int, ...]:
    """Return what each score is counted from on its way up: its lowest, or 0.

    Raises
    ------
    ValueError
        If it is 0 and a score may lie below.
    """
    lows = tuple(low for low, _ in node.ranges)
    if not from_zero:
        return lows
    if min(lows) < 0:
        raise ValueError("scores that count from 0 must not be negative")
    return (0,) * len(lows)


def send_digits(
    m: Module,
    core: wiring.Component,
    scores: dict[int, Value],
    schedule: LinkSchedule,
    evidence: tuple[int, Value] | None,
) -> None:
    """Drive `core.digit` with the digit of beat `core.index`.

    Parameters
    ----------
    scores : the unsigned score of each output that the node has; the others' digits are 0
    evidence : (first beat of the node's evidence, all of it), None to send none
    """
    words = {output * schedule.digits: score for output, score in scores.items()}
    words |= {} if evidence is None else dict([evidence])
    width = schedule.up_width
    with m.Switch(core.index):
        for start, word in sorted(words.items()):
            for k in range(-(-len(word) // width)):
                with m.Case(start + k):
                    m.d.comb += core.digit.eq(word[k * width : (k + 1) * width])


def summed_evidence(
    node: NodeBase, sums: Sequence[Value], lows: Sequence[int], start: int | None
) -> tuple[int, Value] | None:
    """Return (`start`, the evidence) of a node whose evidence is its scores from their lowest.

    `lows` is what `sums` count from, see `sent_lows`; without `start` there is no evidence.
    """
    if start is None:
        return None
    words = []
    members = zip(sums, node.ranges, lows, node.evidence_bits, strict=True)
    for total, (low, _), counted_from, bits in members:
        words.append((total - (low - counted_from))[:bits] if low != counted_from else total[:bits])
    return start, Cat(words)
