"""The frames that a board top is verified with, and what it must answer."""

import zlib
from collections.abc import Sequence

import numpy as np

from locgen.host.frames import (
    ErrorCode,
    Frame,
    MessageType,
    encode_frame,
    hello_request,
    predict_request,
)
from locgen.ir import QuantisedModel
from locgen.top.protocol import LinkParams
from locgen.verify.testbench import Frame as Exchange
from locgen.verify.vectors import Vectors

__all__ = ["make_frames", "predict_response"]


def predict_response(
    params: LinkParams, sequence: int, decision: int | None, scores: Sequence[int]
) -> Frame:
    """Return the frame that answers a predict request."""
    payload = b"" if decision is None else int(decision).to_bytes(params.decision_bytes, "little")
    for score in scores:
        payload += int(score).to_bytes(params.score_bytes, "little", signed=True)
    return Frame(MessageType.PREDICT_RESPONSE, sequence, payload)


def make_frames(
    model: QuantisedModel, params: LinkParams, vectors: Vectors, count: int = 24
) -> list[Exchange]:
    """Return `count` predictions spread over `vectors`, with damaged frames between them.

    Every kind of damage that docs/protocol.md names is there once: each must be answered with its
    error or with silence, and the prediction after it must be right.
    """
    picked = np.unique(np.linspace(0, len(vectors) - 1, count).astype(int))
    hello = Frame(MessageType.HELLO_RESPONSE, 0, params.hello_payload())
    frames = [Exchange("hello", encode_frame(hello_request(0)), encode_frame(hello))]
    sequence = 0

    def request(vector: int) -> Frame:
        nonlocal sequence
        sequence = (sequence + 1) % 256
        return predict_request(sequence, vectors.q[vector], model.feature_bits)

    def error(number: int, code: ErrorCode) -> bytes:
        return encode_frame(Frame(MessageType.ERROR_RESPONSE, number, bytes([code])))

    damages = ["bit", "short", "long", "repeated", "type", "crc", "padding", "noise"]
    for turn, vector in enumerate(picked):
        good = request(int(vector))
        decision = None if vectors.decision is None else int(vectors.decision[vector])
        answer = predict_response(params, good.sequence, decision, vectors.scores[vector])
        line = encode_frame(good)
        frames.append(Exchange(vectors.labels[vector], line, encode_frame(answer)))
        damage = damages[turn % len(damages)]
        if turn >= len(damages):
            continue
        if damage == "repeated":
            frames.append(Exchange(damage, line, error(good.sequence, ErrorCode.REPEATED)))
            continue
        bad = request(int(vector))
        line, number = encode_frame(bad), bad.sequence
        if damage == "bit":
            frames.append(Exchange("one bit flipped", _flip(line), b""))
        elif damage == "short":
            short = encode_frame(Frame(bad.type, number, bad.payload[:-1]))
            frames.append(Exchange("one byte short", short, error(number, ErrorCode.WRONG_LENGTH)))
        elif damage == "long":
            long = encode_frame(Frame(bad.type, number, bad.payload + b"\x00"))
            frames.append(Exchange("one byte long", long, error(number, ErrorCode.WRONG_LENGTH)))
        elif damage == "type":
            strange = encode_frame(Frame(0x6F, number, bad.payload))
            frames.append(Exchange("unknown type", strange, error(number, ErrorCode.UNKNOWN_TYPE)))
        elif damage == "crc":
            frames.append(Exchange("cut off", line[: len(line) // 2] + b"\x00", b""))
        elif damage == "padding" and params.feature_bits % 8:
            body = bad.payload[:-1] + bytes([bad.payload[-1] | 0x80])
            padded = encode_frame(Frame(bad.type, number, body))
            frames.append(Exchange("padding set", padded, error(number, ErrorCode.BAD_PADDING)))
        elif damage == "noise":
            noise = bytes(1 + zlib.crc32(bytes([n])) % 255 for n in range(12)) + b"\x00"
            frames.append(Exchange("noise", noise, b""))
    return frames


def _flip(line: bytes) -> bytes:
    """Return `line` with the lowest bit of a byte flipped that stays no zero."""
    place = next(n for n in range(3, len(line)) if line[n] not in (0, 1))
    return line[:place] + bytes([line[place] ^ 1]) + line[place + 1 :]
