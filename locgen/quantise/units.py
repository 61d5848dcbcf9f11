"""Turns float nodes that compute with sizes into integer nodes."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np

from locgen.ir import (
    AffineFeature,
    DistanceNode,
    Feature,
    FloatLinear,
    FloatNeighbours,
    FloatPrototype,
    FloatQuadratic,
    FloatShape,
    FloatSteps,
    FloatUnit,
    Gate,
    LinearNode,
    Model,
    NeighboursNode,
    Node,
    QuantisedModel,
    TableNode,
    add_constants,
)
from locgen.quantise.constants import Part, constants_of
from locgen.quantise.lower import LARGEST_BIAS, assemble

__all__ = ["UnitSkeleton"]

_ON_BORDER = 1e-6
"""Share of a step by which a distance of codes may pass a radius: rounding makes as much of one."""


@dataclass(frozen=True, eq=False)
class UnitSkeleton:
    """A merged model of units with its features chosen; nothing else is rounded yet.

    `limit` is the most by which one table may tell outputs apart, or None: beyond it a shape is cut
    off, since what a Gaussian says far from its mean would take most of the width of a score.
    `gate` is final.
    """

    model: Model
    features: tuple[Feature, ...]
    limit: float | None = None
    gate: Gate | None = None

    @cached_property
    def steps_of(self) -> np.ndarray:
        """Raw value of one code step of each feature."""
        return np.array([1 / getattr(f, "scale", 1.0) for f in self.features])

    @cached_property
    def low(self) -> np.ndarray:
        """Raw value of code 0 of each feature; 0 for ranks, which no unit reads."""
        return np.array([getattr(f, "low", 0.0) for f in self.features], dtype=np.float64)

    @cached_property
    def largest(self) -> np.ndarray:
        """Highest code of each feature."""
        return np.array([(1 << f.bits) - 1 for f in self.features])

    def shape(self, unit: FloatQuadratic | FloatShape | FloatSteps) -> np.ndarray:
        """Return the table (codes, outputs) of `unit`, cut off at the limit.

        Where outputs are only compared with each other, those alone that an expert has seen, a
        code's rows count from the best.
        """
        table = _asked(unit, self.features[unit.feature])
        compared = table.shape[1] > 1 and any(
            not scale.absolute and set(unit.outputs) <= set(scale.outputs)
            for scale in self.model.rule_of_decision.scales
        )
        if compared:
            table = table - table.max(axis=1, keepdims=True)
        if self.limit is None:
            return table
        return np.clip(table, -self.limit, 0.0 if compared else self.limit)

    def shape_scores(self, q: np.ndarray) -> np.ndarray:
        """Return float scores (rows, outputs) of codes, tables cut off but not rounded."""
        model = self.model
        values = self.low + q * self.steps_of
        parts = [
            self.shape(unit)[q[:, unit.feature]] if unit.univariate else unit.evaluate(values)
            for unit in model.units
        ]
        mask = None if self.gate is None else self.gate.evaluate(q, np.full(q.shape[1], -1))
        return model.combine(model.sums_of(parts), mask)

    def of_width(self, score_bits: int, name: str) -> QuantisedModel:
        """Return the integer model whose widest term of a score takes `score_bits` bits.

        A term is what one feature adds to one output; regression outputs have a scale each.
        Distances have the scale that their features give them: for prototypes `score_bits` is the
        binary places of their codes, from 0. What an expert has more than the lowest of all experts
        goes into its nodes.
        """
        model = self.model
        base = np.array(model.base, dtype=np.float64)
        steps = self._steps(score_bits)
        lowered: list[Node | None] = []
        parts: list[Part] = []
        for number, unit in enumerate(model.nodes):
            own = steps[list(unit.outputs)]
            node, constant = self.lower(number, own, score_bits)
            ends = np.zeros((len(unit.outputs), 2)) if node is None else np.array(node.ranges)
            lowered.append(node)
            parts.append((constant, ends[:, 0] / own, ends[:, 1] / own))
        common, rest = constants_of(model, parts, float((1 / steps).max()))
        base += common
        scored = {output for node in lowered if node is not None for output in node.outputs}
        silent = [output for output in range(model.outputs) if output not in scored]
        nodes: list[Node] = []
        experts: list[tuple[int, ...]] = []
        groups = model.experts or (range(len(lowered)),)
        rounded = np.rint(rest * steps).astype(np.int64).tolist() or [[0] * model.outputs]
        for members, constants in zip(groups, rounded, strict=True):
            mine = [lowered[number] for number in members if lowered[number] is not None]
            if silent and not experts:
                mine.append(_silent(silent))
            if model.gate is not None and not mine:
                mine.append(_silent(range(model.outputs)))
            experts.append(tuple(range(len(nodes), len(nodes) + len(mine))))
            nodes += add_constants(mine, constants)
        owned = () if model.gate is None else tuple(experts)
        return self._assembled(tuple(nodes), base, steps, name, owned)

    def _assembled(
        self,
        nodes: tuple[Node, ...],
        base: np.ndarray,
        steps: np.ndarray,
        name: str,
        experts: tuple[tuple[int, ...], ...],
    ) -> QuantisedModel:
        """Return the integer model of `nodes`, see `lower.assemble`."""
        features = self._read_features(list(nodes))
        return assemble(self.model, features, nodes, base, steps, name, self.gate, experts)

    def lower(
        self, number: int, steps: np.ndarray, score_bits: int
    ) -> tuple[Node | None, np.ndarray]:
        """Return node `number` in integers, None if it says nothing, and what is constant of it.

        Parameters
        ----------
        steps : (outputs of the node,) score steps in a raw score of 1; score_bits : see `of_width`
        """
        unit = self.model.nodes[number]
        if isinstance(unit, FloatLinear):
            return self._linear(unit, steps)
        if unit.univariate:
            return self._table(unit, steps)
        if isinstance(unit, FloatNeighbours):
            return self._neighbours(unit, steps)
        return self._distance(unit, score_bits), np.zeros(1)

    def _steps(self, score_bits: int) -> np.ndarray:
        """Return the score steps in a raw score of 1, for each output."""
        model = self.model
        prototypes = [u for u in model.units if isinstance(u, FloatPrototype)]
        if prototypes:
            size = max(
                (self.steps_of * u.scale)[list(u.features)].max(initial=0.0) for u in prototypes
            )
            size = (size or 1.0) / (1 << score_bits)
            return np.full(model.outputs, size ** (-2.0 if prototypes[0].metric == "l2" else -1.0))
        rough: list[Part] = []
        widest = np.zeros(model.outputs)
        for unit in model.units:
            outputs = list(unit.outputs)
            widest[outputs] = np.maximum(widest[outputs], self._span(unit))
            constant = np.zeros(len(outputs))
            if isinstance(unit, FloatLinear):
                constant = self.low @ unit.coefficients
            rough.append((constant, np.zeros_like(constant), np.zeros_like(constant)))
        if model.decision == "identity":
            return ((1 << score_bits) - 1) / np.where(widest > 0, widest, 1.0)
        common, own = constants_of(model, rough, 0.0)
        base = np.array(model.base) + common
        largest = np.abs(base - base.min() if model.decision == "argmax" else base).max()
        largest = max(largest, np.max(own, initial=0.0))
        span = max(widest.max() or largest, largest / LARGEST_BIAS) or 1.0
        return np.full(model.outputs, ((1 << score_bits) - 1) / span)

    def _read_features(self, nodes: list[Node]) -> tuple[Feature, ...]:
        """Return the features, those that neither nodes nor gate read without bits."""
        every = (*nodes, *(() if self.gate is None else self.gate.nodes))
        read = {feature for node in every for feature in node.features}
        return tuple(
            f if number in read or not f.bits else _unread(f, float(low))
            for number, (f, low) in enumerate(zip(self.features, self.low, strict=True))
        )

    def _span(self, unit: FloatUnit) -> np.ndarray:
        """Return the widest range of any of the unit's terms, for each output."""
        if isinstance(unit, FloatLinear):
            reach = np.abs(unit.coefficients) * (self.steps_of * self.largest)[:, None]
            return reach.max(axis=0, initial=0.0)
        if unit.univariate:
            return np.ptp(self.shape(unit), axis=0)
        if isinstance(unit, FloatNeighbours):
            return np.ptp(unit.votes, axis=0)
        return np.zeros(len(unit.outputs))

    def _linear(self, unit: FloatLinear, steps: np.ndarray) -> tuple[LinearNode | None, np.ndarray]:
        """Return the node, and the constant that makes its weights' rounding good at half range."""
        exact = unit.coefficients * self.steps_of[:, None] * (self.largest > 0)[:, None]
        weights = np.rint(exact * steps).astype(np.int64)
        constant = self.low @ unit.coefficients + (self.largest / 2) @ (exact - weights / steps)
        used = np.flatnonzero((weights != 0).any(axis=1))
        if not len(used):
            return None, constant
        return LinearNode(
            features=tuple(used.tolist()),
            feature_bits=tuple(self.features[f].bits for f in used),
            weights=tuple(map(tuple, weights[used].tolist())),
            bias=(0,) * len(unit.outputs),
            outputs=unit.outputs,
        ), constant

    def _table(
        self, unit: FloatQuadratic | FloatShape | FloatSteps, steps: np.ndarray
    ) -> tuple[TableNode | None, np.ndarray]:
        """Return the node, which counts from its lowest score, and what that is."""
        shape = self.shape(unit)
        low = shape.min(axis=0)
        rows = np.rint((shape - low) * steps).astype(np.int64)
        if not rows.any():
            return None, low
        return TableNode(unit.feature, tuple(map(tuple, rows.tolist())), unit.outputs), low

    def _neighbours(
        self, unit: FloatNeighbours, steps: np.ndarray
    ) -> tuple[NeighboursNode | None, np.ndarray]:
        """Return the node, whose votes count from the lowest, and what that comes to."""
        within = unit.radius is not None  # any number of rows: their votes count from 0
        low = np.zeros(len(unit.outputs)) if within else unit.votes.min(axis=0)
        votes = np.rint((unit.votes - low) * steps).astype(np.int64)
        used = tuple(f for f in unit.features if self.features[f].bits)
        if not votes.any() or not used:
            return None, unit.evaluate(unit.stored[:1])[0]
        codes = np.stack([self.features[f].quantise(unit.stored[:, f]) for f in used], axis=1)
        return NeighboursNode(
            features=used,
            feature_bits=tuple(self.features[f].bits for f in used),
            stored=tuple(map(tuple, codes.tolist())),
            votes=tuple(map(tuple, votes.tolist())),
            bias=(0,) * len(unit.outputs),
            nearest=unit.nearest,
            metric=unit.metric,
            row_ids=unit.row_ids,
            outputs=unit.outputs,
            radius=int(unit.radius / self._size(unit) + _ON_BORDER) if within else None,
        ), unit.nearest * low

    def _size(self, unit: FloatNeighbours) -> float:
        """Return what a distance of 1 between codes comes to in the metric."""
        size = max((self.steps_of * unit.scale)[list(unit.features)].max(initial=0.0), 1e-300)
        return float(size**2 if unit.metric == "l2" else size)

    def _distance(self, unit: FloatPrototype, fraction: int) -> DistanceNode:
        used = tuple(f for f in unit.features if self.features[f].bits)
        codes = np.floor(((unit.centre - self.low) / self.steps_of) * (1 << fraction) + 0.5)
        codes = np.clip(codes.astype(np.int64), 0, ((self.largest + 1) << fraction) - 1)
        return DistanceNode(
            features=used,
            feature_bits=tuple(self.features[f].bits for f in used),
            prototype=tuple(int(codes[f]) for f in used),
            weights=(1,) * len(used),
            metric=unit.metric,
            fraction=fraction,
            bias=0,
            prototype_id=unit.prototype_id,
            outputs=unit.outputs,
        )

    def narrower(self, number: int) -> tuple[Feature, ...] | None:
        """Return the features with one bit less for one of them, None if it has none to lose."""
        feature = self.features[number]
        if not feature.bits:
            return None
        bits = feature.bits - 1
        low = float(feature.low)
        reach = float(feature.largest * self.steps_of[number])
        last = (1 << bits) - 1 - feature.missing
        if last > 0:
            less = replace(_affine(feature), scale=last / reach, width=bits)
        elif feature.missing:
            return None
        else:
            less = replace(_affine(feature), low=low + reach / 2, scale=1.0, width=0)
        return (*self.features[:number], less, *self.features[number + 1 :])

    def limited(self, limit: float) -> "UnitSkeleton":
        """Return the skeleton with its tables cut off at `limit`."""
        return replace(self, limit=limit)


@lru_cache(maxsize=512)
def _asked(unit: FloatQuadratic | FloatShape | FloatSteps, feature: Feature) -> np.ndarray:
    """Return what `unit` says at each code of its feature: asking a whole pipeline takes time."""
    return unit.shape(feature.values())


def _affine(feature: Feature) -> AffineFeature:
    """Return an affine feature with all that `feature` says but its scale and width."""
    return AffineFeature(
        feature.name, float(feature.low), 1.0, feature.bits, feature.missing, feature.fill
    )


def _unread(feature: Feature, low: float) -> AffineFeature:
    """Return the feature without bits; NaN stays welcome where it was."""
    welcome = feature.missing or getattr(feature, "fill", None) is not None
    return AffineFeature(feature.name, low, 1.0, 0, fill=low if welcome else None)


def _silent(outputs: Iterable[int]) -> LinearNode:
    """Return a node that says nothing, for constants to stand in."""
    outputs = tuple(outputs)
    return LinearNode((), (), (), (0,) * len(outputs), outputs)
