"""The integer IR: a quantised model. It owns golden, the reference that hardware must equal."""

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Literal, cast

import numpy as np
from pydantic import ConfigDict, Field

from locgen.ir.decisions import Decision
from locgen.ir.features import Feature
from locgen.ir.gate import Gate
from locgen.ir.integer import Node
from locgen.ir.integer.sums import signed_width, sum_ranges, sum_scores
from locgen.ir.membership import Membership, expand
from locgen.ir.model import SplitRule, Task
from locgen.ir.rules import refuse_if
from locgen.ir.wording import Wording

__all__ = ["QuantisedModel"]

Label = str | int | float | bool

_WIDEST_SCORE = 48
"""Bits of a score, far beyond any use: golden's int64 sums cannot overflow."""


@dataclass(frozen=True)
class QuantisedModel:
    """An additive ensemble of integer nodes: score = bias + sum over nodes, then a decision.

    With a gate the sum runs over the nodes of the open experts alone.

    Members
    -------
    name, family, library, task, rule : as read by the frontend
    features : one quantiser a feature: the data's columns in their order, then the memberships
    nodes : the integer nodes, each with its own `evaluate`
    bias : one integer an output
    decision : how scores become a class index, or `Identity`; of several decisions side by side
        `classes` holds the labels of all
    classes : labels in the order of the decision; empty for regression
    score_scale, score_offset : real value of one score step and of score 0, for each output; what
        argmax compares has one scale
    probability, members : how the host reads scores as probabilities, see `ir.model.Model`
    port_feature_bits, port_score_bits : widths of the design's ports where they are wider than this
        model needs, so that other models fit the same gates; None for the model's own
    gate : opens experts; None where all nodes always count
    experts : with a gate, for each expert its nodes; every node belongs to one
    memberships : the yes-no features behind those of the raw columns
    anomaly_offset : of an isolation forest, see `ir.model.Model`
    answer : what the hardware gives: the decision and all scores, or the decision alone
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
    family: str
    library: str
    task: Task
    rule: SplitRule
    features: tuple[Feature, ...]
    nodes: tuple[Node, ...]
    bias: tuple[int, ...]
    decision: Decision
    classes: tuple[Label, ...]
    score_scale: tuple[float, ...]
    score_offset: tuple[float, ...]
    probability: Literal["mean", "sigmoid", "sigmoid2", "softmax", "none"]
    members: Annotated[int, Field(ge=1)]
    port_feature_bits: tuple[int, ...] | None = None
    port_score_bits: int | None = None
    gate: Gate | None = None
    experts: tuple[tuple[int, ...], ...] = ()
    memberships: tuple[Membership, ...] = ()
    anomaly_offset: float | None = None
    answer: Literal["scores", "decision"] = "scores"
    schema: Literal["locgen.model/1"] = field(default="locgen.model/1", kw_only=True)

    def __post_init__(self) -> None:
        """Check that indices, widths and lengths agree."""
        self._check_decision()
        self._check_owners()
        refuse_if(
            self.anomaly_offset is not None and not -1 <= self.anomaly_offset < 0,
            "anomaly_offset must be negative and at least -1",
        )
        refuse_if(
            self.answer == "decision" and self.decision.bits == 0,
            "there is no decision to answer alone",
        )
        refuse_if(
            any(m.column >= self.columns for m in self.memberships),
            "memberships must be of raw columns",
        )
        for node in (*self.nodes, *self.gate_nodes):
            node.check(self.features)
        self.decision.check_scores(self.score_ranges, self.score_offset)
        self._check_widths()

    def _check_decision(self) -> None:
        """Check that scores, classes and the decision belong together."""
        refuse_if(
            not self.bias or {len(self.score_scale), len(self.score_offset)} != {len(self.bias)},
            "bias, score_scale and score_offset must have one entry an output",
        )
        for scale in self.decision.scales:
            compared = [output for output in scale.outputs if output < self.outputs]
            refuse_if(
                len({self.score_scale[output] for output in compared}) > 1,
                "outputs that are compared must have one score_scale",
            )
        refuse_if(
            not all(0 < s < math.inf for s in self.score_scale),
            "score_scale must be finite and positive",
        )
        refuse_if(not all(map(math.isfinite, self.score_offset)), "score_offset must be finite")
        refuse_if(
            self.decision.outputs not in (None, len(self.bias)),
            "the decision must be over the model's outputs",
        )
        refuse_if(
            (self.task == "regression") != self.decision.gives_values,
            "regression, and nothing else, must have values as answer",
        )
        refuse_if(
            self.task == "classification" and len(self.classes) < self.decision.answers,
            "classes must have a label for each decision",
        )
        refuse_if(not self.decision.is_integral, "weights of a decision must be integers")

    def _check_owners(self) -> None:
        """Check that every score has a node, and every node its expert."""
        refuse_if(
            {output for node in self.nodes for output in node.outputs} != set(range(self.outputs)),
            "nodes must score every output of the model and no other",
        )
        refuse_if(
            len(self.experts) != (0 if self.gate is None else self.gate.experts),
            "experts must be those of the gate, and none without one",
        )
        owned = sorted(number for members in self.experts for number in members)
        refuse_if(
            self.gate is not None and owned != list(range(len(self.nodes))),
            "every node must belong to exactly one expert of a gate",
        )
        refuse_if(not all(self.experts), "every expert must have at least one node")

    def _check_widths(self) -> None:
        """Check that the widths of the ports hold every code and score."""
        refuse_if(
            max(self.score_bits, self.own_score_bits) > _WIDEST_SCORE,
            f"scores must fit {_WIDEST_SCORE} bits",
        )
        refuse_if(
            self.port_score_bits is not None and self.port_score_bits < self.own_score_bits,
            "port_score_bits must hold every score",
        )
        if self.port_feature_bits is not None:
            own = tuple(f.bits for f in self.features)
            refuse_if(
                len(own) != len(self.port_feature_bits)
                or any(port < bits for port, bits in zip(self.port_feature_bits, own, strict=True)),
                "port_feature_bits must hold every feature's codes",
            )

    @property
    def outputs(self) -> int:
        """Number of scores."""
        return len(self.bias)

    @property
    def score_ports(self) -> int:
        """Number of scores at the ports: all, or none where the decision is the whole answer."""
        return self.outputs if self.answer == "scores" else 0

    @property
    def columns(self) -> int:
        """Number of raw columns that `quantise` takes."""
        return len(self.features) - len(self.memberships)

    @property
    def column_names(self) -> tuple[str, ...]:
        """(columns,) their names."""
        return tuple(feature.name for feature in self.features[: self.columns])

    @property
    def integer_columns(self) -> tuple[int, ...]:
        """Columns that were declared to hold integers: a fraction there is refused."""
        raw = enumerate(self.features[: self.columns])
        return tuple(number for number, f in raw if f.takes_integers and f.bits)

    @property
    def wording(self) -> Wording:
        """Words for the features."""
        return Wording(self.features, self.columns)

    @property
    def gate_nodes(self) -> tuple[Node, ...]:
        """The gate's nodes; none without a gate."""
        return () if self.gate is None else self.gate.nodes

    @cached_property
    def expert_of(self) -> tuple[int, ...]:
        """Expert of each node; empty without a gate."""
        owner = {node: expert for expert, nodes in enumerate(self.experts) for node in nodes}
        return tuple(owner[number] for number in range(len(owner)))

    @cached_property
    def feature_bits(self) -> tuple[int, ...]:
        """Width of each feature at the ports; 0 for features that no node looks at."""
        if self.port_feature_bits is not None:
            return self.port_feature_bits
        return tuple(f.bits for f in self.features)

    @cached_property
    def counts(self) -> bool:
        """Whether every node adds one of two neighbouring integers: sums are counts of bits."""
        ranges = (ends for node in self.nodes for ends in node.ranges)
        return all(high - low <= 1 for low, high in ranges)

    @cached_property
    def score_ranges(self) -> tuple[tuple[int, int], ...]:
        """Interval of each output's score, from the nodes' own ranges."""
        if self.gate is None:
            return sum_ranges(self.nodes, self.bias)
        sums = map(self.gate.sum_over_open, zip(*self.expert_ranges, strict=True))
        return tuple((b + low, b + high) for b, (low, high) in zip(self.bias, sums, strict=True))

    @cached_property
    def expert_ranges(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """For each expert and output the interval of its nodes' sum; nothing without a gate."""
        nothing = (0,) * self.outputs
        return tuple(
            sum_ranges([self.nodes[number] for number in members], nothing)
            for members in self.experts
        )

    @property
    def score_bits(self) -> int:
        """Width of a signed score at the ports."""
        return self.own_score_bits if self.port_score_bits is None else self.port_score_bits

    @cached_property
    def own_score_bits(self) -> int:
        """Width of a signed score that holds every output's interval."""
        return signed_width(self.score_ranges)

    @cached_property
    def missing_codes(self) -> np.ndarray:
        """Code of NaN of each feature, -1 where there is none, shape (features,)."""
        return np.array([-1 if f.missing_code is None else f.missing_code for f in self.features])

    def quantise(self, x: np.ndarray) -> np.ndarray:
        """Return codes (rows, features) int64 of float rows (rows, columns)."""
        x = expand(x, self.memberships)
        columns = [f.quantise(x[:, i]) for i, f in enumerate(self.features)]
        return np.stack(columns, axis=1) if columns else np.zeros((len(x), 0), dtype=np.int64)

    def open_nodes(self, q: np.ndarray) -> np.ndarray:
        """Return whether each node counts for each row, booleans (rows, nodes)."""
        if self.gate is None:
            return np.ones((len(q), len(self.nodes)), dtype=bool)
        return self.gate.evaluate(q, self.missing_codes)[:, list(self.expert_of)]

    def scores(self, q: np.ndarray) -> np.ndarray:
        """Golden: integer scores (rows, outputs) of quantised rows (rows, features)."""
        counts = None if self.gate is None else self.open_nodes(q)
        return sum_scores(self.nodes, self.bias, q, self.missing_codes, counts)

    def evaluate(self, q: np.ndarray) -> tuple[np.ndarray | None, np.ndarray]:
        """Golden: (decisions (rows,) or None, scores (rows, outputs)) of quantised rows."""
        scores = self.scores(q)
        return self.decision.evaluate(scores), scores

    def answered(self, q: np.ndarray) -> tuple[np.ndarray | None, np.ndarray]:
        """Golden at the ports: (decisions (rows,) or None, scores (rows, score_ports))."""
        decision, scores = self.evaluate(q)
        return decision, scores[:, : self.score_ports]

    def raw(self, scores: np.ndarray) -> np.ndarray:
        """Return integer scores (rows, outputs), or the first of them, as real raw scores."""
        columns = scores.shape[-1]
        return cast(
            np.ndarray, scores * np.array(self.score_scale[:columns]) + self.score_offset[:columns]
        )

    @property
    def targets(self) -> int:
        """Number of values or labels in an answer."""
        return self.decision.targets(self.outputs)

    def values(self, decision: np.ndarray | None, scores: np.ndarray) -> np.ndarray:
        """Return a regression's answers (rows, targets) as real numbers."""
        return self.raw(self.decision.value_scores(decision, scores))

    def answers(self, decision: np.ndarray | None, scores: np.ndarray) -> np.ndarray:
        """Return labels or values, (rows,) or (rows, targets), of what the hardware answers.

        Parameters
        ----------
        decision : (rows,), None where there is none; scores : (rows, outputs)
        """
        if self.task == "classification":
            assert decision is not None
            return self.decision.labels(self.classes, decision)
        values = self.values(decision, scores)
        return values[:, 0] if self.targets == 1 else values

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return labels (rows,) or (rows, targets), or regression values of the same shapes."""
        return self.answers(*self.evaluate(self.quantise(x)))
