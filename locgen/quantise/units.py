"""Turns float nodes that compute with sizes into integer nodes."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from locgen.ir import (
    AffineFeature,
    DistanceNode,
    Feature,
    FloatLinear,
    FloatPrototype,
    FloatQuadratic,
    LinearNode,
    Model,
    Node,
    QuantisedModel,
    TableNode,
)
from locgen.quantise.lower import LARGEST_BIAS, assemble

__all__ = ["UnitSkeleton"]


@dataclass(frozen=True, eq=False)
class UnitSkeleton:
    """A merged model of units with its features chosen; nothing else is rounded yet.

    `limit` is the most by which one table may tell outputs apart, or None: beyond it a shape is cut
    off, since what a Gaussian says far from its mean would take most of the width of a score.
    """

    model: Model
    features: tuple[Feature, ...]
    limit: float | None = None

    @cached_property
    def steps_of(self) -> np.ndarray:
        """Raw value of one code step of each feature."""
        return np.array([1 / getattr(f, "scale", 1.0) for f in self.features])

    @cached_property
    def largest(self) -> np.ndarray:
        """Highest code of each feature."""
        return np.array([(1 << f.bits) - 1 for f in self.features])

    def shape(self, unit: FloatQuadratic) -> np.ndarray:
        """Return the table (codes, outputs) of `unit`, cut off at the limit.

        With several outputs, which only argmax may compare, a code's rows count from the best.
        """
        table = unit.shape(self.features[unit.feature].values())
        several = table.shape[1] > 1
        if several:
            table = table - table.max(axis=1, keepdims=True)
        if self.limit is None:
            return table
        return np.clip(table, -self.limit, 0.0 if several else self.limit)

    def shape_scores(self, q: np.ndarray) -> np.ndarray:
        """Return float scores (rows, outputs) of codes, tables cut off but not rounded."""
        total = np.tile(np.array(self.model.base), (len(q), 1))
        for unit in self.model.units:
            if isinstance(unit, FloatQuadratic):
                total[:, list(unit.outputs)] += self.shape(unit)[q[:, unit.feature]]
        return total

    def integer_model(self, score_bits: int, name: str) -> QuantisedModel:
        """Return the integer model whose widest term of a score takes `score_bits` bits.

        A term is what one feature adds to one output. Distances have the scale that their features
        give them: for prototypes `score_bits` is the binary places of their codes, from 0.
        """
        model = self.model
        base = np.array(model.base, dtype=np.float64)
        low = np.array([f.low for f in self.features])
        for unit in model.units:
            if isinstance(unit, FloatLinear):
                base[list(unit.outputs)] += low @ unit.coefficients
        widest = max(self._span(unit) for unit in model.units)
        largest = np.abs(base - base.min() if model.decision == "argmax" else base).max()
        widest = max(widest or largest, largest / LARGEST_BIAS) or 1.0
        steps = ((1 << score_bits) - 1) / widest
        prototypes = [u for u in model.units if isinstance(u, FloatPrototype)]
        if prototypes:
            size = max(
                (self.steps_of * u.scale)[list(u.features)].max(initial=0.0) for u in prototypes
            )
            size = (size or 1.0) / (1 << score_bits)
            steps = 1 / size ** (2 if prototypes[0].metric == "l2" else 1)
        nodes: list[Node] = []
        for unit in model.units:
            if isinstance(unit, FloatLinear):
                node, constant = self._linear(unit, steps)
            elif isinstance(unit, FloatQuadratic):
                node, constant = self._table(unit, steps)
            else:
                node, constant = self._distance(unit, score_bits), 0.0
            base[list(unit.outputs)] += constant
            if node is not None:
                nodes.append(node)
        scored = {output for node in nodes for output in node.outputs}
        silent = tuple(o for o in range(model.outputs) if o not in scored)
        if silent:
            nodes.append(LinearNode((), (), (), (0,) * len(silent), silent))
        read = {feature for node in nodes for feature in node.features}
        features = tuple(
            f if number in read or not f.bits else AffineFeature(f.name, float(f.low), 1.0, 0)
            for number, f in enumerate(self.features)
        )
        every = np.full(model.outputs, steps)
        return assemble(model, features, tuple(nodes), base, every, name)

    def _span(self, unit: FloatLinear | FloatQuadratic | FloatPrototype) -> float:
        """Return the widest range of any of the unit's terms."""
        if isinstance(unit, FloatLinear):
            reach = np.abs(unit.coefficients) * (self.steps_of * self.largest)[:, None]
            return float(reach.max(initial=0.0))
        if isinstance(unit, FloatQuadratic):
            return float(np.ptp(self.shape(unit), axis=0).max())
        return 0.0

    def _linear(self, unit: FloatLinear, steps: float) -> tuple[LinearNode | None, np.ndarray]:
        """Return the node, and what makes its weights' rounding good at half range."""
        exact = unit.coefficients * self.steps_of[:, None] * (self.largest > 0)[:, None]
        weights = np.rint(exact * steps).astype(np.int64)
        constant = (self.largest / 2) @ (exact - weights / steps)
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

    def _table(self, unit: FloatQuadratic, steps: float) -> tuple[TableNode | None, np.ndarray]:
        """Return the node, which counts from its lowest score, and what that is."""
        shape = self.shape(unit)
        low = shape.min(axis=0)
        rows = np.rint((shape - low) * steps).astype(np.int64)
        if not rows.any():
            return None, low
        return TableNode(unit.feature, tuple(map(tuple, rows.tolist())), unit.outputs), low

    def _distance(self, unit: FloatPrototype, fraction: int) -> DistanceNode:
        used = tuple(f for f in unit.features if self.features[f].bits)
        low = np.array([f.low for f in self.features])
        codes = np.floor(((unit.centre - low) / self.steps_of) * (1 << fraction) + 0.5)
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

    def narrower(self, number: int) -> "UnitSkeleton | None":
        """Return the skeleton with one bit less for a feature, None if it has none to lose."""
        feature = self.features[number]
        if not feature.bits:
            return None
        bits = feature.bits - 1
        low = float(feature.low)
        reach = float(feature.largest * self.steps_of[number])
        if bits:
            less = AffineFeature(feature.name, low, ((1 << bits) - 1) / reach, bits)
        else:
            less = AffineFeature(feature.name, low + reach / 2, 1.0, 0)
        features = (*self.features[:number], less, *self.features[number + 1 :])
        return replace(self, features=features)

    def limited(self, limit: float) -> "UnitSkeleton":
        """Return the skeleton with its tables cut off at `limit`."""
        return replace(self, limit=limit)
