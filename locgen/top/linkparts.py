"""The parts and the state of a link."""

from functools import reduce
from operator import or_

from amaranth import *
from amaranth.utils import ceil_log2

from .cobs import CobsBuffer, CobsDecoder
from .crc import SerialCrc32
from .frame import LineWatch, RequestReader, SequenceMemory
from .memory import WORD_BITS
from .payload import DIGEST_IN_HELLO, PredictPayload
from .protocol import CRC_BYTES, HEADER_BYTES, ErrorCode, LinkParams, MessageType

__all__ = ["SHORTEST_BODY", "LinkParts"]

SHORTEST_BODY = HEADER_BYTES + CRC_BYTES


class LinkParts:
    """What the steps of a link share.

    Parameters
    ----------
    params : the design's widths
    evidence_width : width of a digit of evidence, for a design that gathers it

    Members
    -------
    step, bit : a bit goes through `byte` and the CRC
    position : of the bit in the body
    absorbing, sending : a request's byte goes by, a response's; checking : of its CRC
    error : the response's, 0 for none
    features : the receiving shift register: a request's payload enters at the top; a write's words
        and the digest that hello sends leave at the bottom of their part
    ready : memories hold a whole model, as hello says
    remembered : a prediction was answered, whose repetition is refused
    decoder, crc, buffer : the frame's coding; watch : where frames end on the line
    reader, sequence, payload : the request, sequence numbers and the core's answer
    """

    def __init__(self, params: LinkParams, evidence_width: int) -> None:
        self.params = params
        memories = params.has_memories
        longest = max(*self.request_bytes[: 1 + memories], *self.response_ends)
        words = max(WORD_BITS * params.write_words, DIGEST_IN_HELLO.stop if memories else 0)
        self.step, self.bit, self.byte = Signal(), Signal(), Signal(8)
        # The top bit of `position` is sticky: no frame is so long that its length wraps round.
        self.position = Signal(ceil_log2(8 * longest + 1) + 1)
        self.absorbing, self.sending, self.checking = Signal(), Signal(), Signal()
        self.error = Signal(range(max(ErrorCode) + 1))
        self.features = Signal(max(params.feature_bits, words))
        self.ready, self.remembered = Signal(), Signal()
        self.decoder, self.crc, self.watch = CobsDecoder(), SerialCrc32(), LineWatch()
        self.buffer = CobsBuffer(max(self.response_ends) + CRC_BYTES)
        self.reader = RequestReader(params, len(self.position))
        self.sequence = SequenceMemory()
        self.payload = PredictPayload(params, len(self.position), evidence_width)

    def add_to(self, m: Module) -> None:
        """Add the parts as submodules."""
        for name in ("decoder", "crc", "buffer", "watch", "reader", "sequence", "payload"):
            m.submodules[name] = getattr(self, name)

    @property
    def count(self) -> Value:
        """The byte in the body."""
        return self.position[3:]

    @property
    def answers_predict(self) -> Value:
        """Whether the response is one to a prediction."""
        return self.reader.is_predict & (self.error == 0)

    @property
    def response_type(self) -> Value:
        """The type byte of the response."""
        kinds = (
            Mux(flag & (self.error == 0), int(kind), 0) for kind, flag in self.reader.flags.items()
        )
        return reduce(or_, kinds, Const(MessageType.ERROR_RESPONSE, 8))

    @property
    def response_ends(self) -> tuple[int, int, int, int]:
        """Bytes of the body of a response to predict, explain and hello, and of an error."""
        params = self.params
        scores = HEADER_BYTES + params.response_bytes
        hello = HEADER_BYTES + params.hello_bytes
        return scores, scores + params.evidence_bytes, hello, HEADER_BYTES + 1

    @property
    def request_bytes(self) -> tuple[int, int]:
        """Bytes of the body of a predict and of a write request."""
        extra = HEADER_BYTES + CRC_BYTES
        return extra + self.params.feature_bytes, extra + self.params.write_bytes

    @property
    def request_end(self) -> Value:
        """Bytes of the body that a request of the type in hand has."""
        reader, (predict_bytes, write_bytes) = self.reader, self.request_bytes
        length = Mux(reader.is_hello, SHORTEST_BODY, predict_bytes)
        if self.params.has_memories:
            length = Mux(reader.is_write, write_bytes, Mux(reader.is_check, SHORTEST_BODY, length))
        return length

    @property
    def response_end(self) -> Value:
        """Return the bytes of the response's body."""
        reader = self.reader
        predict_end, explain_end, hello_end, error_end = self.response_ends
        end: Value | int = predict_end
        if self.params.explains:
            end = Mux(reader.is_explain, explain_end, end)
        end = Mux(self.error != 0, error_end, Mux(reader.is_predict, end, hello_end))
        if self.params.has_memories:
            short = (self.error != 0) | reader.is_check
            end = Mux(short, error_end, Mux(reader.is_write, HEADER_BYTES, end))
        return end
