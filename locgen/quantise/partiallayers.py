"""Models of one layered node with their features chosen, whose parameters are to be rounded."""

from dataclasses import dataclass, replace

import numpy as np

from locgen.ir import AffineFeature, QuantisedModel
from locgen.quantise.assemble import assemble
from locgen.quantise.lower.context import Context
from locgen.quantise.lower.layers import lowered, only_layers
from locgen.quantise.widths.base import Widths

__all__ = ["PartialLayers"]


@dataclass(frozen=True, eq=False)
class PartialLayers(Context):
    """A merged model of one layered node; nothing but features is rounded yet."""

    def scores(self, model: QuantisedModel) -> np.ndarray:
        """Return integer scores (rows, outputs) that one of the models gives the rows."""
        return model.scores(self.codes)

    def of_widths(self, widths: Widths, name: str) -> QuantisedModel:
        """Return the integer model; what rounding shifts on the rows' mean goes into the bias."""
        model = self.model
        unit = only_layers(model)
        used = tuple(f for f in unit.features if self.features[f].bits)
        if not used:  # nothing varies: any feature of one bit stands in
            used = unit.features[:1] or (0,)
            only = self.features[used[0]]
            features = list(self.features)
            features[used[0]] = AffineFeature(only.name, float(getattr(only, "low", 0.0)), 1.0, 1)
            return replace(self, features=tuple(features)).of_widths(widths, name)
        found = lowered(unit, self, used, widths)
        groups = [scale.outputs for scale in model.rule_of_decision.scales]
        weights, steps = _rounded(unit.weights, widths.score, groups)
        score_steps = steps / found.step
        node, missing = found.node(unit, weights, score_steps)
        base = np.array(model.base, dtype=np.float64)
        base[list(unit.outputs)] += missing
        return assemble(model, self.features, (node,), base, score_steps, name)


def _rounded(
    weights: np.ndarray, bits: int, groups: list[tuple[int, ...]]
) -> tuple[np.ndarray, np.ndarray]:
    """Return (integers, integers in a weight of 1) of each column, a group in one scale."""
    largest = np.abs(weights).max(axis=0)
    for columns in groups:
        largest[list(columns)] = largest[list(columns)].max()
    steps = ((1 << bits - 1) - 1) / np.where(largest > 0, largest, 1.0)
    return np.rint(weights * steps).astype(np.int64), steps
