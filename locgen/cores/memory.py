"""Memories of 32-bit words that hold a model, and the check that they hold it whole."""

from collections.abc import Sequence

from amaranth import *
from amaranth.lib import crc, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from locgen.plan.engine import SMALLEST_IMAGE, WORD_BITS, EngineShape

__all__ = ["SPRAM_WORDS", "BlockWords", "ModelMemory", "SpramWords"]

SPRAM_WORDS = 1 << 14
"""Of 32 bits, in two blocks side by side."""
_SPRAM_BITS = 16


def _words_signature(words: int) -> dict[str, wiring.Member]:
    return {
        "address": In(range(words)),
        "write": In(1),
        "data": In(WORD_BITS),
        "word": Out(WORD_BITS),
    }


class BlockWords(wiring.Component):
    """Words in block RAM, with initial contents in the bitstream. Latency 1.

    Members
    -------
    address : In; write : In(1); data : In(32), stored at `address` if `write`
    word : Out(32), what stood at `address` one cycle ago; meaningless after a write
    """

    def __init__(self, words: int, init: Sequence[int]) -> None:
        self.words = words
        self.init = tuple(init)
        super().__init__(_words_signature(words))

    def elaborate(self, platform: object) -> Module:
        """Build one memory."""
        m = Module()
        m.submodules.memory = memory = Memory(shape=WORD_BITS, depth=self.words, init=self.init)
        write, read = memory.write_port(), memory.read_port()
        m.d.comb += [
            write.addr.eq(self.address),
            write.data.eq(self.data),
            write.en.eq(self.write),
            read.addr.eq(self.address),
            self.word.eq(read.data),
        ]
        return m


class SpramWords(wiring.Component):
    """Words in the UP5K's SPRAM: 16,384 or 32,768 of them, in two or four blocks. Latency 1.

    No bitstream can initialise it: what it holds after power-up is not defined.

    Members
    -------
    As of `BlockWords`.
    """

    def __init__(self, words: int) -> None:
        if words not in (SPRAM_WORDS, 2 * SPRAM_WORDS):
            raise ValueError(f"words must be 16384 or 32768, not {words}")
        self.words = words
        super().__init__(_words_signature(words))

    def elaborate(self, platform: object) -> Module:
        """Build the blocks and choose the half that was read."""
        m = Module()
        halves = []
        for half in range(self.words // SPRAM_WORDS):
            selected = Const(1) if self.words == SPRAM_WORDS else self.address[-1] == half
            out = Signal(WORD_BITS, name=f"half_{half}")
            for part in range(WORD_BITS // _SPRAM_BITS):
                lanes = slice(part * _SPRAM_BITS, (part + 1) * _SPRAM_BITS)
                m.submodules[f"spram_{half}_{part}"] = Instance(
                    "SB_SPRAM256KA",
                    i_ADDRESS=self.address[:14],
                    i_DATAIN=self.data[lanes],
                    i_MASKWREN=Const(0xF, 4),
                    i_WREN=self.write & selected,
                    i_CHIPSELECT=Const(1),
                    i_CLOCK=ClockSignal(),
                    i_STANDBY=Const(0),
                    i_SLEEP=Const(0),
                    i_POWEROFF=Const(1),
                    o_DATAOUT=out[lanes],
                )
            halves.append(out)
        if len(halves) == 1:
            m.d.comb += self.word.eq(halves[0])
        else:
            upper = Signal()
            m.d.sync += upper.eq(self.address[-1])
            m.d.comb += self.word.eq(Mux(upper, halves[1], halves[0]))
        return m


class ModelMemory(wiring.Component):
    """An engine's memory with what fills and checks it.

    A check reads the image back, one word a cycle, and compares its CRC-32; it takes as many cycles
    as the image has words, and five more.

    Parameters
    ----------
    shape : the engine
    image : contents in the bitstream, loaded from the start; empty for none
    words : the memory itself, `BlockWords` or `SpramWords` by default as `shape` says

    Members
    -------
    address : In, read by the engine while nothing is loaded or checked
    word : Out(32), what stands there, one cycle later
    load : In(1), load_address : In, load_data : In(32), store a word; nothing is loaded any more
    check : In(1), begin a check; checking : Out(1), it goes on
    loaded : Out(1), the checksum matched and nothing was written since
    digest : Out(64), read in the last check
    """

    def __init__(
        self,
        shape: EngineShape,
        image: Sequence[int] = (),
        words: wiring.Component | None = None,
    ) -> None:
        self.shape = shape
        self.image = tuple(image)
        if words is None:
            words = (
                SpramWords(shape.words)
                if shape.memory == "spram"
                else BlockWords(shape.words, image)
            )
        self.words = words
        super().__init__(
            {
                "address": In(shape.address_bits),
                "word": Out(WORD_BITS),
                "load": In(1),
                "load_address": In(shape.address_bits),
                "load_data": In(WORD_BITS),
                "check": In(1),
                "checking": Out(1),
                "loaded": Out(1),
                "digest": Out(64),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the memory, a counter, the checksum and what it leaves behind."""
        m = Module()
        m.submodules.words = words = self.words
        m.d.comb += [
            words.data.eq(self.load_data),
            words.write.eq(self.load),
            words.address.eq(self.address),
            self.word.eq(words.word),
        ]
        with m.If(self.load):
            m.d.comb += words.address.eq(self.load_address)

        # What the memory holds outlives a reset, and so does what is known of it.
        loaded = Signal(init=bool(self.image), reset_less=True)
        known = self.image[2] | self.image[3] << 32 if self.image else 0
        digest = Signal(64, init=known, reset_less=True)
        m.d.comb += [self.loaded.eq(loaded), self.digest.eq(digest)]

        m.submodules.crc = checksum = crc.Processor(crc.catalog.CRC32_ISO_HDLC(WORD_BITS))
        place = Signal(self.shape.address_bits + 1)  # the next word to read
        arrived, at_end = Signal(), Signal()
        position = Signal.like(place)  # of the word that arrived
        last = Signal.like(place)
        m.d.comb += [checksum.data.eq(words.word), checksum.valid.eq(arrived)]
        with m.If(self.checking):
            m.d.comb += words.address.eq(place)
            m.d.sync += [place.eq(place + 1), position.eq(place), arrived.eq(~at_end)]
        with m.If(arrived), m.Switch(position):
            with m.Case(1):
                valid = (words.word >= SMALLEST_IMAGE) & (words.word <= self.shape.words)
                m.d.sync += last.eq(Mux(valid, words.word - 1, 0))
            with m.Case(2):
                m.d.sync += digest[:32].eq(words.word)
            with m.Case(3):
                m.d.sync += digest[32:].eq(words.word)
        with m.If(arrived & (position[2:] != 0) & (position >= last)):
            m.d.comb += at_end.eq(1)
        ended = Signal()
        m.d.sync += ended.eq(at_end & arrived)
        with m.If(ended):
            m.d.sync += [
                self.checking.eq(0),
                arrived.eq(0),
                loaded.eq(checksum.match_detected & (last != 0)),
            ]
        with m.If(self.check):
            m.d.comb += checksum.start.eq(1)
            m.d.sync += [
                self.checking.eq(1),
                loaded.eq(0),
                arrived.eq(0),
                ended.eq(0),
                place.eq(0),
            ]
        with m.If(self.load):
            m.d.sync += loaded.eq(0)
        return m
