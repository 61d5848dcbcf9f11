"""The table of decision steps: the component of each, and the step that is made of others."""

from typing import Any

from amaranth import *

from locgen.cores.argmax import LargestStep
from locgen.cores.cascade import SecondStageStep
from locgen.cores.median import MedianStep
from locgen.cores.step import DecisionStep, Word
from locgen.cores.threshold import AtLeastStep
from locgen.cores.voting import TallyStep
from locgen.ir.decisions import (
    AtLeast,
    DecisionBase,
    GroupDecisions,
    Largest,
    MedianBit,
    SecondStage,
    Step,
    Tally,
)

__all__ = ["DECISION_STEPS", "GroupStep", "decision_steps"]


class GroupStep(DecisionStep[GroupDecisions]):
    """Each group of scores decides for itself. Latency 0 (combinational).

    Members
    -------
    i : In, all scores, the first lowest; o : Out, each group's decision, the first lowest
    """

    def shapes(self) -> tuple[Word, Word]:
        """Return the shapes of all scores and of all groups' decisions."""
        groups = self.step.groups
        count = len({score for group in groups for score in group.scores})
        return count * self.step.width, sum(group.decision.bits for group in groups)

    def elaborate(self, platform: object) -> Module:
        """Build the steps of each group's decision."""
        m = Module()
        width, decided = self.step.width, []
        for number, group in enumerate(self.step.groups):
            word: Value = Cat(self.i.word_select(n, width) for n in group.scores)
            for place, step in enumerate(decision_steps(group.decision, width, self.step.signed)):
                m.submodules[f"group_{number}_{place}"] = step
                m.d.comb += Value.cast(step.i).eq(word)
                word = Value.cast(step.o)
            decided.append(word)
        m.d.comb += self.o.eq(Cat(decided))
        return m


DECISION_STEPS: dict[type[Step], type[DecisionStep[Any]]] = {
    Largest: LargestStep,
    AtLeast: AtLeastStep,
    GroupDecisions: GroupStep,
    Tally: TallyStep,
    MedianBit: MedianStep,
    SecondStage: SecondStageStep,
}


def decision_steps(
    decision: DecisionBase, width: int, signed: bool = True, bias: int = 0
) -> tuple[DecisionStep[Any], ...]:
    """Return what computes `decision`, one after the other.

    The first takes all scores side by side, each takes the one before's `o`; the last gives the
    decision.

    Parameters
    ----------
    decision : which
    width : of each score; signed : whether scores have a sign
    bias : what is missing of all scores
    """
    steps = decision.steps(width, signed, bias)
    return tuple(DECISION_STEPS[type(step)](step) for step in steps)
