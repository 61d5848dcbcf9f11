"""The host's end of docs/protocol.md: frames to bytes and back, features to payloads.

Pure functions and one incremental reader; nothing here opens a port.
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from locgen.host.packing import pack_features, payload_words
from locgen.top.protocol import (
    ADDRESS_BYTES,
    CRC_BYTES,
    DELIMITER,
    EVIDENCE_HELLO_BYTES,
    HEADER_BYTES,
    HELLO_BYTES,
    MEMORY_HELLO_BYTES,
    PROTOCOL_VERSION,
    WORD_BYTES,
    Capability,
    ErrorCode,
    LinkParams,
    MessageType,
)

__all__ = [
    "Capability",
    "ErrorCode",
    "Frame",
    "FrameError",
    "FrameReader",
    "Hello",
    "LinkParams",
    "MessageType",
    "check_request",
    "cobs_decode",
    "cobs_encode",
    "decode_frame",
    "encode_frame",
    "explain_request",
    "hello_request",
    "pack_features",
    "parse_check_response",
    "parse_error_response",
    "parse_explain_response",
    "parse_hello",
    "parse_hello_response",
    "parse_predict_response",
    "payload_words",
    "predict_request",
    "write_request",
]

LONGEST_RUN = 254  # bytes of a COBS block with code 255


class FrameError(ValueError):
    """Bytes that are no frame, or a frame that is not what it should be."""


@dataclass(frozen=True)
class Frame:
    """One message: its type and sequence number (0 to 255 each) and its payload."""

    type: int
    sequence: int
    payload: bytes = b""


def cobs_encode(body: bytes) -> bytes:
    """Return `body` without zero bytes, the delimiter not included."""
    line = bytearray()
    runs = body.split(b"\x00")
    for index, run in enumerate(runs):
        whole = len(run) // LONGEST_RUN
        for start in range(0, whole * LONGEST_RUN, LONGEST_RUN):
            line += b"\xff" + run[start : start + LONGEST_RUN]
        rest = run[whole * LONGEST_RUN :]
        if rest or not whole or index < len(runs) - 1:  # no empty block after a last full one
            line += bytes([len(rest) + 1]) + rest
    return bytes(line)


def cobs_decode(line: bytes) -> bytes:
    """Return the body that `line` (without its delimiter) stands for; raise FrameError if none."""
    body = bytearray()
    position = 0
    while position < len(line):
        code = line[position]
        block = line[position + 1 : position + code]
        if code == DELIMITER or DELIMITER in block:
            raise FrameError("COBS data must not hold a zero byte")
        if len(block) != code - 1:
            raise FrameError(f"COBS block must have {code - 1} bytes, not {len(block)}")
        body += block
        position += code
        if code <= LONGEST_RUN and position < len(line):
            body.append(0)
    return bytes(body)


def encode_frame(frame: Frame) -> bytes:
    """Return `frame` as it goes on the line, delimiter included."""
    try:
        body = bytes([frame.type, frame.sequence]) + frame.payload
    except ValueError:
        raise FrameError(
            f"type and sequence must be from 0 to 255, not {frame.type!r} and {frame.sequence!r}"
        ) from None
    body += zlib.crc32(body).to_bytes(CRC_BYTES, "little")
    return cobs_encode(body) + bytes([DELIMITER])


def decode_frame(line: bytes) -> Frame:
    """Return the frame that `line` (without its delimiter) holds; raise FrameError if none."""
    body = cobs_decode(line)
    if len(body) < HEADER_BYTES + CRC_BYTES:
        raise FrameError(
            f"frame must have at least {HEADER_BYTES + CRC_BYTES} bytes, not {len(body)}"
        )
    message, crc = body[:-CRC_BYTES], int.from_bytes(body[-CRC_BYTES:], "little")
    if zlib.crc32(message) != crc:
        raise FrameError(f"frame's CRC must be {zlib.crc32(message):08x}, not {crc:08x}")
    return Frame(message[0], message[1], message[HEADER_BYTES:])


class FrameReader:
    """Frames out of a byte stream that arrives in arbitrary pieces.

    Parameters
    ----------
    longest : bytes between two delimiters from which on they are taken for noise and dropped

    Attributes
    ----------
    broken : number of non-empty frames so far that could not be read
    """

    def __init__(self, longest: int = 1 << 20):
        self.longest = longest
        self.broken = 0
        self._open = bytearray()
        self._overlong = False

    def feed(self, chunk: bytes) -> list[Frame]:
        """Take the next bytes of the line; return the frames that they complete, in order."""
        frames = []
        *ended, rest = bytes(chunk).split(bytes([DELIMITER]))
        for piece in ended:
            self._extend(piece)
            if self._overlong:
                self.broken += 1
            elif self._open:
                try:
                    frames.append(decode_frame(bytes(self._open)))
                except FrameError:
                    self.broken += 1
            self.clear()
        self._extend(rest)
        return frames

    def clear(self) -> None:
        """Forget the unfinished frame, as after a time-out."""
        self._open.clear()
        self._overlong = False

    def _extend(self, piece: bytes) -> None:
        self._open += piece
        if len(self._open) > self.longest:
            self._open.clear()
            self._overlong = True


def hello_request(sequence: int) -> Frame:
    """Return the request that opens a session."""
    return Frame(MessageType.HELLO, sequence)


def predict_request(sequence: int, q: np.ndarray, widths: Iterable[int]) -> Frame:
    """Return the request for one row `q` (features,) of unsigned integers of these `widths`."""
    packed = pack_features(np.asarray(q)[None, :], widths)
    return Frame(MessageType.PREDICT, sequence, packed[0].tobytes())


def explain_request(sequence: int, q: np.ndarray, widths: Iterable[int]) -> Frame:
    """Return the same request for a prediction with its evidence."""
    return replace(predict_request(sequence, q, widths), type=MessageType.EXPLAIN)


def write_request(sequence: int, address: int, words: Sequence[int]) -> Frame:
    """Return the request that writes `words`, as many as hello asks for, from `address` on."""
    payload = int(address).to_bytes(ADDRESS_BYTES, "little")
    payload += b"".join(int(word).to_bytes(WORD_BYTES, "little") for word in words)
    return Frame(MessageType.WRITE, sequence, payload)


def check_request(sequence: int) -> Frame:
    """Return the request that has the device check its memories."""
    return Frame(MessageType.CHECK, sequence)


def _payload_of(frame: Frame, wanted: MessageType, least: int) -> bytes:
    if frame.type != wanted:
        raise FrameError(f"frame must be of type {int(wanted):#04x}, not {frame.type:#04x}")
    if len(frame.payload) < least:
        raise FrameError(
            f"payload of type {int(wanted):#04x} must have at least {least} bytes, "
            f"not {len(frame.payload)}"
        )
    return frame.payload


@dataclass(frozen=True)
class Hello:
    """What a device says of itself.

    Attributes
    ----------
    params : what the design is; its digest is that of the gates
    digest : of the model that answers; None if a design with memories holds no whole one
    """

    params: LinkParams
    digest: int | None


def parse_hello(frame: Frame) -> Hello:
    """Return what the device says of itself.

    Raises FrameError if `frame` is no hello response, or of another protocol version.
    """
    payload = _payload_of(frame, MessageType.HELLO_RESPONSE, HELLO_BYTES)
    if payload[0] != PROTOCOL_VERSION:
        raise FrameError(f"protocol version must be {PROTOCOL_VERSION}, not {payload[0]}")

    def fields(*borders: int) -> tuple[int, ...]:
        return tuple(int.from_bytes(payload[a:b], "little") for a, b in pairwise(borders))

    digest, *widths, capabilities = fields(1, 9, 11, 12, 13, 15, 17)
    design, model, memories, known = digest, digest, (0, 0), HELLO_BYTES
    if capabilities & Capability.UPDATE and len(payload) >= MEMORY_HELLO_BYTES:
        status, *memories, design = fields(17, 18, 19, 23, 31)
        model, known = digest if status & 1 else None, MEMORY_HELLO_BYTES
    evidence_bits = 0
    if capabilities & Capability.EXPLAIN and len(payload) >= known + EVIDENCE_HELLO_BYTES:
        (evidence_bits,) = fields(known, known + EVIDENCE_HELLO_BYTES)
    try:
        params = LinkParams(*widths, design, capabilities, *memories, evidence_bits)
    except ValueError as error:
        raise FrameError(f"hello response: {error}") from error
    return Hello(params, model)


def parse_hello_response(frame: Frame) -> LinkParams:
    """Return what the design is; raise FrameError as `parse_hello` does."""
    return parse_hello(frame).params


def parse_check_response(frame: Frame) -> bool:
    """Return whether a whole model is loaded; raise FrameError if `frame` does not say."""
    status = _payload_of(frame, MessageType.CHECK_RESPONSE, 1)[0]
    if status > 1:
        raise FrameError(f"check's status must be 0 or 1, not {status}")
    return status == 1


def parse_predict_response(frame: Frame, params: LinkParams) -> tuple[int | None, tuple[int, ...]]:
    """Return the decision (None if the design has none) and the scores of a predict response.

    Raises FrameError if the frame is another, or if its fields exceed the widths in `params`.
    """
    payload = _payload_of(frame, MessageType.PREDICT_RESPONSE, params.response_bytes)
    if len(payload) != params.response_bytes:
        raise FrameError(
            f"predict response must have {params.response_bytes} bytes, not {len(payload)}"
        )
    return _result_of(payload, params)


def parse_explain_response(
    frame: Frame, params: LinkParams
) -> tuple[int | None, tuple[int, ...], int]:
    """Return the same and the evidence, its first digit lowest, of an explain response.

    Raises FrameError if the frame is another, or if its fields exceed the widths in `params`.
    """
    result, length = params.response_bytes, params.response_bytes + params.evidence_bytes
    payload = _payload_of(frame, MessageType.EXPLAIN_RESPONSE, length)
    if len(payload) != length:
        raise FrameError(f"explain response must have {length} bytes, not {len(payload)}")
    evidence = int.from_bytes(payload[result:], "little")
    if evidence >> params.evidence_bits:
        raise FrameError(f"evidence must fit {params.evidence_bits} bits, not be {evidence:#x}")
    return *_result_of(payload[:result], params), evidence


def _result_of(payload: bytes, params: LinkParams) -> tuple[int | None, tuple[int, ...]]:
    """Return decision and scores of the first bytes of a response."""
    decision = None
    if params.decision_bits:
        decision = int.from_bytes(payload[: params.decision_bytes], "little")
        if decision >> params.decision_bits:
            raise FrameError(f"decision must fit {params.decision_bits} bits, not be {decision}")
    scores = tuple(
        int.from_bytes(payload[start : start + params.score_bytes], "little", signed=True)
        for start in range(params.decision_bytes, len(payload), params.score_bytes)
    )
    limit = 1 << (params.score_bits - 1)
    for score in scores:
        if not -limit <= score < limit:
            raise FrameError(f"score must fit {params.score_bits} signed bits, not be {score}")
    return decision, scores


def parse_error_response(frame: Frame) -> ErrorCode | int:
    """Return the code of an error response; a plain integer if this version has no name for it."""
    code = _payload_of(frame, MessageType.ERROR_RESPONSE, 1)[0]
    return ErrorCode(code) if code in ErrorCode.__members__.values() else code
