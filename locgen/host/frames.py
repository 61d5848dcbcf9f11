"""Frames of docs/protocol.md: COBS, CRC-32, and an incremental reader."""

import zlib
from dataclasses import dataclass

from locgen.top.protocol import CRC_BYTES, DELIMITER, HEADER_BYTES

__all__ = [
    "Frame",
    "FrameError",
    "FrameReader",
    "cobs_decode",
    "cobs_encode",
    "decode_frame",
    "encode_frame",
]

LONGEST_RUN = 254  # bytes of a COBS block with code 255


class FrameError(ValueError):
    """Bytes that are no frame, or a frame with unexpected content."""


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
    """Return the body that `line` (without its delimiter) encodes; raise FrameError if none."""
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
    longest : length in bytes of the longest piece between two delimiters that is read; longer ones
        are noise and dropped

    Attributes
    ----------
    broken : number of non-empty frames so far that did not decode
    """

    def __init__(self, longest: int = 1 << 20) -> None:
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
