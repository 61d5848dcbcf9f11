"""The kinds of decisions: how scores become the answer."""

from typing import Annotated

from pydantic import Field

from locgen.ir.decisions.argmax import Argmax, Largest
from locgen.ir.decisions.base import DecisionBase, DecisionRule, Scale, Step
from locgen.ir.decisions.cascade import Cascade, SecondStage
from locgen.ir.decisions.identity import Identity
from locgen.ir.decisions.median import Median, MedianBit
from locgen.ir.decisions.multioutput import MultiOutput
from locgen.ir.decisions.threshold import AtLeast, Threshold
from locgen.ir.decisions.votes import Group, GroupDecisions, Tally, Votes

__all__ = [
    "DECISIONS",
    "STEPS",
    "Argmax",
    "AtLeast",
    "Cascade",
    "Decision",
    "DecisionBase",
    "DecisionRule",
    "Decisions",
    "Group",
    "GroupDecisions",
    "Identity",
    "Largest",
    "Median",
    "MedianBit",
    "MultiOutput",
    "Scale",
    "SecondStage",
    "Step",
    "Tally",
    "Threshold",
    "Votes",
]

Decisions = Argmax | Threshold | Identity | Votes | MultiOutput | Median | Cascade
Decision = Annotated[Decisions, Field(discriminator="kind")]
"""A decision in JSON, told apart by its member `kind`."""

DECISIONS: dict[str, type[DecisionBase]] = {
    "argmax": Argmax,
    "threshold": Threshold,
    "identity": Identity,
    "votes": Votes,
    "several": MultiOutput,
    "median": Median,
    "cascade": Cascade,
}
"""The class of each kind of decision, by its name in JSON."""

STEPS: tuple[type[Step], ...] = (
    Largest,
    AtLeast,
    GroupDecisions,
    Tally,
    MedianBit,
    SecondStage,
)
"""The kinds of steps that `DecisionBase.steps` returns; hardware has a component for each."""
