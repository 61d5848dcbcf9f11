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
_PLACES = {name: byte // 4 for name, byte in REGISTERS.items()}
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

    def elaborate(self, platform: object) -> Module:
        """Build the row, the answer, and what an address reads and writes."""
        m = Module()
        params = self.params
        features = Signal(params.feature_bits)
        answer = Signal(self.response.payload.shape())
        busy, done, accepted = Signal(), Signal(), Signal()
        m.d.comb += [
            self.request.payload.eq(features),
            self.refused.eq(1),
            accepted.eq(self.write & ~self.refused),
        ]
        with m.If(self.request.ready & self.request.valid):
            m.d.sync += self.request.valid.eq(0)
        with m.If(self.response.valid):
            m.d.sync += [answer.eq(self.response.payload), busy.eq(0), done.eq(1)]
        readable = self._constants | {"STATUS": Cat(busy, done, self._loaded, self._checking)}
        if params.decision_bits:
            readable["DECISION"] = answer.decision[:_WORD]
            readable["DECISION_HIGH"] = answer.decision[_WORD:]
        with m.Switch(self.address):
            for name, value in readable.items():
                with m.Case(_PLACES[name]):
                    m.d.comb += self.read.eq(value)
            self._control(m, busy, done, accepted)
            if params.has_memories:
                self._load(m, busy, accepted)
            for word in range(self.words["FEATURES"]):
                with m.Case(_PLACES["FEATURES"] + word):
                    m.d.comb += self.refused.eq(busy)
                    with m.If(accepted):
                        m.d.sync += features[word * _WORD : (word + 1) * _WORD].eq(self.data)
            each = score_words(params)
            for word in range(self.words["SCORES"]):
                extended = Signal(signed(2 * _WORD), name=f"score_{word}")
                m.d.comb += extended.eq(answer.scores[word // each])
                with m.Case(_PLACES["SCORES"] + word):
                    m.d.comb += self.read.eq(extended.as_unsigned().word_select(word % each, _WORD))
        return m

    @property
    def _loaded(self) -> Value:
        """Whether the core can take rows."""
        return self.memory.loaded if self.params.has_memories else Const(1)

    @property
    def _checking(self) -> Value:
        """Whether the core's memories are being checked."""
        return self.memory.checking if self.params.has_memories else Const(0)

    @property
    def _constants(self) -> dict[str, Value]:
        """What registers hold that say what the design is, by name."""
        params = self.params
        digest: Value = Const(params.digest, 64)
        if params.has_memories:
            digest = Mux(self.memory.loaded, self.memory.digest, 0)
        widths = (params.feature_bits, 16), (params.decision_bits, 8), (params.score_bits, 8)
        shape = (params.outputs, 16), (params.capabilities, 16)
        return {
            "MAGIC": Const(MAGIC, _WORD),
            "DIGEST_LOW": digest[:_WORD],
            "DIGEST_HIGH": digest[_WORD:64],
            "WIDTHS": Cat(Const(*field) for field in widths),
            "SHAPE": Cat(Const(*field) for field in shape),
        }

    def _control(self, m: Module, busy: Signal, done: Signal, accepted: Signal) -> None:
        """Start the core or a check, as a write to CONTROL says."""
        start, check = self.data[START], self.data[CHECK]
        memories = self.params.has_memories
        not_ready = busy | self._checking
        with m.Case(_PLACES["CONTROL"]):
            m.d.comb += self.refused.eq(
                (start & (not_ready | ~self._loaded))
                | (check & (not_ready if memories else Const(1)))
            )
            with m.If(accepted & start):
                m.d.sync += [self.request.valid.eq(1), busy.eq(1), done.eq(0)]
            if memories:
                m.d.comb += self.memory.check.eq(accepted & check)

    def _load(self, m: Module, busy: Signal, accepted: Signal) -> None:
        """Store a word in the core's memories, each behind the one before."""
        address, load = Signal(ADDRESS_BITS), self.memory.load
        m.d.comb += [load.p.address.eq(address), load.p.data.eq(self.data)]
        with m.Case(_PLACES["LOAD_ADDRESS"]):
            m.d.comb += self.refused.eq(0)
            with m.If(accepted):
                m.d.sync += address.eq(self.data)
        with m.Case(_PLACES["LOAD_DATA"]):
            m.d.comb += [self.refused.eq(busy | self._checking), load.valid.eq(accepted)]
            with m.If(accepted):
                m.d.sync += address.eq(address + 1)
