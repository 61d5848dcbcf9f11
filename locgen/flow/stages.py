"""The machinery of build stages: progress, timing and the values that stages pass on."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from locgen.flow.built import Measurement
from locgen.flow.planned import PlannedDesign
from locgen.targets.children import workers
from locgen.targets.routed import Routed
from locgen.targets.target import Job, Mapped
from locgen.verify.subject import LevelResult, ProgressCallback, Subject
from locgen.verify.vectors import Vectors

__all__ = ["BuildState", "Stage", "Verified", "run_stages"]

_TIMES = "stages.json"
"""File among the logs with the seconds of each stage."""


@dataclass(frozen=True)
class Verified:
    """Results of the levels; `unverified` says why there are none."""

    results: tuple[LevelResult, ...] = ()
    unverified: str | None = None


@dataclass(frozen=True, eq=False)
class BuildState:
    """The values that stages pass on; each stage fills one member.

    Members
    -------
    design : what is built; vectors : what it is verified with
    work : folder that becomes the build folder
    job : folders and settings of the tools, all of which enter the keys of their caches
    levels : levels of verification, None for all that the build can run
    modules : RTLIL by module; verilog : file by module
    mapped, routed : netlists and the routed design, None where the target or the user wants none
    measurement : what is known after routing: toggles, energy, clock
    evidence_cells : what gathering evidence adds to the core
    """

    design: PlannedDesign
    vectors: Vectors
    work: Path
    job: Job
    levels: tuple[str, ...] | None = None
    modules: dict[str, str] = field(default_factory=dict)
    mapped: Mapped | None = None
    verilog: dict[str, Path] = field(default_factory=dict)
    bench: Path | None = None
    routed: Routed | None = None
    verified: Verified = field(default_factory=Verified)
    measurement: Measurement = field(default_factory=Measurement)
    evidence_cells: int | None = None

    @property
    def routes(self) -> bool:
        """Whether place and route is wanted and possible."""
        return self.design.options.pnr and self.design.target.backend.routes

    @property
    def subject(self) -> Subject:
        """The build as levels of verification take it."""
        has_netlist = self.mapped is not None
        return Subject(self.work, self.job.logs, self.design.model, self.vectors, has_netlist)


@dataclass(frozen=True)
class Stage:
    """One step of a build.

    Members
    -------
    name : its key among the times in the logs
    fills : member of `BuildState` that receives its result
    run : computes the result from the state before
    progress : what starts now, in a few words; empty for nothing
    """

    name: str
    fills: str
    run: Callable[[BuildState], object]
    progress: Callable[[BuildState], str] = lambda state: ""


def run_stages(
    state: BuildState, groups: Sequence[Sequence[Stage]], progress: ProgressCallback
) -> BuildState:
    """Return the state after all stages; those of one group run side by side.

    The seconds of each stage are kept among the logs, those of a stage that failed as well.

    Parameters
    ----------
    state : the state at the beginning
    groups : stages in order; the first of a group runs in the calling thread, and its failure
        counts
    progress : receives what starts now
    """
    seconds: dict[str, float] = {}

    def timed(stage: Stage) -> object:
        began = time.monotonic()
        try:
            return stage.run(state)
        finally:
            seconds[stage.name] = round(time.monotonic() - began, 3)

    try:
        for first, *others in groups:
            texts = [stage.progress(state) for stage in (first, *others)]
            if any(texts):
                progress(", ".join(filter(None, texts)))
            with workers(max(len(others), 1)) as pool:
                beside = [pool.submit(timed, stage) for stage in others]
                values = [timed(first), *(future.result() for future in beside)]
            names = [stage.fills for stage in (first, *others)]
            made: dict[str, Any] = dict(zip(names, values, strict=True))
            state = replace(state, **made)
    finally:
        state.job.logs.mkdir(parents=True, exist_ok=True)
        (state.job.logs / _TIMES).write_text(json.dumps(seconds, indent=1) + "\n", "utf-8")
    return state
