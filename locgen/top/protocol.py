"""The numbers of docs/protocol.md that both ends of the wire share: plain data, no hardware."""

from dataclasses import dataclass
from enum import IntEnum, IntFlag

__all__ = [
    "ADDRESS_BYTES",
    "CRC_BYTES",
    "DELIMITER",
    "DIGEST_BYTES",
    "EVIDENCE_HELLO_BYTES",
    "HEADER_BYTES",
    "HELLO_BYTES",
    "MEMORY_HELLO_BYTES",
    "PROTOCOL_VERSION",
    "RESPONSE",
    "WORD_BYTES",
    "Capability",
    "ErrorCode",
    "LinkParams",
    "MessageType",
]

PROTOCOL_VERSION = 1
DELIMITER = 0x00
RESPONSE = 0x80
"""Added to a request's type to make its response's type."""

HEADER_BYTES = 2
CRC_BYTES = 4
HELLO_BYTES = 17
"""Payload bytes of a hello response of this protocol version."""
MEMORY_HELLO_BYTES = HELLO_BYTES + 14
"""The same of a design with memories."""
EVIDENCE_HELLO_BYTES = 2
"""What a design that gathers evidence adds to either."""
ADDRESS_BYTES = 2
WORD_BYTES = 4
DIGEST_BYTES = 8


class MessageType(IntEnum):
    """Type byte of a frame."""

    HELLO = 0x01
    PREDICT = 0x02
    EXPLAIN = 0x10
    WRITE = 0x20
    CHECK = 0x21
    ERROR_RESPONSE = 0x80
    HELLO_RESPONSE = 0x81
    PREDICT_RESPONSE = 0x82
    EXPLAIN_RESPONSE = 0x90
    WRITE_RESPONSE = 0xA0
    CHECK_RESPONSE = 0xA1


class ErrorCode(IntEnum):
    """Payload of an error response, in the order in which a device checks."""

    UNKNOWN_TYPE = 1
    WRONG_LENGTH = 2
    BAD_PADDING = 3
    REPEATED = 4
    OVERRUN = 5
    NOT_READY = 6


class Capability(IntFlag):
    """Bits of the capability field of a hello response."""

    PREDICT = 1
    EXPLAIN = 2
    UPDATE = 4


def _require(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ValueError(f"{name} must be from {low} to {high}, not {value!r}")


@dataclass(frozen=True)
class LinkParams:
    """What a design says of itself on the wire.

    Members
    -------
    feature_bits : width of all features together (F), 1 to 65535
    decision_bits : width of the decision (D), 0 for regression, at most 255
    score_bits : width of one signed score (A), 1 to 255
    outputs : number of scores (O), 1 to 65535
    digest : 64-bit digest of the design; with memories, of the gates that any model is loaded into
    capabilities : `Capability` bits
    write_words : words of a write request (N), 1 to 255; 0 for a design without memories
    memory_words : capacity of the memories in words, N to 65536; 0 without
    evidence_bits : width of a prediction's evidence (E), 1 to 65535; 0 for a design that gathers
        none

    Raises ValueError if a value does not fit its field of the hello response, or for memories
    without the capability UPDATE or evidence without EXPLAIN.
    """

    feature_bits: int
    decision_bits: int
    score_bits: int
    outputs: int
    digest: int
    capabilities: int = int(Capability.PREDICT)
    write_words: int = 0
    memory_words: int = 0
    evidence_bits: int = 0

    def __post_init__(self) -> None:
        _require("feature_bits", self.feature_bits, 1, 2**16 - 1)
        _require("decision_bits", self.decision_bits, 0, 2**8 - 1)
        _require("score_bits", self.score_bits, 1, 2**8 - 1)
        _require("outputs", self.outputs, 1, 2**16 - 1)
        _require("digest", self.digest, 0, 2**64 - 1)
        _require("capabilities", self.capabilities, 0, 2**16 - 1)
        if self.write_words or self.memory_words:
            _require("write_words", self.write_words, 1, 2**8 - 1)
            _require("memory_words", self.memory_words, self.write_words, 2**16)
            if not self.capabilities & Capability.UPDATE:
                raise ValueError("capabilities must hold UPDATE for a design with memories")
        _require("evidence_bits", self.evidence_bits, 0, 2**16 - 1)
        if self.evidence_bits and not self.capabilities & Capability.EXPLAIN:
            raise ValueError("capabilities must hold EXPLAIN for a design that gathers evidence")

    @property
    def has_memories(self) -> bool:
        """Whether the model lies in memories that a host can write."""
        return self.memory_words > 0

    @property
    def explains(self) -> bool:
        """Whether predictions can be asked for with their evidence."""
        return self.evidence_bits > 0

    @property
    def hello_bytes(self) -> int:
        """Payload bytes of the hello response."""
        base = MEMORY_HELLO_BYTES if self.has_memories else HELLO_BYTES
        return base + (EVIDENCE_HELLO_BYTES if self.explains else 0)

    @property
    def feature_bytes(self) -> int:
        """Payload bytes of a predict request."""
        return -(-self.feature_bits // 8)

    @property
    def decision_bytes(self) -> int:
        """Bytes of the decision in a predict response."""
        return -(-self.decision_bits // 8)

    @property
    def score_bytes(self) -> int:
        """Bytes of one score in a predict response."""
        return -(-self.score_bits // 8)

    @property
    def response_bytes(self) -> int:
        """Payload bytes of a predict response."""
        return self.decision_bytes + self.outputs * self.score_bytes

    @property
    def evidence_bytes(self) -> int:
        """Bytes of the evidence behind the scores of an explain response."""
        return -(-self.evidence_bits // 8)

    @property
    def write_bytes(self) -> int:
        """Payload bytes of a write request."""
        return ADDRESS_BYTES + WORD_BYTES * self.write_words

    def hello_payload(self, model_digest: int | None = None) -> bytes:
        """Return the payload of the hello response.

        Parameters
        ----------
        model_digest : of the model in the memories, None while there is no whole one; a design
            without memories has none
        """
        digest = self.digest
        if self.has_memories:
            digest = 0 if model_digest is None else model_digest
        fields = [
            (PROTOCOL_VERSION, 1),
            (digest, DIGEST_BYTES),
            (self.feature_bits, 2),
            (self.decision_bits, 1),
            (self.score_bits, 1),
            (self.outputs, 2),
            (self.capabilities, 2),
        ]
        if self.has_memories:
            fields += [
                (model_digest is not None, 1),
                (self.write_words, 1),
                (self.memory_words, 4),
                (self.digest, DIGEST_BYTES),
            ]
        if self.explains:
            fields.append((self.evidence_bits, EVIDENCE_HELLO_BYTES))
        return b"".join(int(value).to_bytes(size, "little") for value, size in fields)
