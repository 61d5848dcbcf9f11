"""Frames for the verification of a board top, with the answers that it must give."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from locgen.host.board import split_image
from locgen.host.frames import Frame, encode_frame
from locgen.host.messages import (
    check_request,
    explain_request,
    hello_request,
    predict_request,
    write_request,
)
from locgen.ir import QuantisedModel
from locgen.top.protocol import ErrorCode, LinkParams, MessageType
from locgen.verify.testbench import Frame as Exchange
from locgen.verify.vectors import Vectors

__all__ = ["explain_response", "make_frames", "make_update_frames", "predict_response"]


def predict_response(
    params: LinkParams, sequence: int, decision: int | None, scores: Sequence[int]
) -> Frame:
    """Return the frame that answers a predict request."""
    payload = b"" if decision is None else int(decision).to_bytes(params.decision_bytes, "little")
    for score in scores:
        payload += int(score).to_bytes(params.score_bytes, "little", signed=True)
    return Frame(MessageType.PREDICT_RESPONSE, sequence, payload)


def explain_response(
    params: LinkParams, sequence: int, decision: int | None, scores: Sequence[int], evidence: int
) -> Frame:
    """Return the frame that answers an explain request."""
    answer = predict_response(params, sequence, decision, scores)
    said = evidence.to_bytes(params.evidence_bytes, "little")
    return Frame(MessageType.EXPLAIN_RESPONSE, sequence, answer.payload + said)


def make_frames(
    model: QuantisedModel,
    params: LinkParams,
    vectors: Vectors,
    count: int = 24,
    digest: int | None = None,
    evidence: Sequence[int] = (),
) -> list[Exchange]:
    """Return `count` predictions spread over `vectors`, with damaged frames between them.

    Every kind of damage that docs/protocol.md names is there once: each must be answered with its
    error or with silence, and the prediction after it must be right. With evidence every other
    prediction is requested with it; without, a request for it is of an unknown type.

    Parameters
    ----------
    model : integer model, whose feature widths the requests have
    params : the design's link
    vectors : inputs with golden's answers
    count : predictions
    digest : of the model in the memories, for a design with such
    evidence : of each vector, all digits as one integer, for a design that gathers it
    """
    picked = np.unique(np.linspace(0, len(vectors) - 1, count).astype(int))
    hello = Frame(MessageType.HELLO_RESPONSE, 0, params.hello_payload(digest))
    frames = [Exchange("hello", encode_frame(hello_request(0)), encode_frame(hello))]
    sequence = 0

    def request(vector: int, explain: bool) -> Frame:
        nonlocal sequence
        sequence = (sequence + 1) % 256
        ask = explain_request if explain else predict_request
        return ask(sequence, vectors.q[vector], model.feature_bits)

    for turn, vector in enumerate(picked.tolist()):
        explain = bool(evidence) and turn % 2 == 0
        good = request(vector, explain)
        decision = None if vectors.decision is None else int(vectors.decision[vector])
        result = good.sequence, decision, vectors.scores[vector]
        answer = (
            explain_response(params, *result, evidence[vector])
            if explain
            else predict_response(params, *result)
        )
        line = encode_frame(good)
        frames.append(Exchange(vectors.labels[vector], line, encode_frame(answer)))
        if turn < len(_DAMAGES) and _DAMAGES[turn] == "repeated":
            frames.append(Exchange("repeated", line, _error(good.sequence, ErrorCode.REPEATED)))
        elif turn < len(_DAMAGES):
            bad = request(vector, explain)
            frames += _damaged(_DAMAGES[turn], bad, params.feature_bits, bool(evidence))
    return frames


_DAMAGES = ("bit", "short", "long", "repeated", "type", "crc", "padding", "noise")


def _damaged(damage: str, request: Frame, feature_bits: int, has_evidence: bool) -> list[Exchange]:
    """Return the exchange in which `request` arrives damaged; none if it cannot be so."""
    number, payload, line = request.sequence, request.payload, encode_frame(request)

    def refused(label: str, kind: int, body: bytes, code: ErrorCode) -> list[Exchange]:
        return [Exchange(label, encode_frame(Frame(kind, number, body)), _error(number, code))]

    match damage:
        case "bit":
            return [Exchange("one bit flipped", _flip(line), b"")]
        case "short":
            return refused("one byte short", request.type, payload[:-1], ErrorCode.WRONG_LENGTH)
        case "long":
            longer = payload + b"\x00"
            return refused("one byte long", request.type, longer, ErrorCode.WRONG_LENGTH)
        case "type":
            unknown = 0x6F if has_evidence else MessageType.EXPLAIN
            return refused("unknown type", unknown, payload, ErrorCode.UNKNOWN_TYPE)
        case "crc":
            return [Exchange("cut off", line[: len(line) // 2] + b"\x00", b"")]
        case "padding":
            padded = payload[:-1] + bytes([payload[-1] | 0x80])
            return (
                refused("padding set", request.type, padded, ErrorCode.BAD_PADDING)
                if feature_bits % 8
                else []
            )
        case _:
            noise = bytes(1 + zlib.crc32(bytes([n])) % 255 for n in range(12)) + b"\x00"
            return [Exchange("noise", noise, b"")]


def make_update_frames(
    params: LinkParams,
    feature_bits: Sequence[int],
    vectors: Vectors,
    words: Sequence[int],
    digest: int,
    writes: Sequence[tuple[int, Sequence[int]]] | None = None,
    count: int = 4,
) -> list[Exchange]:
    """Return the exchanges that load a model over the link, with everything that can go wrong.

    The device begins without a whole model. Damaged writes carry inverted words to places that are
    right already, so that a device that took one would fail the check; it is also asked to
    check and to predict while a write is missing, and after one was repeated.

    Parameters
    ----------
    params : the design's link
    feature_bits : width of each feature of the model in the image
    vectors : with that model's answers
    words, digest : the image and the digest that hello must answer with it
    writes : address and words of the writes to send, in this order; the rest of the image must be
        in the memories already. The last one is missing at first, so it must change them. By
        default all writes, from the end of the image to its beginning.
    count : predictions after the model was loaded
    """
    if writes is None:
        writes = split_image(words, params.write_words)[::-1]
    dialogue = _Dialogue(params, feature_bits, vectors)
    loads = [(int(address), [int(word) for word in piece]) for address, piece in writes]

    dialogue.hello("hello without a model", None)
    dialogue.predict("predict without a model", 0, ready=False)
    dialogue.check("check without a model", 0)
    for number, (address, piece) in enumerate(loads[:-1]):
        dialogue.write(f"write to {address}", address, piece)
        if number == 0:
            dialogue.write(f"write to {address} again", address, piece)
    for address, piece in loads[:-1][:1]:
        dialogue.damaged_writes(address, piece)
    dialogue.check("check before the last write", 0)
    dialogue.predict("predict before the last write", 0, ready=False)
    dialogue.hello("hello before the last write", None)
    dialogue.write("the last write", *loads[-1])
    dialogue.predict("predict before the check", 0, ready=False)
    dialogue.check("check of the whole model", 1)
    dialogue.hello("hello with the model", digest)
    picked = np.unique(np.linspace(0, len(vectors) - 1, count).astype(int))
    for vector in picked:
        dialogue.predict(vectors.labels[vector], int(vector), ready=True)
    dialogue.damaged_writes(*loads[-1])
    dialogue.predict("predict after damaged writes", int(picked[0]), ready=True)
    dialogue.check("check after damaged writes", 1)
    dialogue.write("a write when all is loaded", *loads[-1])
    dialogue.predict("predict before the next check", int(picked[-1]), ready=False)
    dialogue.check("check after the same words", 1)
    dialogue.predict("predict after the same words", int(picked[-1]), ready=True)
    return dialogue.exchanges


class _Dialogue:
    """Exchanges with a device with memories, numbered as a host numbers them."""

    def __init__(self, params: LinkParams, feature_bits: Sequence[int], vectors: Vectors) -> None:
        self.params, self.feature_bits, self.vectors = params, feature_bits, vectors
        self.exchanges: list[Exchange] = []
        self.sequence = 0

    def next(self) -> int:
        self.sequence = (self.sequence + 1) % 256
        return self.sequence

    def add(self, label: str, request: Frame, response: Frame) -> None:
        self.exchanges.append(Exchange(label, encode_frame(request), encode_frame(response)))

    def hello(self, label: str, digest: int | None) -> None:
        payload = self.params.hello_payload(digest)
        number = self.next()
        answer = Frame(MessageType.HELLO_RESPONSE, number, payload)
        self.add(label, hello_request(number), answer)

    def check(self, label: str, status: int) -> None:
        number = self.next()
        answer = Frame(MessageType.CHECK_RESPONSE, number, bytes([status]))
        self.add(label, check_request(number), answer)

    def predict(self, label: str, vector: int, *, ready: bool) -> None:
        vectors, number = self.vectors, self.next()
        line = encode_frame(predict_request(number, vectors.q[vector], self.feature_bits))
        if not ready:
            self.exchanges.append(Exchange(label, line, _error(number, ErrorCode.NOT_READY)))
            return
        decision = None if vectors.decision is None else int(vectors.decision[vector])
        answer = predict_response(self.params, number, decision, vectors.scores[vector])
        self.exchanges.append(Exchange(label, line, encode_frame(answer)))

    def write(self, label: str, address: int, words: Sequence[int]) -> None:
        number = self.next()
        answer = Frame(MessageType.WRITE_RESPONSE, number)
        self.add(label, write_request(number, address, words), answer)

    def damaged_writes(self, address: int, words: Sequence[int]) -> None:
        """Add every damage to a write that would invert `words` if it were executed."""
        inverted = [word ^ 0xFFFFFFFF for word in words]

        def lengths(label: str, change: Callable[[bytes], bytes]) -> None:
            frame = write_request(self.next(), address, inverted)
            line = encode_frame(replace(frame, payload=change(frame.payload)))
            answer = _error(frame.sequence, ErrorCode.WRONG_LENGTH)
            self.exchanges.append(Exchange(label, line, answer))

        lengths("write one byte short", lambda payload: payload[:-1])
        lengths("write one word short", lambda payload: payload[:-4])
        lengths("write one byte long", lambda payload: payload + b"\x01")
        lengths("write twice as long", lambda payload: payload + payload)
        lengths("write without words", lambda payload: payload[:2])
        for label, damage in (
            ("write with one bit flipped", _flip),
            ("write cut off", lambda line: line[: len(line) // 2] + b"\x00"),
            ("write without its beginning", lambda line: line[len(line) // 2 :]),
        ):
            line = damage(encode_frame(write_request(self.next(), address, inverted)))
            self.exchanges.append(Exchange(label, line, b""))
        check = replace(check_request(self.next()), payload=b"\x01")
        answer = _error(check.sequence, ErrorCode.WRONG_LENGTH)
        self.exchanges.append(Exchange("check with a payload", encode_frame(check), answer))


def _error(number: int, code: ErrorCode) -> bytes:
    return encode_frame(Frame(MessageType.ERROR_RESPONSE, number, bytes([code])))


def _flip(line: bytes) -> bytes:
    """Return `line` with the lowest bit of a byte flipped that stays no zero."""
    place = next(n for n in range(3, len(line)) if line[n] not in (0, 1))
    return line[:place] + bytes([line[place] ^ 1]) + line[place + 1 :]
