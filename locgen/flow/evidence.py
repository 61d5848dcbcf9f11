"""What the hardware must send as evidence for each vector of the test bench."""

from locgen.flow.planned import PlannedDesign
from locgen.plan.evidence import gathered_of, runs_of
from locgen.verify.vectors import Vectors

__all__ = ["evidence_words"]


def evidence_words(design: PlannedDesign, vectors: Vectors) -> tuple[int, ...]:
    """Return for each vector the digits of its evidence, first lowest; nothing without evidence."""
    plan = design.plan
    if not plan.evidence:
        return ()
    return tuple(runs_of(plan, gathered_of(design.model, plan, vectors.q)))
