# amaranth: UnusedElaboratable=no
"""The device's end of docs/protocol.md against the codec: good frames, errors, damage."""

import random

import pytest
from amaranth.back import rtlil
from amaranth.sim import Simulator
from linkkit import (
    SMALL,
    Bench,
    Device,
    FakeCore,
    Host,
    damage,
    expected_result,
    prediction,
    random_request,
    request,
)
from slowkit import slow

from locgen.host.frames import (
    Frame,
    FrameError,
    FrameReader,
    cobs_encode,
    decode_frame,
    encode_frame,
)
from locgen.host.messages import parse_error_response, parse_hello_response, parse_predict_response
from locgen.top.board import BoardTop, reset_less_domain
from locgen.top.cobs import CobsBuffer
from locgen.top.link import LinkParams
from locgen.top.protocol import ErrorCode, MessageType


@pytest.mark.parametrize(
    ("params", "core"),
    [
        (SMALL, {"latency": 0}),
        (SMALL, {"latency": 3, "ready_delay": 9}),
        (LinkParams(1, 0, 1, 1, 0), {}),
        (LinkParams(8, 1, 8, 2, 2**64 - 1), {}),
        (LinkParams(16, 8, 16, 1, 5), {"ready_delay": 1}),
        (LinkParams(24, 9, 17, 2, 5), {}),
        (LinkParams(21, 0, 23, 3, 5), {"latency": 20}),
        (LinkParams(130, 4, 12, 10, 5), {"latency": 100, "ready_delay": 30}),
    ],
)
def test_hello_and_predictions(params, core):
    async def test(ctx, host):
        sequence = 250
        answer = await host.ask(ctx, encode_frame(Frame(MessageType.HELLO, 17)))
        assert [frame.sequence for frame in answer] == [17]
        assert parse_hello_response(answer[0]) == params
        for _ in range(10):
            sequence = (sequence + 1) % 256
            frame = random_request(params, sequence, host.random)
            answer = await host.ask(ctx, encode_frame(frame))
            assert [got.sequence for got in answer] == [sequence]
            word = int.from_bytes(frame.payload, "little")
            assert parse_predict_response(answer[0], params) == expected_result(word, params)

    Host(Bench(params, **core)).run(test)


@pytest.mark.parametrize("features", [2001, *slow(784 * 4)])
def test_long_frames_take_several_cobs_blocks_both_ways(features):
    params = LinkParams(features, 4, 30, 80, 9)  # 321 bytes of response payload

    async def test(ctx, host):
        for sequence, word in enumerate(
            [2**features - 1, 0x0101 << 500, host.random.getrandbits(features)]
        ):
            frame = request(params, sequence, word)
            assert await host.ask(ctx, encode_frame(frame)) == [prediction(frame, params)]

    Host(Bench(params)).run(test)


def test_every_error_has_its_code():
    hello, other = MessageType.HELLO, MessageType.PREDICT
    word = 0x1234 % 2**13
    cases = [
        (request(SMALL, 1, word), None),
        (request(SMALL, 1, word), ErrorCode.REPEATED),
        (request(SMALL, 1, word ^ 1), ErrorCode.REPEATED),
        (request(SMALL, 2, word | 1 << 13), ErrorCode.BAD_PADDING),
        (request(SMALL, 2, word | 1 << 15), ErrorCode.BAD_PADDING),
        (request(SMALL, 1, word | 1 << 15), ErrorCode.BAD_PADDING),
        (request(SMALL, 1, word), ErrorCode.REPEATED),
        (Frame(other, 3, b"\0"), ErrorCode.WRONG_LENGTH),
        (Frame(other, 3, b"\0\0\0"), ErrorCode.WRONG_LENGTH),
        (Frame(other, 3), ErrorCode.WRONG_LENGTH),
        (Frame(hello, 1, b"\0"), ErrorCode.WRONG_LENGTH),
        (Frame(hello, 4, b"\0\0"), ErrorCode.WRONG_LENGTH),
        (request(SMALL, 1, word), ErrorCode.REPEATED),
        (request(SMALL, 2, word), None),
        (request(SMALL, 1, word), None),
        (Frame(hello, 1), None),
        (request(SMALL, 1, word), None),
        (request(SMALL, 1, word), ErrorCode.REPEATED),
    ]
    cases += [
        (Frame(kind, 77, payload), ErrorCode.UNKNOWN_TYPE)
        for kind in (0, 3, 0x42, 0x80, 0x81, 0x82, 0xFF)
        for payload in (b"", b"\1\2", b"\1\2\3")
    ]

    async def test(ctx, host):
        for frame, code in cases:
            (answer,) = await host.ask(ctx, encode_frame(frame))
            assert answer.sequence == frame.sequence
            if code is not None:
                assert parse_error_response(answer) is code, frame
            elif frame.type == hello:
                assert parse_hello_response(answer) == SMALL
            else:
                assert answer == prediction(frame, SMALL)

    Host(Bench(SMALL)).run(test)


def test_overlong_frames_are_wrong_whatever_the_counter_wraps_to():
    """Lengths at every multiple of the position counter's range, and around them."""
    params = LinkParams(8, 1, 8, 1, 0)
    frames = [
        Frame(kind, 5, bytes(extra + right))
        for extra in (1, 24, 32, 64, 128, 256)
        for kind, right in ((MessageType.PREDICT, 1), (MessageType.HELLO, 0))
    ]

    async def test(ctx, host):
        for frame in frames:
            (answer,) = await host.ask(ctx, encode_frame(frame))
            assert parse_error_response(answer) is ErrorCode.WRONG_LENGTH
        good = request(params, 5, 99)
        assert await host.ask(ctx, encode_frame(good)) == [prediction(good, params)]

    Host(Bench(params)).run(test)


@pytest.mark.parametrize("seed", [1, *slow(2)])
def test_damaged_frames_get_what_the_document_says(seed):
    """Compared with `Device` answer by answer; `Device` reads damaged bytes through the codec."""
    params = [SMALL, LinkParams(16, 0, 9, 2, 3)][seed - 1]

    async def test(ctx, host):
        device, sequence = Device(params), 0
        for _ in range(45):
            sequence = (sequence + host.random.randrange(2)) % 256
            frame = random_request(params, sequence, host.random)
            if host.random.randrange(8) == 0:
                frame = Frame(host.random.randrange(4), sequence, frame.payload)
            line = damage(encode_frame(frame), host.random) + b"\x00"
            expected = [device.answer(piece) for piece in line.split(b"\x00")[:-1]]
            expected = [answer for answer in expected if answer is not None]
            assert await host.ask(ctx, line) == expected
            sequence = (sequence + 1) % 256
            good = random_request(params, sequence, host.random)
            assert await host.ask(ctx, encode_frame(good)) == [
                device.answer(encode_frame(good)[:-1])
            ]

    Host(Bench(params, ready_delay=5), seed).run(test)


def test_latency_is_the_documented_one():
    bench = Bench(SMALL, latency=4)
    clocks = {}

    async def test(ctx, host):
        await host.send(ctx, encode_frame(request(SMALL, 1, 77)))
        await host.answers(ctx)

    async def watch(ctx):
        link, clock = bench.link, 0
        events = {
            "delimiter": link.i.valid & (link.i.p.data == 0),
            "request": link.request.valid,
            "response": link.response.valid,
            "sent": link.o.valid,
        }
        while True:
            _, _, *values = await ctx.tick().sample(*events.values())
            clock += 1
            for name, value in zip(events, values, strict=True):
                if value:
                    clocks.setdefault(name, clock)

    Host(bench).run(test, watch)
    assert clocks["request"] - clocks["delimiter"] == 1
    assert clocks["response"] - clocks["request"] == 4
    assert clocks["sent"] - clocks["response"] == 9 * (6 + SMALL.response_bytes) + 5


def test_short_bodies_with_a_right_crc_are_not_answered():
    async def test(ctx, host):
        for body in (b"\0\0\0\0", b"\x02\x8d\xef\x02\xd2", b"\x01\x1b\xdf\x05\xa5"):
            assert await host.ask(ctx, cobs_encode(body) + b"\0") == []
        good = request(SMALL, 0, 3)
        assert await host.ask(ctx, encode_frame(good)) == [prediction(good, SMALL)]

    Host(Bench(SMALL)).run(test)


def test_framing_errors_spoil_their_frame_and_are_no_delimiter():
    async def test(ctx, host):
        line = encode_frame(request(SMALL, 1, 77))
        for at in range(len(line)):
            for index, byte in enumerate(line):
                await host.byte(ctx, byte, error=index == at)
            await host.byte(ctx, 0)
            assert await host.answers(ctx) == []
        await host.byte(ctx, 0, error=1)  # a break before a frame costs the frame
        assert await host.ask(ctx, line) == []
        await host.byte(ctx, 0, error=1)
        assert await host.ask(ctx, b"\0" + line) == [prediction(request(SMALL, 1, 77), SMALL)]

    Host(Bench(SMALL)).run(test)


def test_bytes_during_an_inference_are_lost_and_said_so():
    async def test(ctx, host):
        first, second = request(SMALL, 1, 0x0AAA), request(SMALL, 2, 0x1555)
        overrun = Frame(MessageType.ERROR_RESPONSE, 1, bytes([ErrorCode.OVERRUN]))
        await host.send(ctx, encode_frame(first) + encode_frame(second))
        assert await host.answers(ctx) == [prediction(first, SMALL), overrun]
        # Delimiters alone do no harm, and the lost frame was not accepted: 2 is still free.
        await host.send(ctx, encode_frame(second) + b"\0\0\0")
        assert await host.answers(ctx) == [prediction(second, SMALL)]
        # The tail of a lost frame is lost too, however long after the response it comes.
        await host.send(ctx, encode_frame(request(SMALL, 1, 5)) + b"\x09")
        assert await host.answers(ctx) == [prediction(request(SMALL, 1, 5), SMALL)]
        assert await host.ask(ctx, encode_frame(first)) == [overrun]
        assert await host.ask(ctx, encode_frame(second)) == [prediction(second, SMALL)]

    Host(Bench(SMALL, ready_delay=150, latency=5)).run(test)


def test_next_request_may_come_while_the_response_goes():
    """A host that waits for a response's first byte only: as fast as the line, nothing lost."""

    async def test(ctx, host):
        frames = [random_request(SMALL, sequence, host.random) for sequence in range(12)]
        for frame in frames:
            await host.send(ctx, encode_frame(frame))
            while host.started <= frame.sequence:
                await ctx.tick()
        assert await host.answers(ctx) == [prediction(frame, SMALL) for frame in frames]

    Host(Bench(SMALL, latency=2)).run(test)


@pytest.mark.parametrize(("seed", "gap"), [(1, 11), (2, 11), (3, 4), (4, 0)])
def test_a_flood_of_damaged_and_good_frames_never_gets_a_wrong_prediction(seed, gap):
    """No pause between frames (gap 4 and 0: not even the time that a byte takes)."""

    async def test(ctx, host):
        asked, sequence = {}, 0
        for round_ in range(8):
            asked.clear()
            for _ in range(8):
                sequence = (sequence + 1) % 256
                line = encode_frame(random_request(SMALL, sequence, host.random))
                if host.random.randrange(3):
                    line = damage(line, host.random)
                for piece in line.split(b"\0"):
                    try:
                        frame = decode_frame(piece)
                    except FrameError:
                        continue
                    asked[frame.sequence] = frame
                for byte in line:
                    await host.byte(ctx, byte, gap=gap)
            # (a cut frame may be completed by its successor, but then its CRC is wrong)
            for frame in await host.answers(ctx):
                if frame.type == MessageType.PREDICT_RESPONSE:
                    assert frame == prediction(asked[frame.sequence], SMALL)
                else:
                    assert frame.type == MessageType.ERROR_RESPONSE
            await host.ask(ctx, b"\0")
            good = random_request(SMALL, (sequence + 100) % 256, host.random)
            assert await host.ask(ctx, encode_frame(good)) == [prediction(good, SMALL)], round_

    Host(Bench(SMALL, ready_delay=40), seed).run(test)


@pytest.mark.parametrize("longest", [5, 253, 254, 255, 600])
def test_cobs_buffer_equals_the_codec(longest):
    source = random.Random(longest)
    bodies = [bytes(longest), b"\x01" * longest, source.randbytes(longest), b"\x07\x00\x09\x00\x00"]
    bodies += [b"\x55" * min(254, longest), (b"\x05" * 254 + b"\0")[:longest]]
    dut = CobsBuffer(longest)

    async def test(ctx):
        ctx.set(dut.o.ready, 1)
        await ctx.tick()
        for body in bodies:
            for index, byte in enumerate(body):
                ctx.set(dut.i.payload, byte)
                ctx.set(dut.i.valid, 1)
                await ctx.tick()
                ctx.set(dut.i.valid, 0)
                if index < len(body) - 1:  # `close` may come in the very next clock
                    await ctx.tick()
            ctx.set(dut.close, 1)
            await ctx.tick()
            ctx.set(dut.close, 0)
            line = bytearray()
            while ctx.get(dut.sending):
                if ctx.get(dut.o.valid):
                    line.append(ctx.get(dut.o.payload))
                await ctx.tick()
            assert bytes(line) == cobs_encode(body) + b"\0"

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(test)
    simulator.run()


def test_cobs_buffer_refuses():
    with pytest.raises(ValueError, match="at least 1"):
        CobsBuffer(0)


@pytest.mark.parametrize("clocks_per_bit", [4, 12])
def test_board_over_the_serial_line(clocks_per_bit):
    dut = BoardTop(FakeCore(SMALL, ready_delay=3), SMALL, clocks_per_bit * 1_000_000, 1_000_000)
    simulator = Simulator(dut)
    simulator.add_clock(1 / (clocks_per_bit * 1e6))
    bit_time = 1e-6
    reader, received = FrameReader(), []

    async def listen(ctx):
        while True:
            await ctx.negedge(dut.tx)
            await ctx.delay(bit_time / 2)
            byte = 0
            assert ctx.get(dut.tx) == 0
            for index in range(8):
                await ctx.delay(bit_time)
                byte |= ctx.get(dut.tx) << index
            await ctx.delay(bit_time)
            assert ctx.get(dut.tx) == 1
            received.extend(reader.feed(bytes([byte])))

    async def talk(ctx):
        async def send(line):
            for byte in line:
                for bit in [0, *((byte >> index) & 1 for index in range(8)), 1]:
                    ctx.set(dut.rx, bit)
                    await ctx.delay(bit_time)

        assert ctx.get(dut.tx) == 1
        ctx.set(dut.rx, 1)
        await ctx.delay(13.3 * bit_time)
        frames = [
            request(SMALL, 0, 0),
            request(SMALL, 1, 0x1FFF),
            request(SMALL, 2, 0x1234 % 2**13),
        ]
        for frame in frames:
            await send(encode_frame(frame))
            await ctx.delay(250 * bit_time)
        await send(encode_frame(Frame(MessageType.HELLO, 9)))
        await ctx.delay(400 * bit_time)
        assert reader.broken == 0
        assert received[:-1] == [prediction(frame, SMALL) for frame in frames]
        assert parse_hello_response(received[-1]) == SMALL

    simulator.add_testbench(talk)
    simulator.add_testbench(listen, background=True)
    simulator.run()


def test_board_without_reset_has_three_ports():
    def ports(**options):
        top = BoardTop(FakeCore(SMALL), SMALL, 12_000_000, 1_000_000)
        text = rtlil.convert(top, name="top", emit_src=False, **options)
        module = text[text.index("\nmodule \\top\n") :].split("\nend\n")[0]
        wires = [line.split() for line in module.splitlines() if line.startswith("  wire ")]
        return {wire[-1] for wire in wires if "input" in wire or "output" in wire}

    assert ports(missing_domain=reset_less_domain) == {"\\clk", "\\rx", "\\tx"}
    assert ports() == {"\\clk", "\\rst", "\\rx", "\\tx"}
