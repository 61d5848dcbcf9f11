"""What the lowering of a node knows about the model around it."""

from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np

from locgen.ir import Feature, FloatLayers, Gate, Model, TreeNode, UnivariateNode
from locgen.quantise.splits import split_node, threshold_maps

__all__ = ["Context", "sums_of"]


@dataclass(frozen=True, eq=False)
class Context:
    """A merged model with its features chosen, and rows that tell how far sums reach.

    Members
    -------
    features : quantisers, or codes of scores in a second stage
    limit : the most by which one table may tell outputs apart, or None: beyond it a shape is cut
        off, since what a Gaussian says far from its mean would take most of the width of a score
    gate : in integers
    rows : (rows, columns) that candidates are tried on
    """

    model: Model
    features: tuple[Feature, ...]
    limit: float | None = None
    gate: Gate | None = None
    rows: np.ndarray | None = None
    _float_sums: dict[int, tuple[np.ndarray, ...]] = field(default_factory=dict)

    @cached_property
    def x(self) -> np.ndarray:
        """The rows as nodes read them (rows, features)."""
        assert self.rows is not None
        return self.model.expand(self.rows)

    @cached_property
    def codes(self) -> np.ndarray:
        """The rows in codes (rows, features)."""
        columns = [f.quantise(self.x[:, n]) for n, f in enumerate(self.features)]
        return np.stack(columns, axis=1)

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

    def shape(self, unit: UnivariateNode) -> np.ndarray:
        """Return the table (codes, outputs) of `unit`, cut off at the limit.

        Where outputs are only compared with each other, those alone that an expert has seen, a
        code's rows count from the best.
        """
        table = _evaluated(unit, self.features[unit.feature])
        compared = table.shape[1] > 1 and any(
            not scale.absolute and set(unit.outputs) <= set(scale.outputs)
            for scale in self.model.rule_of_decision.scales
        )
        if compared:
            table = table - table.max(axis=1, keepdims=True)
        if self.limit is None:
            return table
        return np.clip(table, -self.limit, 0.0 if compared else self.limit)

    def float_sums(self, unit: FloatLayers) -> tuple[np.ndarray, ...]:
        """Return each layer's float sums of the rows."""
        if id(unit) not in self._float_sums:
            self._float_sums[id(unit)] = sums_of(unit, self.x)
        return self._float_sums[id(unit)]

    def float_values(self, unit: FloatLayers) -> np.ndarray:
        """Return what the last layer makes of the rows, (rows, units)."""
        return unit.layers[-1].function.tabled(self.float_sums(unit)[-1])

    @cached_property
    def splits(self) -> dict[int, TreeNode]:
        """The trees in integers, leaf numbers in place of scores, by the tree's identity."""
        maps = threshold_maps(self.model, self.features)
        for number, known in enumerate(maps):
            if self.features[number].moves_cuts:
                maps[number] = {cut: self._nearer(number, cut, t) for cut, t in known.items()}
        return {id(tree): split_node(tree, self.features, maps) for tree in self.model.trees}

    def _nearer(self, feature: int, cut: float, threshold: int) -> int:
        """Return the threshold, or the next, that sends fewer of the rows to the wrong side."""
        left, codes = self.x[:, feature] <= cut, self.codes[:, feature]
        wrong = [np.count_nonzero(left != (codes <= t)) for t in (threshold, threshold + 1)]
        return threshold + int(wrong[1] < wrong[0])


def sums_of(unit: FloatLayers, rows: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return each layer's float sums (rows, units) of `rows` (rows, features)."""
    found, inputs = [], rows
    for layer in unit.layers:
        found.append(layer.sums(inputs))
        inputs = layer.function.tabled(found[-1])
    return tuple(found)


@lru_cache(maxsize=512)
def _evaluated(unit: UnivariateNode, feature: Feature) -> np.ndarray:
    """Return what `unit` says at each code of its feature: a whole pipeline takes time."""
    return unit.shape(feature.values())
