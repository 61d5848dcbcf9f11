"""The levels RTL and netlist: the test bench of a build, run by cocotb."""

import json
import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from locgen.errors import Mismatch, ToolFailed, ToolNotFound
from locgen.targets.children import child
from locgen.targets.toolchain import check_room
from locgen.verify.subject import LevelResult, ProgressCallback, Simulator, Subject

__all__ = ["run_testbench", "simulate_level", "simulator_cache"]

logger = logging.getLogger("locgen.simulate")

_TIMING = ("latency_cycles", "interval_cycles", "o__valid", "results")
"""Fields of a mismatch that say nothing about the values."""


def simulator_cache() -> Path:
    """Return the user's folder for compiled parts of the simulator that all designs share."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "locgen" / "simulator"


def simulate_level(level: str, subject: Subject, progress: ProgressCallback) -> LevelResult:
    """Run one level of the test bench of a build; see `run_testbench`."""
    progress(f"simulating {level}")
    log = subject.logs / f"simulation_{level}.log"
    return run_testbench(subject.bench, level, subject.simulator, log=log)


def run_testbench(
    folder: Path,
    level: str,
    simulator: Simulator = "verilator",
    *,
    log: Path | None = None,
    cache: Path | None = None,
) -> LevelResult:
    """Run one level of a test bench; return only if everything is equal.

    Parameters
    ----------
    folder : Path
        Written by `write_testbench`; nothing is written into it.
    level : str
        ``rtl`` or ``netlist``.
    simulator : str
        ``verilator`` or ``icarus``, behind cocotb.
    log : Path, optional
        File that receives what the simulator and the compilers said.
    cache : Path, optional
        Where Verilator's compiled runtime is kept; `simulator_cache` by default.

    Raises
    ------
    Mismatch
        If a result, the latency or the interval differs; names vector, field, expected and got.
    ToolNotFound
        If the simulator or a compiler is missing, with the package that brings it.
    ToolFailed
        If the simulator or a compiler fails.
    """
    with tempfile.TemporaryDirectory(prefix="locgen-") as work:
        results = Path(work) / "results.json"
        arguments = [
            *(sys.executable, str(folder.resolve() / "run.py")),
            *("--level", level, "--simulator", simulator),
            *("--results", str(results), "--build", work),
            *("--cache", str(cache or simulator_cache())),
        ]
        exit_code, stdout, stderr = _run(arguments, work)
        if log is not None:
            _keep_logs(Path(work) / level, stdout + stderr, log)
        result = json.loads(results.read_text())[0] if results.exists() else None
    where = f" (log: {log})" if log is not None else ""
    last = (stderr.strip() or stdout.strip() or "it said nothing").splitlines()[-1]
    last = last.partition(" (log: ")[0]
    logger.info("%s", stdout.strip())
    if exit_code == 3:
        raise ToolNotFound(last)
    if result is None:
        raise ToolFailed(f"Simulation ({level}) ended with exit code {exit_code}: {last}{where}")
    if exit_code == 5:
        values = [m for m in result["kept_mismatches"] if m["field"] not in _TIMING]
        wrong = [m["vector"] for m in values]
        raise Mismatch(_mismatch_text(result) + where, tuple(dict.fromkeys(wrong)))
    kept = ("simulator_version", "vectors", "mismatches", "latency_cycles", "interval_cycles")
    return LevelResult(
        level, simulator, **{key: result[key] for key in kept}, frames=result.get("frames", 0)
    )


def _run(arguments: list[str], work: str) -> tuple[int, str, str]:
    """Return exit code, standard output and error of a child in `work`, unless its disk is full."""
    with child(arguments, env=_environment(), cwd=Path(work), stderr=subprocess.PIPE) as process:
        stdout, stderr = process.communicate()
    check_room(Path(work))
    return process.returncode, stdout, stderr


def _environment() -> dict[str, str]:
    # The test bench must run as it does when copied elsewhere: without our modules, and without
    # writing compiled ones into the build folder, which has the same bytes for the same input.
    hidden = {"PYTHONPATH", "PYTEST_CURRENT_TEST", "WAVES", "GUI"}
    kept = {k: v for k, v in os.environ.items() if k not in hidden and not k.startswith("COCOTB")}
    return kept | {"PYTHONDONTWRITEBYTECODE": "1"}


def _mismatch_text(found: dict) -> str:
    first = found["first_mismatch"]
    return (
        f"{found['level']} and golden disagree on {found['mismatches']} of "
        f"{found.get('vectors', 'all')} vectors, first on vector {first['vector']} "
        f"({first['label']}): {first['field']} expected {first['expected']}, got {first['got']}; "
        "please report this with the build folder"
    )


def _keep_logs(folder: Path, said: str, log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    parts = [said]
    for path in sorted(folder.glob("*.log")):
        text = path.read_text(errors="replace").strip()
        if text:
            parts.append(f"--- {path.name}\n{text}\n")
    log.write_text("\n".join(parts))
