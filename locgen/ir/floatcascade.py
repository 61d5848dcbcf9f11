"""A model behind the scores, in the float IR."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from locgen.ir.decisions.base import DecisionRule, Scale

__all__ = ["FloatCascade"]


@dataclass(frozen=True, eq=False)
class FloatCascade(DecisionRule):
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
