"""The device's end of docs/protocol.md: frames in, one inference at a time, frames out.

One bit-serial data path serves both directions: a body byte sits in `byte` and goes through the
CRC bit by bit, into the features when it is received, out of the result when it is sent. So the
link is half duplex towards the core; on the line it is full duplex, since the response drains from
a memory of its own.
"""

from functools import reduce
from operator import and_

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from .cobs import CobsBuffer, CobsDecoder
from .crc import SerialCrc32
from .memory import WORD_BITS, memory_signature
from .payload import DIGEST_IN_HELLO, PredictPayload, hello_body, response_layout
from .protocol import (
    CRC_BYTES,
    DELIMITER,
    HEADER_BYTES,
    ErrorCode,
    LinkParams,
    MessageType,
)
from .uart import ReceivedByte
from .update import WordWriter

__all__ = ["FrameLink", "LinkParams", "response_layout"]


SHORTEST_BODY = HEADER_BYTES + CRC_BYTES


class FrameLink(wiring.Component):
    """Frames to and from one core.

    Parameters
    ----------
    params : the design's widths, digest and capabilities
    evidence_width : width of a digit of evidence, for a design that gathers it

    Members
    -------
    i : In(stream.Signature(ReceivedByte, always_ready=True)), bytes of the line. One that comes
        within 10 clocks of its predecessor spoils its frame (answered by OVERRUN), no more.
    o : Out(stream.Signature(8)), bytes for the line
    request : Out(stream.Signature(F)), features of a checked frame; the payload is the receiving
        shift register itself, frozen while `valid` is 1, changing while a frame comes in
    response : In(stream.Signature(response_layout(params), always_ready=True)), exactly one
        item per request, in the clock of its transfer or later
    evidence : In(stream.Signature(evidence_width, always_ready=True)), for a design that gathers
        evidence alone: exactly ``params.evidence_bits`` of it per request, before or after the
        response, in clocks after the request's transfer. No request is given before it is whole.
    memory : In(memory_signature()), the core's memory ports, for a design with memories alone.
        While `checking` is 1 and the link has not asked for it, writes and checks are refused;
        while `loaded` is 0, predictions are.

    `request.valid` rises 1 clock after the delimiter was taken; `o.valid` rises 9 * n + 5 clocks
    after the core's answer, n the bytes of the response body, if the line is free; with evidence
    one more, after the answer or the last digit, whichever is later. The words of a
    write are the core's 32 clocks each after its delimiter.
    """

    def __init__(self, params: LinkParams, evidence_width: int = 0):
        self.params = params
        self.evidence_width = evidence_width
        members = {
            "i": In(stream.Signature(ReceivedByte, always_ready=True)),
            "o": Out(stream.Signature(unsigned(8))),
            "request": Out(stream.Signature(unsigned(params.feature_bits))),
            "response": In(stream.Signature(response_layout(params), always_ready=True)),
        }
        if params.has_memories:
            members["memory"] = In(memory_signature())
        if params.explains:
            members["evidence"] = In(stream.Signature(unsigned(evidence_width), always_ready=True))
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        params, memories = self.params, self.params.has_memories
        predict_bytes = HEADER_BYTES + params.feature_bytes + CRC_BYTES
        write_bytes = HEADER_BYTES + params.write_bytes + CRC_BYTES
        request_bytes = max(predict_bytes, write_bytes if memories else 0)
        response_ends = (
            HEADER_BYTES + params.response_bytes,
            HEADER_BYTES + params.response_bytes + params.evidence_bytes,
            HEADER_BYTES + params.hello_bytes,
            HEADER_BYTES + 1,
        )

        m.submodules.decoder = decoder = CobsDecoder()
        m.submodules.crc = crc = SerialCrc32()
        m.submodules.buffer = buffer = CobsBuffer(max(response_ends) + CRC_BYTES)
        wiring.connect(m, buffer.o, wiring.flipped(self.o))

        # The data path: while `step` is 1, one bit per clock goes through `byte` and the CRC.
        step, bit = Signal(), Signal()
        byte = Signal(8)
        # The top bit of `position` is sticky: no frame is so long that its length wraps round.
        position = Signal(ceil_log2(8 * max(request_bytes, *response_ends) + 1) + 1)
        in_byte, count = position[:3], position[3:]
        with m.If(step):
            m.d.sync += [byte.eq(Cat(byte[1:], bit)), position.eq(position + 1)]
            with m.If(position[-1]):
                m.d.sync += position[-1].eq(1)
        m.d.comb += [crc.step.eq(step), crc.bit.eq(bit), bit.eq(byte[0])]

        # What is known of the frame in hand, received or being answered.
        # An explain is a predict whose response goes on behind the scores.
        is_hello, is_predict, is_explain = Signal(), Signal(), Signal()
        predicts = [MessageType.PREDICT, *([MessageType.EXPLAIN] if params.explains else [])]
        kinds = [(is_hello, [MessageType.HELLO]), (is_predict, predicts)]
        if memories:
            is_write, is_check = Signal(), Signal()
            kinds += [(is_write, [MessageType.WRITE]), (is_check, [MessageType.CHECK])]
        error = Signal(range(max(ErrorCode) + 1))
        answers_predict = Signal()
        m.d.comb += answers_predict.eq(is_predict & (error == 0))
        absorbing, sending, checking = Signal(), Signal(), Signal()
        filled = Signal()  # all feature bits are in
        padded = Signal()  # and a bit after them is not zero
        repeats = Signal(init=1)
        remembered = Signal()
        sequence, last_sequence = Signal(8), Signal(8)
        # A request's payload enters at the top; a write's words and the digest that hello sends
        # leave at the bottom of their part.
        words_bits = WORD_BITS * params.write_words
        features = Signal(
            max(params.feature_bits, words_bits, DIGEST_IN_HELLO.stop if memories else 0)
        )
        m.d.comb += self.request.payload.eq(features[-params.feature_bits :])
        last_payload_bit = 8 * HEADER_BYTES + params.feature_bits - 1
        if memories:
            last_payload_bit = Mux(
                is_write, 8 * (HEADER_BYTES + params.write_bytes) - 1, last_payload_bit
            )

        with m.If(step & (count == 1) & ~checking):
            m.d.sync += [
                sequence.eq(Cat(sequence[1:], bit)),
                last_sequence.eq(
                    Cat(last_sequence[1:], Mux(sending & answers_predict, bit, last_sequence[0]))
                ),
            ]
        with m.If(absorbing):
            with m.If((count == 1) & (bit != last_sequence[0])):
                m.d.sync += repeats.eq(0)
            with m.If(count[1:].any() & ~filled):
                m.d.sync += features.eq(Cat(features[1:], bit))
            with m.If(position == last_payload_bit):
                m.d.sync += filled.eq(1)
            if params.feature_bits % 8:
                last_byte = count == HEADER_BYTES + params.feature_bytes - 1
                with m.If(filled & is_predict & last_byte & bit):
                    m.d.sync += padded.eq(1)
            with m.If(position == 0):
                m.d.sync += [flag.eq(byte.matches(*types)) for flag, types in kinds]
                if params.explains:
                    m.d.sync += is_explain.eq(byte == MessageType.EXPLAIN)

        # The body of the response.
        payload = PredictPayload(params, len(position), self.evidence_width)
        m.submodules.payload = payload
        wiring.connect(m, wiring.flipped(self.response), payload.i)
        predict_end, explain_end, hello_end, error_end = response_ends
        if params.explains:
            wiring.connect(m, wiring.flipped(self.evidence), payload.evidence)
            predict_end = Mux(is_explain, explain_end, predict_end)
        response_end = Mux(error != 0, error_end, Mux(is_predict, predict_end, hello_end))
        # 0x80 is the error response, 0x81 hello's, 0x82 predict's, 0x90 explain's, 0xA0 write's,
        # 0xA1 check's.
        predict_bits = Cat(answers_predict & ~is_explain, C(0, 2), answers_predict & is_explain)
        kind = Cat((error == 0) & is_hello, predict_bits, C(0, 2), 1)
        hello = hello_body(params)
        if memories:
            ready = Signal()
            response_end = Mux(
                (error != 0) | is_check, error_end, Mux(is_write, HEADER_BYTES, response_end)
            )
            answers_update = (error == 0) & (is_write | is_check)
            kind = Cat(
                (error == 0) & (is_hello | is_check), predict_bits, answers_update, C(0, 1), 1
            )
        m.d.comb += [
            payload.position.eq(position),
            payload.previous.eq(byte[-1]),
            payload.step.eq(sending),
            crc.emit.eq(checking),
        ]
        with m.If(sending):
            with m.If(checking):
                m.d.comb += bit.eq(crc.crc_bit)
            if memories:  # with more to choose from, whole bytes are chosen ahead: see `next_byte`
                with m.Elif(answers_predict & count[1:].any()):
                    m.d.comb += bit.eq(payload.bit)
            else:
                with m.Elif(count == 0):
                    m.d.comb += bit.eq(kind.bit_select(in_byte, 1))
                with m.Elif(count == 1):
                    m.d.comb += bit.eq(sequence[0])
                with m.Elif(error != 0):
                    m.d.comb += bit.eq(error.bit_select(in_byte, 1))
                with m.Elif(is_predict):
                    m.d.comb += bit.eq(payload.bit)
                with m.Else():
                    m.d.comb += bit.eq(hello.bit_select(position[: ceil_log2(8 * hello_end)], 1))

        # A delimiter or a bad byte is noticed in every state, a good byte taken in LISTEN alone.
        listening, restart = Signal(), Signal()
        broken = Signal()  # the line is inside a frame that cannot be read any more
        lost = Signal()  # because a byte of it came while the link was busy
        overrun = Signal()  # an OVERRUN error is owed
        ends, readable, wrong_length = Signal(), Signal(), Signal()
        length = Mux(is_hello, SHORTEST_BODY, predict_bytes)
        if memories:
            length = Mux(is_write, write_bytes, Mux(is_check, SHORTEST_BODY, length))
        short = count.matches(*range(SHORTEST_BODY))
        m.d.comb += [
            ends.eq(self.i.valid & ~self.i.p.error & (self.i.p.data == DELIMITER) & ~absorbing),
            restart.eq(listening & ends),
            decoder.byte.eq(self.i.p.data),
            decoder.take.eq(listening & self.i.valid & ~ends & ~broken),
            decoder.clear.eq(restart),
            readable.eq(crc.good & decoder.whole & ~broken & ~short),
            wrong_length.eq(count != length),
        ]
        with m.If(ends):
            m.d.sync += [broken.eq(0), lost.eq(0)]
        with m.Elif(self.i.valid & (~listening | self.i.p.error)):
            m.d.sync += [broken.eq(1), lost.eq(lost | ~listening)]
        with m.If(restart):
            m.d.sync += [filled.eq(0), padded.eq(0), repeats.eq(1)]
        with m.If(restart | buffer.close):
            m.d.comb += crc.clear.eq(1)
            m.d.sync += position.eq(0)

        remembers = is_predict
        if memories:
            m.submodules.writer = writer = WordWriter(params.write_words)
            wiring.connect(m, writer.load, wiring.flipped(self.memory.load))
            m.d.comb += [
                writer.take.eq(absorbing & (count[1:] == 1)),  # the payload's first two bytes
                writer.bit.eq(bit),
                writer.word.eq(features[len(features) - words_bits :]),
            ]
            with m.If(writer.run | sending):
                m.d.sync += features.eq(features[1:])
            # The digest lies in the shift register, which moves on with every bit of the body.
            hello = hello_body(params, features[:8] & ready.replicate(8), ready)
            said = Mux(error != 0, error, Mux(is_check, ready, hello.word_select(count, 8)))
            next_byte = Mux(count == 0, kind, Mux(count == 1, sequence, said))
            remembers = is_predict | (remembered & ~is_hello)
            not_ready = Mux(is_predict, ~self.memory.loaded, self.memory.checking & ~is_hello)

        with m.FSM() as control:
            m.d.comb += [
                absorbing.eq(control.ongoing("ABSORB")),
                sending.eq(control.ongoing("SHIFT")),
                listening.eq(control.ongoing("LISTEN") & ~overrun),
                step.eq(absorbing | sending),
                self.request.valid.eq(control.ongoing("REQUEST")),
                buffer.i.valid.eq(control.ongoing("STORE")),
                buffer.i.payload.eq(byte),
                buffer.close.eq(control.ongoing("CLOSE")),
            ]
            with m.State("LISTEN"):
                m.d.sync += byte.eq(decoder.body_byte)
                with m.If(overrun):
                    m.d.sync += [error.eq(ErrorCode.OVERRUN), overrun.eq(0)]
                    m.next = "WAIT"
                with m.Elif(decoder.take & decoder.emits):
                    m.next = "ABSORB"
                with m.Elif(ends & readable):
                    m.next = "WAIT"
                    with m.If(reduce(and_, (~flag for flag, _ in kinds))):
                        m.d.sync += error.eq(ErrorCode.UNKNOWN_TYPE)
                    with m.Elif(wrong_length):
                        m.d.sync += error.eq(ErrorCode.WRONG_LENGTH)
                    with m.Elif(padded):
                        m.d.sync += error.eq(ErrorCode.BAD_PADDING)
                    with m.Elif(is_predict & repeats & remembered):
                        m.d.sync += error.eq(ErrorCode.REPEATED)
                    if memories:
                        with m.Elif(not_ready):
                            m.d.sync += error.eq(ErrorCode.NOT_READY)
                    with m.Else():
                        m.d.sync += [error.eq(0), remembered.eq(remembers)]
                        with m.If(is_predict):
                            m.next = "REQUEST"
                        if memories:
                            with m.If(is_write):
                                m.next = "WRITE"
                            with m.If(is_check):
                                m.next = "CHECK"
            with m.State("ABSORB"), m.If(in_byte == 7):
                m.next = "LISTEN"
            answered = "GATHER" if params.explains else "WAIT"
            with m.State("REQUEST"), m.If(self.request.ready):
                m.next = "COMPUTE"
                with m.If(self.response.valid):
                    m.next = answered
            with m.State("COMPUTE"), m.If(self.response.valid):
                m.next = answered
            if params.explains:
                m.d.comb += payload.clear.eq(control.ongoing("REQUEST"))
                with m.State("GATHER"), m.If(payload.whole):
                    m.next = "WAIT"
            if memories:
                m.d.comb += [
                    writer.run.eq(control.ongoing("WRITE")),
                    self.memory.check.eq(control.ongoing("CHECK")),
                ]
                with m.State("WRITE"), m.If(writer.done):
                    m.next = "WAIT"
                with m.State("CHECK"):
                    m.next = "CHECKING"
                with m.State("CHECKING"), m.If(~self.memory.checking):
                    m.next = "WAIT"
            with m.State("WAIT"):
                if memories:  # both in the same clock, so that a hello agrees with itself
                    m.d.sync += [
                        byte.eq(next_byte),
                        ready.eq(self.memory.loaded),
                        features[DIGEST_IN_HELLO].eq(self.memory.digest),
                    ]
                with m.If(~buffer.sending):
                    m.next = "SHIFT"
            with m.State("SHIFT"), m.If(in_byte == 7):
                m.next = "STORE"
            with m.State("STORE"):
                m.next = "SHIFT"
                if memories:
                    m.d.sync += byte.eq(next_byte)
                with m.If(checking & (count == CRC_BYTES)):
                    m.d.sync += checking.eq(0)
                    m.next = "CLOSE"
                with m.If(~checking & (count == response_end)):
                    m.d.sync += [checking.eq(1), position.eq(0)]
            with m.State("CLOSE"):
                m.next = "LISTEN"
        with m.If(ends & lost):
            m.d.sync += overrun.eq(1)
        return m
