"""The public Python interface: models compiled into designs, and boards that run them."""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Self

import numpy as np

from locgen.flow.build import Built, build, verify_design
from locgen.flow.compiling import plan_design
from locgen.flow.explaining import Explanation, explain
from locgen.flow.folder import open_folder
from locgen.flow.planned import PlannedDesign
from locgen.flow.report import make_report
from locgen.flow.serial_board import open_board
from locgen.flow.update import connect, replace_model, write_model
from locgen.frontends import load
from locgen.host.answers import Answers, Progress, request_answers, silent
from locgen.host.board import Board as LineBoard
from locgen.report.schema import Report
from locgen.verify.subject import LevelResult, ProgressCallback

__all__ = ["Answers", "Board", "Design", "Explanation", "compile", "load"]


class Design(PlannedDesign):
    """A compiled model: golden to predict with, a plan, and the way to gates.

    Its members are those of `PlannedDesign`; the methods have scikit-learn's names and shapes.
    """

    @classmethod
    def of(cls, planned: PlannedDesign) -> Self:
        """Return a planned design with the methods of this class."""
        return cls(**{field.name: getattr(planned, field.name) for field in fields(planned)})

    def __repr__(self) -> str:
        """Return what it is in a line."""
        return (
            f"<Design {self.model.name}: {self.model.family}, {len(self.model.nodes)} nodes, "
            f"{self.plan.kind} fabric, {self.digest}>"
        )

    @property
    def classes_(self) -> np.ndarray:
        """Labels in the order of `decision_function` and `predict_proba`."""
        return np.array(self.model.classes)

    @property
    def n_features_in_(self) -> int:
        """Number of columns that `predict` expects."""
        return self.model.columns

    def _raw_scores(self, x: object) -> np.ndarray:
        model = self.model
        return model.raw(model.scores(model.quantise(self.rows(x))))

    def predict(self, x: object) -> np.ndarray:
        """Return golden's answers: labels (rows,), or values (rows,) or (rows, outputs).

        Raises
        ------
        DataError
            If `x` (rows, features) has another number of columns, or values the model refuses.
        """
        return self.model.predict(self.rows(x))

    def decision_function(self, x: object) -> np.ndarray:
        """Return golden's raw scores as reals: (rows,) for two classes, else (rows, outputs).

        For an isolation forest, what the library calls so: anomaly score less its offset.
        """
        raw = self._raw_scores(x)
        if self.model.anomaly_offset is not None:
            return self.model.anomaly_offset * (np.exp2(-raw[:, 0]) - 1)
        return raw[:, 0] if self.model.outputs == 1 else raw

    def score_samples(self, x: object) -> np.ndarray:
        """Return the anomaly scores (rows,) of an isolation forest, the lower the more abnormal.

        Raises
        ------
        AttributeError
            If the model is another.
        """
        if self.model.anomaly_offset is None:
            raise AttributeError(f"score_samples: {self.model.family} is no isolation forest")
        return self.decision_function(x) + self.model.anomaly_offset

    def predict_proba(self, x: object) -> np.ndarray:
        """Return class probabilities (rows, classes), computed here from the integer scores.

        Raises
        ------
        AttributeError
            If the model gives none: regression, and classifiers without a scale of their own.
        """
        model = self.model
        if model.task == "regression":
            raise AttributeError("predict_proba needs a classifier")
        if model.probability == "none":
            raise AttributeError(f"predict_proba: {model.family} gives no probabilities")
        raw = self._raw_scores(x)
        if model.outputs > 1:
            if model.probability == "softmax":
                power = np.exp(raw - raw.max(axis=1, keepdims=True))
                return power / power.sum(axis=1, keepdims=True)
            return np.clip(raw / model.members, 0, 1)
        if len(model.classes) == 1:
            return np.ones((len(raw), 1))
        score = raw[:, 0]
        if model.probability == "mean":
            one = np.clip((score / model.members + 1) / 2, 0, 1)
        else:
            factor = 2 if model.probability == "sigmoid2" else 1
            one = 1 / (1 + np.exp(-factor * score))
        return np.stack([1 - one, one], axis=1)

    def explain(self, x: object, board: LineBoard | str | None = None) -> Explanation:
        """Return the evidence for each row of `x` (rows, features); see `flow.explaining`.

        `board`, if given, is asked for its evidence about each row: a `host.board.Board`, or the
        name of a serial port.
        """
        return explain(self, x, board)

    @property
    def report(self) -> Report:
        """What is known before any tool runs: `report.json`'s keys, the measured ones empty."""
        return make_report(self)

    def build(self, out: str | Path, progress: ProgressCallback | None = None) -> Built:
        """Build into the folder `out`, verified; see `flow.build.build`."""
        return build(self, Path(out), progress)

    def update(
        self, source: object, board: LineBoard | str | None = None, data: object = None
    ) -> Self:
        """Return this design with another model in its engines, written to a board if one is given.

        Parameters
        ----------
        source : as for `locgen.compile`
        board : a `host.board.Board`, or the name of a serial port
        data : rows to search widths on

        Raises
        ------
        LocgenError
            If the engines cannot hold the model (says why), or the board does not take it; see
            `flow.update`.
        """
        updated = replace_model(self, source, data)
        if board is not None:
            write_model(updated, open_board(board, self))
        return self.of(updated)

    def verify(self) -> list[LevelResult]:
        """Verify RTL and netlist against golden without keeping a build; see `flow.build`."""
        return verify_design(self)


def compile(
    source: object,
    target: str | None = None,
    data: object = None,
    *,
    label: str | None = None,
    na: str | Sequence[str] | None = None,
    trust: bool = False,
    **options: object,
) -> Design:
    """Return `source` quantised and planned for `target`; no tool runs.

    Parameters
    ----------
    source : fitted estimator, path of a model file, or what `load` returned
    target : name of the family or target, see ``locgen targets``
    data : path of a .npz, .csv or .parquet, a mapping with the keys of a .npz, (X, y), or four
        arrays as ``train_test_split`` returns them; rows may be data frames or sparse
    label, na : label column of a table, texts in a .csv that mean a missing value
    trust : run whatever a pickle asks for
    options : any of `BuildOptions`, such as ``board="icebreaker"`` or ``fabric="tree"``

    Raises
    ------
    LocgenError
        See the classes of `locgen.errors`.
    """
    return Design.of(plan_design(source, target, data, label=label, na=na, trust=trust, **options))


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

    def __init__(self, source: PlannedDesign | str | Path, port: str | LineBoard) -> None:
        if isinstance(source, PlannedDesign):
            self._line = open_board(port, source)
            self.design = Design.of(source)
            return
        planned, self._line = connect(open_folder(Path(source)), port)
        self.design = Design.of(planned)

    def run(self, x: object, progress: Progress = silent) -> Answers:
        """Return the board's answers for rows `x` (rows, columns), compared with golden.

        Raises
        ------
        DataError
            If `x` has another number of columns, or values that the model refuses.
        """
        return self.run_codes(self.design.model.quantise(self.design.rows(x)), progress)

    def run_codes(self, q: np.ndarray, progress: Progress = silent) -> Answers:
        """Return the same for quantised rows `q` (rows, features)."""
        return request_answers(self.design.model, self.design.digest, self._line, q, progress)

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

    def update(self, source: object, data: object = None, progress: Progress = silent) -> Design:
        """Write another model into the board's engines; see `Design.update`."""
        updated = replace_model(self.design, source, data)
        write_model(updated, self._line, progress)
        self.design = Design.of(updated)
        return self.design
