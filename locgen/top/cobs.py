"""COBS both ways: a decoder without memory for requests, a buffered encoder for responses."""

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from .protocol import DELIMITER

__all__ = ["CobsBuffer", "CobsDecoder", "encoded_bytes"]

LONGEST_RUN = 254  # bytes that a block with code 255 holds


def encoded_bytes(body_bytes: int) -> int:
    """Return the most line bytes that a body of `body_bytes` takes, delimiter included."""
    return body_bytes + body_bytes // LONGEST_RUN + 2


class CobsDecoder(wiring.Component):
    """The block structure of a frame as its line bytes go by.

    Members
    -------
    byte : In(8), a line byte
    take : In(1), `byte` is the frame's next, and is not the delimiter
    clear : In(1), the next `take` is a frame's first; wins over `take`
    emits : Out(1), combinational: `byte` stands for one body byte (else for none)
    body_byte : Out(8), combinational: that byte
    whole : Out(1), no byte of the current block is missing: the frame may end here
    """

    byte: In(8)
    take: In(1)
    clear: In(1)
    emits: Out(1)
    body_byte: Out(8)
    whole: Out(1)

    def elaborate(self, platform: object) -> Module:
        """Build two counters of line bytes."""
        m = Module()
        left = Signal(8, init=1)  # line bytes up to and including the next code byte
        joined = Signal(init=1)  # the next code byte implies no zero before its block
        m.d.comb += [
            self.whole.eq(left == 1),
            self.body_byte.eq(Mux(self.whole, 0, self.byte)),
            self.emits.eq(~(self.whole & joined)),
        ]
        with m.If(self.take):
            m.d.sync += left.eq(left - 1)
            with m.If(self.whole):
                m.d.sync += [left.eq(self.byte), joined.eq(self.byte == 0xFF)]
        with m.If(self.clear):
            m.d.sync += [left.eq(left.init), joined.eq(1)]
        return m


class CobsBuffer(wiring.Component):
    """One frame at a time: collects body bytes, then sends them encoded, with the delimiter.

    Parameters
    ----------
    body_bytes : the longest body, at least 1

    Members
    -------
    i : In(stream.Signature(8, always_ready=True)), body bytes, at least 2 clocks apart
    close : In(1), the body is complete: pulse it at least 1 clock after its last byte
    sending : Out(1), from `close` until the delimiter was taken; `i` and `close` must be silent,
        also in the first clock after power-up
    o : Out(stream.Signature(8)), the frame as it goes on the line

    The first byte is offered 3 clocks after `close`, further ones at most every other clock.
    The memory is written before it is read: its power-up contents do not matter.
    """

    def __init__(self, body_bytes: int) -> None:
        if body_bytes < 1:
            raise ValueError(f"body_bytes must be at least 1, not {body_bytes!r}")
        self.body_bytes = body_bytes
        super().__init__(
            {
                "i": In(stream.Signature(unsigned(8), always_ready=True)),
                "close": In(1),
                "sending": Out(1),
                "o": Out(stream.Signature(unsigned(8))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the memory, and what fills and empties it."""
        m = Module()
        depth = 1 << ceil_log2(encoded_bytes(self.body_bytes))
        m.submodules.memory = memory = Memory(shape=unsigned(8), depth=depth, init=[])
        write, read = memory.write_port(), memory.read_port(domain="comb")
        head = Signal(range(depth))  # where the next byte goes; when sending, comes from
        mark = Signal(range(depth))  # where the open block's code goes
        code = Signal(range(min(depth, 1 << 8)), init=1)
        end_block = Signal()
        opening = Signal(init=1)  # `head` passes over the first block's code
        delimit = Signal()
        offered = Signal(8)
        fresh = Signal()  # `offered` is the byte at `head`
        sent = Signal()

        m.d.comb += [
            end_block.eq((self.i.valid & (self.i.payload == 0)) | self.close),
            write.en.eq(self.i.valid | end_block | delimit),
            write.addr.eq(Mux(end_block, mark, head)),
            write.data.eq(Mux(end_block, code, Mux(delimit, DELIMITER, self.i.payload))),
            read.addr.eq(head),
            self.o.payload.eq(offered),
            self.o.valid.eq(fresh),
            sent.eq(fresh & self.o.ready),
        ]
        if self.body_bytes >= LONGEST_RUN:
            with m.If(code == LONGEST_RUN + 1):
                m.d.comb += end_block.eq(1)  # no body byte comes now: they are 2 clocks apart

        with m.If(((self.i.valid | end_block) & ~self.close) | sent | opening):
            m.d.sync += head.eq(head + 1)
        with m.If(self.i.valid):
            m.d.sync += code.eq(code + 1)
        with m.If(end_block):
            m.d.sync += [mark.eq(head), code.eq(1)]
        # Never read while written: Yosys then finds that a block RAM needs nothing around it.
        with m.If(~write.en):
            m.d.sync += offered.eq(read.data)
        m.d.sync += [
            delimit.eq(self.close),
            fresh.eq(self.sending & ~delimit & ~opening & ~fresh),
            opening.eq(0),
        ]
        with m.If(fresh & ~self.o.ready):
            m.d.sync += fresh.eq(1)
        with m.If(self.close):
            m.d.sync += self.sending.eq(1)
        with m.If(opening):
            m.d.sync += self.sending.eq(0)
        with m.If(delimit):
            m.d.sync += [head.eq(0), mark.eq(0)]
        with m.If(sent & (offered == DELIMITER)):
            m.d.sync += [head.eq(0), opening.eq(1)]
        return m
