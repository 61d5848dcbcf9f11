# amaranth: UnusedElaboratable=no
"""A core that holds its model in a memory, in gates and in Python, and its link's device.

The image of this fake: word 0 is the number of words, words 1 and 2 are the digest, word 3 is a
key that the payload is mixed with, any more are ballast, and the last one makes `checksum` 0.
"""

import random
from collections.abc import Sequence

from amaranth import Array, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import Out
from linkkit import (
    Bench,
    Device,
    FakeCore,
    Host,
    expected_result,
    prediction,
    random_request,
    request,
)

from locgen.host.frames import Frame, decode_frame, encode_frame
from locgen.host.messages import (
    check_request,
    hello_request,
    parse_check_response,
    parse_error_response,
    parse_hello,
    write_request,
)
from locgen.top.link import LinkParams
from locgen.top.memory import memory_signature
from locgen.top.protocol import Capability, ErrorCode, MessageType

CAPACITY = 13
MEMORY = LinkParams(
    feature_bits=13,
    decision_bits=2,
    score_bits=10,
    outputs=3,
    digest=0x0123456789ABCDEF,
    capabilities=Capability.PREDICT | Capability.UPDATE,
    write_words=3,
    memory_words=CAPACITY,
)
OVERHEAD = 5
"""Words of an image besides the ballast."""


def rotated(value: int) -> int:
    return ((value << 1) | (value >> 31)) & 0xFFFFFFFF


def checksum(words: Sequence[int]) -> int:
    total = 0
    for word in words:
        total = rotated(total) ^ word
    return total


def make_image(digest: int, key: int, ballast: Sequence[int] = ()) -> list[int]:
    words = [OVERHEAD + len(ballast), digest & 0xFFFFFFFF, digest >> 32, key, *ballast]
    return [*words, rotated(checksum(words))]


def random_image(source: random.Random, words: int = CAPACITY) -> list[int]:
    ballast = [source.getrandbits(32) for _ in range(words - OVERHEAD)]
    return make_image(source.getrandbits(64), source.getrandbits(32), ballast)


def digest_of(image: Sequence[int]) -> int:
    return image[1] | image[2] << 32


class FakeMemoryCore(wiring.Component):
    """A `FakeCore` that mixes a key from its memory into the payload.

    `violated` becomes 1 for good if a word comes while the memory is checked.
    """

    def __init__(self, params: LinkParams, **core):
        self.params = params
        self.inner = FakeCore(params, **core)
        self.ready_delay, self.latency = self.inner.ready_delay, self.inner.latency
        self.disturbed = self.inner.disturbed
        self.violated = Signal()
        self.words = Array(
            Signal(32, name=f"word_{k}", init=0xDEAD0000 + k) for k in range(params.memory_words)
        )
        super().__init__(dict(self.inner.signature.members) | {"memory": Out(memory_signature())})

    def elaborate(self, platform):
        m = Module()
        m.submodules.inner = inner = self.inner
        ports, capacity = self.memory, self.params.memory_words
        key = self.words[3].replicate(-(-self.params.feature_bits // 32))
        m.d.comb += [
            inner.i.payload.eq(self.i.payload ^ key),
            inner.i.valid.eq(self.i.valid & ports.loaded),
            self.i.ready.eq(inner.i.ready & ports.loaded),
            ports.digest.eq(0x5555555555555555),
        ]
        wiring.connect(m, inner.o, wiring.flipped(self.o))
        if self.params.explains:
            wiring.connect(m, inner.evidence, wiring.flipped(self.evidence))
        at, total = Signal(range(capacity + 1)), Signal(32)
        with m.If(ports.loaded):
            m.d.comb += ports.digest.eq(self.words[1] | (self.words[2] << 32))
        with m.If(ports.load.valid):
            m.d.sync += ports.loaded.eq(0)
            with m.If(ports.load.p.address < capacity):
                m.d.sync += self.words[ports.load.p.address].eq(ports.load.p.data)
        with m.If(ports.check):
            m.d.sync += [ports.checking.eq(1), ports.loaded.eq(0), at.eq(0), total.eq(0)]
        with m.If(ports.checking):
            count = Mux(self.words[0] <= capacity, self.words[0], 0)
            m.d.sync += [at.eq(at + 1), total.eq(total.rotate_left(1) ^ self.words[at])]
            with m.If(at >= count):
                m.d.sync += [ports.checking.eq(0), ports.loaded.eq((count != 0) & (total == 0))]
            with m.If(ports.load.valid | ports.check):
                m.d.sync += self.violated.eq(1)
        return m


class MemoryBench(Bench):
    """A link and a fake core with a memory."""

    core_type = FakeMemoryCore

    def elaborate(self, platform):
        m = super().elaborate(platform)
        self.join_memory(m)
        return m

    def join_memory(self, m: Module) -> None:
        wiring.connect(m, self.link.memory, self.core.memory)


class FakeMemory:
    """The same in Python."""

    def __init__(self, params: LinkParams):
        self.words = [0xDEAD0000 + k for k in range(params.memory_words)]
        self.loaded = False

    @property
    def digest(self) -> int | None:
        return digest_of(self.words) if self.loaded else None

    def write(self, address: int, words: Sequence[int]) -> None:
        self.loaded = False
        for at, word in enumerate(words, address):
            if at % 2**16 < len(self.words):
                self.words[at % 2**16] = word

    def check(self) -> bool:
        count = self.words[0] if self.words[0] <= len(self.words) else 0
        self.loaded = count != 0 and checksum(self.words[:count]) == 0
        return self.loaded


def mixed(image: Sequence[int], word: int, params: LinkParams) -> int:
    """Return what a core that holds `image` gives its fake core for a payload."""
    key = sum(image[3] << (32 * k) for k in range(-(-params.feature_bits // 32)))
    return (word ^ key) % 2**params.feature_bits


def expected_with(image: Sequence[int], word: int, params: LinkParams):
    """Return what a core that holds `image` makes of a payload."""
    return expected_result(mixed(image, word, params), params)


def prediction_with(image: Sequence[int], asked: Frame, params: LinkParams) -> Frame:
    word = mixed(image, int.from_bytes(asked.payload, "little"), params)
    return prediction(request(params, asked.sequence, word, MessageType(asked.type)), params)


class MemoryDevice(Device):
    """docs/protocol.md for a design with memories, in Python; `booting` while it loads itself."""

    def __init__(self, params: LinkParams):
        super().__init__(params)
        self.memory = FakeMemory(params)
        self.booting = False

    def answer(self, piece: bytes) -> Frame | None:
        accepted = self.last
        first = super().answer(piece)
        if first is None:
            return None
        frame, params, memory = decode_frame(piece), self.params, self.memory
        ready = memory.loaded and not self.booting

        def error(code: ErrorCode) -> Frame:
            return Frame(MessageType.ERROR_RESPONSE, frame.sequence, bytes([code]))

        if frame.type == MessageType.HELLO and first.type == MessageType.HELLO_RESPONSE:
            payload = params.hello_payload(memory.digest if ready else None)
            return Frame(MessageType.HELLO_RESPONSE, frame.sequence, payload)
        if first.type in (MessageType.PREDICT_RESPONSE, MessageType.EXPLAIN_RESPONSE):
            if ready:
                return prediction_with(memory.words, frame, params)
            self.last = accepted
            return error(ErrorCode.NOT_READY)
        if frame.type not in (MessageType.WRITE, MessageType.CHECK):
            return first
        length = params.write_bytes if frame.type == MessageType.WRITE else 0
        if len(frame.payload) != length:
            return error(ErrorCode.WRONG_LENGTH)
        if self.booting:
            return error(ErrorCode.NOT_READY)
        if frame.type == MessageType.CHECK:
            return Frame(MessageType.CHECK_RESPONSE, frame.sequence, bytes([memory.check()]))
        fields = [frame.payload[:2], *(frame.payload[k : k + 4] for k in range(2, length, 4))]
        address, *words = (int.from_bytes(field, "little") for field in fields)
        memory.write(address, words)
        return Frame(MessageType.WRITE_RESPONSE, frame.sequence)


class MemoryHost(Host):
    """A host that knows of writes and checks."""

    sequence = 0

    def number(self) -> int:
        self.sequence = (self.sequence + 1) % 256
        return self.sequence

    async def one(self, ctx, frame: Frame) -> Frame:
        """Ask, and return the one answer."""
        (answer,) = await self.ask(ctx, encode_frame(frame))
        assert answer.sequence == frame.sequence
        return answer

    async def refused(self, ctx, frame: Frame) -> ErrorCode:
        return parse_error_response(await self.one(ctx, frame))

    async def write(self, ctx, address: int, words) -> None:
        answer = await self.one(ctx, write_request(self.number(), address, words))
        assert (answer.type, answer.payload) == (MessageType.WRITE_RESPONSE, b"")

    async def write_all(self, ctx, image) -> None:
        step = self.params.write_words
        for address in [*range(0, len(image) - step, step), len(image) - step]:
            await self.write(ctx, address, image[address : address + step])

    async def check(self, ctx) -> bool:
        return parse_check_response(await self.one(ctx, check_request(self.number())))

    async def hello(self, ctx):
        answer = await self.one(ctx, hello_request(self.number()))
        hello = parse_hello(answer)
        assert answer.payload == self.params.hello_payload(hello.digest)
        return hello

    async def predicts(self, ctx, image) -> None:
        frame = random_request(self.params, self.number(), self.random)
        assert await self.one(ctx, frame) == prediction_with(image, frame, self.params)

    async def not_ready(self, ctx) -> None:
        frame = random_request(self.params, self.number(), self.random)
        assert await self.refused(ctx, frame) is ErrorCode.NOT_READY
        assert (await self.hello(ctx)).digest is None
