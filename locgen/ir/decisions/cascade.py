"""Decisions that a second stage makes: nodes that read the scores of the first.

What an ensemble's last estimator computes of its members' scores, what calibration makes of a
score, and votes whose ties are broken by sums of scores.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
from pydantic import ConfigDict, Field

from locgen.ir.decisions.argmax import Argmax
from locgen.ir.decisions.base import DecisionBase, Scale, Step
from locgen.ir.decisions.threshold import Threshold
from locgen.ir.decisions.votes import Group, GroupDecisions
from locgen.ir.features import IdentityFeature
from locgen.ir.integer import SecondStageNode
from locgen.ir.integer.sums import signed_width, sum_ranges, sum_scores
from locgen.ir.levels import RANK_LEVELS, THRESHOLD_LEVELS, tree_levels
from locgen.ir.rules import refuse_if

__all__ = ["Cascade", "SecondStage"]

_WIDEST_CODE = 24


@dataclass(frozen=True)
class SecondStage(Step):
    """The codes of all scores of `width` bits, every node over them, and their sums.

    Members
    -------
    cascade : the nodes; signed : whether scores have a sign
    """

    cascade: "Cascade"
    width: int
    signed: bool = True


@dataclass(frozen=True)
class Cascade(DecisionBase):
    """Nodes that read codes of the scores, and a decision over what they add up to.

    The code of a score is ``score - low >> shift``, of `bits` bits; scores stay within.

    Members
    -------
    lows, shifts, bits : of each score; no bits where no node reads it
    nodes : they read the codes in place of features
    bias : one integer for each sum
    decision : over the sums
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    lows: tuple[int, ...]
    shifts: tuple[Annotated[int, Field(ge=0, le=47)], ...]
    bits_of: tuple[Annotated[int, Field(ge=0, le=_WIDEST_CODE)], ...]
    nodes: Annotated[tuple[SecondStageNode, ...], Field(min_length=1)]
    bias: Annotated[tuple[int, ...], Field(min_length=1)]
    decision: Annotated[Argmax | Threshold, Field(discriminator="kind")]
    kind: Literal["cascade"] = "cascade"

    description = "a model behind the scores"
    root_cycles = 3

    def __post_init__(self) -> None:
        """Check that nodes, codes and sums belong together."""
        refuse_if(
            not self.lows or not len(self.lows) == len(self.shifts) == len(self.bits_of),
            "every score behind which nodes stand must have a low, shift and bits",
        )
        refuse_if(
            max(self.bits_of) > _WIDEST_CODE,
            f"codes of scores must have at most {_WIDEST_CODE} bits",
        )
        refuse_if(
            {output for node in self.nodes for output in node.outputs}
            != set(range(len(self.bias))),
            "nodes behind scores must add to every sum and no other",
        )
        refuse_if(self.decision.outputs != len(self.bias), "the decision must be over the sums")
        features = tuple(
            IdentityFeature(f"score_{number}", 0, (1 << bits) - 1)
            for number, bits in enumerate(self.bits_of)
        )
        for node in self.nodes:
            node.check(features)

    @property
    def bits(self) -> int:
        """Width of the decision in bits."""
        return self.decision.bits

    @property
    def outputs(self) -> int:
        """Number of scores it is made from."""
        return len(self.lows)

    @property
    def answers(self) -> int:
        """Number of classes it tells apart."""
        return self.decision.answers

    @property
    def scales(self) -> tuple[Scale, ...]:
        """Scores that need one scale: none, the nodes know what each is worth."""
        return ()

    @cached_property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """(lowest, highest) of each sum."""
        return sum_ranges(self.nodes, self.bias)

    @cached_property
    def sum_bits(self) -> int:
        """Width of a signed number that holds every sum."""
        return signed_width(self.ranges)

    def check_scores(self, ranges: Sequence[tuple[int, int]], offsets: Sequence[float]) -> None:
        """Raise ValueError unless scores of these (lowest, highest) have codes."""
        fields = zip(self.lows, self.shifts, self.bits_of, ranges, strict=True)
        refuse_if(
            not all(
                not bits or (low <= least and most - low < 1 << bits + shift)
                for low, shift, bits, (least, most) in fields
            ),
            "codes of scores must hold every score",
        )

    def codes(self, scores: np.ndarray) -> np.ndarray:
        """Return the codes (rows, outputs) of scores of the same shape."""
        codes = scores - np.array(self.lows, dtype=np.int64) >> np.array(self.shifts)
        return np.where(np.array(self.bits_of) > 0, codes, 0)

    def sums(self, scores: np.ndarray) -> np.ndarray:
        """Return what the nodes add up to, (rows, len(bias)), of scores (rows, outputs)."""
        q = self.codes(np.asarray(scores, dtype=np.int64))
        return sum_scores(self.nodes, self.bias, q, np.full(q.shape[1], -1))

    def evaluate(self, scores: np.ndarray) -> np.ndarray:
        """Return decisions (rows,) of integer scores (rows, outputs)."""
        return self.decision.evaluate(self.sums(scores))

    @property
    def second_stage_levels(self) -> float:
        """Levels of LUT4 from the scores to the sums."""
        joined = 2.0 * max(len(self.nodes) - 1, 0).bit_length()
        return 2.0 + max(node.levels for node in self.nodes) + joined

    @property
    def levels(self) -> float:
        """All steps."""
        return sum(self.step_levels(False))

    def step_levels(self, alone: bool) -> tuple[float, ...]:
        """Return those of the nodes, and of the decision over their sums."""
        choice = max(RANK_LEVELS * tree_levels(len(self.bias)), THRESHOLD_LEVELS)
        return self.second_stage_levels, choice

    def steps(self, score_bits: int, signed: bool = True, bias: int = 0) -> tuple[Step, ...]:
        """Return the second stage, and the decision over its sums."""
        sums = Group(tuple(range(len(self.bias))), self.decision)
        return SecondStage(self, score_bits, signed), GroupDecisions((sums,), self.sum_bits)

    @property
    def adder_bits(self) -> float:
        """Bits of adders of the nodes and of their sums, about."""
        return sum(node.cells for node in self.nodes) + len(self.bias) * self.sum_bits

    def root_bits(self, outputs: int, score_bits: int, serial: bool) -> float:
        """Return the second stage, and the scores held behind it."""
        return self.adder_bits + outputs * score_bits

    def facts(self) -> dict[str, object]:
        """Return the nodes of each kind, the widths of sums and codes, and the tables' errors."""
        counts = Counter(node.kind for node in self.nodes)
        words = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
        functions = "; ".join(words for node in self.nodes for words in node.functions)
        facts: dict[str, object] = {
            "behind_scores": f"{words}; {self.sum_bits}-bit sums, {self.decision.kind}",
            "code_bits_of_scores": list(self.bits_of),
        }
        return facts | ({"functions_behind_scores": functions} if functions else {})
