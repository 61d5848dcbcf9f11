"""Requests and answers over a line that loses, damages and delays: docs/protocol.md, section 5."""

from collections.abc import Callable, Collection, Set
from typing import TypeVar

from locgen.errors import BoardError
from locgen.host.frames import (
    ErrorCode,
    Frame,
    FrameError,
    FrameReader,
    MessageType,
    encode_frame,
    parse_error_response,
)
from locgen.host.transport import Transport
from locgen.top.protocol import DELIMITER, RESPONSE

__all__ = ["PASSING", "REFUSALS", "WHILE_BOOTING", "Session", "parsed"]

READ_BYTES = 4096
IDLE_SECONDS = 0.05  # more than a USB bridge keeps back
NOISE_SECONDS = 2.0

PASSING = frozenset({ErrorCode.REPEATED, ErrorCode.OVERRUN})
"""What a device may answer when nothing is wrong with it: worth another try."""
WHILE_BOOTING = PASSING | {ErrorCode.NOT_READY}

REFUSALS = {
    ErrorCode.UNKNOWN_TYPE: "does not know the request: its design was built without it",
    ErrorCode.WRONG_LENGTH: "expects requests of another length: it holds another design",
    ErrorCode.BAD_PADDING: "expects other features: it holds another design",
    ErrorCode.NOT_READY: "holds no whole model: run locgen update, or wait until it has loaded one",
}

_Parsed = TypeVar("_Parsed")


def parsed(parse: Callable[..., _Parsed], *arguments: object) -> _Parsed:
    """Return ``parse(*arguments)``; raise BoardError for a frame that is not what it should be."""
    try:
        return parse(*arguments)
    except FrameError as error:
        raise BoardError(
            f"Board answers with something else than it should: {error}; is it a locgen design of "
            "this version?"
        ) from error


class Session:
    """Sequence numbers, time-outs and resends.

    Every request has a sequence number of its own; what is not answered in time is asked again
    under a new one, after the line fell idle. Answers to older numbers are ignored.

    Parameters
    ----------
    transport : the line
    attempts : how often a request is sent before the device counts as silent
    """

    def __init__(self, transport: Transport, attempts: int) -> None:
        self.transport = transport
        self.attempts = attempts
        self._reader = FrameReader()
        self._frames: list[Frame] = []
        self._sequence = 0
        self._fresh = True

    def ask(
        self, request: Callable[[int], Frame], timeout_s: float, passing: Set[ErrorCode]
    ) -> Frame:
        """Send a request until its response comes; return that.

        Parameters
        ----------
        request : makes it from a sequence number
        timeout_s : for one answer
        passing : error codes after which the request is sent again

        Raises
        ------
        BoardError
            For any other error code, or after `attempts`.
        """
        refusal = None
        for attempt in range(self.attempts):
            if attempt:
                self.resynchronise()
            frame = request(self.next_sequence())
            self.send(encode_frame(frame))
            answer = self.receive({frame.sequence}, timeout_s, MessageType(frame.type))
            if answer is None:
                continue
            if answer.type != MessageType.ERROR_RESPONSE:
                return answer
            refusal = self.passing(answer, passing)
        raise self.given_up(refusal)

    def collect(
        self, sequences: Set[int], timeout_s: float, kind: MessageType
    ) -> tuple[set[int], ErrorCode | None]:
        """Wait for the responses to several requests of type `kind`.

        Returns
        -------
        The sequence numbers that were not answered when nothing more came for `timeout_s`, and the
        last passing error among the answers.
        """
        unanswered, refusal = set(sequences), None
        while unanswered and refusal is not ErrorCode.NOT_READY:
            answer = self.receive(unanswered, timeout_s, kind)
            if answer is None:
                break
            if answer.type == MessageType.ERROR_RESPONSE:
                refusal = self.passing(answer, WHILE_BOOTING)
            else:
                unanswered.remove(answer.sequence)
        return unanswered, refusal

    def given_up(self, refusal: ErrorCode | None) -> BoardError:
        """Return the error for a request that was sent in vain; `refusal` as last answered."""
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
        """Send frames, behind a delimiter of their own."""
        if self._fresh:
            self.resynchronise()
        self.transport.write(bytes([DELIMITER]) + line)

    def resynchronise(self) -> None:
        """Let the line fall idle, forget what it said, and end what the device may be inside."""
        self._fresh = False
        end = self.transport.now() + NOISE_SECONDS
        while self.transport.read(READ_BYTES, IDLE_SECONDS):
            if self.transport.now() > end:
                raise BoardError("Line never falls idle: check the port and the baud rate")
        self._frames.clear()
        self._reader.clear()
        self.transport.write(bytes([DELIMITER]))

    def passing(self, answer: Frame, passing: Set[ErrorCode]) -> ErrorCode:
        """Return the code of an error response that another try may mend; raise for others."""
        code = parsed(parse_error_response, answer)
        if code in passing:
            return code
        raise BoardError(f"Board {REFUSALS.get(code, f'answers with error {int(code)}')}")

    def receive(
        self, sequences: Collection[int], timeout_s: float, kind: MessageType
    ) -> Frame | None:
        """Return the response to one of `sequences`, or an OVERRUN; None after the time."""
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
