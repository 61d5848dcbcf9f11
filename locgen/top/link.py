"""The device's end of docs/protocol.md: frames in, one inference at a time, frames out.

One bit-serial data path serves both directions: a body byte sits in `byte` and goes through the
CRC bit by bit, into the features when it is received, out of the result when it is sent. So the
link is half duplex towards the core; on the line it is full duplex, since the response drains from
a memory of its own.
"""

from collections.abc import Callable

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from .linkparts import SHORTEST_BODY, LinkParts
from .memory import WORD_BITS, memory_signature
from .payload import DIGEST_IN_HELLO, hello_body, response_layout
from .protocol import CRC_BYTES, ErrorCode, LinkParams
from .uart import ReceivedByte
from .update import WordWriter

__all__ = ["FrameLink", "LinkParams", "response_layout"]


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

    def __init__(self, params: LinkParams, evidence_width: int = 0) -> None:
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

    def elaborate(self, platform: object) -> Module:
        """Build the data path, what a request is, what a response says, and the order of it all."""
        m = Module()
        params = self.params
        link = LinkParts(params, self.evidence_width)
        link.add_to(m)
        wiring.connect(m, link.buffer.o, wiring.flipped(self.o))
        wiring.connect(m, wiring.flipped(self.response), link.payload.i)
        if params.explains:
            wiring.connect(m, wiring.flipped(self.evidence), link.payload.evidence)
        crc, reader, sequence, bit = link.crc, link.reader, link.sequence, link.bit
        m.d.comb += [
            crc.step.eq(link.step),
            crc.bit.eq(bit),
            crc.emit.eq(link.checking),
            bit.eq(link.byte[0]),
            self.request.payload.eq(link.features[-params.feature_bits :]),
            reader.take.eq(link.absorbing),
            reader.byte.eq(link.byte),
            reader.bit.eq(bit),
            reader.position.eq(link.position),
            reader.last_bit.eq(sequence.last),
            sequence.step.eq(link.step & (link.count == 1) & ~link.checking),
            sequence.learn.eq(link.sending & link.answers_predict),
            sequence.bit.eq(bit),
        ]
        with m.If(link.step):
            m.d.sync += [
                link.byte.eq(Cat(link.byte[1:], bit)),
                link.position.eq(link.position + 1),
            ]
            with m.If(link.position[-1]):
                m.d.sync += link.position[-1].eq(1)
        with m.If(reader.fills):
            m.d.sync += link.features.eq(Cat(link.features[1:], bit))
        next_byte = self._write(m, link) if params.has_memories else None
        self._respond(m, link, next_byte)
        self._control(m, link, next_byte)
        return m

    def _write(self, m: Module, link: LinkParts) -> Value:
        """Give a write's words to the memories; return the byte of the response that comes next.

        With more to choose from, whole bytes are chosen ahead.
        """
        params, position, reader = self.params, link.position, link.reader
        m.submodules.writer = writer = WordWriter(params.write_words)
        wiring.connect(m, writer.load, wiring.flipped(self.memory.load))
        m.d.comb += [
            writer.take.eq(link.absorbing & (link.count[1:] == 1)),  # the payload's first two bytes
            writer.bit.eq(link.bit),
            writer.word.eq(link.features[len(link.features) - WORD_BITS * params.write_words :]),
        ]
        # The digest lies in the shift register, which moves on with every bit of the body.
        with m.If(writer.run | link.sending):
            m.d.sync += link.features.eq(link.features[1:])
        hello = hello_body(params, link.features[:8] & link.ready.replicate(8), link.ready)
        said = Mux(reader.is_check, link.ready, hello.word_select(position[3:], 8))
        said = Mux(link.error != 0, link.error, said)
        return Mux(
            link.count == 0,
            link.response_type,
            Mux(link.count == 1, link.sequence.sequence, said),
        )

    def _respond(self, m: Module, link: LinkParts, next_byte: Value | None) -> None:
        """Choose the bit of the response that is sent."""
        payload, position, bit = link.payload, link.position, link.bit
        in_byte, count = position[:3], link.count
        m.d.comb += [
            payload.position.eq(position),
            payload.previous.eq(link.byte[-1]),
            payload.step.eq(link.sending),
        ]
        with m.If(link.sending):
            with m.If(link.checking):
                m.d.comb += bit.eq(link.crc.crc_bit)
            if next_byte is not None:
                with m.Elif(link.answers_predict & count[1:].any()):
                    m.d.comb += bit.eq(payload.bit)
                return
            with m.Elif(count == 0):
                m.d.comb += bit.eq(link.response_type.bit_select(in_byte, 1))
            with m.Elif(count == 1):
                m.d.comb += bit.eq(link.sequence.sequence[0])
            with m.Elif(link.error != 0):
                m.d.comb += bit.eq(link.error.bit_select(in_byte, 1))
            with m.Elif(link.reader.is_predict):
                m.d.comb += bit.eq(payload.bit)
            with m.Else():
                hello, end = hello_body(self.params), link.response_ends[2]
                m.d.comb += bit.eq(hello.bit_select(position[: ceil_log2(8 * end)], 1))

    def _refusals(self, link: LinkParts) -> list[tuple[Value, ErrorCode]]:
        """Return why a readable request is refused, in the order in which it is checked."""
        reader = link.reader
        known = reader.is_hello | reader.is_predict
        refusals = []
        if self.params.has_memories:
            memory = self.memory
            known = known | reader.is_write | reader.is_check
            busy = memory.checking & ~reader.is_hello
            refusals = [(Mux(reader.is_predict, ~memory.loaded, busy), ErrorCode.NOT_READY)]
        return [
            (~known, ErrorCode.UNKNOWN_TYPE),
            (link.count != link.request_end, ErrorCode.WRONG_LENGTH),
            (reader.padded, ErrorCode.BAD_PADDING),
            (reader.is_predict & reader.repeats & link.remembered, ErrorCode.REPEATED),
            *refusals,
        ]

    def _control(self, m: Module, link: LinkParts, next_byte: Value | None) -> None:
        """Take frames, have them answered, and send the answers."""
        decoder, buffer, watch, reader = link.decoder, link.buffer, link.watch, link.reader
        in_byte, count = link.position[:3], link.count
        overrun = Signal()  # an OVERRUN error is owed
        listening, restart = Signal(), Signal()
        m.d.comb += [
            watch.i.eq(self.i.p),
            watch.valid.eq(self.i.valid),
            watch.listening.eq(listening),
            watch.absorbing.eq(link.absorbing),
            restart.eq(listening & watch.ends),
            decoder.byte.eq(self.i.p.data),
            decoder.take.eq(listening & self.i.valid & ~watch.ends & ~watch.broken),
            decoder.clear.eq(restart),
            reader.clear.eq(restart),
        ]
        with m.If(restart | buffer.close):
            m.d.comb += link.crc.clear.eq(1)
            m.d.sync += link.position.eq(0)
        with m.FSM() as control:
            m.d.comb += [
                link.absorbing.eq(control.ongoing("ABSORB")),
                link.sending.eq(control.ongoing("SHIFT")),
                listening.eq(control.ongoing("LISTEN") & ~overrun),
                link.step.eq(link.absorbing | link.sending),
                self.request.valid.eq(control.ongoing("REQUEST")),
                buffer.i.valid.eq(control.ongoing("STORE")),
                buffer.i.payload.eq(link.byte),
                buffer.close.eq(control.ongoing("CLOSE")),
            ]
            with m.State("LISTEN"):
                self._listen(m, link, overrun)
            with m.State("ABSORB"), m.If(in_byte == 7):
                m.next = "LISTEN"
            self._wait_for_core(m, link, control.ongoing)
            with m.State("WAIT"):
                if next_byte is not None:  # both in the same clock: a hello agrees with itself
                    m.d.sync += [
                        link.byte.eq(next_byte),
                        link.ready.eq(self.memory.loaded),
                        link.features[DIGEST_IN_HELLO].eq(self.memory.digest),
                    ]
                with m.If(~buffer.sending):
                    m.next = "SHIFT"
            with m.State("SHIFT"), m.If(in_byte == 7):
                m.next = "STORE"
            with m.State("STORE"):
                m.next = "SHIFT"
                if next_byte is not None:
                    m.d.sync += link.byte.eq(next_byte)
                with m.If(link.checking & (count == CRC_BYTES)):
                    m.d.sync += link.checking.eq(0)
                    m.next = "CLOSE"
                with m.If(~link.checking & (count == link.response_end)):
                    m.d.sync += [link.checking.eq(1), link.position.eq(0)]
            with m.State("CLOSE"):
                m.next = "LISTEN"
        with m.If(watch.spoilt):
            m.d.sync += overrun.eq(1)

    def _listen(self, m: Module, link: LinkParts, overrun: Signal) -> None:
        """Take a byte of a frame, or say what becomes of the request that ends."""
        decoder, watch, reader = link.decoder, link.watch, link.reader
        long_enough = ~link.count.matches(*range(SHORTEST_BODY))
        readable = link.crc.good & decoder.whole & ~watch.broken & long_enough
        m.d.sync += link.byte.eq(decoder.body_byte)
        with m.If(overrun):
            m.d.sync += [link.error.eq(ErrorCode.OVERRUN), overrun.eq(0)]
            m.next = "WAIT"
        with m.Elif(decoder.take & decoder.emits):
            m.next = "ABSORB"
        with m.Elif(watch.ends & readable):
            m.next = "WAIT"
            (unknown, unknown_error), *refusals = self._refusals(link)
            with m.If(unknown):
                m.d.sync += link.error.eq(unknown_error)
            for refused, error in refusals:
                with m.Elif(refused):
                    m.d.sync += link.error.eq(error)
            with m.Else():
                remembers: Value = reader.is_predict
                if self.params.has_memories:
                    remembers = remembers | (link.remembered & ~reader.is_hello)
                m.d.sync += [link.error.eq(0), link.remembered.eq(remembers)]
                with m.If(reader.is_predict):
                    m.next = "REQUEST"
                if self.params.has_memories:
                    with m.If(reader.is_write):
                        m.next = "WRITE"
                    with m.If(reader.is_check):
                        m.next = "CHECK"

    def _wait_for_core(self, m: Module, link: LinkParts, ongoing: Callable[[str], Value]) -> None:
        """Have the core predict, or its memories written or checked."""
        explains = self.params.explains
        answered = "GATHER" if explains else "WAIT"
        with m.State("REQUEST"), m.If(self.request.ready):
            m.next = "COMPUTE"
            with m.If(self.response.valid):
                m.next = answered
        with m.State("COMPUTE"), m.If(self.response.valid):
            m.next = answered
        if explains:
            m.d.comb += link.payload.clear.eq(ongoing("REQUEST"))
            with m.State("GATHER"), m.If(link.payload.whole):
                m.next = "WAIT"
        if self.params.has_memories:
            writer = m.submodules.writer
            m.d.comb += [
                writer.run.eq(ongoing("WRITE")),
                self.memory.check.eq(ongoing("CHECK")),
            ]
            with m.State("WRITE"), m.If(writer.done):
                m.next = "WAIT"
            with m.State("CHECK"):
                m.next = "CHECKING"
            with m.State("CHECKING"), m.If(~self.memory.checking):
                m.next = "WAIT"
