"""Pipelined requests, which keep a slow line or a slow simulation busy."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil

from locgen.host.frames import Frame, encode_frame
from locgen.host.session import RETRYABLE, Session
from locgen.top.cobs import encoded_bytes
from locgen.top.protocol import CRC_BYTES, DELIMITER, HEADER_BYTES, LinkParams, MessageType

__all__ = ["ONE_AT_A_TIME", "Pace", "exchange", "pace_of"]

_LINK_CYCLES = 32
"""Upper bound of the link's own cycles between a request and its response, besides 9 a byte."""


@dataclass(frozen=True)
class Pace:
    """How closely requests follow one another.

    Members
    -------
    window : requests that may be unanswered, 1 to 64: few enough that no sequence number is reused
        before every response to it has arrived or is lost
    gap_bytes : 0x00 bytes after each request, while the device becomes free again
    timeout_s : seconds to wait for the next response
    """

    window: int
    gap_bytes: int
    timeout_s: float

    def __post_init__(self) -> None:
        """Check the window."""
        if not 1 <= self.window <= 64:
            raise ValueError(f"window must be from 1 to 64, not {self.window!r}")


ONE_AT_A_TIME = Pace(1, 0, 0.3)
"""Right for every device: the next request follows the answer."""


def pace_of(
    params: LinkParams,
    cycles: int,
    clock_hz: float,
    baud: float,
    *,
    evidence: bool = False,
    window: int = 32,
    timeout_s: float = 0.3,
) -> Pace:
    """Return a pace at which a device accepts every request (docs/protocol.md, section 5).

    Parameters
    ----------
    params : the design's widths
    cycles : cycles from the start of an inference until the core takes the next one
    clock_hz, baud : of the device
    evidence : whether the requests are for explanations
    window : requests under way
    timeout_s : seconds to wait for the response to a single request, through drivers and bridges
    """
    around = HEADER_BYTES + CRC_BYTES
    answer = around + params.response_bytes + (params.evidence_bytes if evidence else 0)
    request_line = around + params.feature_bytes + 2  # the shortest: one code and the delimiter
    answer_line = encoded_bytes(answer)
    busy = (cycles + 9 * answer + _LINK_CYCLES) * baud / (10 * clock_hz)
    gap = ceil(busy) + max(0, answer_line - request_line) + 1
    line = window * (encoded_bytes(around + params.feature_bytes) + gap) * 10 / baud
    return Pace(window, gap, timeout_s + line)


def exchange(
    session: Session,
    kind: MessageType,
    payloads: Sequence[bytes],
    pace: Pace,
    confirm: Callable[[], object],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Frame]:
    """Return the response to each request of type `kind`.

    A line keeps the order: a response shows that every earlier request without one was lost; it is
    sent again. After silence all are sent again, one at a time until the first response.

    Parameters
    ----------
    session : the open session
    kind : type of all requests
    payloads : of the requests
    pace : how closely they follow one another
    confirm : called after silence, before anything is sent again: another device may have taken
        the place of the first
    progress : called with the number of responses so far, and of requests

    Raises
    ------
    BoardError
        For a refusal, or when nothing arrives after `session.attempts` tries.
    """
    requests = _Requests(kind, payloads, bytes([DELIMITER]) * pace.gap_bytes)
    window, silences = pace.window, 0
    while requests.waiting or requests.under_way:
        if requests.waiting and len(requests.under_way) <= window // 2:
            session.send(requests.take(session, window))
            progress(len(requests.answers), len(payloads))
        answer = session.receive(requests.under_way, pace.timeout_s, kind)
        if answer is not None and answer.type != MessageType.ERROR_RESPONSE:
            requests.settle(answer)
            window, silences = pace.window, 0
            continue
        if answer is not None:
            session.retryable(answer, RETRYABLE)
            if window > 1:
                continue  # the responses that follow, or silence, show which request was lost
        silences += 1
        if silences == session.attempts:
            raise session.no_answer(None)
        requests.put_back(requests.under_way.values())
        requests.under_way.clear()
        window = 1
        session.resynchronise()
        confirm()
    progress(len(requests.answers), len(payloads))
    return [requests.answers[row] for row in range(len(payloads))]


class _Requests:
    """Requests that wait, that are under way, and their responses, by row."""

    def __init__(self, kind: MessageType, payloads: Sequence[bytes], gap: bytes) -> None:
        self._kind = kind
        self._payloads = payloads
        self._gap = gap
        self.waiting = deque(range(len(payloads)))
        self.under_way: dict[int, int] = {}  # row by sequence number, oldest first
        self.answers: dict[int, Frame] = {}

    def take(self, session: Session, window: int) -> bytes:
        """Move waiting requests under way until there are `window`; return their bytes."""
        line = bytearray()
        while self.waiting and len(self.under_way) < window:
            row, sequence = self.waiting.popleft(), session.next_sequence()
            self.under_way[sequence] = row
            line += encode_frame(Frame(self._kind, sequence, self._payloads[row])) + self._gap
        return bytes(line)

    def settle(self, answer: Frame) -> None:
        """Keep a response; requests that were sent before its own and have none wait again."""
        lost = []
        for sequence in list(self.under_way):
            row = self.under_way.pop(sequence)
            if sequence == answer.sequence:
                self.answers[row] = answer
                break
            lost.append(row)
        self.put_back(lost)

    def put_back(self, rows: Iterable[int]) -> None:
        """Have `rows` wait again, before all others, in their order."""
        self.waiting.extendleft(reversed(list(rows)))
