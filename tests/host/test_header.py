"""The C headers against the Python quantiser and codec: the same bytes for every row and frame."""

import ctypes
import math
import shutil
import subprocess
import zlib
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locgen.errors import ConfigurationError, DataError
from locgen.host.frames import Frame, FrameReader, cobs_encode, encode_frame
from locgen.host.header import render_model_header, write_headers
from locgen.host.messages import hello_request, predict_request
from locgen.host.packing import pack_features
from locgen.ir import (
    AffineFeature,
    Argmax,
    Identity,
    IdentityFeature,
    QuantisedModel,
    RankFeature,
    SplitRule,
    TreeNode,
)
from locgen.ir.membership import Membership
from locgen.quantise import check_rows
from locgen.top.protocol import ErrorCode, LinkParams, MessageType
from locgen.verify.frames import explain_response, predict_response

pytestmark = pytest.mark.skipif(
    not shutil.which("gcc"), reason="gcc is missing (apt-get install gcc)"
)

# Where the machine can multiply and add at once, the compiler may: it is asked to.
FUSED = ["-mfma", "-ffp-contract=fast"]
FLAGS = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O2", "-shared", "-fPIC"]
PROGRAM = """
#include "locgen_model.h"
uint32_t quantise(const double *x, uint8_t *payload) { return locgen_quantise(x, payload); }
"""
LINK_PROGRAM = (
    PROGRAM
    + """
size_t encode(uint8_t type, uint8_t sequence, const uint8_t *payload, size_t size, uint8_t *line,
              size_t capacity) {
  return locgen_encode(type, sequence, payload, size, line, capacity);
}
size_t predict(uint8_t sequence, const uint8_t *payload, uint8_t *line) {
  return locgen_predict(sequence, payload, line);
}
static uint8_t buffer[4096];
static locgen_receiver receiver;
static locgen_frame frame;
void begin(size_t capacity) { locgen_receiver_init(&receiver, buffer, capacity); }
/* 1 for a frame: type, sequence, size and payload in `out`. */
int take(uint8_t byte, uint8_t *out) {
  size_t n;
  if (!locgen_receive(&receiver, byte, &frame)) return 0;
  out[0] = frame.type;
  out[1] = frame.sequence;
  out[2] = (uint8_t)frame.size;
  out[3] = (uint8_t)(frame.size >> 8);
  for (n = 0; n < frame.size; ++n) out[4 + n] = frame.payload[n];
  return 1;
}
int answer(uint64_t *decision, int64_t *scores) { return locgen_answer(&frame, decision, scores); }
int result(unsigned d, unsigned s, unsigned o, unsigned e, uint64_t *decision, int64_t *scores) {
  return locgen_parse_result(&frame, d, s, o, e, decision, scores);
}
int error(void) { return locgen_parse_error(&frame); }
int hello(uint64_t *out) {
  locgen_hello said;
  if (!locgen_parse_hello(&frame, &said)) return 0;
  out[0] = said.digest; out[1] = said.design; out[2] = said.memory_words;
  out[3] = said.feature_bits; out[4] = said.outputs; out[5] = said.capabilities;
  out[6] = said.evidence_bits;
  out[7] = said.decision_bits; out[8] = said.score_bits; out[9] = said.write_words;
  out[10] = said.ready; out[11] = (uint64_t)locgen_is_this_design(&said);
  return 1;
}
const char *label(unsigned n) { return locgen_labels[n]; }
"""
)


def model_of(features, memberships=(), missing=False, outputs=3, **changes):
    """Return a model whose only node looks at no feature: the quantiser is what counts."""
    leaf = TreeNode((), (), (), (), (), (tuple(range(outputs)),), (0,), tuple(range(outputs)))
    facts = {
        "name": "model", "family": "test", "library": "test", "task": "classification",
        "rule": SplitRule("<=", "float64", missing), "features": tuple(features),
        "nodes": (leaf,), "bias": (0,) * outputs, "decision": Argmax(outputs),
        "classes": tuple(range(outputs)), "score_scale": (1.0,) * outputs,
        "score_offset": (0.0,) * outputs, "probability": "none", "members": 1,
        "memberships": tuple(memberships),
    }  # fmt: skip
    return QuantisedModel(**facts | changes)


def fused():
    path = Path("/proc/cpuinfo")
    return FUSED if path.is_file() and " fma " in path.read_text() else []


def compiled(folder, model, params=None, program=None):
    """Compile the headers of a design without a warning; return the library."""
    folder.mkdir(parents=True, exist_ok=True)
    write_headers(folder, model, "0123456789abcdef", params)
    source = folder / "host.c"
    source.write_text(program or (PROGRAM if params is None else LINK_PROGRAM))
    subprocess.run(["gcc", *FLAGS, *fused(), "host.c", "-o", "host.so"], cwd=folder, check=True)
    return ctypes.CDLL(str(folder / "host.so"))


class Quantiser:
    """The compiled quantiser and the Python one side by side."""

    def __init__(self, folder, model):
        self.model, self.library = model, compiled(folder, model)
        self.size = (max(sum(model.feature_bits), 1) + 7) // 8

    def c(self, row):
        payload = ctypes.create_string_buffer(self.size)
        status = self.library.quantise((ctypes.c_double * len(row))(*row), payload)
        return status, payload.raw

    def compare(self, row):
        """Both give the same bytes, or both refuse the row."""
        rows = np.array([row], dtype=np.float64)
        try:
            names, integers = self.model.column_names, self.model.integer_columns
            checked = check_rows(rows, names, self.model.rule.missing, integers=integers)
            expected = pack_features(self.model.quantise(checked), self.model.feature_bits)[0]
        except DataError:
            assert self.c(row)[0] != 0
            return
        assert self.c(row) == (0, expected.tobytes())


RANK = RankFeature("a", (-1e300, -0.1, 0.0, 1.5, np.nextafter(1.5, 2), 3.0e10))
FEATURES = (
    RANK,
    RankFeature("*/ evil \\ name ??/", ()),
    AffineFeature("c", -1.3, 7.7, 6),
    AffineFeature("d", 1e-3, 1e9, 16),
    AffineFeature("narrow", 0.0, 1.0, 0),
    IdentityFeature("e", -7, 90),
    IdentityFeature("f", 3_000_000_000, 3_000_000_100),
    IdentityFeature("wide", 0, (1 << 24) - 1),
)


def edges_of(feature):
    """Return values where the code changes, with their neighbours."""
    if isinstance(feature, RankFeature):
        near = list(feature.cuts)
    elif isinstance(feature, AffineFeature):
        codes = np.arange(min(1 << feature.bits, 70))
        near = [
            *(feature.low + (codes - 0.5) / feature.scale),
            *(feature.low + codes / feature.scale),
        ]
        near += [feature.low + (feature.largest + half) / feature.scale for half in (-0.5, 0, 0.5)]
    else:
        whole = [feature.low, feature.low + 1, feature.high - 1, feature.high]
        near = [w + part for w in whole for part in (-1.5, -0.5, 0.0, 0.5)]
    ends = [
        0.0,
        -0.0,
        5e-324,
        -5e-324,
        1.7976931348623157e308,
        -1.7976931348623157e308,
        2.0**52,
        0.49999999999999994,
    ]
    return [
        float(v)
        for n in [*near, *ends]
        for v in (n, math.nextafter(n, math.inf), math.nextafter(n, -math.inf))
        if np.isfinite(v)
    ]


def test_every_edge_of_every_kind(tmp_path):
    quantiser = Quantiser(tmp_path, model_of(FEATURES))
    plain = [0.0] * len(FEATURES)
    compared = 0
    for number, feature in enumerate(FEATURES):
        for value in edges_of(feature):
            quantiser.compare([*plain[:number], value, *plain[number + 1 :]])
            compared += 1
        for value in (np.nan, np.inf, -np.inf):
            row = [*plain[:number], value, *plain[number + 1 :]]
            assert quantiser.c(row)[0] == number + 1
            quantiser.compare(row)
    assert compared > 500


MISSING = (
    replace(RANK, missing=True),
    AffineFeature("c", -1.3, 7.7, 6, missing=True),
    IdentityFeature("e", -7, 90, missing=True),
    RankFeature("unused", (), missing=False),
    RankFeature("colour in {1, 2}", (0.5,)),
    RankFeature("shape in {}", (0.5,)),
    RankFeature("not asked for", ()),
)
SETS = (
    Membership("colour in {1, 2}", 3, (np.nextafter(1, 0), 1.0, np.nextafter(2, 0), 2.0), True),
    Membership("open ended", 0, (-np.inf, -3.0, 10.0, np.inf), False),
    Membership("nothing", 1, (), False),
)


def test_missing_values_and_memberships(tmp_path):
    model = model_of(MISSING, SETS, missing=True)
    quantiser = Quantiser(tmp_path, model)
    values = {0: edges_of(RANK), 1: edges_of(MISSING[1]), 2: edges_of(MISSING[2]), 3: []}
    for membership in SETS:
        for edge in membership.edges:
            values[membership.column] += [
                math.nextafter(edge, s) for s in (-math.inf, math.inf)
            ] + [edge]
    for column, tried in values.items():
        for value in [*tried, np.nan, np.inf, 1.0, 1.5, -5.0, 20.0]:
            row = [0.0] * 4
            row[column] = value
            quantiser.compare(row)
    quantiser.compare([np.nan] * 4)
    outside = model.quantise(np.array([[np.nan] * 4]))[0]
    assert outside[4:].tolist() == [0, 1, 0]


def test_missing_values_with_the_code_of_another_value(tmp_path):
    features = (
        AffineFeature("scaled", 0.25, 4.0, 5, fill=3.1),
        IdentityFeature("whole", -3, 9, fill=4.5),
        AffineFeature("unused", 0.0, 1.0, 0, fill=0.0),
    )
    model = model_of(features, missing=True)
    quantiser = Quantiser(tmp_path, model)
    for row in ([np.nan] * 3, [3.1, 4.5, 0.0], [np.nan, -3.0, 1.0]):
        quantiser.compare(row)
    assert model.quantise(np.array([[np.nan] * 3])).tolist() == [[11, 8, 0]]


@pytest.fixture(scope="module")
def any_quantiser(tmp_path_factory):
    folder = tmp_path_factory.mktemp("any")
    return Quantiser(folder / "a", model_of(FEATURES)), Quantiser(
        folder / "b", model_of(MISSING, SETS, missing=True)
    )


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_row(any_quantiser, data):
    quantiser = any_quantiser[data.draw(st.integers(0, 1))]
    near = st.one_of(
        st.floats(),
        st.floats(-20, 120),
        st.sampled_from([v for f in FEATURES for v in edges_of(f)]),
    )
    size = quantiser.model.columns
    quantiser.compare(data.draw(st.lists(near, min_size=size, max_size=size)))


def test_fused_multiply_adds_change_nothing(tmp_path):
    """Rows where x * scale + 0.5, rounded once, would be another code."""
    found = [
        (-0.4303093931097491, 3.0414713995724023, -0.26591527779099433),
        (1.7613170282418271, 2.8356701022245723, 1.9376421937142676),
        (-0.06703545401894226, 4.004133763419607, 0.05783549923637316),
    ]
    for low, scale, x in found:
        once = float(Fraction(x - low) * Fraction(scale) + Fraction(1, 2))
        assert math.floor(once) != math.floor((x - low) * scale + 0.5)
    features = [AffineFeature("x", low, scale, 8) for low, scale, _ in found]
    Quantiser(tmp_path, model_of(features)).compare([x for *_, x in found])


PARAMS = LinkParams(13, 2, 10, 3, 0x0123456789ABCDEF)


@dataclass
class Link:
    """The compiled codec."""

    library: ctypes.CDLL

    def encode(self, frame, capacity=4096):
        line = ctypes.create_string_buffer(4096)
        size = self.library.encode(
            frame.type, frame.sequence, frame.payload, len(frame.payload), line, capacity
        )
        return line.raw[:size]

    def receive(self, line, capacity=4096):
        """Return the frames in `line`, all but the last byte of the last one read on."""
        self.library.begin(capacity)
        frames, out = [], ctypes.create_string_buffer(5000)
        for byte in line:
            if self.library.take(byte, out):
                size = out.raw[2] | out.raw[3] << 8
                frames.append(Frame(out.raw[0], out.raw[1], out.raw[4 : 4 + size]))
        return frames

    def result(self, frame, params):
        assert self.receive(encode_frame(frame)) == [frame]
        decision, scores = ctypes.c_uint64(), (ctypes.c_int64 * params.outputs)()
        widths = params.decision_bits, params.score_bits, params.outputs, params.evidence_bits
        if not self.library.result(*widths, ctypes.byref(decision), scores):
            return None
        return decision.value, tuple(scores)


@pytest.fixture(scope="module")
def link(tmp_path_factory):
    model = model_of(
        [RankFeature("a", tuple(range(31))), RankFeature("b", tuple(range(255)))],
        classes=("plain", 'q"u\\o?te', "naïve\n"),
    )
    library = compiled(tmp_path_factory.mktemp("link"), model, PARAMS)
    library.encode.restype = ctypes.c_size_t
    library.predict.restype = ctypes.c_size_t
    library.encode.argtypes = [
        ctypes.c_uint8, ctypes.c_uint8, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p,
        ctypes.c_size_t,
    ]  # fmt: skip
    library.begin.argtypes = [ctypes.c_size_t]
    library.label.restype = ctypes.c_char_p
    return Link(library)


@settings(max_examples=150, deadline=None)
@given(
    kind=st.integers(0, 255),
    sequence=st.integers(0, 255),
    payload=st.one_of(
        st.binary(max_size=40),
        st.binary(min_size=240, max_size=260).map(lambda b: b.replace(b"\0", b"\1")),
        st.binary(max_size=1200),
        st.lists(st.sampled_from([0, 1, 255]), max_size=800).map(bytes),
    ),
)
def test_frames_are_the_same_both_ways(link, kind, sequence, payload):
    frame = Frame(kind, sequence, payload)
    line = encode_frame(frame)
    assert link.encode(frame) == line
    assert link.receive(b"\0\0" + line + line) == [frame, frame]
    body = len(payload) + 6
    bound = body + body // 254 + 2
    assert len(line) <= bound
    assert link.encode(frame, bound - 1) == b""
    # The optional empty last block.
    assert link.receive(
        cobs_encode(
            bytes([kind, sequence])
            + payload
            + zlib.crc32(bytes([kind, sequence]) + payload).to_bytes(4, "little")
        )
        + b"\0"
    ) == [frame]


@settings(max_examples=150, deadline=None)
@given(
    lines=st.lists(
        st.one_of(st.binary(max_size=30), st.just(encode_frame(Frame(130, 9, b"ab\0")))), max_size=6
    ),
    at=st.integers(0, 200),
    flip=st.integers(0, 255),
)
def test_damaged_lines_give_the_same_frames(link, lines, at, flip):
    line = bytearray(b"".join(lines) + b"\0")
    line[at % len(line)] ^= flip
    assert link.receive(bytes(line)) == FrameReader().feed(bytes(line))


def test_every_bit_of_a_frame_matters(link):
    line = encode_frame(Frame(0x82, 5, bytes(range(20))))
    for bit in range(8 * (len(line) - 1)):
        damaged = bytearray(line)
        damaged[bit // 8] ^= 1 << bit % 8
        assert link.receive(bytes(damaged)) == []


def test_lines_longer_than_the_buffer_are_dropped(link):
    good = encode_frame(Frame(0x82, 5, bytes(10)))
    assert link.receive(b"\x07" * 100 + b"\0" + good, capacity=len(good) - 1) == [
        Frame(0x82, 5, bytes(10))
    ]
    assert link.receive(good, capacity=len(good) - 2) == []


def test_requests(link):
    source = np.random.default_rng(1)
    for sequence in range(256):
        q = source.integers(0, [32, 256])
        payload = pack_features(q[None], (5, 8))[0].tobytes()
        line = ctypes.create_string_buffer(64)
        size = link.library.predict(sequence, payload, line)
        assert line.raw[:size] == encode_frame(predict_request(sequence, q, (5, 8)))
    assert link.encode(hello_request(3)) == encode_frame(hello_request(3))


@pytest.mark.parametrize("params", [
    PARAMS,
    replace(PARAMS, decision_bits=0, outputs=1),
    LinkParams(13, 2, 8, 2, 1),
    LinkParams(13, 62, 48, 5, 1),
    LinkParams(13, 1, 64, 2, 1),
    LinkParams(13, 1, 1, 2, 1),
    LinkParams(13, 1, 17, 3, 1, 3, evidence_bits=37),
])  # fmt: skip
def test_answers(link, params):
    source = np.random.default_rng(1)
    limit = 1 << (params.score_bits - 1)
    for turn in range(60):
        ends = [-limit, limit - 1, 0, -1] if turn < 10 else [int(source.integers(-limit, limit))]
        if params.score_bits == 1:
            ends = [-1, 0]
        scores = tuple(
            int(source.choice(np.array(ends, dtype=object))) for _ in range(params.outputs)
        )
        decision = (
            int(source.integers(0, 1 << params.decision_bits)) if params.decision_bits else None
        )
        frame = predict_response(params, 7, decision, scores)
        assert link.result(frame, params) == (decision or 0, scores)
        if params.explains:
            frame = explain_response(params, 7, decision, scores, 12345)
            assert link.result(frame, params) == (decision or 0, scores)
        assert link.result(replace(frame, payload=frame.payload + b"\0"), params) is None
        assert link.result(replace(frame, payload=frame.payload[:-1]), params) is None
        assert link.result(replace(frame, type=0x83), params) is None
    if params.score_bits % 8:
        wrong = predict_response(
            replace(params, score_bits=params.score_bits + 1),
            7,
            0 if params.decision_bits else None,
            [limit] * params.outputs,
        )
        assert link.result(wrong, params) is None
    if params.decision_bits % 8:
        wrong = predict_response(
            replace(params, decision_bits=params.decision_bits + 1),
            7,
            1 << params.decision_bits,
            [0] * params.outputs,
        )
        assert link.result(wrong, params) is None


@pytest.mark.parametrize("params", [
    PARAMS,
    replace(PARAMS, capabilities=3, evidence_bits=300),
    replace(PARAMS, capabilities=5, write_words=3, memory_words=4000),
    replace(PARAMS, capabilities=7, write_words=3, memory_words=65536, evidence_bits=65535),
])  # fmt: skip
@pytest.mark.parametrize("held", [None, PARAMS.digest, 5])
def test_hello(link, params, held):
    for more in (b"", b"later fields"):
        payload = params.hello_payload(held if params.has_memories else None) + more
        (_,) = link.receive(encode_frame(Frame(MessageType.HELLO_RESPONSE, 1, payload)))
        out = (ctypes.c_uint64 * 12)()
        assert link.library.hello(out)
        digest = (held or 0) if params.has_memories else params.digest
        ready = held is not None or not params.has_memories
        assert list(out) == [
            digest, params.digest, params.memory_words, 13, 3, params.capabilities,
            params.evidence_bits, 2, 10, params.write_words, ready, digest == PARAMS.digest,
        ]  # fmt: skip
    for bad in (payload[:16], b"\2" + payload[1:]):
        link.receive(encode_frame(Frame(MessageType.HELLO_RESPONSE, 1, bad)))
        assert not link.library.hello(out)


def test_errors_and_labels(link):
    for code in ErrorCode:
        link.receive(encode_frame(Frame(MessageType.ERROR_RESPONSE, 1, bytes([code, 9]))))
        assert link.library.error() == code
    link.receive(encode_frame(Frame(MessageType.HELLO_RESPONSE, 1, b"\1")))
    assert link.library.error() == 0
    labels = [link.library.label(n).decode() for n in range(3)]
    assert labels == ["plain", 'q"u\\o?te', "naïve\n"]


def test_the_example_in_the_documents_compiles(tmp_path):
    text = (Path(__file__).parents[2] / "docs" / "host.md").read_text("utf-8")
    example = text.partition("```c\n")[2].partition("```")[0]
    assert "locgen_answer" in example
    calls = "void uart_write(const uint8_t *, size_t);\nint uart_read(uint8_t *);\n"
    lines = example.replace('"locgen_model.h"\n', '"locgen_model.h"\n' + calls, 1)
    compiled_object = ["gcc", *FLAGS, "-c", "host.c", "-o", "host.o"]
    write_headers(tmp_path, model_of([RANK]), "0" * 16, PARAMS)
    (tmp_path / "host.c").write_text(lines)
    subprocess.run(compiled_object, cwd=tmp_path, check=True)


def test_headers_serve_cpp_and_regressions_too(tmp_path):
    model = model_of(
        [RANK], task="regression", decision=Identity(), classes=(), score_scale=(0.1, 2.0, 1e-9)
    )
    write_headers(tmp_path, model, "0" * 16, replace(PARAMS, decision_bits=0))
    (tmp_path / "host.cpp").write_text(
        '#include "locgen_model.h"\nint main() { return locgen_scale[0] == 0.1 ? 0 : 1; }\n'
    )
    flags = ["-Wall", "-Wextra", "-Werror", "-o", "host"]
    subprocess.run(["g++", *flags, "host.cpp"], cwd=tmp_path, check=True)
    subprocess.run([str(tmp_path / "host")], check=True)
    assert not (tmp_path / "quantiser" / "locgen_link.h").exists()


def test_a_decision_that_c_cannot_hold():
    with pytest.raises(ConfigurationError, match="C reads up to 64"):
        render_model_header(model_of([RANK]), "0" * 16, replace(PARAMS, decision_bits=65))
