"""The Python codec of docs/protocol.md: round trips, damage, packing."""

import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locgen.host.frames import (
    Frame,
    FrameError,
    FrameReader,
    cobs_decode,
    cobs_encode,
    decode_frame,
    encode_frame,
)
from locgen.host.messages import (
    Hello,
    check_request,
    explain_request,
    hello_request,
    parse_check_response,
    parse_error_response,
    parse_explain_response,
    parse_hello,
    parse_hello_response,
    parse_predict_response,
    predict_request,
    write_request,
)
from locgen.host.packing import pack_features, payload_words
from locgen.top.protocol import Capability, ErrorCode, LinkParams, MessageType

# Long runs without zeros, around the block length of 254, beside arbitrary bytes.
runs = st.tuples(st.integers(250, 260), st.binary(max_size=3)).map(lambda t: b"\x07" * t[0] + t[1])
bodies = st.one_of(st.binary(max_size=40), st.lists(runs, max_size=4).map(b"".join))
frames = st.builds(Frame, st.integers(0, 255), st.integers(0, 255), bodies)


@given(bodies)
def test_cobs_round_trip(body):
    line = cobs_encode(body)
    assert 0 not in line
    assert len(line) <= len(body) + len(body) // 254 + 1
    assert cobs_decode(line) == body


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (b"", b"\x01"),
        (b"\x00", b"\x01\x01"),
        (b"\x11\x22\x00\x33", b"\x03\x11\x22\x02\x33"),
        (b"\x01" * 254, b"\xff" + b"\x01" * 254),
        (b"\x01" * 254 + b"\x00", b"\xff" + b"\x01" * 254 + b"\x01\x01"),
        (b"\x01" * 255, b"\xff" + b"\x01" * 254 + b"\x02\x01"),
    ],
)
def test_cobs_examples(body, line):
    assert cobs_encode(body) == line
    assert cobs_decode(line) == body


def test_cobs_accepts_an_empty_block_after_a_full_one():
    assert cobs_decode(b"\xff" + b"\x05" * 254 + b"\x01") == b"\x05" * 254


@pytest.mark.parametrize("line", [b"\x00", b"\x02", b"\x03\x01", b"\x03\x00\x01", b"\x02\x01\x05"])
def test_cobs_refuses_a_broken_structure(line):
    with pytest.raises(FrameError, match="COBS"):
        cobs_decode(line)


@given(frames)
def test_frame_round_trip(frame):
    line = encode_frame(frame)
    assert line[-1] == 0
    assert decode_frame(line[:-1]) == frame
    assert FrameReader().feed(line) == [frame]


def test_frame_bytes_are_those_of_the_document():
    body = bytes([2, 7, 0x55])
    crc = zlib.crc32(body).to_bytes(4, "little")
    assert cobs_decode(encode_frame(Frame(2, 7, b"\x55"))[:-1]) == body + crc


@given(frames, st.data())
def test_one_damaged_byte_is_never_read_as_another_frame(frame, data):
    line = bytearray(encode_frame(frame))
    at = data.draw(st.integers(0, len(line) - 1))
    line[at] ^= data.draw(st.integers(1, 255))
    assert FrameReader().feed(bytes(line) + b"\x00") == []


@given(frames, st.data())
def test_a_lost_or_added_byte_is_never_read_as_another_frame(frame, data):
    line = encode_frame(frame)
    at = data.draw(st.integers(0, len(line) - 1))
    without = line[:at] + line[at + 1 :]
    added = line[:at] + bytes([data.draw(st.integers(0, 255))]) + line[at:]
    for damaged in (without, added):
        # Only a delimiter added at either end, or taken from the end, leaves the frame as it is.
        assert FrameReader().feed(damaged + b"\x00") in ([], [frame])
        if damaged.strip(b"\x00") != line.strip(b"\x00"):
            assert FrameReader().feed(damaged + b"\x00") == []


@given(st.lists(st.tuples(frames, st.binary(max_size=12)), max_size=4), st.data())
def test_reader_resynchronises_whatever_the_pieces(items, data):
    line = b"".join(noise + b"\x00" + encode_frame(frame) for frame, noise in items)
    reader, got = FrameReader(), []
    while line:
        size = data.draw(st.integers(1, len(line)))
        got += reader.feed(line[:size])
        line = line[size:]
    assert got == [frame for frame, _ in items]
    pieces = [piece for _, noise in items for piece in noise.split(b"\x00") if piece]
    assert reader.broken == len(pieces)


def test_reader_drops_what_never_ends_and_forgets_on_request():
    reader = FrameReader(longest=50)
    frame = Frame(1, 2, b"three")
    assert reader.feed(b"\x09" * 1000) == []
    assert reader.feed(b"\x09" * 1000 + b"\x00" + encode_frame(frame)) == [frame]
    assert reader.broken == 1
    assert reader.feed(encode_frame(frame)[:4]) == []
    reader.clear()
    assert reader.feed(encode_frame(frame)) == [frame]
    assert reader.broken == 1


def test_short_and_wrong_frames_say_why():
    with pytest.raises(FrameError, match="at least 6 bytes"):
        decode_frame(cobs_encode(zlib.crc32(b"\x01").to_bytes(4, "little")))
    with pytest.raises(FrameError, match="CRC"):
        decode_frame(cobs_encode(bytes(6)))
    with pytest.raises(FrameError, match="from 0 to 255"):
        encode_frame(Frame(1, 256))


widths_of = st.lists(st.integers(0, 12), min_size=1, max_size=12)


@given(widths_of, st.integers(0, 5), st.data())
def test_packing_is_the_sum_of_shifted_features(widths, rows, data):
    q = [[data.draw(st.integers(0, 2**w - 1)) for w in widths] for _ in range(rows)]
    starts = [sum(widths[:j]) for j in range(len(widths))]
    words = [sum(v << s for v, s in zip(row, starts, strict=True)) for row in q]
    array = np.array(q, dtype=np.int64).reshape(rows, len(widths))
    packed = pack_features(array, widths)
    size = max(1, -(-sum(widths) // 8))
    assert packed.dtype == np.uint8
    assert packed.shape == (rows, size)
    assert payload_words(array, widths) == words
    assert [row.tobytes() for row in packed] == [word.to_bytes(size, "little") for word in words]
    if rows:
        expected = Frame(MessageType.PREDICT, 9, words[0].to_bytes(size, "little"))
        assert predict_request(9, array[0], widths) == expected


def test_packing_many_rows_and_every_integer_type():
    widths = [3, 0, 8, 1, 16]
    q = np.random.default_rng(1).integers(0, 2, (3000, 5)) * [7, 99, 255, 1, 65535]
    words = payload_words(q, widths)
    assert words[2999] == sum(int(q[2999, j]) << s for j, s in ((0, 0), (2, 3), (3, 11), (4, 12)))
    for dtype in (np.int32, np.uint16, np.uint64):
        assert payload_words(q.astype(dtype), widths) == words


@pytest.mark.parametrize(
    ("q", "widths", "message"),
    [
        ([[4]], [2], "feature 0 must be from 0 to 3"),
        ([[0, -1]], [2, 2], "feature 1"),
        ([[0.5]], [2], "integers"),
        ([0], [2], "shape"),
        ([[0]], [2, 2], "shape"),
        ([[0]], [64], "0 to 63"),
    ],
)
def test_packing_refuses(q, widths, message):
    with pytest.raises(ValueError, match=message):
        pack_features(np.array(q), widths)


params_of = st.builds(
    lambda *widths: LinkParams(*widths[:6], evidence_bits=widths[6] * (widths[5] >> 1 & 1)),
    st.integers(1, 65535),
    st.integers(0, 20),
    st.integers(1, 40),
    st.integers(1, 12),
    st.integers(0, 2**64 - 1),
    st.integers(0, 7),
    st.integers(1, 65535),
)


@given(params_of, st.binary(max_size=3))
def test_hello_round_trip_and_room_for_growth(params, later):
    frame = Frame(MessageType.HELLO_RESPONSE, 3, params.hello_payload() + later)
    assert parse_hello_response(frame) == params
    assert hello_request(3) == Frame(1, 3, b"")


memory_params_of = st.builds(
    lambda params, words, more: replace(
        params,
        capabilities=params.capabilities | Capability.UPDATE,
        write_words=words,
        memory_words=words + more,
    ),
    params_of,
    st.integers(1, 255),
    st.integers(0, 65536 - 255),
)


@given(memory_params_of, st.integers(0, 2**64 - 1), st.binary(max_size=3))
def test_hello_of_a_design_with_memories(params, digest, later):
    for model in (None, digest):
        payload = params.hello_payload(model)
        assert len(payload) == 31 + 2 * params.explains
        frame = Frame(MessageType.HELLO_RESPONSE, 3, payload + later)
        assert parse_hello(frame) == Hello(params, model)
        assert parse_hello_response(frame) == params
        # A host that knows nothing of memories finds the model's digest where it looks for it.
        assert int.from_bytes(payload[1:9], "little") == (model or 0)
    plain = replace(params, capabilities=1, write_words=0, memory_words=0, evidence_bits=0)
    frame = Frame(MessageType.HELLO_RESPONSE, 3, plain.hello_payload() + bytes(20))
    assert parse_hello(frame) == Hello(plain, plain.digest)


def test_hello_of_a_design_with_memories_refuses():
    params = LinkParams(9, 1, 8, 2, 5, 5, 4, 100)
    payload = params.hello_payload(7)
    for at, value, message in [
        (18, 0, "write_words"),
        (19, 3, "memory_words"),
        (22, 1, "memory_w"),
    ]:
        bad = payload[:at] + bytes([value]) + payload[at + 1 :]
        with pytest.raises(FrameError, match=message):
            parse_hello(Frame(0x81, 0, bad))


def test_writes_and_checks():
    assert write_request(9, 0x0102, [0x0A0B0C0D, 1]) == Frame(
        0x20, 9, b"\x02\x01\x0d\x0c\x0b\x0a\x01\0\0\0"
    )
    assert check_request(7) == Frame(0x21, 7)
    for status in (0, 1):
        assert parse_check_response(Frame(0xA1, 7, bytes([status]) + b"later")) == bool(status)
    for bad, message in [(Frame(0xA0, 7), "type"), (Frame(0xA1, 7), "at least 1")]:
        with pytest.raises(FrameError, match=message):
            parse_check_response(bad)
    with pytest.raises(FrameError, match="must be 0 or 1, not 2"):
        parse_check_response(Frame(0xA1, 7, b"\x02"))


@pytest.mark.parametrize("update", [False, True])
def test_hello_of_a_design_that_gathers_evidence(update):
    memories = (4, 100) if update else (0, 0)
    params = LinkParams(9, 1, 8, 2, 5, 7 if update else 3, *memories, 300)
    payload = params.hello_payload(6 if update else None)
    assert len(payload) == params.hello_bytes == (33 if update else 19)
    assert payload[-2:] == b"\x2c\x01"
    for later in (b"", b"later"):
        hello = parse_hello(Frame(MessageType.HELLO_RESPONSE, 3, payload + later))
        assert hello == Hello(params, 6 if update else 5)
    # A host that knows nothing of evidence finds the rest where it looks for it.
    plain = replace(params, capabilities=params.capabilities - 2, evidence_bits=0)
    assert payload[:15] + payload[17:-2] == (
        plain.hello_payload(6 if update else None)[:15]
        + plain.hello_payload(6 if update else None)[17:]
    )


def test_explain_round_trip_and_refusals():
    params = LinkParams(8, 2, 10, 1, 0, 3, evidence_bits=12)
    q = np.array([0x5A])
    assert explain_request(9, q, [8]) == Frame(0x10, 9, b"\x5a")
    good = b"\x03\xff\xff\xbc\x0a"
    assert parse_explain_response(Frame(0x90, 9, good), params) == (3, (-1,), 0xABC)
    for frame, message in [
        (Frame(0x82, 9, good), "type"),
        (Frame(0x90, 9, good[:-1]), "at least 5"),
        (Frame(0x90, 9, good + b"\0"), "5 bytes, not 6"),
        (Frame(0x90, 9, good[:-1] + b"\x1a"), "evidence must fit 12 bits"),
        (Frame(0x90, 9, b"\x04" + good[1:]), "decision"),
    ]:
        with pytest.raises(FrameError, match=message):
            parse_explain_response(frame, params)


def test_hello_refuses():
    payload = LinkParams(9, 1, 8, 2, 5).hello_payload()
    for bad, message in [
        (Frame(0x82, 0, payload), "type"),
        (Frame(0x81, 0, payload[:-1]), "at least 17"),
        (Frame(0x81, 0, b"\x02" + payload[1:]), "version"),
        (Frame(0x81, 0, payload[:9] + b"\0\0" + payload[11:]), "feature_bits"),
    ]:
        with pytest.raises(FrameError, match=message):
            parse_hello_response(bad)


@given(params_of, st.data())
def test_prediction_round_trip(params, data):
    decision = data.draw(st.integers(0, 2**params.decision_bits - 1))
    half = 1 << (params.score_bits - 1)
    scores = tuple(data.draw(st.integers(-half, half - 1)) for _ in range(params.outputs))
    payload = decision.to_bytes(params.decision_bytes, "little")
    for score in scores:
        payload += score.to_bytes(params.score_bytes, "little", signed=True)
    got = parse_predict_response(Frame(0x82, 0, payload), params)
    assert got == (decision if params.decision_bits else None, scores)


def test_prediction_refuses_what_does_not_fit():
    params = LinkParams(8, 2, 10, 1, 0)
    for payload, message in [
        (b"\x03\x00", "at least 3"),
        (b"\x03\x00\x00\x00", "3 bytes, not 4"),
        (b"\x04\x00\x00", "decision"),
        (b"\x03\x00\x02", "score"),
    ]:
        with pytest.raises(FrameError, match=message):
            parse_predict_response(Frame(0x82, 0, payload), params)


@settings(max_examples=50)
@given(st.integers(0, 255), st.binary(max_size=2))
def test_error_codes(code, later):
    got = parse_error_response(Frame(0x80, 1, bytes([code]) + later))
    assert got == code
    assert isinstance(got, ErrorCode) == (code in set(ErrorCode))


@pytest.mark.parametrize(
    "change",
    [
        {"feature_bits": 0},
        {"feature_bits": 65536},
        {"decision_bits": -1},
        {"score_bits": 0},
        {"outputs": 0},
        {"digest": 2**64},
        {"capabilities": 65536},
    ],
)
def test_link_params_refuse(change):
    good = {"feature_bits": 1, "decision_bits": 1, "score_bits": 1, "outputs": 1, "digest": 0}
    with pytest.raises(ValueError, match=next(iter(change))):
        LinkParams(**(good | change))
