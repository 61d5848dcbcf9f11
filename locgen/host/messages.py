"""Requests and responses of docs/protocol.md: integers to frames and back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from locgen.host.frames import Frame, FrameError
from locgen.host.packing import pack_features
from locgen.top.protocol import (
    ADDRESS_BYTES,
    EVIDENCE_HELLO_BYTES,
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
    "Answer",
    "Hello",
    "check_request",
    "explain_request",
    "hello_request",
    "parse_check_response",
    "parse_error_response",
    "parse_explain_response",
    "parse_hello",
    "parse_hello_response",
    "parse_predict_response",
    "predict_request",
    "write_request",
]

Answer = tuple[int | None, tuple[int, ...]]
"""The decision, None for a design without one, and the scores."""

_WIDTHS = ("feature_bits", "decision_bits", "score_bits", "outputs")


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
    """The content of a hello response.

    Attributes
    ----------
    params : the design's parameters; their digest is that of the gates
    digest : of the model that answers; None if a design with memories holds no whole one
    """

    params: LinkParams
    digest: int | None


def parse_hello(frame: Frame) -> Hello:
    """Return the content of a hello response.

    Raises FrameError if `frame` is no hello response, or of another protocol version.
    """
    payload = _payload_of(frame, MessageType.HELLO_RESPONSE, HELLO_BYTES)
    if payload[0] != PROTOCOL_VERSION:
        raise FrameError(f"protocol version must be {PROTOCOL_VERSION}, not {payload[0]}")

    def fields(*borders: int) -> list[int]:
        return [int.from_bytes(payload[a:b], "little") for a, b in pairwise(borders)]

    digest, *widths, capabilities = fields(1, 9, 11, 12, 13, 15, 17)
    facts = dict(zip(_WIDTHS, widths, strict=True)) | {"capabilities": capabilities}
    facts["digest"] = digest
    model: int | None = digest
    length = HELLO_BYTES
    if capabilities & Capability.UPDATE and len(payload) >= MEMORY_HELLO_BYTES:
        ready, facts["write_words"], facts["memory_words"], facts["digest"] = fields(
            17, 18, 19, 23, 31
        )
        model, length = digest if ready & 1 else None, MEMORY_HELLO_BYTES
    if capabilities & Capability.EXPLAIN and len(payload) >= length + EVIDENCE_HELLO_BYTES:
        (facts["evidence_bits"],) = fields(length, length + EVIDENCE_HELLO_BYTES)
    try:
        return Hello(LinkParams(**facts), model)
    except ValueError as error:
        raise FrameError(f"hello response: {error}") from error


def parse_hello_response(frame: Frame) -> LinkParams:
    """Return the design's parameters; raise FrameError as `parse_hello` does."""
    return parse_hello(frame).params


def parse_check_response(frame: Frame) -> bool:
    """Return whether a whole model is loaded; raise FrameError if `frame` does not say."""
    status = _payload_of(frame, MessageType.CHECK_RESPONSE, 1)[0]
    if status > 1:
        raise FrameError(f"check's status must be 0 or 1, not {status}")
    return status == 1


def parse_predict_response(frame: Frame, params: LinkParams) -> Answer:
    """Return the decision (None if the design has none) and the scores of a predict response.

    Raises FrameError if the frame is another, or if its fields exceed the widths in `params`.
    """
    return _answer_of(_exact(frame, MessageType.PREDICT_RESPONSE, params.response_bytes), params)


def parse_explain_response(
    frame: Frame, params: LinkParams
) -> tuple[int | None, tuple[int, ...], int]:
    """Return the same and the evidence, its first digit lowest, of an explain response.

    Raises FrameError if the frame is another, or if its fields exceed the widths in `params`.
    """
    result, length = params.response_bytes, params.response_bytes + params.evidence_bytes
    payload = _exact(frame, MessageType.EXPLAIN_RESPONSE, length)
    evidence = int.from_bytes(payload[result:], "little")
    if evidence >> params.evidence_bits:
        raise FrameError(f"evidence must fit {params.evidence_bits} bits, not be {evidence:#x}")
    return *_answer_of(payload[:result], params), evidence


def _exact(frame: Frame, wanted: MessageType, length: int) -> bytes:
    payload = _payload_of(frame, wanted, length)
    if len(payload) != length:
        name = wanted.name.lower().replace("_", " ")
        raise FrameError(f"{name} must have {length} bytes, not {len(payload)}")
    return payload


def _answer_of(payload: bytes, params: LinkParams) -> Answer:
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


def parse_error_response(frame: Frame) -> int:
    """Return the code of an error response: an `ErrorCode` if this version has a name for it."""
    code = _payload_of(frame, MessageType.ERROR_RESPONSE, 1)[0]
    return ErrorCode(code) if code in ErrorCode.__members__.values() else code
