"""A core behind registers of 32 bits: what the buses of a system on chip share."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .memory import ADDRESS_BITS, memory_signature
from .payload import response_layout
from .protocol import LinkParams

__all__ = ["ADDRESS_WIDTH", "MAGIC", "REGISTERS", "RegisterFile", "register_map", "score_words"]

MAGIC = 0x314E474C
"""The characters LGN1."""
ADDRESS_WIDTH = 14
"""Of a byte address."""
_WORD = 32
REGISTERS = {
    "MAGIC": 0x00,
    "DIGEST_LOW": 0x04,
    "DIGEST_HIGH": 0x08,
    "WIDTHS": 0x0C,
    "SHAPE": 0x10,
    "STATUS": 0x14,
    "CONTROL": 0x18,
    "DECISION": 0x1C,
    "DECISION_HIGH": 0x20,
    "LOAD_ADDRESS": 0x24,
    "LOAD_DATA": 0x28,
    "FEATURES": 0x1000,
    "SCORES": 0x2000,
}
"""Byte addresses; of the last two, of their first words. docs/buses.md says what they hold."""
_WINDOW_WORDS = 1024
BUSY, DONE, LOADED, CHECKING = range(4)
START, CHECK = range(2)


def score_words(params: LinkParams) -> int:
    """Return the words that a score takes: 1, or 2 for more than 32 bits."""
    return 1 if params.score_bits <= _WORD else 2


def register_map(params: LinkParams) -> dict[str, int]:
    """Return the words in each window of a design, by name.

    Raises ValueError if features, decision or scores are too many for the map.
    """
    words = {
        "FEATURES": -(-params.feature_bits // _WORD),
        "SCORES": params.outputs * score_words(params),
    }
    for name, count in words.items():
        if count > _WINDOW_WORDS:
            raise ValueError(f"{name} must have at most {_WINDOW_WORDS} words, not {count}")
    for name in ("decision_bits", "score_bits"):
        if getattr(params, name) > 2 * _WORD:
            raise ValueError(f"{name} must be at most 64, not {getattr(params, name)}")
    return words


class RegisterFile(wiring.Component):
    """Registers that fill a core's input, start it, and keep its answer.

    Parameters
    ----------
    params : the design's widths and digest

    Members
    -------
    address : In(12), of a word
    write : In(1), for one clock: store `data` at `address`
    data : In(32)
    read : Out(32), combinational: what `address` holds; 0 where nothing can be read
    refused : Out(1), combinational: a write of `data` to `address` now would do nothing, because
        nothing is written there, a row is with the core, or its memories are not ready for it
    request : Out(stream.Signature(F)), a row from START to its transfer, frozen
    response : In(stream.Signature(response_layout(params), always_ready=True))
    memory : In(memory_signature()), the core's memory ports, for a design with memories alone

    `request.valid` rises in the clock after the write of START; the answer can be read in the
    clock after `response.valid`.

    Raises ValueError as `register_map` does.
    """

    def __init__(self, params: LinkParams):
        self.params = params
        self.words = register_map(params)
        members = {
            "address": In(ADDRESS_WIDTH - 2),
            "write": In(1),
            "data": In(_WORD),
            "read": Out(_WORD),
            "refused": Out(1),
            "request": Out(stream.Signature(unsigned(params.feature_bits))),
            "response": In(stream.Signature(response_layout(params), always_ready=True)),
        }
        if params.has_memories:
            members["memory"] = In(memory_signature())
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        params, data = self.params, self.data
        features = Signal(params.feature_bits)
        answer = Signal.like(self.response.payload.as_value())
        fields = self.response.payload.shape()(answer)
        busy, done = Signal(), Signal()
        digest: Value = Const(params.digest, 64)
        loaded: Value = Const(1)
        checking: Value = Const(0)
        if params.has_memories:
            memory = self.memory
            loaded, checking = memory.loaded, memory.checking
            digest = Mux(loaded, memory.digest, 0)
        m.d.comb += self.request.payload.eq(features)

        with m.If(self.request.ready & self.request.valid):
            m.d.sync += self.request.valid.eq(0)
        with m.If(self.response.valid):
            m.d.sync += [answer.eq(self.response.payload), busy.eq(0), done.eq(1)]

        places = {name: byte // 4 for name, byte in REGISTERS.items()}
        m.d.comb += self.refused.eq(1)
        accepted = Signal()
        m.d.comb += accepted.eq(self.write & ~self.refused)
        with m.Switch(self.address):
            for name, value in (
                ("MAGIC", Const(MAGIC, _WORD)),
                ("DIGEST_LOW", digest[:_WORD]),
                ("DIGEST_HIGH", digest[_WORD:64]),
                (
                    "WIDTHS",
                    self._constants(feature_bits=16, decision_bits=8, score_bits=8),
                ),
                ("SHAPE", self._constants(outputs=16, capabilities=16)),
                ("STATUS", Cat(busy, done, loaded, checking)),
            ):
                with m.Case(places[name]):
                    m.d.comb += self.read.eq(value)
            if params.decision_bits:
                for name, part in (("DECISION", 0), ("DECISION_HIGH", 1)):
                    piece = fields.decision[part * _WORD : (part + 1) * _WORD]
                    with m.Case(places[name]):
                        m.d.comb += self.read.eq(piece)
            with m.Case(places["CONTROL"]):
                m.d.comb += self.refused.eq(
                    (data[START] & (busy | ~loaded | checking))
                    | (data[CHECK] & (busy | checking if params.has_memories else Const(1)))
                )
                with m.If(accepted & data[START]):
                    m.d.sync += [self.request.valid.eq(1), busy.eq(1), done.eq(0)]
                if params.has_memories:
                    m.d.comb += memory.check.eq(accepted & data[CHECK])
            if params.has_memories:
                load_address = Signal(ADDRESS_BITS)
                m.d.comb += [
                    memory.load.p.address.eq(load_address),
                    memory.load.p.data.eq(data),
                ]
                with m.Case(places["LOAD_ADDRESS"]):
                    m.d.comb += self.refused.eq(0)
                    with m.If(accepted):
                        m.d.sync += load_address.eq(data)
                with m.Case(places["LOAD_DATA"]):
                    m.d.comb += [
                        self.refused.eq(busy | checking),
                        memory.load.valid.eq(accepted),
                    ]
                    with m.If(accepted):
                        m.d.sync += load_address.eq(load_address + 1)
            for word in range(self.words["FEATURES"]):
                with m.Case(places["FEATURES"] + word):
                    m.d.comb += self.refused.eq(busy)
                    part = features[word * _WORD : (word + 1) * _WORD]
                    with m.If(accepted):
                        m.d.sync += part.eq(data)
            each = score_words(params)
            for word in range(self.words["SCORES"]):
                score = fields.scores[word // each]
                extended = Signal(signed(2 * _WORD), name=f"score_{word}")
                m.d.comb += extended.eq(score)
                low = word % each * _WORD
                with m.Case(places["SCORES"] + word):
                    m.d.comb += self.read.eq(extended.as_unsigned()[low : low + _WORD])
        return m

    def _constants(self, **widths: int) -> Value:
        """Return parameters side by side, the first in the lowest bits."""
        return Cat(Const(getattr(self.params, name), width) for name, width in widths.items())
