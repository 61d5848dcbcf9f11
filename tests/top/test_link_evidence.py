# amaranth: UnusedElaboratable=no
"""Explain requests: the link's answers against docs/protocol.md, for many shapes of evidence."""

from dataclasses import replace

import pytest
from amaranth.sim import Simulator
from linkkit import (
    EXPLAINS,
    SMALL,
    Bench,
    Device,
    Host,
    damage,
    expected_evidence,
    expected_result,
    prediction,
    random_request,
    request,
)
from memorykit import MEMORY, MemoryBench, MemoryHost, prediction_with, random_image
from slowkit import slow

from locgen.host.frames import Frame, encode_frame
from locgen.host.messages import parse_error_response, parse_explain_response, parse_hello_response
from locgen.top.gather import EvidenceBuffer
from locgen.top.protocol import ErrorCode, LinkParams, MessageType

TALKING = replace(SMALL, capabilities=int(EXPLAINS), evidence_bits=37)


def asked(params, sequence, source):
    """Return a random request, for evidence every other time."""
    kind = source.choice([MessageType.PREDICT, MessageType.EXPLAIN])
    return replace(random_request(params, sequence, source), type=kind)


@pytest.mark.parametrize("width", [1, 3, 8, 11])
@pytest.mark.parametrize("digits", [1, 2, 5])
def test_the_buffer_gives_back_what_it_took(digits, width):
    """Bits are taken while digits come, then more than there are; many times over."""
    buffer = EvidenceBuffer(digits * width, width)
    words = [0, (1 << digits * width) - 1, *(0x9E3779B97F4A7C15 * k for k in range(1, 5))]
    words = [word & (1 << digits * width) - 1 for word in words]

    async def bench(ctx):
        for word in words:
            ctx.set(buffer.clear, 1)
            await ctx.tick()
            ctx.set(buffer.clear, 0)
            assert not ctx.get(buffer.whole)
            bits = []

            async def take(bits=bits):
                bits.append(ctx.get(buffer.bit))
                ctx.set(buffer.step, 1)
                await ctx.tick()
                ctx.set(buffer.step, 0)

            for k in range(digits):
                ctx.set(buffer.i.payload, word >> k * width & (1 << width) - 1)
                ctx.set(buffer.i.valid, 1)
                await ctx.tick()
            ctx.set(buffer.i.valid, 0)
            assert ctx.get(buffer.whole)
            await ctx.tick()
            for _ in range(digits * width + 9):
                await take()
            assert sum(bit << k for k, bit in enumerate(bits)) == word
            assert ctx.get(buffer.whole)

    simulator = Simulator(buffer)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


def test_the_buffer_takes_whole_digits():
    with pytest.raises(ValueError, match="a multiple of 3, not 7"):
        EvidenceBuffer(7, 3)
    with pytest.raises(ValueError, match="a multiple of 1, not 0"):
        EvidenceBuffer(0, 1)


@pytest.mark.parametrize(
    ("bits", "core"),
    [
        (1, {"latency": 0}),
        (1, {"latency": 9}),
        (8, {"digit": 8, "lag": 30}),
        (37, {"latency": 40, "ready_delay": 7}),
        (40, {"digit": 4, "gap": 3}),
        (39, {"digit": 13, "latency": 2, "lag": 2}),
        (700, {"digit": 2, "gap": 1}),
    ],
    ids=str,
)
def test_explains_and_predictions_take_turns(bits, core):
    """Evidence before the answer, after it and on both sides; none is left for the next one."""
    params = replace(TALKING, evidence_bits=bits)

    async def test(ctx, host):
        (answer,) = await host.ask(ctx, encode_frame(Frame(MessageType.HELLO, 17)))
        assert answer.payload[17:] == bits.to_bytes(2, "little")
        assert parse_hello_response(answer) == params
        for sequence in range(12):
            frame = asked(params, sequence, host.random)
            (answer,) = await host.ask(ctx, encode_frame(frame))
            assert answer == prediction(frame, params)
            if frame.type == MessageType.EXPLAIN:
                word = int.from_bytes(frame.payload, "little")
                told = *expected_result(word, params), expected_evidence(word, params)
                assert parse_explain_response(answer, params) == told

    Host(Bench(params, **core)).run(test)


def test_explains_get_the_errors_of_predictions():
    word = 0x1234 % 2**13
    explain, predict = MessageType.EXPLAIN, MessageType.PREDICT
    cases = [
        (request(TALKING, 1, word, explain), None),
        (request(TALKING, 1, word, explain), ErrorCode.REPEATED),
        (request(TALKING, 1, word, predict), ErrorCode.REPEATED),
        (request(TALKING, 2, word, predict), None),
        (request(TALKING, 2, word, explain), ErrorCode.REPEATED),
        (request(TALKING, 3, word | 1 << 13, explain), ErrorCode.BAD_PADDING),
        (Frame(explain, 3, b"\0"), ErrorCode.WRONG_LENGTH),
        (Frame(explain, 3, b"\0\0\0"), ErrorCode.WRONG_LENGTH),
        (Frame(explain + 1, 3, b"\0\0"), ErrorCode.UNKNOWN_TYPE),
        (request(TALKING, 3, word, explain), None),
    ]

    async def test(ctx, host):
        for frame, code in cases:
            (answer,) = await host.ask(ctx, encode_frame(frame))
            if code is None:
                assert answer == prediction(frame, TALKING)
            else:
                assert parse_error_response(answer) is code, frame

    Host(Bench(TALKING)).run(test)


def test_a_design_without_evidence_does_not_know_explain():
    async def test(ctx, host):
        frame = request(SMALL, 1, 5, MessageType.EXPLAIN)
        (answer,) = await host.ask(ctx, encode_frame(frame))
        assert parse_error_response(answer) is ErrorCode.UNKNOWN_TYPE

    Host(Bench(SMALL)).run(test)


@pytest.mark.parametrize("seed", [2, *slow(1)])
def test_damaged_frames_get_what_the_document_says(seed):
    params = [TALKING, replace(TALKING, decision_bits=0, evidence_bits=16)][seed - 1]

    async def test(ctx, host):
        device, sequence = Device(params), 0
        for _ in range(40):
            sequence = (sequence + host.random.randrange(2)) % 256
            frame = asked(params, sequence, host.random)
            line = damage(encode_frame(frame), host.random) + b"\x00"
            expected = [device.answer(piece) for piece in line.split(b"\x00")[:-1]]
            expected = [answer for answer in expected if answer is not None]
            assert await host.ask(ctx, line) == expected
            sequence = (sequence + 1) % 256
            good = asked(params, sequence, host.random)
            answer = device.answer(encode_frame(good)[:-1])
            assert await host.ask(ctx, encode_frame(good)) == [answer]

    Host(Bench(params, lag=40), seed).run(test)


def test_a_design_with_memories_explains_too():
    params = replace(MEMORY, capabilities=7, evidence_bits=26)

    async def test(ctx, host):
        image = random_image(host.random)
        assert (await host.hello(ctx)).params == params
        frame = asked(params, host.number(), host.random)
        assert await host.refused(ctx, replace(frame, type=MessageType.EXPLAIN)) is (
            ErrorCode.NOT_READY
        )
        await host.write_all(ctx, image)
        assert await host.check(ctx)
        assert (await host.hello(ctx)).digest is not None
        for _ in range(12):
            frame = asked(params, host.number(), host.random)
            assert await host.one(ctx, frame) == prediction_with(image, frame, params)

    MemoryHost(MemoryBench(params, digit=13)).run(test)


def test_params_refuse():
    facts = {"feature_bits": 8, "decision_bits": 1, "score_bits": 4, "outputs": 1, "digest": 0}
    with pytest.raises(ValueError, match="capabilities must hold EXPLAIN"):
        LinkParams(**facts, evidence_bits=1)
    with pytest.raises(ValueError, match="evidence_bits must be from 0 to 65535"):
        LinkParams(**facts, capabilities=int(EXPLAINS), evidence_bits=1 << 16)
