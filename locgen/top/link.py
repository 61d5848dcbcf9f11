"""The device's end of docs/protocol.md: frames in, one inference at a time, frames out.

One bit-serial data path serves both directions: a body byte sits in `byte` and goes through the
CRC bit by bit, into the features when it is received, out of the result when it is sent. So the
link is half duplex towards the core; on the line it is full duplex, since the response drains from
a memory of its own.
"""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from .cobs import CobsBuffer, CobsDecoder
from .crc import SerialCrc32
from .payload import PredictPayload, response_layout
from .protocol import (
    CRC_BYTES,
    DELIMITER,
    HEADER_BYTES,
    HELLO_BYTES,
    ErrorCode,
    LinkParams,
    MessageType,
)
from .uart import ReceivedByte

__all__ = ["FrameLink", "LinkParams", "response_layout"]


SHORTEST_BODY = HEADER_BYTES + CRC_BYTES


class FrameLink(wiring.Component):
    """Frames to and from one core.

    Parameters
    ----------
    params : the design's widths, digest and capabilities

    Members
    -------
    i : In(stream.Signature(ReceivedByte, always_ready=True)), bytes of the line. One that comes
        within 10 clocks of its predecessor spoils its frame (answered by OVERRUN), no more.
    o : Out(stream.Signature(8)), bytes for the line
    request : Out(stream.Signature(F)), features of a checked frame; the payload is the receiving
        shift register itself, frozen while `valid` is 1, changing while a frame comes in
    response : In(stream.Signature(response_layout(params), always_ready=True)), exactly one
        item per request, in the clock of its transfer or later

    `request.valid` rises 1 clock after the delimiter was taken; `o.valid` rises 9 * n + 5 clocks
    after the core's answer, n the bytes of the response body, if the line is free.
    """

    def __init__(self, params: LinkParams):
        self.params = params
        super().__init__(
            {
                "i": In(stream.Signature(ReceivedByte, always_ready=True)),
                "o": Out(stream.Signature(unsigned(8))),
                "request": Out(stream.Signature(unsigned(params.feature_bits))),
                "response": In(stream.Signature(response_layout(params), always_ready=True)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        params = self.params
        request_bytes = HEADER_BYTES + params.feature_bytes + CRC_BYTES
        response_ends = (
            HEADER_BYTES + params.response_bytes,
            HEADER_BYTES + HELLO_BYTES,
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
        is_hello, is_predict = Signal(), Signal()
        error = Signal(range(max(ErrorCode) + 1))
        answers_predict = Signal()
        m.d.comb += answers_predict.eq(is_predict & (error == 0))
        absorbing, sending, checking = Signal(), Signal(), Signal()
        filled = Signal()  # all feature bits are in
        padded = Signal()  # and a bit after them is not zero
        repeats = Signal(init=1)
        remembered = Signal()
        sequence, last_sequence = Signal(8), Signal(8)
        features = Signal(params.feature_bits)
        m.d.comb += self.request.payload.eq(features)

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
            with m.If(position == 8 * HEADER_BYTES + params.feature_bits - 1):
                m.d.sync += filled.eq(1)
            if params.feature_bits % 8:
                last_byte = count == HEADER_BYTES + params.feature_bytes - 1
                with m.If(filled & is_predict & last_byte & bit):
                    m.d.sync += padded.eq(1)
            with m.If(position == 0):
                m.d.sync += [
                    is_hello.eq(byte == MessageType.HELLO),
                    is_predict.eq(byte == MessageType.PREDICT),
                ]

        # The body of the response.
        m.submodules.payload = payload = PredictPayload(params, len(position))
        wiring.connect(m, wiring.flipped(self.response), payload.i)
        predict_end, hello_end, error_end = response_ends
        response_end = Mux(error != 0, error_end, Mux(is_predict, predict_end, hello_end))
        hello = Const(int.from_bytes(bytes(HEADER_BYTES) + params.hello_payload(), "little"))
        m.d.comb += [
            payload.position.eq(position),
            payload.previous.eq(byte[-1]),
            payload.step.eq(sending),
            crc.emit.eq(checking),
        ]
        with m.If(sending):
            with m.If(checking):
                m.d.comb += bit.eq(crc.crc_bit)
            with m.Elif(count == 0):  # 0x80 is the error response, 0x81 hello's, 0x82 predict's
                kind = Cat((error == 0) & is_hello, answers_predict, C(0, 5), 1)
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
        short = count.matches(*range(SHORTEST_BODY))
        m.d.comb += [
            ends.eq(self.i.valid & ~self.i.p.error & (self.i.p.data == DELIMITER) & ~absorbing),
            restart.eq(listening & ends),
            decoder.byte.eq(self.i.p.data),
            decoder.take.eq(listening & self.i.valid & ~ends & ~broken),
            decoder.clear.eq(restart),
            readable.eq(crc.good & decoder.whole & ~broken & ~short),
            wrong_length.eq(count != Mux(is_hello, SHORTEST_BODY, request_bytes)),
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
                    with m.If(~is_hello & ~is_predict):
                        m.d.sync += error.eq(ErrorCode.UNKNOWN_TYPE)
                    with m.Elif(wrong_length):
                        m.d.sync += error.eq(ErrorCode.WRONG_LENGTH)
                    with m.Elif(padded):
                        m.d.sync += error.eq(ErrorCode.BAD_PADDING)
                    with m.Elif(is_predict & repeats & remembered):
                        m.d.sync += error.eq(ErrorCode.REPEATED)
                    with m.Else():
                        m.d.sync += [error.eq(0), remembered.eq(is_predict)]
                        with m.If(is_predict):
                            m.next = "REQUEST"
            with m.State("ABSORB"), m.If(in_byte == 7):
                m.next = "LISTEN"
            with m.State("REQUEST"), m.If(self.request.ready):
                m.next = "COMPUTE"
                with m.If(self.response.valid):
                    m.next = "WAIT"
            with m.State("COMPUTE"), m.If(self.response.valid):
                m.next = "WAIT"
            with m.State("WAIT"), m.If(~buffer.sending):
                m.next = "SHIFT"
            with m.State("SHIFT"), m.If(in_byte == 7):
                m.next = "STORE"
            with m.State("STORE"):
                m.next = "SHIFT"
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
