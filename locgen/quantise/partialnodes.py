"""Models of arithmetic nodes with their features chosen, whose scores are still to be rounded."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self, cast

import numpy as np

from locgen.ir import (
    AffineFeature,
    Feature,
    FloatPrototype,
    LinearNode,
    Node,
    QuantisedModel,
    add_constants,
)
from locgen.quantise.assemble import LARGEST_BIAS, assemble
from locgen.quantise.constants import Part, constants_of
from locgen.quantise.lower import lowering_of
from locgen.quantise.lower.context import Context
from locgen.quantise.widths.base import Widths

__all__ = ["PartialNodes"]


@dataclass(frozen=True, eq=False)
class PartialNodes(Context):
    """A merged model of arithmetic nodes; nothing but features and gate is rounded yet."""

    @property
    def shape_scores(self) -> np.ndarray:
        """Float scores (rows, outputs) of the rows' codes, tables cut off but not rounded."""
        model, q = self.model, self.codes
        values = self.low + q * self.steps_of
        parts = [
            unit.evaluate(values) if table is None else table[q[:, unit.features[0]]]
            for unit in model.units
            for table in [lowering_of(unit).table(unit, self)]
        ]
        mask = None if self.gate is None else self.gate.evaluate(q, np.full(q.shape[1], -1))
        return model.combine(model.sums_of(parts), mask)

    def scores(self, model: QuantisedModel) -> np.ndarray:
        """Return integer scores (rows, outputs) that one of the models gives the rows."""
        return model.scores(self.codes)

    def of_widths(self, widths: Widths, name: str) -> QuantisedModel:
        """Return the integer model whose widest term of a score takes ``widths.score`` bits.

        A term is what one feature adds to one output; regression outputs have a scale each.
        Distances have the scale that their features give them: for prototypes the width is the
        binary places of their codes, from 0. What an expert has more than the lowest of all experts
        goes into its nodes.
        """
        model, score_bits = self.model, widths.score
        base = np.array(model.base, dtype=np.float64)
        steps = self._steps(score_bits)
        lowered: list[Node | None] = []
        parts: list[Part] = []
        for unit in model.nodes:
            own = steps[list(unit.outputs)]
            node, constant = lowering_of(unit).lower(unit, self, own, score_bits)
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
            mine = [node for number in members if (node := lowered[number]) is not None]
            if silent and not experts:
                mine.append(_silent(silent))
            if model.gate is not None and not mine:
                mine.append(_silent(range(model.outputs)))
            experts.append(tuple(range(len(nodes), len(nodes) + len(mine))))
            nodes += add_constants(mine, constants)
        owned = () if model.gate is None else tuple(experts)
        return self._assembled(tuple(nodes), base, steps, name, owned, widths)

    def _assembled(
        self,
        nodes: tuple[Node, ...],
        base: np.ndarray,
        steps: np.ndarray,
        name: str,
        experts: tuple[tuple[int, ...], ...],
        widths: Widths,
    ) -> QuantisedModel:
        """Return the integer model of `nodes`, see `assemble`."""
        features = self._read_features(list(nodes))
        return assemble(self.model, features, nodes, base, steps, name, self.gate, experts)

    def _steps(self, score_bits: int) -> np.ndarray:
        """Return the score steps in a raw score of 1, for each output."""
        model = self.model
        distances = [unit for unit in model.units if lowering_of(unit).scores_are_distances]
        if distances:
            prototypes = cast(list[FloatPrototype], distances)  # other kinds score otherwise
            size = max(
                (self.steps_of * u.scale)[list(u.features)].max(initial=0.0) for u in prototypes
            )
            size = (size or 1.0) / (1 << score_bits)
            return np.full(model.outputs, size ** (-2.0 if prototypes[0].metric == "l2" else -1.0))
        rough: list[Part] = []
        widest = np.zeros(model.outputs)
        for unit in model.units:
            outputs, own = list(unit.outputs), lowering_of(unit)
            widest[outputs] = np.maximum(widest[outputs], own.span(unit, self))
            constant = own.constant(unit, self)
            rough.append((constant, np.zeros_like(constant), np.zeros_like(constant)))
        if model.decision == "identity":
            return ((1 << score_bits) - 1) / np.where(widest > 0, widest, 1.0)
        common, rest = constants_of(model, rough, 0.0)
        base = np.array(model.base) + common
        largest = np.abs(base - base.min() if model.decision == "argmax" else base).max()
        largest = max(largest, np.max(rest, initial=0.0))
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

    def limited(self, limit: float) -> Self:
        """Return the model with its tables cut off at `limit`."""
        return replace(self, limit=limit)


def _unread(feature: Feature, low: float) -> AffineFeature:
    """Return the feature without bits; NaN stays welcome where it was."""
    welcome = feature.missing or getattr(feature, "fill", None) is not None
    return AffineFeature(feature.name, low, 1.0, 0, fill=low if welcome else None)


def _silent(outputs: Iterable[int]) -> LinearNode:
    """Return a node that says nothing, for constants to stand in."""
    outputs = tuple(outputs)
    return LinearNode((), (), (), (0,) * len(outputs), outputs)
