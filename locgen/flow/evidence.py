"""What the hardware must send as evidence for each vector of the test bench."""

from locgen.flow.design import Design
from locgen.plan.evidence import evidence_of
from locgen.verify.vectors import Vectors

__all__ = ["evidence_words"]


def evidence_words(design: Design, vectors: Vectors) -> tuple[int, ...]:
    """Return for each vector the digits of its evidence, first lowest; nothing without evidence."""
    model, plan = design.model, design.choice.plan
    if not plan.evidence:
        return ()
    sent = evidence_of(model, vectors.q, plan.sites, plan.engines)
    words = [0] * len(vectors)
    offset = 0
    for slot in plan.evidence:
        for row, number in enumerate(sent[:, slot.node].tolist()):
            words[row] |= number << offset
        offset += slot.beats * plan.up_width
    return tuple(words)
