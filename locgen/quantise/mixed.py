"""Turns models of several kinds of nodes into integers, and models that stand behind scores."""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from locgen.ir import (
    Cascade,
    Decision,
    FloatCascade,
    FloatLayers,
    FloatLinear,
    FloatNeighbours,
    FloatSoftmax,
    FloatTree,
    FloatUnit,
    LinearNode,
    Model,
    Node,
    QuantisedModel,
    SoftmaxNode,
)
from locgen.quantise.functiontable import softmax_tables
from locgen.quantise.layers import LayerWidths, lowered, sums_of
from locgen.quantise.lower import LARGEST_BIAS, assemble
from locgen.quantise.scorecodes import score_code
from locgen.quantise.splits import split_node, threshold_maps
from locgen.quantise.stairs import stairs
from locgen.quantise.units import UnitSkeleton

__all__ = ["MixedSkeleton", "Rows", "is_mixed"]

_WIDEST_WEIGHT = 8
"""Bits of a weight behind a function beyond which values alone get finer."""
_ROOT, _LONGEST_TABLE = 3, 10
"""A table's index takes half the bits of its values and so many more, up to the longest."""


def is_mixed(model: Model) -> bool:
    """Return whether `model` has nodes of several kinds, or others than trees that do not add up.

    Those are for a `MixedSkeleton`, all others for a search of their own.
    """
    layered = sum(isinstance(unit, FloatLayers) for unit in model.units)
    if model.gate is not None:
        return False
    if isinstance(model.decision, FloatCascade):
        return True
    if model.units and (model.trees or layered > 1 or 0 < layered < len(model.units)):
        return True
    grouped = getattr(model.decision, "groups", ())
    return bool(grouped and len(model.units) > 1)


@dataclass(frozen=True, eq=False)
class Rows:
    """Float rows (rows, features) that tell how far sums reach, and what was found for them."""

    x: np.ndarray
    _sums: dict[int, tuple[np.ndarray, ...]] = field(default_factory=dict)

    def sums(self, unit: FloatLayers) -> tuple[np.ndarray, ...]:
        """Return each layer's float sums of the rows."""
        if id(unit) not in self._sums:
            self._sums[id(unit)] = sums_of(unit, self.x)
        return self._sums[id(unit)]

    def values(self, unit: FloatLayers) -> np.ndarray:
        """Return what the last layer makes of the rows, (rows, units)."""
        return unit.layers[-1].function.tabled(self.sums(unit)[-1])


def _is_stairs(unit: FloatTree | FloatUnit) -> bool:
    """Return whether a node is a function of one score that is made of lines."""
    return (
        isinstance(unit, FloatLayers)
        and unit.layers[-1].function.name == "lines"
        and len(unit.features) == 1
        and all(layer.units == 1 for layer in unit.layers)
    )


def _last_sums(unit: FloatLayers, rows: np.ndarray) -> np.ndarray:
    """Return what the last layer's function is applied to, (rows, units)."""
    return sums_of(unit, rows)[-1]


def _ends(nodes: tuple[Node, ...], bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and the highest of each sum, (outputs,) both."""
    low, high = bias.copy(), bias.copy()
    for node in nodes:
        for output, (least, most) in zip(node.outputs, node.ranges, strict=True):
            low[output] += least
            high[output] += most
    return low, high


@dataclass(frozen=True, eq=False)
class MixedSkeleton(UnitSkeleton):
    """A merged model of any nodes with its features chosen; nothing else is rounded yet.

    Members
    -------
    rows : float rows, memberships included; codes : the same in codes, (rows, features) both
    scores : (rows, outputs) float scores of the same, where a model stands behind them
    behind : width of the nodes behind scores, see `of_width`
    """

    rows: Rows | None = None
    codes: np.ndarray | None = None
    scores: np.ndarray | None = None
    behind: int = 14

    @cached_property
    def splits(self) -> tuple[Node, ...]:
        """The trees in integers, leaf numbers in place of scores."""
        maps = threshold_maps(self.model, self.features)
        for number, known in enumerate(maps):
            if self.features[number].kind == "affine":
                maps[number] = {cut: self._nearer(number, cut, t) for cut, t in known.items()}
        return tuple(split_node(tree, self.features, maps) for tree in self.model.trees)

    def _nearer(self, feature: int, cut: float, threshold: int) -> int:
        """Return the threshold, or the next, that sends fewer of the rows to the wrong side."""
        left, codes = self.rows.x[:, feature] <= cut, self.codes[:, feature]
        wrong = [np.count_nonzero(left != (codes <= t)) for t in (threshold, threshold + 1)]
        return threshold + int(wrong[1] < wrong[0])

    def shape_scores(self, q: np.ndarray) -> np.ndarray:
        """Return float scores (rows, outputs) of `rows`, tables cut off but not rounded."""
        parts = [
            self.shape(node)[q[:, node.feature]] if node.univariate else own
            for node, own in zip(self.model.nodes, self._float_parts, strict=True)
        ]
        return self.model.combine(self.model.sums_of(parts), None)

    @cached_property
    def _float_parts(self) -> tuple[np.ndarray, ...]:
        return tuple(node.evaluate(self.rows.x) for node in self.model.nodes)

    def of_width(self, score_bits: int, name: str) -> QuantisedModel:
        """Return the integer model of the width `score_bits`.

        That is the width of a leaf, of a table's entry and of a weight. What is compared or added
        up has one scale, whose steps are as fine as its finest node asks for. The nodes behind the
        scores have the width `behind` in the same sense.
        """
        return super().of_width(score_bits, name)

    def lower(
        self, number: int, steps: np.ndarray, score_bits: int
    ) -> tuple[Node | None, np.ndarray]:
        """Return node `number` in integers, None if it says nothing, and what is constant of it."""
        unit = self.model.nodes[number]
        if isinstance(unit, FloatTree):
            return self._tree(number, steps)
        if _is_stairs(unit):
            return self._stairs(unit, steps, score_bits)
        if isinstance(unit, FloatLayers):
            return self._layers(unit, steps, score_bits)
        if isinstance(unit, FloatSoftmax):
            return self._softmax(unit, steps, score_bits)
        return super().lower(number, steps, score_bits)

    def _stairs(
        self, unit: FloatLayers, steps: np.ndarray, width: int
    ) -> tuple[Node | None, np.ndarray]:
        """Return a function of one score as comparisons."""
        (feature,) = unit.features
        code = self.features[feature]

        def values(codes: np.ndarray) -> np.ndarray:
            rows = np.zeros((len(codes), unit.layers[0].matrix.shape[1]))
            rows[:, feature] = code.low + codes / code.scale
            return unit.layers[-1].function.evaluate(_last_sums(unit, rows)[:, 0])

        levels = 1 << min(width // 2 + _ROOT, _LONGEST_TABLE)
        node, height = stairs(values, feature, code.bits, levels)
        heights = height[:, None] * unit.weights
        low = heights.min(axis=0)
        scores = np.rint((heights - low) * steps).astype(np.int64)
        if not scores.any() or not node.feature:
            return None, heights.mean(axis=0)
        rows = tuple(map(tuple, scores.tolist()))
        return replace(node, leaf_scores=rows, outputs=unit.outputs), low

    def _tree(self, number: int, steps: np.ndarray) -> tuple[Node | None, np.ndarray]:
        split, tree = self.splits[number], self.model.trees[number]
        values = tree.leaf_values[[leaf for (leaf,) in split.leaf_scores]]
        low = values.min(axis=0)
        scores = np.rint((values - low) * steps).astype(np.int64)
        if not scores.any():
            return None, values.mean(axis=0)
        rows = tuple(map(tuple, scores.tolist()))
        return replace(split, leaf_scores=rows, outputs=tree.outputs), low

    def _layers(
        self, unit: FloatLayers, steps: np.ndarray, width: int
    ) -> tuple[Node | None, np.ndarray]:
        floats = self.rows.values(unit) @ unit.weights
        used = tuple(f for f in unit.features if self.features[f].bits)
        if not used:
            return None, floats.mean(axis=0)
        index = min(width // 2 + _ROOT, _LONGEST_TABLE)
        widths = LayerWidths(index, width, width)
        found = lowered(unit, self.features, used, self.codes, self.rows.sums(unit), widths)
        weights = np.rint(unit.weights * found.step * steps).astype(np.int64)
        if not weights.any():
            return None, floats.mean(axis=0)
        return found.node(unit, weights, steps)

    def _softmax(
        self, unit: FloatSoftmax, steps: np.ndarray, width: int
    ) -> tuple[Node | None, np.ndarray]:
        """Return the node; its codes have one low and one step."""
        floats = unit.shares(self.rows.x) @ unit.weights
        index = min(width // 2 + _ROOT, _LONGEST_TABLE)
        code = 1 / self.features[unit.features[0]].scale
        found = softmax_tables(code, len(unit.features), index, width)
        weights = np.rint(unit.weights * found.step * steps).astype(np.int64)
        if not weights.any():
            return None, floats.mean(axis=0)
        node = SoftmaxNode(
            features=unit.features,
            feature_bits=tuple(self.features[f].bits for f in unit.features),
            power=found.power,
            reciprocal=found.reciprocal,
            drop=found.drop,
            weights=tuple(map(tuple, weights.tolist())),
            bias=(0,) * len(unit.outputs),
            outputs=unit.outputs,
            error=found.error,
        )
        given = node.evaluate(self.codes, np.full(self.codes.shape[1], -1))
        return node, (floats - given / steps).mean(axis=0)

    def _steps(self, score_bits: int) -> np.ndarray:
        """Return the score steps in a raw score of 1, for each output."""
        model = self.model
        span, bits = np.zeros(model.outputs), np.ones(model.outputs)
        constant = np.array(model.base, dtype=np.float64)
        for node in model.nodes:
            outputs = list(node.outputs)
            own = self._span(node)
            span[outputs] = np.maximum(span[outputs], own)
            wide = np.where(own > 0, self._bits(node, score_bits), 1)
            bits[outputs] = np.maximum(bits[outputs], wide)
            if isinstance(node, FloatLinear):
                constant[outputs] += self.low @ node.coefficients
        grouped = [(list(s.outputs), s.absolute) for s in model.rule_of_decision.scales]
        named = {output for outputs, _ in grouped for output in outputs}
        grouped += [([n], False) for n in range(model.outputs) if n not in named]
        steps = np.ones(model.outputs)
        for outputs, absolute in grouped:
            fixed = constant[outputs] - (0.0 if absolute else constant[outputs].min())
            largest = float(np.abs(fixed).max())
            widest = float(span[outputs].max())
            widest = max(widest or largest, largest / LARGEST_BIAS) or 1.0
            steps[outputs] = ((1 << int(bits[outputs].max())) - 1) / widest
        return steps

    def _bits(self, node: FloatTree | FloatUnit, width: int) -> int:
        """Return the bits of the widest term of a node whose weights have `width`."""
        if isinstance(node, FloatLinear):
            return width + max((self.features[f].bits for f in node.features), default=0)
        if isinstance(node, FloatNeighbours) and self.model.task == "classification":
            return 1  # votes are whole
        if isinstance(node, FloatLayers | FloatSoftmax):
            return width + min(width, _WIDEST_WEIGHT)
        return width

    def _span(self, unit: FloatTree | FloatUnit) -> np.ndarray:
        if isinstance(unit, FloatTree):
            return np.ptp(unit.leaf_values, axis=0)
        if isinstance(unit, FloatSoftmax):
            return np.abs(unit.weights).max(axis=0)
        if isinstance(unit, FloatLayers):
            reach = np.ptp(self.rows.values(unit), axis=0)
            return (np.abs(unit.weights) * reach[:, None]).max(axis=0, initial=0.0)
        return super()._span(unit)

    def _assembled(
        self,
        nodes: tuple[Node, ...],
        base: np.ndarray,
        steps: np.ndarray,
        name: str,
        experts: tuple[tuple[int, ...], ...],
    ) -> QuantisedModel:
        behind = None
        if isinstance(self.model.decision, FloatCascade):

            def behind(nodes: tuple[Node, ...], bias: np.ndarray) -> Cascade:
                return self._cascade(nodes, bias, steps)

        features = self._read_features(list(nodes))
        return assemble(self.model, features, nodes, base, steps, name, behind=behind)

    def _cascade(self, nodes: tuple[Node, ...], bias: np.ndarray, steps: np.ndarray) -> Cascade:
        """Return the model behind the scores in integers."""
        model = self.model.decision.model
        low, high = _ends(nodes, bias)
        for scale in self.model.decision.scales:
            if not scale.absolute:  # compared with each other, code by code
                group = list(scale.outputs)
                low[group], high[group] = low[group].min(), high[group].max()
        compared = {f for unit in model.units if _is_stairs(unit) for f in unit.features}
        codes = []
        for number, (name, cuts) in enumerate(zip(model.feature_names, model.cuts, strict=True)):
            borders = [0.0] if number in compared else cuts
            ends = int(low[number]), int(high[number])
            codes.append(score_code(name, borders, ends, 1 / float(steps[number]), self.behind))
        scores = self.scores.copy()
        for scale in self.model.decision.scales:
            if not scale.absolute:
                group = list(scale.outputs)
                scores[:, group] -= scores[:, group].max(axis=1, keepdims=True)
                scores[:, group] += high[group] / steps[group]
        columns = [code.quantise(scores[:, n]) for n, code in enumerate(codes)]
        own = MixedSkeleton(model, tuple(codes), rows=Rows(scores), codes=np.stack(columns, axis=1))
        if self.model.decision.outranks:
            nodes, sums, decision = own.outranking(self.behind)
        else:
            found = own.of_width(self.behind, "behind")
            nodes, sums, decision = found.nodes, found.bias, found.decision
        read = {feature for node in nodes for feature in node.features}
        return Cascade(
            tuple(code.lowest for code in codes),
            tuple(code.shift for code in codes),
            tuple(code.bits if number in read else 0 for number, code in enumerate(codes)),
            nodes,
            sums,
            decision,
        )

    def outranking(self, width: int) -> tuple[tuple[Node, ...], tuple[int, ...], Decision]:
        """Return nodes, bias and decision where the smallest vote of a tree is more than all else.

        Where all else is sums and differences, its weights are 1 and -1.
        """
        rest = replace(self, model=replace(self.model, trees=())).of_width(width, "behind")
        nodes, bias = rest.nodes, np.array(rest.bias)
        weights = [w for n in nodes if isinstance(n, LinearNode) for row in n.weights for w in row]
        common = int(np.gcd.reduce(weights)) if weights else 0
        if common and all(isinstance(node, LinearNode) for node in nodes):
            nodes = tuple(
                replace(
                    node, weights=tuple(tuple(w // common for w in row) for row in node.weights)
                )
                for node in nodes
            )
            bias = np.rint(bias / common).astype(np.int64)
        low, high = _ends(nodes, bias)
        vote = int(high.max() - low.min()) + 1
        trees = []
        for number, tree in enumerate(self.model.trees):
            node, least = self._tree(number, np.full(len(tree.outputs), vote))
            bias[list(tree.outputs)] += np.rint(least * vote).astype(np.int64)
            trees += [] if node is None else [node]
        return (*trees, *nodes), tuple(int(b) for b in bias), rest.decision
