"""Build folders: opened, verified again, flashed."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydantic

from locgen.boards import Board
from locgen.errors import ConfigurationError, Mismatch
from locgen.ir import QuantisedModel, from_json
from locgen.plan.evidence import gathered_of, runs_of
from locgen.plan.serialise import plan_from_json
from locgen.report.schema import Report, Verification
from locgen.targets.families import FAMILIES
from locgen.targets.flash import flash
from locgen.targets.registry import TARGETS
from locgen.verify.levels import LEVELS, levels_for, run_levels
from locgen.verify.subject import LevelResult, ProgressCallback, Simulator, Subject
from locgen.verify.vectors import Vectors, pack_features, pack_results

__all__ = [
    "BOARD_FILE",
    "BuildFolder",
    "bench_vectors",
    "flash_folder",
    "open_folder",
    "verify_folder",
    "write_whole",
]

log = logging.getLogger(__name__)

BOARD_FILE = "board.json"
"""What a build folder holds of the board that it was built for."""


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or, if that fails, not at all."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text, "utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@dataclass(frozen=True)
class BuildFolder:
    """A build folder with its report and its integer model."""

    path: Path
    report: Report
    model: QuantisedModel

    @property
    def board(self) -> Board:
        """The board that it was built for, as its file was then.

        Raises
        ------
        ConfigurationError
            If what the build wrote of it is missing or damaged.
        """
        path = self.path / BOARD_FILE
        try:
            return Board.model_validate_json(path.read_bytes())
        except (OSError, pydantic.ValidationError) as error:
            raise ConfigurationError(f"{path} is missing or damaged; build again") from error


def open_folder(path: Path) -> BuildFolder:
    """Return what a build left in `path`.

    Raises
    ------
    ConfigurationError
        If `path` is no complete build folder.
    ModelFileError
        If its model is damaged.
    """
    try:
        report = Report.model_validate_json((path / "report.json").read_bytes())
        text = (path / "model.locgen.json").read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"{path} is no build folder: {Path(error.filename or path).name} is missing; make one "
            "with locgen build"
        ) from error
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "report.json"
        raise ConfigurationError(
            f"{path}/report.json is damaged: {place}: {first['msg']}; build again"
        ) from error
    return BuildFolder(path, report, from_json(text, str(path / "model.locgen.json")))


def verify_folder(
    folder: BuildFolder,
    simulator: Simulator = "verilator",
    option: str = "simulation",
    progress: ProgressCallback = log.info,
) -> list[LevelResult]:
    """Check the folder's vectors against its model, then run levels of verification.

    The results of levels that no build runs are kept in the folder's ``report.json``.

    Parameters
    ----------
    folder : the build folder
    simulator : program behind cocotb
    option : which levels, a value of ``locgen verify --level``
    progress : receives what starts now

    Raises
    ------
    Mismatch
        If the vectors are not golden's, or any answer differs.
    ConfigurationError, ToolNotFound, ToolFailed
        As of `run_levels`.
    """
    target = TARGETS.get(folder.report.target.family)
    has_netlist = target is None or bool(target.models)
    vectors = bench_vectors(folder)
    if folder.report.evidence is not None:
        _check_evidence(folder, folder.path / "testbench", vectors.q)
    logs = folder.path / "logs"
    subject = Subject(folder.path, logs, folder.model, vectors, has_netlist, simulator)
    results = run_levels(levels_for(has_netlist, option), subject, progress)
    added = [result for result in results if not LEVELS[result.level].in_build]
    if added:
        _keep_results(folder, added)
    return results


def bench_vectors(folder: BuildFolder) -> Vectors:
    """Return the vectors of the folder's test bench.

    Every expected answer is computed anew: the test bench alone would trust its own file.

    Raises
    ------
    Mismatch
        If the file holds other answers, or not as many vectors as were verified.
    ConfigurationError
        If it is missing or damaged.
    """
    model, bench = folder.model, folder.path / "testbench"
    try:
        texts = json.loads((bench / "vectors.json").read_text())
        words = [int(text, 16) for text in texts["inputs"]]
        expected = [int(text, 16) for text in texts["outputs"]]
        labels = tuple(str(label) for label in texts["labels"])
        json.loads((bench / "facts.json").read_text())
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(
            f"{bench}/vectors.json or facts.json is missing or damaged; build again"
        ) from error
    built = {e.vectors for e in folder.report.verification if not LEVELS[e.level].is_proof}
    if folder.report.unverified is not None:  # nothing ran then: every vector counts now
        built = {len(words)}
    if {len(words), len(expected), len(labels)} != built:
        raise Mismatch(
            f"{bench}/vectors.json holds {len(words)} vectors, the build verified "
            f"{', '.join(map(str, sorted(built))) or 'none'}: the folder was changed after the "
            "build; build again"
        )
    rows = []
    for word in words:
        row = []
        for bits in model.feature_bits:
            row.append(word & (1 << bits) - 1)
            word >>= bits
        rows.append(row)
    q = np.array(rows, dtype=np.int64).reshape(len(rows), len(model.feature_bits))
    decision, scores = model.answered(q)
    golden = pack_results(decision, scores, model.decision.bits, model.score_bits)
    wrong = [n for n, (a, b) in enumerate(zip(golden, expected, strict=True)) if a != b]
    if wrong or pack_features(q, model.feature_bits) != words:
        number = wrong[0] if wrong else 0
        raise Mismatch(
            f"vector {number} of {bench}/vectors.json does not hold golden's answer: the folder "
            "was changed after the build; build again"
        )
    return Vectors(q, labels, decision, scores)


def _keep_results(folder: BuildFolder, results: Sequence[LevelResult]) -> None:
    """Add levels of verification to the folder's ``report.json``, in place of earlier ones.

    Raises
    ------
    ConfigurationError
        If it cannot be written.
    """
    names = {result.level for result in results}
    others = [entry for entry in folder.report.verification if entry.level not in names]
    added = [Verification.of(result) for result in results]
    report = folder.report.model_copy(update={"verification": [*others, *added]})
    try:
        write_whole(folder.path / "report.json", report.to_json())
    except OSError as error:
        raise ConfigurationError(f"{folder.path} cannot be written: {error.strerror}") from error


def _check_evidence(folder: BuildFolder, bench: Path, q: np.ndarray) -> None:
    """Do the same for the evidence about the vectors' codes `q`."""
    path = folder.path / "plan.locgen.json"
    try:
        plan = plan_from_json(path.read_bytes(), str(path))
        expected = json.loads((bench / "evidence.json").read_text())
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{path} or {bench}/evidence.json is missing or damaged; build again"
        ) from error
    if runs_of(plan, gathered_of(folder.model, plan, q)) != expected:
        raise Mismatch(
            f"{bench}/evidence.json does not hold golden's evidence: the folder was changed after "
            "the build; build again"
        )


def flash_folder(folder: BuildFolder) -> str:
    """Write the folder's bitstream to its board and return the bitstream's name.

    Raises
    ------
    ConfigurationError
        If the build has no bitstream or no board.
    ToolNotFound, BoardError
        If the programmer is missing or fails.
    """
    report = folder.report
    if report.target.board is None:
        raise ConfigurationError(
            f"{folder.path} was built without --board: build with one to get a design that talks"
        )
    suffix = FAMILIES[report.target.family].suffix
    bitstream = folder.path / f"{report.model.name}{suffix}"
    if not bitstream.is_file():
        raise ConfigurationError(f"{bitstream} is missing: build without --no-pnr")
    board = folder.board
    programmers = [(programmer.tool, programmer.arguments) for programmer in board.programmers]
    flash(programmers, bitstream, folder.path / "logs" / "flash.log")
    return bitstream.name
