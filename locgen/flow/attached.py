"""A board that runs a design of ours: rows in, labels out, compared with golden."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from locgen.errors import Mismatch
from locgen.flow.design import Design, Explanation
from locgen.flow.folder import open_folder
from locgen.flow.update import (
    design_of_folder,
    design_on_board,
    open_board,
    replace_model,
    write_model,
)
from locgen.host.board import Board as LineBoard
from locgen.quantise import check_rows

__all__ = ["Answers", "Board"]

Progress = Callable[[int, int], None]


def _silent(done: int, total: int) -> None:
    """Tell nobody."""


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


class Board:
    """A board, real or virtual, that runs a design: ``Board("build/model", "/dev/ttyUSB1")``.

    Every answer carries a checksum and is asked for again until it comes; before the first and
    after the last the board is asked which model it holds.

    Parameters
    ----------
    source : the build folder, or the `Design`
    port : name of the serial port, or a `locgen.host.board.Board` on any other line

    Attributes
    ----------
    design : what must run on the board; `update` replaces it

    Raises
    ------
    ConfigurationError, ModelFileError
        If `source` is no build folder, or was built without a serial port.
    BoardError
        From every method: silence, refusals, another design than expected.
    """

    def __init__(self, source: Design | str | Path, port: str | LineBoard) -> None:
        if isinstance(source, Design):
            self.design = source
            self._line = open_board(port, source)
            return
        folder = open_folder(Path(source))
        self._line = open_board(port, design_of_folder(folder))
        self.design = design_on_board(folder, self._line)

    def run(self, x: object, progress: Progress = _silent) -> Answers:
        """Return the board's answers for rows `x` (rows, columns), compared with golden.

        Raises
        ------
        DataError
            If `x` has another number of columns, or values that the model refuses.
        """
        model = self.design.model
        rows = check_rows(x, model.column_names, model.rule.missing)
        return self.run_codes(model.quantise(rows), progress)

    def run_codes(self, q: np.ndarray, progress: Progress = _silent) -> Answers:
        """Return the same for quantised rows `q` (rows, features)."""
        design, model = self.design, self.design.model
        began = time.monotonic()
        decisions, scores = self._line.predict(
            q, model.feature_bits, int(design.digest, 16), progress
        )
        seconds = time.monotonic() - began
        expected, golden = model.evaluate(q)
        right = (scores == golden).all(axis=1)
        if decisions is not None:
            right &= decisions == expected
        try:
            predictions = model.answers(decisions, scores)
        except IndexError as error:
            row = np.flatnonzero(~right)[0]
            raise Mismatch(
                f"the board decides {decisions[row]} on row {row}, which stands for nothing: "
                "report this with the build folder"
            ) from error
        return Answers(predictions, scores, np.flatnonzero(~right), seconds)

    def predict(self, x: object) -> np.ndarray:
        """Return the board's answers, in the shape of `Design.predict`.

        Raises
        ------
        Mismatch
            If an answer is not golden's.
        """
        answers = self.run(x)
        answers.check()
        return answers.predictions

    def explain(self, x: object) -> Explanation:
        """Return the board's evidence for each row of `x` (rows, columns); see `Design.explain`."""
        return self.design.explain(x, self._line)

    def update(self, source: object, data: object = None, progress: Progress = _silent) -> Design:
        """Write another model into the board's engines; see `Design.update`."""
        updated = replace_model(self.design, source, data)
        write_model(updated, self._line, progress)
        self.design = updated
        return updated
