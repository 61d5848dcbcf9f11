"""Writer of a checked request's words to a core's memories."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .memory import ADDRESS_BITS, WORD_BITS, load_layout

__all__ = ["WordWriter"]


class WordWriter(wiring.Component):
    """Gives a write request's words to the core, one every 32 clocks.

    The words stay in the link's receiving shift register, which moves on by one bit a clock. The
    address counts in the meantime, a bit at a time as well: no carry chain, no wide multiplexer.

    Parameters
    ----------
    words : words of a write request, at least 1

    Members
    -------
    take : In(1), `bit` is the next one of the request's address, least significant bit first
    bit : In(1)
    run : In(1), the request was checked; hold it until `done`
    word : In(32), the word at the exit of the shift register
    done : Out(1), combinational: this is the last clock
    load : Out(stream.Signature(load_layout(), always_ready=True)), the words

    A request takes 32 clocks a word; the first word goes in the first of them. The shift register
    moves in every clock with `run`.
    """

    take: In(1)
    bit: In(1)
    run: In(1)
    word: In(WORD_BITS)
    done: Out(1)
    load: Out(stream.Signature(load_layout(), always_ready=True))

    def __init__(self, words: int) -> None:
        if words < 1:
            raise ValueError(f"words must be at least 1, not {words!r}")
        self.words = words
        super().__init__()

    def elaborate(self, platform: object) -> Module:
        """Build the address, which counts bit by bit, and the step."""
        m = Module()
        address = Signal(ADDRESS_BITS)
        step = Signal(range(WORD_BITS * self.words))
        in_word = step[:5]
        carry = Signal(init=1)
        turned = in_word[4]  # the address has turned round once: it is the next one already
        m.d.comb += [
            self.done.eq(step == WORD_BITS * self.words - 1),
            self.load.valid.eq(self.run & (in_word == 0)),
            self.load.p.address.eq(address),
            self.load.p.data.eq(self.word),
        ]
        with m.If(self.take):
            m.d.sync += address.eq(Cat(address[1:], self.bit))
        with m.If(self.run):
            m.d.sync += [
                address.eq(Cat(address[1:], address[0] ^ (carry & ~turned))),
                carry.eq((carry & address[0]) | turned),
                step.eq(step + 1),
            ]
            with m.If(self.done):
                m.d.sync += step.eq(0)
        return m
