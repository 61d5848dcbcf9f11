"""Requests and responses over an unreliable line (docs/protocol.md, section 5)."""

from collections.abc import Callable, Collection, Set
from typing import TypeVar

from locgen.errors import BoardError
from locgen.host.frames import Frame, FrameError, FrameReader, encode_frame
from locgen.host.messages import parse_error_response
from locgen.host.transport import Transport
from locgen.top.protocol import DELIMITER, RESPONSE, ErrorCode, MessageType

__all__ = ["REFUSALS", "RETRYABLE", "RETRYABLE_AT_BOOT", "Session", "parse_response"]

READ_BYTES = 4096
IDLE_SECONDS = 0.05  # more than a USB bridge keeps back
NOISE_SECONDS = 2.0

RETRYABLE = frozenset({ErrorCode.REPEATED, ErrorCode.OVERRUN})
"""Errors that a sound device may answer with; sending the request again mends them."""
RETRYABLE_AT_BOOT = RETRYABLE | {ErrorCode.NOT_READY}

REFUSALS: dict[int, str] = {
    ErrorCode.UNKNOWN_TYPE: "does not know the request: its design was built without it",
    ErrorCode.WRONG_LENGTH: "expects requests of another length: it holds another design",
    ErrorCode.BAD_PADDING: "expects other features: it holds another design",
    ErrorCode.NOT_READY: "holds no whole model: run locgen update, or wait until it has loaded one",
}

_Parsed = TypeVar("_Parsed")


def parse_response(parse: Callable[..., _Parsed], *arguments: object) -> _Parsed:
    """Return ``parse(*arguments)``; raise BoardError for a frame with unexpected content."""
    try:
        return parse(*arguments)
    except FrameError as error:
        raise BoardError(
            f"Board answers with something else than it should: {error}; is it a locgen design of "
            "this version?"
        ) from error


class Session:
    """Sequence numbers, time-outs and resends.

    Every request has its own sequence number. A request without a response in time is sent again
    under a new number, after the line fell idle; responses to older numbers are ignored.

    Parameters
    ----------
    transport : the line
    attempts : number of times a request is sent before the device counts as silent
    """

    def __init__(self, transport: Transport, attempts: int) -> None:
        self.transport = transport
        self.attempts = attempts
        self._reader = FrameReader()
        self._frames: list[Frame] = []
        self._sequence = 0
        self._fresh = True

    def request(
        self, make: Callable[[int], Frame], timeout_s: float, retryable: Set[ErrorCode]
    ) -> Frame:
        """Send a request until its response arrives, and return the response.

        Parameters
        ----------
        make : returns the request with a given sequence number
        timeout_s : seconds to wait for one response
        retryable : error codes after which the request is sent again

        Raises
        ------
        BoardError
            For any other error code, or after `attempts`.
        """
        refusal = None
        for attempt in range(self.attempts):
            if attempt:
                self.resynchronise()
            frame = make(self.next_sequence())
            self.send(encode_frame(frame))
            answer = self.receive({frame.sequence}, timeout_s, MessageType(frame.type))
            if answer is None:
                continue
            if answer.type != MessageType.ERROR_RESPONSE:
                return answer
            refusal = self.retryable(answer, retryable)
        raise self.no_answer(refusal)

    def collect(
        self, sequences: Set[int], timeout_s: float, kind: MessageType
    ) -> tuple[set[int], ErrorCode | None]:
        """Wait for the responses to several requests of type `kind`.

        Returns
        -------
        The sequence numbers without a response when `timeout_s` seconds passed in silence, and the
        last retryable error among the responses.
        """
        unanswered = set(sequences)
        refusal: ErrorCode | None = None
        while unanswered and refusal is not ErrorCode.NOT_READY:
            answer = self.receive(unanswered, timeout_s, kind)
            if answer is None:
                break
            if answer.type == MessageType.ERROR_RESPONSE:
                refusal = self.retryable(answer, RETRYABLE_AT_BOOT)
            else:
                unanswered.remove(answer.sequence)
        return unanswered, refusal

    def no_answer(self, refusal: ErrorCode | None) -> BoardError:
        """Return the error for a request without response; `refusal` is the last error received."""
        if refusal is ErrorCode.NOT_READY:
            return BoardError(
                f"Board still loads its own model after {self.attempts} tries: wait, then try again"
            )
        return BoardError(
            f"Board does not answer after {self.attempts} tries: check the port, the baud rate and "
            "that the board is flashed"
        )

    def next_sequence(self) -> int:
        """Return the number of the next request."""
        self._sequence = (self._sequence + 1) % 256
        return self._sequence

    def send(self, line: bytes) -> None:
        """Send frames, preceded by a delimiter."""
        if self._fresh:
            self.resynchronise()
        self.transport.write(bytes([DELIMITER]) + line)

    def resynchronise(self) -> None:
        """Wait for an idle line, drop what arrived, and end the frame the device is reading."""
        self._fresh = False
        end = self.transport.now() + NOISE_SECONDS
        while self.transport.read(READ_BYTES, IDLE_SECONDS):
            if self.transport.now() > end:
                raise BoardError("Line never falls idle: check the port and the baud rate")
        self._frames.clear()
        self._reader.clear()
        self.transport.write(bytes([DELIMITER]))

    def retryable(self, answer: Frame, codes: Set[ErrorCode]) -> ErrorCode:
        """Return the code of an error response if it is one of `codes`; raise BoardError if not."""
        code = parse_response(parse_error_response, answer)
        if code in codes:
            return ErrorCode(code)
        raise BoardError(f"Board {REFUSALS.get(code) or f'answers with error {code}'}")

    def receive(
        self, sequences: Collection[int], timeout_s: float, kind: MessageType
    ) -> Frame | None:
        """Return the response to one of `sequences`, or an OVERRUN; None after the time-out."""
        wanted = {kind | RESPONSE, MessageType.ERROR_RESPONSE}
        deadline = self.transport.now() + timeout_s
        while True:
            while self._frames:
                frame = self._frames.pop(0)
                if frame.sequence in sequences and frame.type in wanted:
                    return frame
                lost = frame.payload[:1] == bytes([ErrorCode.OVERRUN])
                if frame.type == MessageType.ERROR_RESPONSE and lost:
                    return frame
            remaining = deadline - self.transport.now()
            if remaining <= 0:
                return None
            self._frames += self._reader.feed(self.transport.read(READ_BYTES, remaining))
