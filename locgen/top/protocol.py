"""The numbers of docs/protocol.md that both ends of the wire share: plain data, no hardware."""

from dataclasses import dataclass
from enum import IntEnum, IntFlag

__all__ = [
    "CRC_BYTES",
    "DELIMITER",
    "HEADER_BYTES",
    "HELLO_BYTES",
    "PROTOCOL_VERSION",
    "RESPONSE",
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


class MessageType(IntEnum):
    """Type byte of a frame."""

    HELLO = 0x01
    PREDICT = 0x02
    ERROR_RESPONSE = 0x80
    HELLO_RESPONSE = 0x81
    PREDICT_RESPONSE = 0x82


class ErrorCode(IntEnum):
    """Payload of an error response, in the order in which a device checks."""

    UNKNOWN_TYPE = 1
    WRONG_LENGTH = 2
    BAD_PADDING = 3
    REPEATED = 4
    OVERRUN = 5


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
    digest : 64-bit digest of the design
    capabilities : `Capability` bits

    Raises ValueError if a value does not fit its field of the hello response.
    """

    feature_bits: int
    decision_bits: int
    score_bits: int
    outputs: int
    digest: int
    capabilities: int = int(Capability.PREDICT)

    def __post_init__(self) -> None:
        _require("feature_bits", self.feature_bits, 1, 2**16 - 1)
        _require("decision_bits", self.decision_bits, 0, 2**8 - 1)
        _require("score_bits", self.score_bits, 1, 2**8 - 1)
        _require("outputs", self.outputs, 1, 2**16 - 1)
        _require("digest", self.digest, 0, 2**64 - 1)
        _require("capabilities", self.capabilities, 0, 2**16 - 1)

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

    def hello_payload(self) -> bytes:
        """Return the payload of the hello response."""
        fields = (
            (PROTOCOL_VERSION, 1),
            (self.digest, 8),
            (self.feature_bits, 2),
            (self.decision_bits, 1),
            (self.score_bits, 1),
            (self.outputs, 2),
            (self.capabilities, 2),
        )
        return b"".join(int(value).to_bytes(size, "little") for value, size in fields)
