"""The host's end of docs/protocol.md: frames to bytes and back, features to payloads.

Pure functions and one incremental reader; nothing here opens a port.
"""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from locgen.top.protocol import (
    CRC_BYTES,
    DELIMITER,
    HEADER_BYTES,
    HELLO_BYTES,
    PROTOCOL_VERSION,
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
    "LinkParams",
    "MessageType",
    "cobs_decode",
    "cobs_encode",
    "decode_frame",
    "encode_frame",
    "hello_request",
    "pack_features",
    "parse_error_response",
    "parse_hello_response",
    "parse_predict_response",
    "payload_words",
    "predict_request",
]

LONGEST_RUN = 254  # bytes of a COBS block with code 255
ROWS_AT_ONCE = 1024  # keeps the bit matrix of `pack_features` small


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


def _payload_of(frame: Frame, wanted: MessageType, least: int) -> bytes:
    if frame.type != wanted:
        raise FrameError(f"frame must be of type {int(wanted):#04x}, not {frame.type:#04x}")
    if len(frame.payload) < least:
        raise FrameError(
            f"payload of type {int(wanted):#04x} must have at least {least} bytes, "
            f"not {len(frame.payload)}"
        )
    return frame.payload


def parse_hello_response(frame: Frame) -> LinkParams:
    """Return what the device says of itself.

    Raises FrameError if `frame` is no hello response, or of another protocol version.
    """
    payload = _payload_of(frame, MessageType.HELLO_RESPONSE, HELLO_BYTES)
    if payload[0] != PROTOCOL_VERSION:
        raise FrameError(f"protocol version must be {PROTOCOL_VERSION}, not {payload[0]}")
    digest, feature_bits, decision_bits, score_bits, outputs, capabilities = (
        int.from_bytes(payload[start:end], "little")
        for start, end in ((1, 9), (9, 11), (11, 12), (12, 13), (13, 15), (15, 17))
    )
    try:
        return LinkParams(feature_bits, decision_bits, score_bits, outputs, digest, capabilities)
    except ValueError as error:
        raise FrameError(f"hello response: {error}") from error


def parse_predict_response(frame: Frame, params: LinkParams) -> tuple[int | None, tuple[int, ...]]:
    """Return the decision (None if the design has none) and the scores of a predict response.

    Raises FrameError if the frame is another, or if its fields exceed the widths in `params`.
    """
    payload = _payload_of(frame, MessageType.PREDICT_RESPONSE, params.response_bytes)
    if len(payload) != params.response_bytes:
        raise FrameError(
            f"predict response must have {params.response_bytes} bytes, not {len(payload)}"
        )
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


def pack_features(q: np.ndarray, widths: Iterable[int]) -> np.ndarray:
    """Return the predict payloads of rows of features.

    Parameters
    ----------
    q : (rows, features) unsigned integers; ``q[:, j] < 2**widths[j]``. Values of features of
        width 0 are not looked at.
    widths : (features,) bits of each feature, 0 to 63

    Returns
    -------
    (rows, bytes) uint8; bytes is ceil(sum(widths) / 8), but at least 1 (a core without any feature
    has one unused bit)

    Raises
    ------
    ValueError : wrong shape or type, or a value that does not fit
    """
    q = np.asarray(q)
    widths = np.fromiter(widths, dtype=np.int64)
    if q.ndim != 2 or q.shape[1] != len(widths):
        raise ValueError(f"q must have shape (rows, {len(widths)}), not {q.shape}")
    if q.dtype.kind not in "iub":
        raise ValueError(f"q must hold integers, not {q.dtype}")
    if len(widths) and not (widths.min() >= 0 and widths.max() <= 63):
        raise ValueError(f"widths must be from 0 to 63, not {widths.tolist()}")
    used = np.flatnonzero(widths)
    misfit = ((q[:, used] < 0) | (q[:, used] >= (1 << widths[used]).astype(np.uint64))).any(axis=0)
    if misfit.any():
        feature = int(used[np.argmax(misfit)])
        raise ValueError(f"feature {feature} must be from 0 to {2 ** int(widths[feature]) - 1}")

    source = np.repeat(np.arange(len(widths)), widths)
    starts = np.cumsum(widths) - widths
    shift = np.arange(len(source)) - starts[source]
    packed = np.zeros((len(q), max(1, -(-len(source) // 8))), dtype=np.uint8)
    for start in range(0, len(q), ROWS_AT_ONCE) if len(source) else ():
        rows = q[start : start + ROWS_AT_ONCE, source].astype(np.uint64)
        bits = (rows >> shift.astype(np.uint64)) & np.uint64(1)
        packed[start : start + ROWS_AT_ONCE] = np.packbits(
            bits.astype(np.uint8), axis=1, bitorder="little"
        )
    return packed


def payload_words(q: np.ndarray, widths: Iterable[int]) -> list[int]:
    """Return the same rows as the integers that stand on a core's ``i__payload``."""
    return [int.from_bytes(row.tobytes(), "little") for row in pack_features(q, widths)]
