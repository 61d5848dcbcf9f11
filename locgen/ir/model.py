"""The float IR: what a frontend reads out of a trained model, before any quantisation.

A frontend has already pushed every scaler and input cast through the model's own code: a split's
`cut` is the largest float64 for which the library's real predicate sends a row to the left, found
by bisection. So the float IR compares raw float64 features, and agrees with the library everywhere.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from locgen.ir.decisions import (
    Argmax,
    DecisionRule,
    Identity,
    Median,
    MultiOutput,
    Scale,
    Threshold,
    Votes,
)
from locgen.ir.float import FloatTree, FloatUnit, JsonData
from locgen.ir.gate import highest
from locgen.ir.membership import Membership, expand

__all__ = ["FloatCascade", "FloatGate", "Model", "SplitRule", "Task"]

Task = Literal["classification", "regression"]


@dataclass(frozen=True)
class SplitRule:
    """How the library compares: carried along for the report, already applied to the cuts.

    `operator` sends a row left when ``x operator threshold``; `input_dtype` is what the library
    casts `x` to first; `missing` says whether NaN is accepted (then each split has a direction).
    """

    operator: Literal["<", "<="]
    input_dtype: Literal["float32", "float64"]
    missing: bool


@dataclass(frozen=True)
class FloatGate(JsonData):
    """Opens the `top_k` experts that score highest, ties to the lowest index.

    `model` scores them, one output an expert in their order: a classifier of experts by argmax.
    """

    model: "Model"
    top_k: int

    def evaluate(self, x: np.ndarray) -> np.ndarray:
        """Return which experts are open for `x` (rows, features), booleans (rows, experts)."""
        return highest(self.model.scores(x), self.top_k)


@dataclass(frozen=True, eq=False)
class FloatCascade(JsonData, DecisionRule):
    """A decision that a second model makes of the scores, which are its features.

    Members
    -------
    model : over the scores, in their order
    scales : scores of which only differences count, which then have one scale and a free offset, or
        such as need one scale
    outranks : whether the largest sum of the model's trees decides, and what else it adds up only
        where several are as large
    """

    model: "Model"
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

    def over_integers(self, highest: int) -> NoReturn:
        """Refuse: the model becomes integers itself."""
        raise ValueError("a model behind scores must become integers node by node")

    def evaluate(self, scores: NDArray[np.float64]) -> np.ndarray:
        """Return decisions (rows,) of scores (rows, outputs)."""
        if not self.outranks:
            return self.model.decide(self.model.scores(scores))
        votes, rest = self._apart(scores)
        best = votes == votes.max(axis=1, keepdims=True)
        decided: np.ndarray = np.argmax(np.where(best, rest, -np.inf), axis=1)
        return decided

    def _apart(
        self, scores: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return what the trees, and what all else adds up to, (rows, sums) both."""
        trees = len(self.model.trees)
        parts = [node.evaluate(scores) for node in self.model.nodes]
        zeros = [np.zeros_like(part) for part in parts]
        votes = self.model.sums_of([*parts[:trees], *zeros[trees:]])
        rest = self.model.sums_of([*zeros[:trees], *parts[trees:]])
        return votes[0], rest[0] + np.array(self.model.base)

    def margin(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far each row (rows,) is from another decision, or a score from a cut."""
        if self.outranks:
            votes, rest = self._apart(scores)
            best = votes == votes.max(axis=1, keepdims=True)
            ranked = np.sort(np.where(best, rest, -np.inf), axis=1)
            nearest: NDArray[np.float64] = ranked[:, -1] - ranked[:, -2]
        else:
            nearest = self.model.rule_of_decision.margin(self.model.scores(scores))
        for column, cuts in enumerate(self.model.cuts):
            finite = cuts[np.isfinite(cuts)]
            if len(finite):
                far = np.abs(scores[:, [column]] - finite).min(axis=1)
                nearest = np.minimum(nearest, far)
        return nearest


@dataclass(frozen=True)
class Model(JsonData):
    """A trained additive model: raw score = base + sum over trees + sum over units.

    With a gate the sum runs over the trees, units and constants of the open experts alone.

    Members
    -------
    family : e.g. ``"RandomForestClassifier"``; library : e.g. ``"scikit-learn 1.9.1"``
    task : classification or regression
    feature_names : (columns,) names of the raw columns
    classes : the labels in the library's order; empty for regression
    trees : the nodes that compare
    base : (outputs,) constant part of the raw score (priors, initial predictions)
    decision : ``"argmax"`` (ties to the lowest index), ``">="`` or ``">"`` (class 1 if the single
        raw score compares so with zero), ``"identity"`` for regression; or votes, several
        decisions, a median or a model behind the scores with all that belongs to it
    rule : comparison, cast and missing rule of the library
    probability : how the host turns raw scores into probabilities: ``"mean"`` (scores are sums of
        the members' class probabilities), ``"sigmoid"``, ``"sigmoid2"`` (of twice the score),
        ``"softmax"`` or ``"none"``
    members : number of ensemble members a ``"mean"`` is taken over
    units : the nodes that compute with a feature's size
    ranges : the interval that each feature's training values lay in, as far as the model itself
        tells; a scaler or a Gaussian does, a bare coefficient does not
    gate : opens experts; None where all trees always count
    experts : with a gate, for each expert its nodes, numbered as in `nodes`; each belongs to one
    expert_base : with a gate, for each expert and output what it adds besides its nodes; -inf (or
        +inf where a single score is compared with zero) for a class that it never (always) answers
    memberships : yes-no features behind the raw columns; trees compare them by their index there
    margin : scores nearer than this to another decision are as good as at its border: what training
        left open
    anomaly_offset : of an isolation forest, whose score_samples is ``anomaly_offset * 2 ** -raw``
    fills : for each raw column the value that stands for NaN where NaN has no score of its own;
        empty where no column has one
    """

    family: str
    library: str
    task: Task
    feature_names: tuple[str, ...]
    classes: tuple[str | int | float | bool, ...]
    trees: tuple[FloatTree, ...]
    base: tuple[float, ...]
    decision: Literal["argmax", ">=", ">", "identity"] | Votes | MultiOutput | Median | FloatCascade
    rule: SplitRule
    probability: Literal["mean", "sigmoid", "sigmoid2", "softmax", "none"] = "none"
    members: int = 1
    units: tuple[FloatUnit, ...] = ()
    ranges: tuple[tuple[float, float] | None, ...] = ()
    gate: FloatGate | None = None
    experts: tuple[tuple[int, ...], ...] = ()
    expert_base: tuple[tuple[float, ...], ...] = ()
    memberships: tuple[Membership, ...] = ()
    anomaly_offset: float | None = None
    margin: float = 0.0
    fills: tuple[float | None, ...] = ()

    @property
    def outputs(self) -> int:
        """Number of raw scores."""
        return len(self.base)

    @cached_property
    def rule_of_decision(
        self,
    ) -> Argmax | Threshold | Identity | Votes | MultiOutput | Median | FloatCascade:
        """The decision over the raw scores."""
        if self.decision == "argmax":
            return Argmax(self.outputs)
        if self.decision == "identity":
            return Identity()
        return Threshold(self.decision) if isinstance(self.decision, str) else self.decision

    @property
    def second_stage(self) -> FloatCascade | None:
        """The model that decides by the scores, None if they decide themselves."""
        return self.decision if isinstance(self.decision, FloatCascade) else None

    @property
    def targets(self) -> int:
        """Number of values or labels in an answer."""
        return self.rule_of_decision.targets(self.outputs)

    @property
    def features(self) -> tuple[str, ...]:
        """Names of what trees compare: the raw columns, then the memberships."""
        return self.feature_names + tuple(m.name for m in self.memberships)

    def expand(self, x: np.ndarray) -> np.ndarray:
        """Return raw rows (rows, columns) as the features (rows, features) that nodes read."""
        if self.fills:
            fills = np.array([np.nan if fill is None else fill for fill in self.fills])
            x = np.where(np.isnan(x), fills, x)
        return expand(x, self.memberships)

    @cached_property
    def edges(self) -> tuple[np.ndarray, ...]:
        """For each raw column all values behind which an answer may change, rising."""
        pooled = [[*cuts] for cuts in self.cuts[: len(self.feature_names)]]
        for membership in self.memberships:
            pooled[membership.column].extend(membership.edges)
        return tuple(np.unique(np.array(values, dtype=np.float64)) for values in pooled)

    @property
    def nodes(self) -> tuple[FloatTree | FloatUnit, ...]:
        """The trees, then the units."""
        return (*self.trees, *self.units)

    @property
    def arithmetic_nodes(self) -> tuple[FloatUnit, ...]:
        """The units, those of the gate included: they need their features' sizes."""
        return (*self.units, *(() if self.gate is None else self.gate.model.units))

    @property
    def range_features(self) -> tuple[int, ...]:
        """Features whose size counts, and not only between which cuts it lies."""
        units = [unit for unit in self.arithmetic_nodes if unit.needs_range]
        return tuple(sorted({feature for unit in units for feature in unit.features}))

    @cached_property
    def cuts(self) -> tuple[np.ndarray, ...]:
        """Distinct cuts of each feature in rising order, one array per feature."""
        every = self.nodes if self.gate is None else (*self.nodes, *self.gate.model.nodes)
        parts = [node.cuts for node in every]
        feature = np.concatenate([np.zeros(0, dtype=np.int64), *(part[0] for part in parts)])
        cut = np.concatenate([np.zeros(0), *(part[1] for part in parts)])
        order = np.argsort(feature, kind="stable")
        ends = np.searchsorted(feature[order], np.arange(1, len(self.features)))
        return tuple(map(np.unique, np.split(cut[order], ends)))

    def scores(self, x: np.ndarray) -> np.ndarray:
        """Return raw scores of the raw rows `x` (rows, columns), shape (rows, outputs)."""
        x = self.expand(x)
        mask = None if self.gate is None else self.gate.evaluate(x)
        return self.combine(self.sums_of(node.evaluate(x) for node in self.nodes), mask)

    def sums_of(self, parts: Iterable[np.ndarray]) -> np.ndarray:
        """Return each expert's sum (experts, rows, outputs); all is one expert without a gate.

        Parameters
        ----------
        parts : of each node its scores (rows, len(node.outputs))
        """
        parts = list(parts)
        rows = len(parts[0]) if parts else 0
        groups = self.experts or (range(len(parts)),)
        columns = np.zeros((len(groups), self.outputs, rows))  # an output's rows side by side
        sums = columns.transpose(0, 2, 1)
        for expert, members in enumerate(groups):
            for number in members:
                for column, output in enumerate(self.nodes[number].outputs):
                    columns[expert, output] += parts[number][:, column]
        if self.expert_base:
            sums += np.array(self.expert_base)[:, None, :]
        return sums

    def combine(self, sums: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
        """Return raw scores (rows, outputs) of `sums` (see `sums_of`) with open experts (`mask`).

        Parameters
        ----------
        mask : (rows, experts) booleans, None without a gate
        """
        if mask is not None:
            sums = np.where(mask.T[:, :, None], sums, 0.0)
        scores: np.ndarray = sums.sum(axis=0) + np.array(self.base)
        return scores

    def decide(self, scores: np.ndarray) -> np.ndarray:
        """Return decisions (rows,) of raw scores; regression returns values (rows, targets)."""
        decided = self.rule_of_decision.evaluate(scores)
        if decided is None:
            return scores
        return decided[:, None] if self.task == "regression" else decided

    def labels(self, decisions: np.ndarray) -> np.ndarray:
        """Return the labels (rows,), or (rows, targets), of a classifier's decisions (rows,)."""
        return self.rule_of_decision.labels(self.classes, decisions)
