"""A build's virtual board: run it, and verify the build through it."""

import contextlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from locgen.errors import ConfigurationError, Mismatch
from locgen.flow.board_answers import request_answers
from locgen.flow.folder import BuildFolder, bench_codes, write_report_json
from locgen.flow.progress import ProgressCallback
from locgen.flow.update import connect
from locgen.report.schema import Verification
from locgen.verify.virtual import Damage, VirtualBoard, compile_board, running

__all__ = ["Damage", "verify_virtual", "virtual_board"]

LEVEL = "virtual_board"


@contextlib.contextmanager
def virtual_board(
    folder: BuildFolder,
    *,
    link: Path | None = None,
    real_time: bool = False,
    damage: Damage | None = None,
    progress: ProgressCallback = lambda text: None,
) -> Iterator[VirtualBoard]:
    """Run the top of a build behind a pseudo-terminal as long as the block lasts.

    Parameters
    ----------
    link : a symbolic link that is made to the port, and removed at the end
    real_time : keep the clock's pace, and with it the baud rate
    damage : what the line does to frames
    progress : receives what starts now

    Raises
    ------
    ConfigurationError
        If the design has no serial port, or its test bench is damaged.
    ToolNotFound, ToolFailed
        If the virtual board cannot be compiled.
    """
    bench = folder.path / "testbench"
    try:
        facts = json.loads((bench / "facts.json").read_text())
        words = json.loads((bench / "memory.json").read_text()) if facts["memory"] else []
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(
            f"{bench}/facts.json or memory.json is missing or damaged; build again"
        ) from error
    with tempfile.TemporaryDirectory(prefix="locgen-") as work:
        progress("compiling the top with Verilator")
        program = compile_board(
            bench, facts | {"memory_words": len(words)}, Path(work), folder.path / "logs"
        )
        with running(program, words, real_time=real_time, damage=damage) as board:
            if link is None:
                yield board
                return
            _point(link, board.port)
            try:
                yield board
            finally:
                if link.is_symlink() and str(link.readlink()) == board.port:
                    link.unlink()


def _point(link: Path, port: str) -> None:
    """Make `link` a symbolic link to `port`; another link of that name is replaced."""
    try:
        if link.is_symlink():
            link.unlink()
        link.symlink_to(port)
    except OSError as error:
        raise ConfigurationError(f"{link} cannot be made: {error.strerror}") from error


def verify_virtual(
    folder: BuildFolder,
    progress: ProgressCallback = lambda text: None,
) -> Verification:
    """Send the build's vectors through its virtual board and compare every answer with golden.

    What was found is kept in the folder's ``report.json``.

    Raises
    ------
    Mismatch
        If an answer differs.
    BoardError
        If the virtual board does not answer.
    ConfigurationError, ToolNotFound, ToolFailed
        As of `virtual_board`.
    """
    q, labels = bench_codes(folder)
    with virtual_board(folder, progress=progress) as running_board:
        progress(f"asking the virtual board {len(q)} times")
        answers = request_answers(*connect(folder, running_board.port), q)
    if len(answers.wrong):
        first = answers.wrong[0]
        raise Mismatch(
            f"{LEVEL} and golden disagree on {len(answers.wrong)} of {len(q)} vectors, first on "
            f"vector {first} ({labels[first]}); please report this with the build folder",
            tuple(answers.wrong[:8].tolist()),
        )
    found = Verification(
        level=LEVEL,
        simulator="verilator",
        vectors=len(q),
        mismatches=0,
    )
    write_report_json(folder, found)
    return found
