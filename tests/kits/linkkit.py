# amaranth: UnusedElaboratable=no
"""What the tests of the link share: fake cores, a host that drives a link, the device in Python."""

import random

from amaranth import Cat, Const, Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from locgen.host.frames import Frame, FrameError, FrameReader, decode_frame
from locgen.top.link import FrameLink, LinkParams, response_layout
from locgen.top.protocol import RESPONSE, Capability, ErrorCode, MessageType

SMALL = LinkParams(13, 2, 10, 3, 0x0123456789ABCDEF)
EXPLAINS = Capability.PREDICT | Capability.EXPLAIN


def fold(word: int, bits: int, width: int) -> int:
    """Exclusive or of the pieces of `width` bits that `word` of `bits` bits falls into."""
    result = 0
    for start in range(0, bits, width):
        result ^= (word >> start) & ((1 << width) - 1)
    return result


def expected_result(word: int, params: LinkParams) -> tuple[int | None, tuple[int, ...]]:
    """Return what `FakeCore` makes of a payload."""
    decision = None
    if params.decision_bits:
        decision = fold(word, params.feature_bits, params.decision_bits)
    half = 1 << (params.score_bits - 1)
    base = fold(word, params.feature_bits, params.score_bits)
    scores = tuple((base ^ (37 * k) % (2 * half)) for k in range(params.outputs))
    return decision, tuple(score - 2 * half if score >= half else score for score in scores)


def expected_evidence(word: int, params: LinkParams) -> int:
    """Return what `FakeCore` says about a payload: all of it, over and over."""
    times = -(-params.evidence_bits // params.feature_bits)
    whole = sum(word << k * params.feature_bits for k in range(times))
    return whole & ((1 << params.evidence_bits) - 1)


class FakeCore(wiring.Component):
    """Folds its payload; `ready_delay` clocks until it takes it, `latency` from then to the result.

    Evidence comes in digits of `digit` bits, the first of them `lag` clocks after the transfer, at
    least one, with `gap` clocks between them. `disturbed` becomes 1 for good if the payload moves,
    or valid falls, before the transfer.
    """

    def __init__(
        self,
        params: LinkParams,
        ready_delay: int = 0,
        latency: int = 1,
        digit: int = 1,
        lag: int = 1,
        gap: int = 0,
    ):
        self.params = params
        self.digit, self.lag, self.gap = digit, lag, gap
        self.ready_delay = ready_delay
        self.latency = latency
        self.disturbed = Signal()
        members = {
            "i": In(stream.Signature(unsigned(params.feature_bits))),
            "o": Out(stream.Signature(response_layout(params), always_ready=True)),
        }
        if params.explains:
            members["evidence"] = Out(stream.Signature(unsigned(digit), always_ready=True))
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        params, word = self.params, self.i.payload
        if params.explains:
            self._explain(m)
        waited = Signal(range(self.ready_delay + 1))
        m.d.comb += self.i.ready.eq(waited == self.ready_delay)
        with m.If(self.i.ready & self.i.valid):
            m.d.sync += waited.eq(0)
        with m.Elif(self.i.valid & ~self.i.ready):
            m.d.sync += waited.eq(waited + 1)

        before, held = Signal(params.feature_bits), Signal()
        m.d.sync += held.eq(self.i.valid & ~self.i.ready)
        with m.If(self.i.valid):
            m.d.sync += before.eq(word)
        with m.If(held & ~self.i.valid):
            m.d.sync += self.disturbed.eq(1)
        with m.If(held & self.i.valid & (before != word)):
            m.d.sync += self.disturbed.eq(1)
        source = before if self.latency else word

        def folded(width):
            pieces = [source[k : k + width] for k in range(0, params.feature_bits, width)]
            while len(pieces) > 1:  # balanced: Amaranth's expressions must not nest by the thousand
                pairs = zip(pieces[::2], [*pieces[1::2], Const(0, width)], strict=False)
                pieces = [left ^ right for left, right in pairs]
            return (pieces[0] | Const(0, width))[:width]

        base = folded(params.score_bits)
        scores = [base ^ (37 * k) % (1 << params.score_bits) for k in range(params.outputs)]
        fields = [folded(params.decision_bits)] if params.decision_bits else []
        result = Cat(*fields, *(score[: params.score_bits] for score in scores))
        valid = self.i.valid & self.i.ready
        for _ in range(self.latency):
            valid, earlier = Signal(), valid
            m.d.sync += valid.eq(earlier)
        garbage = Const(-1, len(result))
        m.d.comb += [
            self.o.valid.eq(valid),
            self.o.payload.as_value().eq(Mux(valid, result, garbage)),
        ]
        return m

    def _explain(self, m):
        params = self.params
        digits = params.evidence_bits // self.digit
        times = -(-params.evidence_bits // params.feature_bits)
        whole = Signal(params.evidence_bits)
        waiting, left = Signal(range(self.lag + self.gap + 1)), Signal(range(digits + 1))
        m.d.comb += [
            self.evidence.valid.eq((left != 0) & (waiting == 0)),
            self.evidence.payload.eq(Mux(self.evidence.valid, whole, -1)),
        ]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [
                whole.eq(Cat(self.i.payload.replicate(times))),
                left.eq(digits),
                waiting.eq(self.lag - 1),
            ]
        with m.Elif(waiting != 0):
            m.d.sync += waiting.eq(waiting - 1)
        with m.Elif(left != 0):
            m.d.sync += [
                left.eq(left - 1),
                whole.eq(whole >> self.digit),
                waiting.eq(self.gap),
            ]


class Bench(wiring.Component):
    """A link and a fake core, with the byte streams outside."""

    core_type = FakeCore

    def __init__(self, params: LinkParams, **core):
        self.params = params
        self.core = self.core_type(params, **core)
        self.link = FrameLink(params, len(self.core.evidence.payload) if params.explains else 0)
        super().__init__(
            {"i": self.link.signature.members["i"], "o": self.link.signature.members["o"]}
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.core, m.submodules.link = self.core, self.link
        wiring.connect(m, self.link.request, self.core.i)
        wiring.connect(m, self.core.o, self.link.response)
        if self.params.explains:
            wiring.connect(m, self.core.evidence, self.link.evidence)
        wiring.connect(m, wiring.flipped(self.i), self.link.i)
        wiring.connect(m, self.link.o, wiring.flipped(self.o))
        return m


class Host:
    """Drives a `Bench` from a test bench coroutine."""

    def __init__(self, bench: Bench, seed: int = 0):
        self.bench = bench
        self.params = bench.params
        self.random = random.Random(seed)
        self.reader = FrameReader()
        self.received: list[Frame] = []
        self.started = 0  # responses of which at least one byte came
        self.inside = False

    def run(self, test, *watchers) -> None:
        simulator = Simulator(self.bench)
        simulator.add_clock(1e-6)

        async def drain(ctx):
            """Take the link's bytes, with stalls as a serial line makes them."""
            ctx.set(self.bench.o.ready, 0)
            while True:
                _, _, valid = await ctx.tick().sample(self.bench.o.valid)
                if valid:
                    await ctx.tick().repeat(self.random.randrange(1, 6))
                    byte = ctx.get(self.bench.o.payload)
                    ctx.set(self.bench.o.ready, 1)
                    await ctx.tick()
                    ctx.set(self.bench.o.ready, 0)
                    self.received += self.reader.feed(bytes([byte]))
                    self.started += not self.inside
                    self.inside = byte != 0

        async def main(ctx):
            await test(ctx, self)
            assert not ctx.get(self.bench.core.disturbed)
            assert self.reader.broken == 0

        simulator.add_testbench(main)
        for watcher in (drain, *watchers):
            simulator.add_testbench(watcher, background=True)
        simulator.run()

    async def byte(self, ctx, byte: int, error: int = 0, gap: int = 11) -> None:
        ctx.set(self.bench.i.payload, {"data": byte, "error": error})
        ctx.set(self.bench.i.valid, 1)
        await ctx.tick()
        ctx.set(self.bench.i.valid, 0)
        ctx.set(self.bench.i.payload, {"data": self.random.randrange(256), "error": 1})
        if gap:
            await ctx.tick().repeat(gap)

    async def send(self, ctx, line: bytes) -> None:
        for byte in line:
            await self.byte(ctx, byte)

    async def answers(self, ctx) -> list[Frame]:
        """Wait until the link has nothing more to say; return what it said since last time."""
        core, params = self.bench.core, self.params
        bytes_sent = 6 + max(33, params.response_bytes + params.evidence_bytes)
        longest = 9 * bytes_sent + core.ready_delay + core.latency + 20
        longest += getattr(core, "lag", 0) + params.evidence_bits * (1 + getattr(core, "gap", 0))
        quiet = 0
        while quiet < (100 if self.received and not ctx.get(self.bench.o.valid) else longest):
            _, _, valid = await ctx.tick().sample(self.bench.o.valid)
            quiet = 0 if valid else quiet + 1
        got, self.received = self.received, []
        return got

    async def ask(self, ctx, line: bytes) -> list[Frame]:
        """Send bytes, waiting for answers after each delimiter; return the answers."""
        got = []
        for byte in line:
            await self.byte(ctx, byte)
            if byte == 0:
                got += await self.answers(ctx)
        return got


class Device:
    """docs/protocol.md once more, in Python: what an idle device answers to a delimited piece."""

    def __init__(self, params: LinkParams):
        self.params = params
        self.last = None

    def answer(self, piece: bytes) -> Frame | None:
        try:
            frame = decode_frame(piece)
        except FrameError:
            return None
        params = self.params
        asks = [MessageType.PREDICT, *([MessageType.EXPLAIN] if params.explains else [])]
        if frame.type not in (MessageType.HELLO, *asks):
            code = ErrorCode.UNKNOWN_TYPE
        elif len(frame.payload) != (0 if frame.type == MessageType.HELLO else params.feature_bytes):
            code = ErrorCode.WRONG_LENGTH
        elif frame.type == MessageType.HELLO:
            self.last = None
            return Frame(MessageType.HELLO_RESPONSE, frame.sequence, params.hello_payload())
        elif int.from_bytes(frame.payload, "little") >> params.feature_bits:
            code = ErrorCode.BAD_PADDING
        elif frame.sequence == self.last:
            code = ErrorCode.REPEATED
        else:
            self.last = frame.sequence
            return prediction(frame, params)
        return Frame(MessageType.ERROR_RESPONSE, frame.sequence, bytes([code]))


def prediction(request: Frame, params: LinkParams) -> Frame:
    decision, scores = expected_result(int.from_bytes(request.payload, "little"), params)
    payload = (decision or 0).to_bytes(params.decision_bytes, "little")
    for score in scores:
        payload += score.to_bytes(params.score_bytes, "little", signed=True)
    if request.type == MessageType.EXPLAIN:
        said = expected_evidence(int.from_bytes(request.payload, "little"), params)
        payload += said.to_bytes(params.evidence_bytes, "little")
    return Frame(request.type | RESPONSE, request.sequence, payload)


def request(
    params: LinkParams, sequence: int, word: int, kind: MessageType = MessageType.PREDICT
) -> Frame:
    return Frame(kind, sequence, word.to_bytes(params.feature_bytes, "little"))


def random_request(params: LinkParams, sequence: int, source: random.Random) -> Frame:
    word = source.choice([0, 2**params.feature_bits - 1, source.getrandbits(params.feature_bits)])
    return request(params, sequence, word)


def damage(line: bytes, source: random.Random) -> bytes:
    """Flip bits, drop, insert, repeat or cut bytes of a frame with its delimiter."""
    kind = source.randrange(8)
    at = source.randrange(len(line))
    if kind == 0:
        return line[:at] + bytes([line[at] ^ (1 << source.randrange(8))]) + line[at + 1 :]
    if kind == 1:
        return line[:at] + bytes([source.randrange(256)]) + line[at + 1 :]
    if kind == 2:
        return line[:at] + line[at + 1 :]
    if kind == 3:
        return line[:at] + bytes([source.randrange(256)]) + line[at:]
    if kind == 4:
        return line[:at]
    if kind == 5:
        return line[at:]
    if kind == 6:
        return line[:at] + line[at : at + source.randrange(1, 5)] * 2 + line[at + 1 :]
    return source.randbytes(source.randrange(1, 30))
