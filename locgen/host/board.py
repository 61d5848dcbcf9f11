"""A board on a serial line: predictions, explanations and updates, all checked."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from locgen.errors import BoardError
from locgen.host.frames import Frame, encode_frame
from locgen.host.messages import (
    Answer,
    Hello,
    check_request,
    hello_request,
    parse_check_response,
    parse_explain_response,
    parse_hello,
    parse_predict_response,
    write_request,
)
from locgen.host.packing import pack_features
from locgen.host.session import (
    REFUSALS,
    RETRYABLE,
    RETRYABLE_AT_BOOT,
    Session,
    parse_response,
)
from locgen.host.transport import Transport
from locgen.host.window import ONE_AT_A_TIME, Pace, exchange
from locgen.top.protocol import ErrorCode, LinkParams, MessageType

__all__ = ["Board", "split_image"]

BURST = 64
"""Write requests sent before the first response is awaited; far fewer than sequence numbers."""

Progress = Callable[[int, int], None]
"""Callback: called with the number of items done and the number of all."""


def _silent(done: int, total: int) -> None:
    """Report no progress."""


def split_image(words: Sequence[int], write_words: int) -> list[tuple[int, list[int]]]:
    """Return an image as address and words of each write, `write_words` at a time.

    The last write overlaps the one before if the length of the image is no multiple; zeros fill
    up an image shorter than a write.
    """
    words = [int(word) for word in words]
    words += [0] * (write_words - len(words))
    starts = range(0, len(words), write_words)
    addresses = [min(start, len(words) - write_words) for start in starts]
    return [(address, words[address : address + write_words]) for address in addresses]


class Board:
    """A device that speaks docs/protocol.md, at the other end of `transport`.

    A line that loses, damages, repeats or delays frames costs time or ends in a BoardError, never
    in a wrong answer; `Session` explains how.

    Parameters
    ----------
    transport : the line
    timeout_s : seconds to wait for one response; at least the time that its bytes and the
        request's take, the model's latency and the driver's buffering
    check_timeout_s : seconds to wait for the response to a check, which reads all memories
    attempts : number of times a request is sent before the board counts as silent
    pace : returns how closely requests follow one another, given the device's widths and whether
        the requests are for explanations; one at a time by default

    Raises
    ------
    BoardError
        From every method: silence, refusals, another design than expected.
    """

    def __init__(
        self,
        transport: Transport,
        timeout_s: float = 0.3,
        check_timeout_s: float = 2.0,
        attempts: int = 5,
        pace: Callable[[LinkParams, bool], Pace] | None = None,
    ) -> None:
        self.timeout_s = timeout_s
        self._pace = pace or (lambda params, evidence: replace(ONE_AT_A_TIME, timeout_s=timeout_s))
        self.check_timeout_s = check_timeout_s
        self._session = Session(transport, attempts)

    def hello(self) -> Hello:
        """Open a session and return the device's description of itself."""
        answer = self._session.request(hello_request, self.timeout_s, RETRYABLE)
        return parse_response(parse_hello, answer)

    def predict(
        self,
        q: np.ndarray,
        widths: Iterable[int],
        digest: int | None = None,
        progress: Progress = _silent,
    ) -> tuple[np.ndarray | None, np.ndarray]:
        """Return the device's answers for rows of quantised features.

        Parameters
        ----------
        q : (rows, features) unsigned integers
        widths : (features,) bits of each
        digest : of the model that must answer; None for any
        progress : called with the number of rows answered so far, and of all rows

        Returns
        -------
        decisions : (rows,) integers, or None for a model without decision
        scores : (rows, outputs) integers
        """
        params, frames = self._exchange_rows(MessageType.PREDICT, q, widths, digest, progress)
        return _columns(
            params, [parse_response(parse_predict_response, frame, params) for frame in frames]
        )

    def explain(
        self,
        q: np.ndarray,
        widths: Iterable[int],
        digest: int | None = None,
        progress: Progress = _silent,
    ) -> tuple[np.ndarray | None, np.ndarray, list[int]]:
        """Return the device's answers for rows of quantised features, with their evidence.

        Parameters
        ----------
        q, widths, digest, progress : as for `predict`

        Returns
        -------
        decisions, scores : as of `predict`
        evidence : an integer a row, the first digit lowest; `Design.explain` reads it
        """
        params, frames = self._exchange_rows(MessageType.EXPLAIN, q, widths, digest, progress)
        answers = [parse_response(parse_explain_response, frame, params) for frame in frames]
        decisions, scores = _columns(params, [answer[:2] for answer in answers])
        return decisions, scores, [evidence for *_, evidence in answers]

    def _exchange_rows(
        self,
        kind: MessageType,
        q: np.ndarray,
        widths: Iterable[int],
        digest: int | None,
        progress: Progress,
    ) -> tuple[LinkParams, list[Frame]]:
        """Send a request of type `kind` for each row; return the responses.

        Raises BoardError unless the right device answers, from the first row to the last.
        """
        widths = tuple(widths)
        payloads = [row.tobytes() for row in pack_features(q, widths)]
        first = self._whole_hello()
        params = first.params
        if kind == MessageType.EXPLAIN and not params.explains:
            raise BoardError("Board gathers no evidence: flash a design built with --explain")
        if digest is not None and first.digest != digest:
            raise BoardError(
                f"Board holds model {first.digest:016x}, not {digest:016x}: flash or update it"
            )
        if params.feature_bits != max(1, sum(widths)):
            raise BoardError(
                f"Board takes {params.feature_bits} feature bits, not {sum(widths)}: it holds "
                "another design; flash this one"
            )

        def confirm() -> None:
            now = self._whole_hello()
            if now != first:
                raise BoardError(
                    f"Board holds model {now.digest:016x} now, not {first.digest:016x} as before: "
                    "it was flashed or updated meanwhile; ask again"
                )

        pace = self._pace(params, kind == MessageType.EXPLAIN)
        frames = exchange(self._session, kind, payloads, pace, confirm, progress)
        confirm()
        return params, frames

    def _whole_hello(self) -> Hello:
        """Return the hello of a device that holds a whole model."""
        hello = self.hello()
        if hello.digest is None:
            raise BoardError(f"Board {REFUSALS[ErrorCode.NOT_READY]}")
        return hello

    def update(
        self,
        words: Sequence[int],
        digest: int,
        design: int | None = None,
        progress: Progress = _silent,
    ) -> Hello:
        """Write a model into the device's memories; return the hello that confirms it.

        From the first write until it has checked the whole model, the device answers no
        predictions, whatever happens in between.

        Parameters
        ----------
        words : the image, 32-bit integers
        digest : of the model, which the device must report afterwards
        design : digest of the build that the image was made for, if known: a device with another
            design is not written to
        progress : called with the number of writes answered so far, and of all writes
        """
        params = self.hello().params
        _require_room(params, len(words), design)
        for _ in range(2):  # a device that lost power in between has lost the first words
            self._write_all(split_image(words, params.write_words), progress)
            answer = self._session.request(check_request, self.check_timeout_s, RETRYABLE_AT_BOOT)
            if parse_response(parse_check_response, answer):
                break
        else:
            raise BoardError(
                "Board found no whole model after all words were written: the image is not one for "
                "its design; build and update again"
            )
        hello = self.hello()
        if hello.digest != digest:
            found = "no model" if hello.digest is None else f"model {hello.digest:016x}"
            raise BoardError(
                f"Board answers with {found} after the update, not {digest:016x}: update again"
            )
        return hello

    def _write_all(self, writes: list[tuple[int, list[int]]], progress: Progress) -> None:
        """Write without awaiting each response, as docs/protocol.md section 5 allows."""
        session, total, tries = self._session, len(writes), 0
        while writes:
            burst = {session.next_sequence(): write for write in writes[:BURST]}
            line = bytearray()
            for sequence, (address, words) in burst.items():
                busy_bytes = -(-(32 * len(words) + 120) // 40)
                line += encode_frame(write_request(sequence, address, words)) + bytes(busy_bytes)
            session.send(bytes(line))
            lost, refusal = session.collect(set(burst), self.timeout_s, MessageType.WRITE)
            writes = [*(burst[sequence] for sequence in sorted(lost)), *writes[BURST:]]
            progress(total - len(writes), total)
            tries = tries + 1 if len(lost) == len(burst) else 0
            if tries == session.attempts:
                raise session.no_answer(refusal)
            if lost:
                session.resynchronise()


def _columns(params: LinkParams, answers: Sequence[Answer]) -> tuple[np.ndarray | None, np.ndarray]:
    """Return (decisions, scores) of all answers."""
    scores = np.array(
        [scores for _, scores in answers], np.int64 if params.score_bits <= 64 else object
    ).reshape(len(answers), params.outputs)
    if not params.decision_bits:
        return None, scores
    integers = np.int64 if params.decision_bits < 64 else object
    return np.array([decision for decision, _ in answers], integers), scores


def _require_room(params: LinkParams, words: int, design: int | None) -> None:
    """Raise BoardError unless a device can take the image."""
    if not params.has_memories:
        raise BoardError(
            "Board's model lies in its gates and cannot be updated: flash a build with engines"
        )
    if design is not None and params.digest != design:
        raise BoardError(
            f"Board holds design {params.digest:016x}, the image was made for {design:016x}: flash "
            "that build, or make the image from the board's"
        )
    if not 1 <= words <= params.memory_words:
        raise BoardError(
            f"Board's memories hold {params.memory_words} words, the model needs {words}: build "
            "larger engines"
        )
