# amaranth: UnusedElaboratable=no
"""The link of a design with memories: written, checked, never a prediction from half a model."""

import random
from dataclasses import replace
from types import SimpleNamespace

import pytest
from amaranth.sim import Simulator
from linkkit import damage, random_request, request
from memorykit import (
    CAPACITY,
    MEMORY,
    MemoryBench,
    MemoryDevice,
    MemoryHost,
    digest_of,
    make_image,
    prediction_with,
    random_image,
)
from slowkit import slow

from locgen.host.frames import Frame, decode_frame, encode_frame
from locgen.host.messages import check_request, write_request
from locgen.top.link import FrameLink, LinkParams
from locgen.top.protocol import Capability, ErrorCode, MessageType
from locgen.top.update import WordWriter

BOTH = Capability.PREDICT | Capability.UPDATE


@pytest.mark.parametrize(
    ("params", "core"),
    [
        (MEMORY, {"latency": 0}),
        (MEMORY, {"latency": 3, "ready_delay": 9}),
        (LinkParams(1, 0, 1, 1, 2**64 - 1, BOTH, 1, CAPACITY), {}),
        (LinkParams(96, 2, 10, 3, 1, BOTH, 3, CAPACITY), {}),
        (LinkParams(130, 4, 12, 10, 5, BOTH, 2, CAPACITY), {"latency": 40}),
        (LinkParams(64, 1, 8, 2, 0, BOTH, 8, CAPACITY), {"latency": 2}),
    ],
)
def test_write_check_predict(params, core):
    async def test(ctx, host):
        hello = await host.hello(ctx)
        assert (hello.params, hello.digest) == (params, None)
        await host.not_ready(ctx)
        assert not await host.check(ctx)
        await host.not_ready(ctx)
        for words in (CAPACITY, CAPACITY - 4):
            image = random_image(host.random, words)
            await host.write_all(ctx, image)
            await host.not_ready(ctx)
            assert await host.check(ctx)
            hello = await host.hello(ctx)
            assert (hello.params, hello.digest) == (params, digest_of(image))
            for _ in range(4):
                await host.predicts(ctx, image)
        assert [ctx.get(word) for word in host.bench.core.words][: len(image)] == image

    MemoryHost(MemoryBench(params, **core)).run(test)


def test_every_error_has_its_code_also_while_ready():
    image = make_image(77, 0x55AA55AA)
    word = 0x0234
    short, long = bytes(MEMORY.write_bytes - 1), bytes(MEMORY.write_bytes + 1)
    cases = [
        (Frame(MessageType.WRITE, 3, short), ErrorCode.WRONG_LENGTH),
        (Frame(MessageType.WRITE, 3, long), ErrorCode.WRONG_LENGTH),
        (Frame(MessageType.WRITE, 3, bytes(MEMORY.write_bytes + 64)), ErrorCode.WRONG_LENGTH),
        (Frame(MessageType.WRITE, 3, bytes(MEMORY.write_bytes + 128)), ErrorCode.WRONG_LENGTH),
        (Frame(MessageType.WRITE, 3, bytes(2)), ErrorCode.WRONG_LENGTH),
        (Frame(MessageType.WRITE, 3), ErrorCode.WRONG_LENGTH),
        (Frame(MessageType.CHECK, 3, b"\0"), ErrorCode.WRONG_LENGTH),
        (Frame(MessageType.CHECK, 3, short), ErrorCode.WRONG_LENGTH),
        (Frame(MessageType.HELLO, 3, b"\0"), ErrorCode.WRONG_LENGTH),
        (Frame(MessageType.PREDICT, 3, bytes(MEMORY.write_bytes)), ErrorCode.WRONG_LENGTH),
        (request(MEMORY, 3, word | 1 << 13), ErrorCode.BAD_PADDING),
        *((Frame(kind, 3), ErrorCode.UNKNOWN_TYPE) for kind in (0, 0x22, 0x60, 0xA0, 0xA1)),
    ]

    async def test(ctx, host):
        for frame, code in cases:
            assert await host.refused(ctx, frame) is code, frame
        host.sequence = 30
        await host.write_all(ctx, image)
        assert await host.check(ctx)
        for frame, code in cases:  # nothing of this unloads the model
            assert await host.refused(ctx, frame) is code, frame
        await host.predicts(ctx, image)

    MemoryHost(MemoryBench(MEMORY)).run(test)


def test_a_refused_predict_is_not_accepted_and_an_update_forgets_none():
    image, word = make_image(5, 9), 0x0777

    async def test(ctx, host):
        frame = request(MEMORY, 200, word)
        assert await host.refused(ctx, frame) is ErrorCode.NOT_READY
        await host.write_all(ctx, image)
        assert await host.check(ctx)
        assert await host.one(ctx, frame) == prediction_with(image, frame, MEMORY)
        assert await host.refused(ctx, frame) is ErrorCode.REPEATED
        await host.write_all(ctx, image)
        assert await host.refused(ctx, frame) is ErrorCode.REPEATED
        assert await host.check(ctx)
        assert await host.refused(ctx, frame) is ErrorCode.REPEATED
        await host.hello(ctx)
        assert await host.one(ctx, frame) == prediction_with(image, frame, MEMORY)

    MemoryHost(MemoryBench(MEMORY)).run(test)


def test_what_is_missing_twisted_or_repeated_shows_in_the_check():
    async def test(ctx, host):
        image, step = random_image(host.random), MEMORY.write_words
        old = random_image(host.random)
        addresses = [*range(0, CAPACITY - step, step), CAPACITY - step]
        for missing in addresses[:-1]:  # the last one overlaps the one before
            await host.write_all(ctx, old)
            assert await host.check(ctx)
            for address in addresses:
                if address != missing:
                    await host.write(ctx, address, image[address : address + step])
            assert not await host.check(ctx)
            await host.not_ready(ctx)
        await host.write(ctx, missing, image[missing : missing + step])
        assert await host.check(ctx)
        await host.write(ctx, 3, image[3:6])  # again, when all is well: only a check makes it ready
        await host.not_ready(ctx)
        await host.write(ctx, 3, image[3:6])
        assert await host.check(ctx)
        await host.predicts(ctx, image)
        host.random.shuffle(addresses)
        image = random_image(host.random)
        for address in [*addresses, *addresses]:
            await host.write(ctx, address, image[address : address + step])
        assert await host.check(ctx)
        assert (await host.hello(ctx)).digest == digest_of(image)
        await host.write(ctx, 0, [*image[1:3], image[0]])
        assert not await host.check(ctx)
        await host.not_ready(ctx)

    MemoryHost(MemoryBench(MEMORY)).run(test)


@pytest.mark.parametrize("seed", [2, *slow(1, 3)])
def test_damaged_updates_get_what_the_document_says(seed):
    """Answer by answer against `MemoryDevice`, which reads damaged bytes through the codec."""
    params = [MEMORY, replace(MEMORY, feature_bits=200), replace(MEMORY, write_words=1)][seed - 1]

    async def test(ctx, host):
        device, ready = MemoryDevice(params), 0
        for _ in range(5):
            image = random_image(host.random)
            step = params.write_words
            addresses = [*range(0, CAPACITY - step, step), CAPACITY - step]
            frames = [(address, image[address : address + step]) for address in addresses]
            frames = [write_request(host.number(), *frame) for frame in frames]
            frames.append(check_request(host.number()))
            for frame in frames:
                line = encode_frame(frame)
                if host.random.randrange(3) == 0:
                    line = damage(line, host.random) + b"\x00"
                elif host.random.randrange(4) == 0:
                    line = line + line
                for piece in line.split(b"\x00")[:-1]:
                    expected = device.answer(piece)
                    got = await host.ask(ctx, piece + b"\x00")
                    assert got == ([] if expected is None else [expected])
                good = random_request(params, host.number(), host.random)
                answer = await host.one(ctx, good)
                assert answer == device.answer(encode_frame(good)[:-1])
                ready += answer.type == MessageType.PREDICT_RESPONSE
            for frame in frames:  # and now without damage
                expected = device.answer(encode_frame(frame)[:-1])
                assert await host.one(ctx, frame) == expected
            assert device.memory.loaded
            await host.predicts(ctx, image)
            device.last = host.sequence
        words = [ctx.get(word) for word in host.bench.core.words]
        assert words == device.memory.words
        assert not ctx.get(host.bench.core.violated)

    MemoryHost(MemoryBench(params, ready_delay=5), seed).run(test)


@pytest.mark.parametrize(("seed", "gap"), [(3, 0), *slow((1, 11), (2, 4))])
def test_a_flood_never_gets_a_prediction_of_half_a_model(seed, gap):
    """Writes, checks and predictions without pause, damaged: what answers is a whole image."""

    async def test(ctx, host):
        images, asked = [random_image(host.random) for _ in range(2)], {}
        frames = [write_request(0, at, im[at : at + 3]) for im in images for at in (0, 3, 6, 9, 10)]
        predicted = 0
        for _ in range(6):
            asked.clear()
            for _ in range(12):
                kind = host.random.randrange(4)
                if kind == 0:
                    frame = replace(host.random.choice(frames), sequence=host.number())
                elif kind == 1:
                    frame = check_request(host.number())
                else:
                    frame = random_request(MEMORY, host.number(), host.random)
                asked[frame.sequence] = frame
                line = encode_frame(frame)
                if host.random.randrange(3) == 0:
                    line = damage(line, host.random)
                for byte in line:
                    await host.byte(ctx, byte, gap=gap)
            answers = await host.answers(ctx)
            await host.ask(ctx, b"\0")
            if host.random.randrange(2):
                await host.write_all(ctx, host.random.choice(images))
                assert await host.check(ctx)
            for answer in answers:
                if answer.type == MessageType.PREDICT_RESPONSE:
                    predicted += 1
                    right = [prediction_with(im, asked[answer.sequence], MEMORY) for im in images]
                    assert answer in right
        await host.write_all(ctx, images[0])
        assert await host.check(ctx)
        await host.predicts(ctx, images[0])
        assert not ctx.get(host.bench.core.violated)

    MemoryHost(MemoryBench(MEMORY, ready_delay=2), seed).run(test)


def test_writes_may_follow_each_other_as_the_document_says():
    """As many 0x00 between them as 4 clocks a bit need, no waiting, and nothing is lost."""

    async def test(ctx, host):
        image, step = random_image(host.random), MEMORY.write_words
        clocks = 32 * step + 120
        lines = [
            encode_frame(write_request(address, address, image[address : address + step]))
            + bytes(-(-clocks // 40))
            for address in (0, 3, 6, 9, 10)
        ]
        for byte in b"".join(lines):
            await host.byte(ctx, byte, gap=39)
        answers = await host.answers(ctx)
        assert [(a.type, a.sequence) for a in answers] == [(0xA0, k) for k in (0, 3, 6, 9, 10)]
        assert await host.check(ctx)
        await host.predicts(ctx, image)

    MemoryHost(MemoryBench(MEMORY)).run(test)


def test_hello_and_updates_while_another_fills_the_memory():
    """What the boot loader looks like from the link: `checking`, and nothing loaded."""
    params, link = MEMORY, FrameLink(MEMORY)
    core = SimpleNamespace(ready_delay=0, latency=0)  # none: the test drives the memory ports
    bench = SimpleNamespace(params=params, i=link.i, o=link.o, core=core)

    async def test(ctx, host):
        ctx.set(link.memory.checking, 1)
        ctx.set(link.memory.digest, 0x1122334455667788)
        for frame in (write_request(1, 0, [1, 2, 3]), check_request(2), request(params, 3, 5)):
            assert await host.refused(ctx, frame) is ErrorCode.NOT_READY
        await host.not_ready(ctx)
        ctx.set(link.memory.loaded, 1)
        ctx.set(link.memory.checking, 0)
        assert (await host.hello(ctx)).digest == 0x1122334455667788

    simulator = Simulator(link)
    simulator.add_clock(1e-6)
    host = MemoryHost(bench)
    seen = []

    async def drain(ctx):
        ctx.set(link.o.ready, 1)
        while True:
            _, _, valid, byte, load, check = await ctx.tick().sample(
                link.o.valid, link.o.payload, link.memory.load.valid, link.memory.check
            )
            if valid:
                host.received += host.reader.feed(bytes([byte]))
            if load or check:
                seen.append((load, check))

    async def main(ctx):
        await test(ctx, host)

    simulator.add_testbench(main)
    simulator.add_testbench(drain, background=True)
    simulator.run()
    assert seen == []


def test_writer_counts_addresses_and_wraps_round():
    dut = WordWriter(3)
    source = random.Random(1)
    runs = [0, 1, 0x00FF, 0xFFFD, 0xFFFE, 0xFFFF, 0x7FFF, source.getrandbits(16)]

    async def test(ctx):
        for start in runs:
            words = [source.getrandbits(32) for _ in range(3)]
            ctx.set(dut.take, 1)
            for k in range(16):
                ctx.set(dut.bit, start >> k)
                await ctx.tick()
            ctx.set(dut.take, 0)
            register, got, clocks = sum(w << 32 * k for k, w in enumerate(words)), [], 0
            ctx.set(dut.run, 1)
            while True:
                ctx.set(dut.word, register & 0xFFFFFFFF)
                valid, load, done = (ctx.get(s) for s in (dut.load.valid, dut.load.p, dut.done))
                if valid:
                    got.append((load.address, load.data))
                await ctx.tick()
                register >>= 1
                clocks += 1
                if done:
                    break
            ctx.set(dut.run, 0)
            assert clocks == 96
            assert got == [((start + k) % 2**16, word) for k, word in enumerate(words)]

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(test)
    simulator.run()
    with pytest.raises(ValueError, match="at least 1"):
        WordWriter(0)


def test_word_timing_is_the_documented_one():
    bench, clocks = MemoryBench(MEMORY), {}

    async def test(ctx, host):
        await host.write(ctx, 0, [1, 2, 3])

    async def watch(ctx):
        link, clock = bench.link, 0
        while True:
            _, _, valid, payload, load, sent = await ctx.tick().sample(
                link.i.valid, link.i.payload, link.memory.load.valid, link.o.valid
            )
            clock += 1
            if valid and payload.data == 0:
                clocks.setdefault("delimiter", clock)
            if load:
                clocks.setdefault("words", []).append(clock)
            if sent:
                clocks.setdefault("sent", clock)

    MemoryHost(bench).run(test, watch)
    begin = clocks["delimiter"]
    assert [clock - begin for clock in clocks["words"]] == [1, 33, 65]
    assert clocks["sent"] - begin == 32 * 3 + 9 * 6 + 5 <= 32 * 3 + 120


def test_designs_without_memories_know_nothing_of_writes():
    plain = LinkParams(13, 2, 10, 3, 1)
    assert "memory" not in FrameLink(plain).signature.members
    assert not plain.has_memories
    assert len(plain.hello_payload()) == 17
    assert len(MEMORY.hello_payload()) == 31
    with pytest.raises(ValueError, match="UPDATE"):
        LinkParams(13, 2, 10, 3, 1, Capability.PREDICT, 3, 13)
    for words, capacity in ((0, 5), (256, 500), (4, 3), (1, 65537)):
        with pytest.raises(ValueError, match="words must be"):
            LinkParams(13, 2, 10, 3, 1, BOTH, words, capacity)
    frame = write_request(5, 0x1234, [1, 0xFFFFFFFF])
    assert decode_frame(encode_frame(frame)[:-1]) == frame
    assert frame.payload == b"\x34\x12\x01\0\0\0\xff\xff\xff\xff"
