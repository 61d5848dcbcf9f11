"""A board with engines in Python: it holds an image's words and computes from them alone."""

import zlib
from collections.abc import Sequence

import numpy as np
from memorykit import FakeMemory, MemoryDevice

from locgen.api import Design
from locgen.flow.memory import link_params, memory_image
from locgen.host.frames import Frame, encode_frame
from locgen.top.protocol import MessageType


class EngineMemory(FakeMemory):
    """The memory of a single engine: header, CRC-32, and what a new power-up leaves."""

    @property
    def digest(self) -> int | None:
        return self.words[2] | self.words[3] << 32 if self.loaded else None

    def check(self) -> bool:
        count = self.words[1]
        self.loaded = 5 <= count <= len(self.words)
        if self.loaded:
            body = b"".join(word.to_bytes(4, "little") for word in self.words[: count - 1])
            self.loaded = zlib.crc32(body) == self.words[count - 1]
        return self.loaded


def engine_scores(words: Sequence[int], shape, codes: Sequence[int]) -> list[int]:
    """Return the signed scores that an engine of `shape` computes from `words`."""
    totals = list(words[4 : 4 + shape.outputs])
    entry, lanes = 4 + shape.outputs, 2
    while lanes:
        start = words[entry]
        lanes -= start >> 31
        output = (start & 0x7FFFFFFF) >> shape.address_bits
        at = start & (1 << shape.address_bits) - 1
        entry += 1
        while not words[at] >> 31:
            threshold = words[at] & (1 << shape.code_bits) - 1
            rest = words[at] >> shape.code_bits
            feature = rest & (1 << shape.feature_index_bits) - 1
            right = rest >> shape.feature_index_bits
            at = at + 1 if codes[feature] <= threshold else right
        for column, (word, bit) in enumerate(shape.leaf_fields):
            field = words[at + word] >> bit & (1 << shape.leaf_bits) - 1
            totals[output if shape.columns == 1 else column] += field
    return [total - (1 << shape.score_bits - 1) for total in totals]


class EngineDevice(MemoryDevice):
    """docs/protocol.md for the gates of `design`, which has one engine; `loaded` with its model."""

    def __init__(self, design: Design, loaded: bool = True):
        super().__init__(link_params(design))
        self.design = design
        self.memory = EngineMemory(self.params)
        if loaded:
            self.memory.write(0, memory_image(design))
            assert self.memory.check()

    def answer(self, piece: bytes) -> Frame | None:
        answer = super().answer(piece)
        if answer is None or answer.type != MessageType.PREDICT_RESPONSE:
            return answer
        from locgen.host.frames import decode_frame

        params, plan = self.params, self.design.plan
        word = int.from_bytes(decode_frame(piece).payload, "little")
        codes = []
        for bits in self.design.model.feature_bits:
            codes.append(word & (1 << bits) - 1)
            word >>= bits
        travelled = [codes[slot.feature] for slot in plan.slots]
        scores = engine_scores(self.memory.words, plan.shapes[0], travelled)
        decision = self.design.model.decision.evaluate(np.array([scores]))
        payload = b""
        if decision is not None:
            payload = int(decision[0]).to_bytes(params.decision_bytes, "little")
        for score in scores:
            payload += score.to_bytes(params.score_bytes, "little", signed=True)
        return Frame(MessageType.PREDICT_RESPONSE, answer.sequence, payload)


class Line:
    """A transport without faults; dead from its `last`th frame on. Time passes while one waits."""

    def __init__(self, device, last: int | None = None):
        self.device = device
        self.last = last
        self.time = 0.0
        self.coming = b""
        self.rest = b""
        self.frames = 0

    def now(self) -> float:
        return self.time

    def write(self, data: bytes) -> None:
        *pieces, self.rest = (self.rest + data).split(b"\0")
        for piece in pieces:
            if piece and (self.last is None or self.frames < self.last):
                self.frames += 1
                answer = self.device.answer(piece)
                if answer is not None:
                    self.coming += encode_frame(answer)

    def read(self, count: int, timeout_s: float) -> bytes:
        if not self.coming:
            self.time += timeout_s
        taken, self.coming = self.coming[:count], self.coming[count:]
        return taken
