"""Many requests on their way at once: what makes a slow line, or a slow simulation, busy."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

from locgen.host.frames import Frame, MessageType, encode_frame
from locgen.host.session import PASSING, Session
from locgen.top.cobs import encoded_bytes
from locgen.top.protocol import CRC_BYTES, DELIMITER, HEADER_BYTES, LinkParams

__all__ = ["ONE_AT_A_TIME", "Pace", "ask_window", "pace_of"]

_LINK_CYCLES = 32
"""More than the link's own clocks between a request and its answer, besides 9 for each byte."""


@dataclass(frozen=True)
class Pace:
    """How closely requests follow one another.

    Members
    -------
    window : requests that may be unanswered, 1 to 64: so few that no sequence number is used again
        before all answers to it have come or are lost
    gap_bytes : 0x00 bytes behind each request, in which the device is free again
    timeout_s : for the next answer
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
    """Return a pace at which a device takes every request (docs/protocol.md, section 5).

    Parameters
    ----------
    params : the design's widths
    cycles : clocks from an inference's begin until the core takes the next one
    clock_hz, baud : of the device
    evidence : whether explanations are asked for
    window : requests under way; timeout_s : for an answer to a single one, on its way through
        drivers and bridges
    """
    around = HEADER_BYTES + CRC_BYTES
    answer = around + params.response_bytes + (params.evidence_bytes if evidence else 0)
    request_line = around + params.feature_bytes + 2  # the shortest: one code and the delimiter
    answer_line = encoded_bytes(answer)
    busy = (cycles + 9 * answer + _LINK_CYCLES) * baud / (10 * clock_hz)
    gap = ceil(busy) + max(0, answer_line - request_line) + 1
    line = window * (encoded_bytes(around + params.feature_bytes) + gap) * 10 / baud
    return Pace(window, gap, timeout_s + line)


def ask_window(
    session: Session,
    kind: MessageType,
    payloads: Sequence[bytes],
    pace: Pace,
    confirm: Callable[[], object],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Frame]:
    """Return the response to each request of type `kind`.

    A line keeps the order: an answer says that what was asked before it, and is still unanswered,
    was lost; it is asked again. After silence all is asked again, one request first.

    Parameters
    ----------
    payloads : of the requests
    confirm : is called after silence, before anything is asked again: whoever answers then may be
        another device
    progress : is told how many requests were answered so far, and their number

    Raises
    ------
    BoardError
        For a refusal, or when nothing comes after `session.attempts` tries.
    """
    answers: list[Frame | None] = [None] * len(payloads)
    waiting = deque(range(len(payloads)))
    under_way: dict[int, int] = {}  # row by sequence number, oldest first
    window, silences, done = pace.window, 0, 0
    gap = bytes([DELIMITER]) * pace.gap_bytes
    while waiting or under_way:
        if waiting and len(under_way) <= window // 2:
            line = bytearray()
            while waiting and len(under_way) < window:
                row, sequence = waiting.popleft(), session.next_sequence()
                under_way[sequence] = row
                line += encode_frame(Frame(kind, sequence, payloads[row])) + gap
            session.send(bytes(line))
            progress(done, len(payloads))
        answer = session.receive(under_way, pace.timeout_s, kind)
        refused = answer is not None and answer.type == MessageType.ERROR_RESPONSE
        if refused:
            session.passing(answer, PASSING)
            if window > 1:
                continue  # what was lost shows in the answers that follow, or in silence
        if answer is None or refused:
            silences += 1
            if silences == session.attempts:
                raise session.given_up(None)
            waiting.extendleft(reversed(under_way.values()))
            under_way.clear()
            window = 1
            session.resynchronise()
            confirm()
            continue
        lost = []
        for sequence in list(under_way):
            row = under_way.pop(sequence)
            if sequence == answer.sequence:
                answers[row] = answer
                break
            lost.append(row)
        waiting.extendleft(reversed(lost))
        window, silences, done = pace.window, 0, done + 1
    progress(done, len(payloads))
    return answers
