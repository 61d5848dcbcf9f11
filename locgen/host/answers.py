"""Answers of a board that runs a design, compared with golden."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from locgen.errors import Mismatch
from locgen.host.board import Board
from locgen.ir import QuantisedModel

__all__ = ["Answers", "Progress", "request_answers", "silent"]

Progress = Callable[[int, int], None]
"""Callback that receives how many of how many steps are done."""


def silent(done: int, total: int) -> None:
    """Ignore the progress."""


@dataclass(frozen=True)
class Answers:
    """What a board answered, and whether golden says the same.

    Members
    -------
    predictions : labels or values as `Design.predict` gives them
    scores : (rows, outputs) integers
    wrong : (mismatches,) rows whose decision or score is not golden's
    seconds : from the first request to the last answer
    """

    predictions: np.ndarray
    scores: np.ndarray
    wrong: np.ndarray
    seconds: float

    def check(self) -> None:
        """Raise Mismatch unless every answer is golden's."""
        if len(self.wrong):
            raise Mismatch(
                f"the board and golden disagree on {len(self.wrong)} of {len(self.scores)} rows, "
                f"first on row {self.wrong[0]}: report this with the build folder",
                tuple(self.wrong[:8].tolist()),
            )


def request_answers(
    model: QuantisedModel, digest: str, line: Board, q: np.ndarray, progress: Progress = silent
) -> Answers:
    """Return what the board answers to codes `q`.

    Parameters
    ----------
    model, digest : the integer model that must run on the board, and its design's digest
    line : the board
    q : codes (rows, features)
    progress : receives the rows answered and their total

    Raises
    ------
    Mismatch
        If a decision stands for nothing.
    BoardError
        If the board is silent, refuses, or holds another design.
    """
    began = time.monotonic()
    decisions, scores = line.predict(q, model.feature_bits, int(digest, 16), progress)
    seconds = time.monotonic() - began
    expected, golden = model.evaluate(q)
    right = (scores == golden).all(axis=1)
    if decisions is not None:
        right &= decisions == expected
    try:
        predictions = model.answers(decisions, scores)
    except IndexError as error:
        row = np.flatnonzero(~right)[0]
        decision = None if decisions is None else decisions[row]
        raise Mismatch(
            f"the board decides {decision} on row {row}, which stands for nothing: "
            "report this with the build folder"
        ) from error
    return Answers(predictions, scores, np.flatnonzero(~right), seconds)
