"""The exchanges that load a model: right devices pass, devices with one fault do not."""

import random

import numpy as np
import pytest
from memorykit import (
    CAPACITY,
    MEMORY,
    MemoryBench,
    MemoryDevice,
    MemoryHost,
    digest_of,
    expected_with,
    random_image,
)

from locgen.host.board import split_image
from locgen.host.frames import Frame, decode_frame, encode_frame
from locgen.host.packing import payload_words
from locgen.top.protocol import ErrorCode, MessageType
from locgen.verify.frames import make_update_frames
from locgen.verify.vectors import Vectors

WIDTHS = (5, 8)
IMAGE = random_image(random.Random(1))


def vectors_of(image) -> Vectors:
    q = np.random.default_rng(1).integers(0, [32, 256], (9, 2))
    answers = [expected_with(image, word, MEMORY) for word in payload_words(q, WIDTHS)]
    return Vectors(
        q,
        tuple(f"vector {k}" for k in range(9)),
        np.array([decision for decision, _ in answers]),
        np.array([scores for _, scores in answers]),
    )


def frames(**options):
    return make_update_frames(MEMORY, WIDTHS, vectors_of(IMAGE), IMAGE, digest_of(IMAGE), **options)


def failures(device, exchanges) -> list[str]:
    """Return the labels of what a device in Python answers wrongly."""
    wrong = []
    for exchange in exchanges:
        got = b""
        for piece in exchange.request.split(b"\0")[:-1]:
            answer = device.answer(piece)
            got += b"" if answer is None else encode_frame(answer)
        if got != exchange.response:
            wrong.append(exchange.label)
    return wrong


def test_the_device_of_the_document_passes():
    device = MemoryDevice(MEMORY)
    assert failures(device, frames()) == []
    assert device.memory.words == IMAGE
    assert failures(device, frames())[0] == "hello without a model"  # it begins without one


def test_some_words_may_be_in_the_memories_already():
    device = MemoryDevice(MEMORY)
    device.memory.words = list(IMAGE)
    device.memory.words[4:8] = [1, 2, 3, 4]
    writes = [(3, IMAGE[3:6]), (6, IMAGE[6:9])]
    exchanges = frames(writes=writes, count=2)
    assert failures(device, exchanges) == []
    assert len(exchanges) < len(frames())


def test_every_kind_of_damage_is_there_and_numbers_never_repeat():
    exchanges = frames()
    labels = [exchange.label for exchange in exchanges]
    for word in ("again", "short", "long", "flipped", "cut", "beginning", "without a model"):
        assert any(word in label for label in labels), word
    addresses = []
    for exchange in exchanges:
        if exchange.response and exchange.response[1:2] == b"\xa0":
            request = decode_frame(exchange.request[:-1])
            addresses.append(int.from_bytes(request.payload[:2], "little"))
    assert addresses == [10, 10, 9, 6, 3, 0, 0]
    answered = [e.response for e in exchanges if e.response]
    numbers = [decode_frame(response[:-1]).sequence for response in answered]
    assert sorted(set(numbers)) == numbers


class TakesShortWrites(MemoryDevice):
    def answer(self, piece):
        answer = super().answer(piece)
        if answer is not None and answer.payload == bytes([ErrorCode.WRONG_LENGTH]):
            payload = decode_frame(piece).payload
            words = [int.from_bytes(payload[k : k + 4], "little") for k in range(2, 14, 4)]
            self.memory.words[int.from_bytes(payload[:2], "little") % CAPACITY] = words[0]
        return answer


class TakesDamagedWrites(MemoryDevice):
    def answer(self, piece):
        answer = super().answer(piece)
        if answer is None:
            self.memory.words[12] ^= 4
        return answer


class UnloadsOnDamage(MemoryDevice):
    def answer(self, piece):
        answer = super().answer(piece)
        if answer is None:
            self.memory.loaded = False
        return answer


class Forgets(MemoryDevice):
    """Takes the first model's state for ever."""

    def answer(self, piece):
        answer = super().answer(piece)
        if answer is not None and answer.type == MessageType.WRITE_RESPONSE:
            self.memory.check()
        return answer


class AlwaysWhole(MemoryDevice):
    def answer(self, piece):
        answer = super().answer(piece)
        if answer is not None and answer.type == MessageType.CHECK_RESPONSE:
            return Frame(answer.type, answer.sequence, b"\1")
        return answer


class LosesAWrite(MemoryDevice):
    def answer(self, piece):
        before = list(self.memory.words)
        answer = super().answer(piece)
        if answer is not None and answer.type == MessageType.WRITE_RESPONSE:
            self.memory.words[7] = before[7]
        return answer


class SaysTheDesignsDigest(MemoryDevice):
    def answer(self, piece):
        answer = super().answer(piece)
        if answer is not None and answer.type == MessageType.HELLO_RESPONSE:
            payload = answer.payload[:1] + answer.payload[23:31] + answer.payload[9:]
            return Frame(answer.type, answer.sequence, payload)
        return answer


@pytest.mark.parametrize(
    "faulty",
    [
        TakesShortWrites,
        TakesDamagedWrites,
        UnloadsOnDamage,
        Forgets,
        AlwaysWhole,
        LosesAWrite,
        SaysTheDesignsDigest,
    ],
)
def test_a_faulty_device_is_found(faulty):
    assert failures(faulty(MEMORY), frames())


def test_the_gates_pass():
    exchanges = frames()
    assert split_image(IMAGE, MEMORY.write_words)[-1][0] == CAPACITY - MEMORY.write_words

    async def test(ctx, host):
        for exchange in exchanges:
            answers = await host.ask(ctx, exchange.request)
            got = b"".join(encode_frame(answer) for answer in answers)
            assert got == exchange.response, exchange.label

    MemoryHost(MemoryBench(MEMORY, latency=3)).run(test)
