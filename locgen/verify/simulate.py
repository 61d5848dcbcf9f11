"""Runs a test bench folder and reads its result."""

import json
import logging
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from locgen.errors import Mismatch, ToolFailed, ToolNotFound
from locgen.targets.children import child

__all__ = ["SimulationResult", "run_testbench", "simulator_cache"]

logger = logging.getLogger("locgen.simulate")

_TIMING = ("latency_cycles", "interval_cycles", "o__valid", "results")
"""Fields of a mismatch that say nothing about the values."""


@dataclass(frozen=True)
class SimulationResult:
    """What one level of simulation found, every value equal to golden's and the plan's.

    `latency_cycles` and `interval_cycles` are as measured (`interval_cycles` is None for a single
    vector); `frames` counts those sent to the board's top, 0 without one.
    """

    level: Literal["rtl", "netlist"]
    simulator: str
    simulator_version: str
    vectors: int
    mismatches: int
    latency_cycles: int
    interval_cycles: int | None
    frames: int


def simulator_cache() -> Path:
    """Return the user's folder for compiled parts of the simulator that all designs share."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "locgen" / "simulator"


def run_testbench(
    folder: Path,
    level: Literal["rtl", "netlist"],
    simulator: Literal["verilator", "icarus"] = "verilator",
    *,
    log: Path | None = None,
    cache: Path | None = None,
) -> SimulationResult:
    """Run one level of a test bench; return only if everything is equal.

    Parameters
    ----------
    folder : Path
        Written by `write_testbench`; nothing is written into it.
    level, simulator : str
        What to simulate, with what.
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
        with child(
            [
                *(sys.executable, str(folder.resolve() / "run.py")),
                *("--level", level, "--simulator", simulator),
                *("--results", str(results), "--build", work),
                *("--cache", str(cache or simulator_cache())),
            ],
            env=_environment(),
            cwd=work,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        ) as process:
            stdout, stderr = process.communicate()
        if log is not None:
            _keep_logs(Path(work) / level, stdout + stderr, log)
        where = f" (log: {log})" if log is not None else ""
        found = json.loads(results.read_text())[0] if results.exists() else None
    last = (stderr.strip() or stdout.strip() or "it said nothing").splitlines()[-1]
    last = last.partition(" (log: ")[0]
    logger.info("%s", stdout.strip())
    if process.returncode == 3:
        raise ToolNotFound(last)
    if found is None:
        raise ToolFailed(
            f"Simulation ({level}) ended with exit code {process.returncode}: {last}{where}"
        )
    if process.returncode == 5:
        values = [m for m in found["kept_mismatches"] if m["field"] not in _TIMING]
        wrong = [m["vector"] for m in values]
        raise Mismatch(_mismatch_text(found) + where, tuple(dict.fromkeys(wrong)))
    return SimulationResult(
        level=level,
        simulator=simulator,
        simulator_version=found["simulator_version"],
        vectors=found["vectors"],
        mismatches=found["mismatches"],
        latency_cycles=found["latency_cycles"],
        interval_cycles=found["interval_cycles"],
        frames=found.get("frames", 0),
    )


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
