"""The clause node: conjunctions of comparisons, each with a weight, or the first that holds."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from pydantic import ConfigDict

from locgen.ir.features import Feature
from locgen.ir.integer.arithmetic import BiasedNode, with_bias
from locgen.ir.integer.checks import check_outputs, require_evidence
from locgen.ir.integer.cost import Cost, Links
from locgen.ir.integer.node import Comparison
from locgen.ir.rules import refuse_if
from locgen.ir.wording import Account, Wording

__all__ = ["ClauseLiteral", "ClauseNode"]

ClauseLiteral = tuple[int, int, bool]
"""(feature, threshold, whether ``q[feature] <= threshold`` has to hold or to fail)."""


@dataclass(frozen=True)
class ClauseNode(BiasedNode):
    """Scores of the clauses that hold, added up; or of the first that holds alone.

    A clause holds where all of its literals do; one without literals always holds.

    Members
    -------
    clauses : for each clause its literals
    scores : for each clause one integer for each entry of `outputs`
    bias : one integer for each entry of `outputs`, what there is besides
    clause_ids : the model's own number of each clause
    first : whether only the first clause that holds counts, as in a decision list
    outputs : outputs of the model that the scores are added to
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    clauses: tuple[tuple[ClauseLiteral, ...], ...]
    scores: tuple[tuple[int, ...], ...]
    bias: tuple[int, ...]
    clause_ids: tuple[int, ...]
    first: bool
    outputs: tuple[int, ...]
    kind: Literal["clause"] = "clause"

    compares = True
    adds_up = False
    evidence_words = "which clauses count"

    def __post_init__(self) -> None:
        """Check that lengths agree."""
        check_outputs(self.outputs, "a clause node")
        refuse_if(
            not self.clauses or {len(self.scores), len(self.clause_ids)} != {len(self.clauses)},
            "a clause node must have clauses, with scores and a number for each",
        )
        refuse_if(
            {len(row) for row in (*self.scores, self.bias)} != {len(self.outputs)},
            "a clause node must have a score and a bias for each output",
        )
        refuse_if(
            any(feature < 0 or threshold < 0 for c in self.clauses for feature, threshold, _ in c),
            "features and thresholds of a clause node must not be negative",
        )

    @cached_property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Distinct comparisons with constants, sorted."""
        return tuple(
            sorted({Comparison(f, t, False) for clause in self.clauses for f, t, _ in clause})
        )

    @property
    def features(self) -> tuple[int, ...]:
        """Features that are compared, rising."""
        return tuple(sorted({comparison.feature for comparison in self.comparisons}))

    @property
    def literals(self) -> tuple[tuple[tuple[int, bool], ...], ...]:
        """For each clause (place in `comparisons`, whether it has to hold)."""
        place = {(c.feature, c.threshold): n for n, c in enumerate(self.comparisons)}
        return tuple(tuple((place[f, t], holds) for f, t, holds in c) for c in self.clauses)

    @cached_property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """(lowest, highest) score of any set of clauses, or of any one and none."""
        ends = []
        for column, bias in zip(zip(*self.scores, strict=True), self.bias, strict=True):
            if self.first:
                ends.append((bias + min(0, *column), bias + max(0, *column)))
            else:
                low, high = (sum(end(s, 0) for s in column) for end in (min, max))
                ends.append((bias + low, bias + high))
        return tuple(ends)

    @property
    def levels(self) -> float:
        """A tree of ANDs, and of the clauses before; adders where several count."""
        longest = max(map(len, self.clauses))
        behind = len(self.clauses).bit_length() * (0.5 if self.first else 2.0)
        return 1.0 + 0.5 * longest.bit_length() + behind

    @property
    def stream_levels(self) -> float:
        """As in parallel, then the choice of a digit."""
        return self.levels + 3.0

    @property
    def load(self) -> int:
        """Literals and clauses."""
        return 1 + len(self.clauses) + sum(map(len, self.clauses)) // 3

    @cached_property
    def terms(self) -> tuple["ClauseNode", ...]:
        """One node a clause, see `with_bias`; a list stays whole."""
        if self.first:
            return (self,)
        nothing = (0,) * len(self.outputs)
        single = [
            replace(self, clauses=(clause,), scores=(row,), bias=nothing, clause_ids=(clause_id,))
            for clause, row, clause_id in zip(
                self.clauses, self.scores, self.clause_ids, strict=True
            )
        ]
        return with_bias(single, self.bias, [low for low, _ in self.ranges])

    def cost(self) -> Cost:
        """Return the LUT4 of an AND a clause, joined with its score's bits."""
        ands = sum(max(-(-(len(clause) - 1) // 3), 0) for clause in self.clauses)
        choice = len(self.clauses) if self.first else 0
        set_bits = sum(abs(score).bit_count() for row in self.scores for score in row)
        return Cost(table=ands + choice + (set_bits + 2) // 3)

    def stream_cost(self, links: Links, evidence_beats: int) -> Cost:
        """Return the clauses, their adders, and what a digit is chosen from."""
        sums = 0 if self.first else self.score_bits * len(self.clauses)
        return self.cost() + Cost(sum=sums) + self.digit_cost(evidence_beats)

    def check(self, features: tuple[Feature, ...]) -> None:
        """Raise ValueError if the node does not fit the model's `features`."""
        for feature, threshold, _ in self.comparisons:
            refuse_if(feature >= len(features), "a node's features must be features of the model")
            refuse_if(
                threshold >= (1 << features[feature].bits) - 1,
                "a comparison must tell codes of its feature apart",
            )
            refuse_if(
                features[feature].missing_code is not None,
                "features of a clause node must have no missing values",
            )

    def holding(self, q: np.ndarray) -> np.ndarray:
        """Return which clauses hold, booleans (rows, clauses), whatever comes before them."""
        columns = []
        for clause in self.clauses:
            holds = np.ones(len(q), dtype=bool)
            for feature, threshold, wanted in clause:
                holds &= (q[:, feature] <= threshold) == wanted
            columns.append(holds)
        return np.stack(columns, axis=1)

    def fired(self, q: np.ndarray) -> np.ndarray:
        """Return which clauses count, booleans (rows, clauses)."""
        holds = self.holding(q)
        if self.first:
            holds[:, 1:] &= ~np.logical_or.accumulate(holds, axis=1)[:, :-1]
        return holds

    def _score(self, fired: np.ndarray) -> np.ndarray:
        scores = np.array(self.scores, dtype=np.int64)
        return fired.astype(np.int64) @ scores + np.array(self.bias, dtype=np.int64)

    def evaluate(self, q: np.ndarray, missing_codes: np.ndarray) -> np.ndarray:
        """Return integer scores (rows, len(outputs)) of quantised rows (rows, features)."""
        return self._score(self.fired(q))

    @property
    def evidence_bits(self) -> tuple[int, ...]:
        """A bit for each clause."""
        return (1,) * len(self.clauses)

    def evidence(self, q: np.ndarray, missing_codes: np.ndarray) -> np.ndarray:
        """Return 1 for each clause that counts, shape (rows, clauses)."""
        return self.fired(q).astype(np.int64)

    def recombine(self, evidence: np.ndarray) -> np.ndarray:
        """Return the scores of these clauses."""
        require_evidence(bool((evidence <= 1).all()))
        require_evidence(not self.first or bool((evidence.sum(axis=1) <= 1).all()))
        return self._score(evidence)

    def account(self, q: np.ndarray, missing_codes: np.ndarray) -> dict[str, np.ndarray]:
        """Return `fired` (rows, clauses), 1 where a clause counts."""
        return {"fired": self.evidence(q, missing_codes)}

    def describe(self, account: Account, codes: np.ndarray, wording: Wording) -> str:
        """Return the clauses that count, with their literals."""
        counted = []
        for number in np.flatnonzero(account["fired"]).tolist():
            literals = [
                wording.condition(feature, None if holds else cut, cut if holds else None)
                for feature, cut, holds in self.clauses[number]
            ]
            counted.append(f"{self.part_name(number)}: {' and '.join(literals) or 'always'}")
        return "; ".join(counted) or "no clause holds"

    def total(self, account: Account) -> np.ndarray:
        """Return the scores of the clauses that fired."""
        return self._score(account["fired"])

    def part_index(self, q: np.ndarray, missing_codes: np.ndarray) -> np.ndarray:
        """Return the first clause that counts, shape (rows,); the number of clauses for none."""
        fired = self.fired(q)
        return np.where(fired.any(axis=1), np.argmax(fired, axis=1), len(self.clauses))

    def part_name(self, part: int) -> str:
        """Return the clause in words."""
        return f"clause {self.clause_ids[part]}" if part < len(self.clauses) else "no clause"
