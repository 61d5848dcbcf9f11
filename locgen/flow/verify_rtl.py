"""Verification of the emitted RTL alone: minutes less than a build, for trying many models."""

import logging
import tempfile
from pathlib import Path

from locgen.flow.bench import design_facts, design_vectors, emit
from locgen.flow.evidence import evidence_words
from locgen.flow.memory import memory_image
from locgen.flow.planned import PlannedDesign
from locgen.targets.verilog import write_verilog
from locgen.verify.simulate import run_testbench
from locgen.verify.subject import LevelResult
from locgen.verify.testbench import write_testbench

__all__ = ["verify_rtl"]

log = logging.getLogger(__name__)


def verify_rtl(design: PlannedDesign) -> LevelResult:
    """Simulate the Verilog of the core of `design` against golden in a temporary folder.

    Raises
    ------
    Mismatch
        If any answer, latency or interval differs from golden and plan.
    ToolNotFound, ToolFailed
        If a tool is missing or breaks.
    """
    with tempfile.TemporaryDirectory(prefix="locgen-") as folder:
        work = Path(folder)
        verilog = write_verilog(
            {"core": emit(design)["core"]}, work, work / "logs", use_cache=design.options.cache
        )
        vectors = design_vectors(design)
        write_testbench(
            work / "testbench",
            design_facts(design),
            vectors,
            None,
            {"core.v": verilog["core"]},
            memory_image(design),
            (),
            evidence_words(design, vectors),
        )
        return run_testbench(work / "testbench", "rtl", log=work / "logs" / "simulation.log")
