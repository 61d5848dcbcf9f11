"""The table node: a shape function of one feature, as additive models and naive Bayes have them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Literal, cast

import numpy as np
from pydantic import ConfigDict, Field

from locgen.ir.features import Feature
from locgen.ir.integer.checks import check_features, check_outputs, require_evidence
from locgen.ir.integer.cost import Cost, Links, lookup_luts
from locgen.ir.integer.node import NodeBase
from locgen.ir.rules import refuse_if

__all__ = ["TableNode"]

_MOST_EDGES = 64


@dataclass(frozen=True)
class TableNode(NodeBase):
    """A score vector for every code of one feature.

    Members
    -------
    feature : index of the feature
    scores : one tuple a code, 2**bits of them, that of missing values included, one integer for
        each entry of `outputs`
    outputs : outputs of the model that the scores are added to
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    feature: Annotated[int, Field(ge=0)]
    scores: tuple[tuple[int, ...], ...]
    outputs: tuple[int, ...]
    kind: Literal["table"] = "table"

    evidence_words = "what every feature's code adds to each score"

    def __post_init__(self) -> None:
        """Check that the table is complete."""
        check_outputs(self.outputs, "a table node")
        refuse_if(self.feature < 0, "the feature of a table node must not be negative")
        refuse_if(
            len(self.scores) != 1 << self.bits,
            "a table node must have one row for each code of its feature",
        )
        refuse_if(
            any(len(row) != len(self.outputs) for row in self.scores),
            "every row of a table node must have one score for each output",
        )

    @property
    def bits(self) -> int:
        """Width of the feature."""
        return max(len(self.scores) - 1, 0).bit_length()

    @property
    def features(self) -> tuple[int, ...]:
        """The feature, or none where the table has a single row."""
        return (self.feature,) if self.bits else ()

    @property
    def feature_bits(self) -> tuple[int, ...]:
        """Width of each entry of `features`."""
        return (self.bits,) if self.bits else ()

    @cached_property
    def ranges(self) -> tuple[tuple[int, int], ...]:
        """(lowest, highest) score over the codes, for each output."""
        return tuple((min(column), max(column)) for column in zip(*self.scores, strict=True))

    @property
    def levels(self) -> float:
        """One LUT4 for four bits, a multiplexer for every two more."""
        return 1.0 + max(self.bits - 4, 0) / 2

    @property
    def stream_levels(self) -> float:
        """The table, then the choice of a digit."""
        return self.levels + 3.0

    @property
    def load(self) -> int:
        """Score bits, at least one."""
        return 1 + self.score_bits

    def cost(self) -> Cost:
        """Return the LUT4 of the table."""
        return Cost(table=lookup_luts(self.scores, self.bits))

    def stream_cost(self, links: Links, evidence_beats: int) -> Cost:
        """Return the table, the code caught for it, and what a digit is chosen from."""
        caught = links.beats.get(self.feature, 0) * links.down_width
        return self.cost() + Cost(table=caught) + self.digit_cost(evidence_beats)

    def check(self, features: tuple[Feature, ...]) -> None:
        """Raise ValueError if the node does not fit the model's `features`."""
        check_features((self.feature,), (self.bits,), features, missing=True)

    def evaluate(self, q: np.ndarray, missing_codes: np.ndarray) -> np.ndarray:
        """Return integer scores (rows, len(outputs)) of quantised rows (rows, features)."""
        return cast(np.ndarray, np.array(self.scores, dtype=np.int64)[q[:, self.feature]])

    @property
    def evidence_bits(self) -> tuple[int, ...]:
        """Width of the number of a row of the table."""
        return (self.bits,)

    def evidence(self, q: np.ndarray, missing_codes: np.ndarray) -> np.ndarray:
        """Return the number of the row of the table that was taken, shape (rows, 1)."""
        return q[:, [self.feature]].astype(np.int64)

    def recombine(self, evidence: np.ndarray) -> np.ndarray:
        """Return what stands in these rows of the table."""
        require_evidence(bool((evidence < len(self.scores)).all()))
        return cast(np.ndarray, np.array(self.scores, dtype=np.int64)[evidence[:, 0]])

    def account(self, q: np.ndarray, missing_codes: np.ndarray) -> dict[str, np.ndarray]:
        """Return `terms` (rows, 1, outputs): what the feature adds to each score."""
        return {"terms": self.evaluate(q, missing_codes)[:, None, :]}

    def shifted(self, amounts: tuple[int, ...]) -> "TableNode":
        """Return the node with `amounts` added to its scores, one for each output."""
        rows = np.array(self.scores, dtype=np.int64) + np.array(amounts, dtype=np.int64)
        return replace(self, scores=tuple(map(tuple, rows.tolist())))

    def widened(self, output: int, constant: int) -> "TableNode":
        """Return the node with `constant` as its score of one more output."""
        rows = tuple((*row, constant) for row in self.scores)
        return replace(self, scores=rows, outputs=(*self.outputs, output))

    def edges(self) -> Iterable[tuple[int, int]]:
        """Yield the codes whose row differs from the one below, evenly thinned if very many."""
        steps = [k for k in range(1, len(self.scores)) if self.scores[k] != self.scores[k - 1]]
        thin = -(-len(steps) // _MOST_EDGES) or 1
        return [(self.feature, code) for code in steps[::thin]]

    def part_index(self, q: np.ndarray, missing_codes: np.ndarray) -> np.ndarray:
        """Return the code that selects the row, shape (rows,)."""
        return q[:, self.feature]

    def part_name(self, part: int) -> str:
        """Return the code in words."""
        return f"code {part}"
