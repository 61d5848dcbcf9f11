"""Decisions that a second model makes of the scores: nodes behind nodes.

What an ensemble's last estimator computes of its members' scores, what calibration makes of a
score, and votes whose ties are broken by sums of scores.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
from pydantic import ConfigDict, Field

from locgen.ir.choice import Argmax, Scale, Threshold
from locgen.ir.features import IdentityFeature
from locgen.ir.layers import LayeredNode
from locgen.ir.linear import LinearNode
from locgen.ir.softmax import SoftmaxNode
from locgen.ir.tree import TreeNode

__all__ = ["BehindNode", "Cascade", "FloatCascade"]

_WIDEST_CODE = 24

BehindNode = Annotated[
    TreeNode | LinearNode | LayeredNode | SoftmaxNode, Field(discriminator="kind")
]
"""The kinds of nodes that may stand behind scores."""


@dataclass(frozen=True)
class Cascade:
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
    nodes: Annotated[tuple[BehindNode, ...], Field(min_length=1)]
    bias: Annotated[tuple[int, ...], Field(min_length=1)]
    decision: Annotated[Argmax | Threshold, Field(discriminator="kind")]
    kind: Literal["cascade"] = "cascade"

    def __post_init__(self) -> None:
        """Check that nodes, codes and sums belong together."""
        if not self.lows or not len(self.lows) == len(self.shifts) == len(self.bits_of):
            raise ValueError("every score behind which nodes stand must have a low, shift and bits")
        if max(self.bits_of) > _WIDEST_CODE:
            raise ValueError(f"codes of scores must have at most {_WIDEST_CODE} bits")
        if {output for node in self.nodes for output in node.outputs} != set(range(len(self.bias))):
            raise ValueError("nodes behind scores must add to every sum and no other")
        if self.decision.outputs != len(self.bias):
            raise ValueError("the decision must be over the sums")
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
        low, high = list(self.bias), list(self.bias)
        for node in self.nodes:
            for output, (least, most) in zip(node.outputs, node.ranges, strict=True):
                low[output] += least
                high[output] += most
        return tuple(zip(low, high, strict=True))

    @cached_property
    def sum_bits(self) -> int:
        """Width of a signed number that holds every sum."""
        ends = [end for pair in self.ranges for end in pair]
        return max((end if end >= 0 else ~end).bit_length() for end in ends) + 1

    @property
    def levels(self) -> float:
        """Levels of LUT4 from the scores to the sums."""
        joined = 2.0 * max(len(self.nodes) - 1, 0).bit_length()
        return 2.0 + max(node.levels for node in self.nodes) + joined

    def holds(self, ranges: tuple[tuple[int, int], ...]) -> bool:
        """Return whether scores of these (lowest, highest) have codes."""
        return all(
            not bits or (low <= least and most - low < 1 << bits + shift)
            for low, shift, bits, (least, most) in zip(
                self.lows, self.shifts, self.bits_of, ranges, strict=True
            )
        )

    def codes(self, scores: np.ndarray) -> np.ndarray:
        """Return the codes (rows, outputs) of scores of the same shape."""
        codes = scores - np.array(self.lows, dtype=np.int64) >> np.array(self.shifts)
        return np.where(np.array(self.bits_of) > 0, codes, 0)

    def sums(self, scores: np.ndarray) -> np.ndarray:
        """Return what the nodes add up to, (rows, len(bias)), of scores (rows, outputs)."""
        q = self.codes(np.asarray(scores, dtype=np.int64))
        total = np.tile(np.array(self.bias, dtype=np.int64), (len(q), 1))
        for node in self.nodes:
            total[:, list(node.outputs)] += node.evaluate(q, np.full(q.shape[1], -1))
        return total

    def evaluate(self, scores: np.ndarray) -> np.ndarray:
        """Return decisions (rows,) of integer scores (rows, outputs)."""
        return self.decision.evaluate(self.sums(scores))


@dataclass(frozen=True, eq=False)
class FloatCascade:
    """The same in the float IR: a model whose features are the scores.

    Members
    -------
    model : an `ir.model.Model` over the scores, in their order
    scales : scores of which only differences count, which then have one scale and a free offset, or
        such as need one scale
    outranks : whether the largest sum of the model's trees decides, and what else it adds up only
        where several are as large
    """

    model: object
    scales: tuple[Scale, ...]
    outranks: bool = False
    kind: Literal["cascade"] = "cascade"

    def __post_init__(self) -> None:
        """Check that every score has a scale."""
        named = sorted(output for scale in self.scales for output in scale.outputs)
        if named != list(range(len(self.model.feature_names))):
            raise ValueError("every score behind which a model stands must have one scale")

    @property
    def bits(self) -> int:
        """Width of the decision in bits."""
        return self.model.rule_of_decision.bits

    @property
    def outputs(self) -> int:
        """Number of scores it is made from."""
        return len(self.model.feature_names)

    @property
    def answers(self) -> int:
        """Number of classes it tells apart."""
        return self.model.rule_of_decision.answers

    def evaluate(self, scores: np.ndarray) -> np.ndarray:
        """Return decisions (rows,) of scores (rows, outputs)."""
        if not self.outranks:
            return self.model.decide(self.model.scores(scores))
        votes, rest = self._apart(scores)
        return np.argmax(np.where(votes == votes.max(axis=1, keepdims=True), rest, -np.inf), axis=1)

    def _apart(self, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what the trees, and what all else adds up to, (rows, sums) both."""
        trees = len(self.model.trees)
        parts = [node.evaluate(scores) for node in self.model.nodes]
        zeros = [np.zeros_like(part) for part in parts]
        votes = self.model.sums_of([*parts[:trees], *zeros[trees:]])
        rest = self.model.sums_of([*zeros[:trees], *parts[trees:]])
        return votes[0], rest[0] + np.array(self.model.base)

    def margin(self, scores: np.ndarray) -> np.ndarray:
        """Return how far each row (rows,) is from another decision, or a score from a cut."""
        if self.outranks:
            votes, rest = self._apart(scores)
            best = votes == votes.max(axis=1, keepdims=True)
            ranked = np.sort(np.where(best, rest, -np.inf), axis=1)
            nearest = ranked[:, -1] - ranked[:, -2]
        else:
            nearest = self.model.rule_of_decision.margin(self.model.scores(scores))
        for column, cuts in enumerate(self.model.cuts):
            finite = cuts[np.isfinite(cuts)]
            if len(finite):
                far = np.abs(scores[:, [column]] - finite).min(axis=1)
                nearest = np.minimum(nearest, far)
        return nearest
