"""Parts of a link: what is known of the request in hand, its place on the line, its sequence."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .protocol import DELIMITER, HEADER_BYTES, LinkParams, MessageType
from .uart import ReceivedByte

__all__ = ["LineWatch", "RequestReader", "SequenceMemory", "request_types"]


def request_types(params: LinkParams) -> list[MessageType]:
    """Return the requests that a design knows."""
    types = [MessageType.HELLO, MessageType.PREDICT]
    types += [MessageType.EXPLAIN] if params.explains else []
    return types + ([MessageType.WRITE, MessageType.CHECK] if params.has_memories else [])


class LineWatch(wiring.Component):
    """Where frames end on the line, and what became of them.

    A delimiter or a bad byte is noticed in every state, a good byte taken by a listening link.

    Members
    -------
    i : In(ReceivedByte), valid : In(1), a byte of the line
    listening : In(1), the link takes bytes; absorbing : In(1), it is busy with the last one
    ends : Out(1), combinational: the byte is a delimiter that is noticed
    broken : Out(1), the line is inside a frame that cannot be read any more
    spoilt : Out(1), combinational: a frame ends of which a byte came while the link was busy
    """

    i: In(ReceivedByte)
    valid: In(1)
    listening: In(1)
    absorbing: In(1)
    ends: Out(1)
    broken: Out(1)
    spoilt: Out(1)

    def elaborate(self, platform: object) -> Module:
        """Build two flags."""
        m = Module()
        lost = Signal()
        is_delimiter = ~self.i.error & (self.i.data == DELIMITER)
        m.d.comb += [
            self.ends.eq(self.valid & is_delimiter & ~self.absorbing),
            self.spoilt.eq(self.ends & lost),
        ]
        with m.If(self.ends):
            m.d.sync += [self.broken.eq(0), lost.eq(0)]
        with m.Elif(self.valid & (~self.listening | self.i.error)):
            m.d.sync += [self.broken.eq(1), lost.eq(lost | ~self.listening)]
        return m


class SequenceMemory(wiring.Component):
    """The sequence numbers of the frame in hand and of the last prediction that was answered.

    Members
    -------
    step : In(1), `bit` of the frame's number goes by; learn : In(1), of an answer to a prediction
    bit : In(1)
    sequence : Out(8), the frame's number, its next bit lowest; last : Out(1), the other's next bit
    """

    step: In(1)
    learn: In(1)
    bit: In(1)
    sequence: Out(8)
    last: Out(1)

    def elaborate(self, platform: object) -> Module:
        """Build two registers that turn round."""
        m = Module()
        known = Signal(8)
        m.d.comb += self.last.eq(known[0])
        with m.If(self.step):
            m.d.sync += [
                self.sequence.eq(Cat(self.sequence[1:], self.bit)),
                known.eq(Cat(known[1:], Mux(self.learn, self.bit, known[0]))),
            ]
        return m


class RequestReader(wiring.Component):
    """What is known of a request as its bits come in.

    Parameters
    ----------
    params : the design's widths
    position_bits : width of `position`

    Members
    -------
    clear : In(1), a new request begins; take : In(1), `bit` is one of it
    byte : In(8), the byte that it is of; bit : In(1); position : In(position_bits), of it
    last_bit : In(1), of the last prediction's sequence number, at the same place
    is_hello, is_predict, is_explain, is_write, is_check : Out(1), the type; an explain is a predict
        too, whose response goes on behind the scores
    fills : Out(1), combinational: the bit belongs to the payload
    padded : Out(1), a bit behind the features is not zero
    repeats : Out(1), it has the last prediction's sequence number
    """

    def __init__(self, params: LinkParams, position_bits: int) -> None:
        self.params = params
        flags = ("is_hello", "is_predict", "is_explain", "is_write", "is_check", "fills", "padded")
        super().__init__(
            {
                **{name: In(1) for name in ("clear", "take", "bit", "last_bit")},
                "byte": In(8),
                "position": In(position_bits),
                **{name: Out(1) for name in flags},
                "repeats": Out(1, init=1),
            }
        )

    @property
    def flags(self) -> dict[MessageType, Value]:
        """What says that the request is of a type, of those that the design knows."""
        flags = {
            MessageType.HELLO: self.is_hello,
            MessageType.PREDICT: self.is_predict & ~self.is_explain,
            MessageType.EXPLAIN: self.is_predict & self.is_explain,
            MessageType.WRITE: self.is_write,
            MessageType.CHECK: self.is_check,
        }
        return {kind: flags[kind] for kind in request_types(self.params)}

    def elaborate(self, platform: object) -> Module:
        """Build a flag for each type, and those that end the payload."""
        m = Module()
        params, known = self.params, request_types(self.params)
        count = self.position[3:]
        filled = Signal()  # all bits of the payload are in
        last: Value | int = 8 * HEADER_BYTES + params.feature_bits - 1
        if params.has_memories:
            last = Mux(self.is_write, 8 * (HEADER_BYTES + params.write_bytes) - 1, last)
        m.d.comb += self.fills.eq(self.take & count[1:].any() & ~filled)
        with m.If(self.take):
            with m.If((count == 1) & (self.bit != self.last_bit)):
                m.d.sync += self.repeats.eq(0)
            with m.If(self.position == last):
                m.d.sync += filled.eq(1)
            if params.feature_bits % 8:
                last_byte = count == HEADER_BYTES + params.feature_bytes - 1
                with m.If(filled & self.is_predict & last_byte & self.bit):
                    m.d.sync += self.padded.eq(1)
            with m.If(self.position == 0):
                predicts = {MessageType.PREDICT, MessageType.EXPLAIN}.intersection(known)
                m.d.sync += [
                    self.is_hello.eq(self.byte == MessageType.HELLO),
                    self.is_predict.eq(self.byte.matches(*sorted(predicts))),
                ]
                for kind, flag in (
                    (MessageType.EXPLAIN, self.is_explain),
                    (MessageType.WRITE, self.is_write),
                    (MessageType.CHECK, self.is_check),
                ):
                    if kind in known:
                        m.d.sync += flag.eq(self.byte == kind)
        with m.If(self.clear):
            m.d.sync += [filled.eq(0), self.padded.eq(0), self.repeats.eq(1)]
        return m
