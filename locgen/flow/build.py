"""Builds: from a planned design to a verified bitstream with its report, in a build folder."""

import errno
import logging
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from locgen.errors import ConfigurationError, ToolFailed
from locgen.flow.build_stages import (
    ALL,
    COMPILE,
    SIMULATION,
    SYNTHESIS,
    TEST_BENCH,
    VERILOG,
    begin,
)
from locgen.flow.built import Built
from locgen.flow.planned import PlannedDesign
from locgen.flow.report import write_report
from locgen.flow.stages import Stage, run_stages
from locgen.verify.subject import LevelResult, ProgressCallback

__all__ = ["build", "verify_design", "verify_rtl"]

log = logging.getLogger(__name__)


def build(design: PlannedDesign, out: Path, progress: ProgressCallback | None = None) -> Built:
    """Build `design` into the folder `out` and verify it at RTL and netlist level.

    Everything is made beside `out` and moved there at the end, so an earlier build survives a
    failed one; logs alone go to ``out/logs`` at once.

    Parameters
    ----------
    design : what is built
    out : the build folder
    progress : receives what starts now; the log by default

    Raises
    ------
    DoesNotFit
        If the device is too small or the clock is missed.
    Mismatch
        If any simulated answer, latency or interval differs from golden and plan.
    ToolNotFound, ToolFailed
        If a tool is missing or breaks; the message names its log.
    ConfigurationError
        If `out` holds something else than a build of locgen, or cannot be written.
    """
    progress = progress or log.info
    out = out.absolute()
    logs = _prepare(out)
    with (
        _unwritable(out),
        tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as folder,
    ):
        work = Path(folder) / out.name
        work.mkdir()
        state = run_stages(begin(design, work, logs), ALL, progress)
        built = Built(
            out=work,
            mapped=state.mapped,
            routed=state.routed,
            results=state.verified.results,
            evidence_cells=state.evidence_cells,
            unverified=state.verified.unverified,
            **vars(state.measurement),
        )
        progress("writing the report")
        write_report(design, built)
        _move(work, out)
    mapped, routed = built.mapped, built.routed
    if mapped is not None:
        mapped = mapped.moved(work, out)
    if routed is not None:
        routed = replace(routed, bitstream=out / routed.bitstream.name)
    return replace(built, out=out, mapped=mapped, routed=routed)


@contextmanager
def _unwritable(out: Path) -> Iterator[None]:
    """Turn failures to write a build, also those that a tool reports, into one line."""
    full = os.strerror(errno.ENOSPC)
    try:
        yield
    except (OSError, ToolFailed) as error:
        if isinstance(error, ToolFailed) and full not in str(error):
            raise
        reason = full if isinstance(error, ToolFailed) else error.strerror or str(error)
        where = getattr(error, "filename", None) or out
        raise ConfigurationError(
            f"{where} cannot be written: {reason}; make room, or choose another --out"
        ) from error


def _prepare(out: Path) -> Path:
    """Return the folder for logs after checking that `out` may be written."""
    if out.exists():
        names = [path.name for path in out.iterdir()] if out.is_dir() else ["not a folder"]
        if not (out / "report.json").is_file() and not set(names) <= {"logs"}:
            raise ConfigurationError(
                f"{out} exists and is no build folder of locgen; choose another --out"
            )
    logs = out / "logs"
    try:
        logs.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"{out} cannot be written: {error.strerror}") from error
    return logs


def _move(work: Path, out: Path) -> None:
    """Replace all of `out` but its logs by what `work` holds, or leave it as it is."""
    earlier = Path(tempfile.mkdtemp(dir=work.parent))
    # The report goes first and comes last: a folder that has one is complete.
    old = sorted(out.iterdir(), key=lambda path: path.name != "report.json")
    new = sorted(work.iterdir(), key=lambda path: path.name == "report.json")
    moves = [(path, earlier / path.name) for path in old if path.name != "logs"]
    with ExitStack() as undo:
        for source, target in (*moves, *((path, out / path.name) for path in new)):
            source.rename(target)
            undo.callback(target.rename, source)
        undo.pop_all()


def verify_design(design: PlannedDesign) -> list[LevelResult]:
    """Synthesise and simulate `design` at both levels in a temporary folder; return the results.

    Raises
    ------
    Mismatch, ToolNotFound, ToolFailed
        As for `build`.
    """
    return _verified(design, None, [[COMPILE], [SYNTHESIS, VERILOG], [TEST_BENCH], [SIMULATION]])


def verify_rtl(design: PlannedDesign) -> LevelResult:
    """Simulate the Verilog of `design` against golden in a temporary folder, without synthesis.

    Raises
    ------
    Mismatch, ToolNotFound, ToolFailed
        As for `build`.
    """
    return _verified(design, ("rtl",), [[COMPILE], [VERILOG], [TEST_BENCH], [SIMULATION]])[0]


def _verified(
    design: PlannedDesign,
    levels: tuple[str, ...] | None,
    groups: Sequence[Sequence[Stage]],
) -> list[LevelResult]:
    unrouted = replace(design, options=design.options.model_copy(update={"pnr": False}))
    with tempfile.TemporaryDirectory(prefix="locgen-") as folder:
        work = Path(folder) / "build"
        work.mkdir()
        state = run_stages(begin(unrouted, work, work / "logs", levels), groups, log.info)
    return list(state.verified.results)
