"""Builds: from a planned design to a verified bitstream with its report, in a build folder."""

import logging
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from locgen.errors import ConfigurationError
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
        If `out` holds something else than a build of locgen.
    """
    progress = progress or log.info
    out = out.absolute()
    logs = _prepare(out)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as folder:
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
    routed = built.routed
    if routed is not None:
        routed = replace(routed, bitstream=out / routed.bitstream.name)
    return replace(built, out=out, routed=routed)


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
    """Replace all of `out` but its logs by what `work` holds."""
    for path in out.iterdir():
        if path.name == "logs":
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    # The report goes last: a folder that has one is complete.
    for path in sorted(work.iterdir(), key=lambda p: p.name == "report.json"):
        path.rename(out / path.name)


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
