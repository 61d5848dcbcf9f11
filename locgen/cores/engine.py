"""The tree engine: many decision trees in turn, out of a memory."""

from dataclasses import dataclass

from amaranth import *
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

from locgen.plan.engine import HEADER_WORDS, WORD_BITS, EngineShape

__all__ = ["TreeEngine"]


class _Word(enum.Enum, shape=unsigned(3)):
    """What the word that a lane has asked for will be."""

    NOTHING = 0
    INITIAL = 1
    DIRECTORY = 2
    NODE = 3
    MORE = 4


@dataclass(frozen=True)
class _Arrival:
    """The word that has arrived for the lane in turn.

    Members
    -------
    lane : what it is; following : what the lane asks for next
    word : the word itself
    initial, leaf : whether it is an initial value, or of a leaf whose scores are added
    leaf_word : of the leaf, valid with `leaf`
    """

    lane: data.View
    following: data.View
    word: Signal
    initial: Signal
    leaf: Signal
    leaf_word: Signal


class TreeEngine(wiring.Component):
    """Walks all trees of its memory's image and adds up their leaves' scores.

    Two lanes take turns, a tree each: while one lane's word is on its way through the memory and
    its feature through the features' memory, the other lane's is. So one word is read every cycle.
    An inference ends at most ``shape.cycles_of(nodes)`` cycles after `start`, and earlier where
    rows take short ways; the scores then stand until the next `start`.

    Parameters
    ----------
    shape : widths and sizes; `plan.engine.tree_image` writes the image that it reads

    Members
    -------
    start : In(1), for one cycle, while the engine rests
    address : Out, to the model's memory; word : In(32), what stands there, one cycle later
    feature : Out, to the features' memory; value : In(code_bits), its code, one cycle later
    busy : Out(1), scores are not complete
    scores : Out(ArrayLayout(score_bits, outputs)), not negative
    reached : Out(1), a tree's leaf was reached; leaf : Out, its address; entry : Out, its tree's
        place in the directory
    """

    def __init__(self, shape: EngineShape) -> None:
        self.shape = shape
        super().__init__(
            {
                "start": In(1),
                "address": Out(shape.address_bits),
                "word": In(WORD_BITS),
                "feature": Out(shape.feature_index_bits),
                "value": In(shape.code_bits),
                "busy": Out(1),
                "scores": Out(data.ArrayLayout(unsigned(shape.score_bits), shape.outputs)),
                "reached": Out(1),
                "leaf": Out(shape.address_bits),
                "entry": Out(shape.address_bits),
            }
        )

    @property
    def _lane(self) -> data.StructLayout:
        """The layout of what a lane waits for."""
        shape = self.shape
        return data.StructLayout(
            {
                "kind": _Word,
                "address": shape.address_bits,
                "entry": shape.address_bits,  # the lane's next place in the directory
                "last": 1,  # the lane's tree is its last
                "count": range(max(shape.outputs, shape.leaf_words)),
                "output": shape.output_bits if shape.columns == 1 else 0,
            }
        )

    def _split(self, word: Value) -> data.View:
        """Return the fields of a split."""
        shape = self.shape
        layout = data.StructLayout(
            {
                "threshold": shape.code_bits,
                "feature": shape.feature_index_bits,
                "right": shape.address_bits,
            }
        )
        return data.View(layout, word[: layout.size])

    def elaborate(self, platform: object) -> Module:
        """Build two stages, the choice of the next word, and the accumulators."""
        m = Module()
        shape = self.shape
        asked, arrived, following = (
            Signal(self._lane, name=name) for name in ("asked", "arrived", "following")
        )
        held = Signal(WORD_BITS)
        initial, leaf, leaf_word = Signal(), Signal(), Signal.like(arrived.count)
        arrival = _Arrival(arrived, following, held, initial, leaf, leaf_word)
        second = Signal()
        m.d.sync += [asked.eq(following), arrived.eq(asked), held.eq(self.word), second.eq(0)]
        m.d.comb += [
            self.address.eq(following.address),
            self.feature.eq(self._split(self.word).feature),
            self.busy.eq((asked.kind != _Word.NOTHING) | (arrived.kind != _Word.NOTHING) | second),
            following.eq(arrived),
            self.leaf.eq(arrived.address),
            self.entry.eq(arrived.entry - (shape.directory + 2)),  # it is one ahead by then
        ]
        self._choose(m, arrival)
        self._accumulate(m, arrival)
        with m.If(self.start):
            m.d.sync += second.eq(1)
            m.d.comb += [
                following.kind.eq(_Word.INITIAL),
                following.address.eq(HEADER_WORDS),
                following.entry.eq(shape.directory),
                following.count.eq(0),
                following.last.eq(0),
            ]
        with m.If(second):
            m.d.comb += [
                following.kind.eq(_Word.DIRECTORY),
                following.address.eq(shape.directory + 1),
                following.entry.eq(shape.directory + 1),
            ]
        return m

    def _choose(self, m: Module, arrival: _Arrival) -> None:
        """Drive what a lane asks for next, and what is added to the scores."""
        shape, held = self.shape, arrival.word
        arrived, following = arrival.lane, arrival.following
        onwards = Signal(shape.address_bits)
        leaf_ends, next_tree = Signal(), Signal()
        m.d.comb += onwards.eq(arrived.address + 1)
        with m.Switch(arrived.kind):
            with m.Case(_Word.INITIAL):
                m.d.comb += [
                    arrival.initial.eq(1),
                    following.address.eq(onwards),
                    following.count.eq(arrived.count + 1),
                    next_tree.eq(arrived.count == shape.outputs - 1),
                ]
            with m.Case(_Word.DIRECTORY):
                m.d.comb += [
                    following.kind.eq(_Word.NODE),
                    following.address.eq(held[: shape.address_bits]),
                    following.entry.eq(arrived.entry + 2),
                    following.last.eq(held[-1]),
                ]
                if shape.columns == 1:
                    m.d.comb += following.output.eq(held[shape.address_bits :])
            with m.Case(_Word.NODE):
                with m.If(held[-1]):  # a leaf
                    m.d.comb += [
                        self.reached.eq(1),
                        arrival.leaf.eq(1),
                        leaf_ends.eq(shape.leaf_words == 1),
                        following.kind.eq(_Word.MORE),
                        following.address.eq(onwards),
                        following.count.eq(1),
                    ]
                with m.Else():
                    split = self._split(held)
                    left = self.value <= split.threshold
                    m.d.comb += following.address.eq(Mux(left, onwards, split.right))
            with m.Case(_Word.MORE):
                m.d.comb += [
                    arrival.leaf.eq(1),
                    arrival.leaf_word.eq(arrived.count),
                    leaf_ends.eq(arrived.count == shape.leaf_words - 1),
                    following.address.eq(onwards),
                    following.count.eq(arrived.count + 1),
                ]
        with m.If(leaf_ends):
            m.d.comb += next_tree.eq(1)
        with m.If(next_tree):
            m.d.comb += [
                following.kind.eq(_Word.DIRECTORY),
                following.address.eq(arrived.entry),
            ]
            with m.If(leaf_ends & arrived.last):
                m.d.comb += following.kind.eq(_Word.NOTHING)

    def _accumulate(self, m: Module, arrival: _Arrival) -> None:
        """Add initial values and leaves to the scores.

        They never come in the same cycle: one adder an output serves both.
        """
        shape, held, lane = self.shape, arrival.word, arrival.lane
        for output in range(shape.outputs):
            addend = Signal(shape.score_bits, name=f"addend_{output}")
            with m.If(arrival.initial):
                mine = lane.count == output
                m.d.comb += addend.eq(held[: shape.score_bits] & mine.replicate(shape.score_bits))
            with m.Elif(arrival.leaf):
                single = shape.columns == 1
                word, bit = shape.leaf_fields[0 if single else output]
                mine = lane.output == output if single else arrival.leaf_word == word
                field = held[bit : bit + shape.leaf_bits]
                m.d.comb += addend.eq(field & mine.replicate(shape.leaf_bits))
            total = self.scores[output]
            m.d.sync += total.eq(total + addend)
            with m.If(self.start):
                m.d.sync += total.eq(0)
