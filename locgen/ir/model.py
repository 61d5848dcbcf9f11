"""The float IR: what a frontend reads out of a trained model, before any quantisation.

A frontend has already pushed every scaler and input cast through the model's own code: a split's
`cut` is the largest float64 for which the library's real predicate sends a row to the left, found
by bisection. So the float IR compares raw float64 features, and agrees with the library everywhere.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from locgen.ir.decisions import Argmax, Identity, Median, MultiOutput, Threshold, Votes
from locgen.ir.floatcascade import FloatCascade
from locgen.ir.floatclauses import FloatClauses
from locgen.ir.gate import highest
from locgen.ir.integer.node import leaves_of
from locgen.ir.membership import Membership, expand
from locgen.ir.shapes import FloatSteps
from locgen.ir.units import FloatUnit

__all__ = ["FloatGate", "FloatTree", "Model", "SplitRule", "Task"]

_MANY_ROWS = 64
"""Rows a split from which on it pays to look at all of them, split by split."""

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
class FloatTree:
    """One decision tree over raw float64 features.

    Internal nodes are numbered from 0 (the root); a child below zero is leaf ``~child``. A tree
    without internal nodes is the single leaf 0.

    Members
    -------
    feature : (splits,) feature index of each split
    cut : (splits,) largest float64 that goes left
    missing_left : (splits,) whether NaN goes left
    left, right : (splits,) children
    leaf_values : (leaves, len(outputs)) contribution of each leaf to the raw score
    leaf_ids : (leaves,) the library's own number of the leaf (what its ``apply`` returns)
    outputs : the model's outputs that the columns of `leaf_values` belong to
    """

    feature: np.ndarray
    cut: np.ndarray
    missing_left: np.ndarray
    left: np.ndarray
    right: np.ndarray
    leaf_values: np.ndarray
    leaf_ids: np.ndarray
    outputs: tuple[int, ...]

    def leaf_index(self, x: np.ndarray) -> np.ndarray:
        """Return the leaf each row of `x` (rows, features) falls into, shape (rows,)."""
        position = np.zeros(len(x), dtype=np.int64)
        if len(self.feature) == 0:
            return position
        if len(x) >= _MANY_ROWS * len(self.feature):
            return leaves_of(self.left.tolist(), self.right.tolist(), self._goes_left(x), len(x))
        active = np.arange(len(x))
        while len(active):
            at = position[active]
            value = x[active, self.feature[at]]
            left = np.where(np.isnan(value), self.missing_left[at], value <= self.cut[at])
            position[active] = np.where(left, self.left[at], self.right[at])
            active = active[position[active] >= 0]
        return ~position

    def _goes_left(self, x: np.ndarray) -> Callable[[int, np.ndarray | slice], np.ndarray]:
        """Return what tells which rows of `x` a split sends left."""
        feature, cut, missing_left = (
            member.tolist() for member in (self.feature, self.cut, self.missing_left)
        )

        def goes_left(split: int, rows: np.ndarray | slice) -> np.ndarray:
            value = x[rows, feature[split]]
            if missing_left[split]:
                return ~(value > cut[split])  # NaN is not above
            return value <= cut[split]

        return goes_left

    def evaluate(self, x: np.ndarray) -> np.ndarray:
        """Return raw scores (rows, len(outputs)) of float rows (rows, features)."""
        return self.leaf_values[self.leaf_index(x)]


@dataclass(frozen=True)
class FloatGate:
    """Opens the `top_k` experts that score highest, ties to the lowest index.

    `model` scores them, one output an expert in their order: a classifier of experts by argmax.
    """

    model: "Model"
    top_k: int

    def evaluate(self, x: np.ndarray) -> np.ndarray:
        """Return which experts are open for `x` (rows, features), booleans (rows, experts)."""
        return highest(self.model.scores(x), self.top_k)


@dataclass(frozen=True)
class Model:
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
    def every_unit(self) -> tuple[FloatUnit, ...]:
        """The units, those of the gate included: they need their features' sizes."""
        return (*self.units, *(() if self.gate is None else self.gate.model.units))

    @property
    def sized(self) -> tuple[int, ...]:
        """Features whose size counts, and not only between which cuts it lies."""
        units = [unit for unit in self.every_unit if not isinstance(unit, FloatSteps)]
        return tuple(sorted({feature for unit in units for feature in unit.features}))

    @cached_property
    def cuts(self) -> tuple[np.ndarray, ...]:
        """Distinct cuts of each feature in rising order, one array per feature."""
        pooled = [[] for _ in self.features]
        clauses = [unit for unit in self.units if isinstance(unit, FloatClauses)]
        gate_trees = () if self.gate is None else self.gate.model.trees
        for tree in (*self.trees, *clauses, *gate_trees):
            for feature, cut in zip(tree.feature, tree.cut, strict=True):
                pooled[feature].append(cut)
        for unit in self.every_unit:
            if isinstance(unit, FloatSteps):
                pooled[unit.feature].extend(unit.cuts)
        return tuple(np.unique(np.array(cuts, dtype=np.float64)) for cuts in pooled)

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
        return sums.sum(axis=0) + np.array(self.base)

    def decide(self, scores: np.ndarray) -> np.ndarray:
        """Return decisions (rows,) of raw scores; regression returns values (rows, targets)."""
        decided = self.rule_of_decision.evaluate(scores)
        if decided is None:
            return scores
        return decided[:, None] if self.task == "regression" else decided

    def labels(self, decisions: np.ndarray) -> np.ndarray:
        """Return the labels (rows,), or (rows, targets), of a classifier's decisions (rows,)."""
        return self.rule_of_decision.labels(self.classes, decisions)
