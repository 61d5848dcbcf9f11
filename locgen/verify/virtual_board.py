"""The level of the virtual board: the whole top, simulated, answers over a serial line."""

import contextlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from locgen.errors import ConfigurationError, Mismatch
from locgen.host.answers import request_answers
from locgen.host.paced import paced_board
from locgen.targets.toolchain import find_tool
from locgen.verify.subject import LevelResult, ProgressCallback, Subject
from locgen.verify.testbench import BenchFacts
from locgen.verify.virtual_program import Damage, VirtualBoard, compile_board, running

__all__ = ["Damage", "verify_virtual_board", "virtual_board"]

_LEVEL = "virtual_board"


@contextlib.contextmanager
def virtual_board(
    folder: Path,
    *,
    link: Path | None = None,
    real_time: bool = False,
    damage: Damage | None = None,
    progress: ProgressCallback = lambda text: None,
) -> Iterator[VirtualBoard]:
    """Run the top of a build behind a pseudo-terminal as long as the block lasts.

    Parameters
    ----------
    folder : the build folder
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
    bench = folder / "testbench"
    facts = _read_facts(bench)
    words: list[int] = _read(bench, "memory", list) if facts.get("memory") else []
    with tempfile.TemporaryDirectory(prefix="locgen-") as work:
        progress("compiling the top with Verilator")
        program = compile_board(bench, facts, len(words), Path(work), folder / "logs")
        with (
            running(program, words, real_time=real_time, damage=damage) as board,
            contextlib.nullcontext() if link is None else _linked(link, board.port),
        ):
            yield board


def _read_facts(bench: Path) -> BenchFacts:
    facts: BenchFacts = _read(bench, "facts", dict)
    return facts


def _read(bench: Path, name: str, kind: type) -> Any:
    """Return what a file of the test bench holds, an object or a list."""
    try:
        values = json.loads((bench / f"{name}.json").read_text())
        if not isinstance(values, kind):
            raise ValueError(f"{name}.json holds {type(values)}")
        return values
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{bench}/facts.json or memory.json is missing or damaged; build again"
        ) from error


@contextlib.contextmanager
def _linked(link: Path, port: str) -> Iterator[None]:
    """Keep `link` a symbolic link to `port`; another link of that name is replaced."""
    try:
        if link.is_symlink():
            link.unlink()
        link.symlink_to(port)
    except OSError as error:
        raise ConfigurationError(f"{link} cannot be made: {error.strerror}") from error
    try:
        yield
    finally:
        if link.is_symlink() and str(link.readlink()) == port:
            link.unlink()


def verify_virtual_board(subject: Subject, progress: ProgressCallback) -> LevelResult:
    """Send the vectors through the virtual board and compare every answer with golden.

    Raises
    ------
    Mismatch
        If an answer differs.
    BoardError
        If the virtual board does not answer.
    ConfigurationError, ToolNotFound, ToolFailed
        As of `virtual_board`.
    """
    q, facts = subject.vectors.q, _read_facts(subject.bench)
    with virtual_board(subject.folder, progress=progress) as board:
        progress(f"sending {len(q)} requests to the virtual board")
        cycles = facts["latency_cycles"] + facts["interval_cycles"]
        line = paced_board(board.port, cycles, facts["clock_hz"], facts["baud"])
        answers = request_answers(subject.model, facts["digest"], line, q)
    if len(answers.wrong):
        first = answers.wrong[0]
        raise Mismatch(
            f"{_LEVEL} and golden disagree on {len(answers.wrong)} of {len(q)} vectors, first on "
            f"vector {first} ({subject.vectors.labels[first]}); please report this with the build "
            "folder",
            tuple(answers.wrong[:8].tolist()),
        )
    version = find_tool("verilator").version
    return LevelResult(_LEVEL, "verilator", version, len(q), 0)
