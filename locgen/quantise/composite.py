"""Models of several kinds of nodes, and of second stages, with their features chosen."""

from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import cast

import numpy as np

from locgen.ir import (
    Argmax,
    Cascade,
    Decision,
    Feature,
    FloatCascade,
    LinearNode,
    Node,
    QuantisedModel,
    Threshold,
)
from locgen.ir.integer import SecondStageNode
from locgen.quantise.assemble import LARGEST_BIAS, assemble
from locgen.quantise.lower import lowering_of
from locgen.quantise.partialnodes import PartialNodes
from locgen.quantise.scorecodes import score_code
from locgen.quantise.widths.base import Widths

__all__ = ["PartialComposite"]


@dataclass(frozen=True, eq=False)
class PartialComposite(PartialNodes):
    """A merged model of any nodes; nothing but features is rounded yet.

    A width is that of a leaf, of a table's entry and of a weight. What is compared or added up has
    one scale, whose steps are as fine as its finest node asks for. The nodes of a second stage have
    their width in the same sense.

    Members
    -------
    float_scores : (rows, outputs) of the rows, where a second stage reads them
    """

    float_scores: np.ndarray | None = None
    _known: list[tuple[object, np.ndarray]] = field(default_factory=list)

    @property
    def shape_scores(self) -> np.ndarray:
        """Float scores (rows, outputs) of the rows, tables cut off but not rounded."""
        q = self.codes
        parts = [
            own if table is None else table[q[:, node.features[0]]]
            for node, own in zip(self.model.nodes, self._float_parts, strict=True)
            for table in [lowering_of(node).table(node, self)]
        ]
        return self.model.combine(self.model.sums_of(parts), None)

    @cached_property
    def _float_parts(self) -> tuple[np.ndarray, ...]:
        return tuple(node.evaluate(self.x) for node in self.model.nodes)

    def scores(self, model: QuantisedModel) -> np.ndarray:
        """Return integer scores (rows, outputs) of the rows; what decides by them is no matter."""
        key = (model.nodes, model.bias)
        if not self._known or self._known[0][0] != key:
            self._known[:] = [(key, model.scores(self.codes))]
        return self._known[0][1]

    def _steps(self, score_bits: int) -> np.ndarray:
        """Return the score steps in a raw score of 1, for each output."""
        model = self.model
        span, bits = np.zeros(model.outputs), np.ones(model.outputs)
        constant = np.array(model.base, dtype=np.float64)
        for node in model.nodes:
            outputs, own = list(node.outputs), lowering_of(node)
            reach = own.span(node, self)
            span[outputs] = np.maximum(span[outputs], reach)
            wide = np.where(reach > 0, own.term_bits(node, self, score_bits), 1)
            bits[outputs] = np.maximum(bits[outputs], wide)
            constant[outputs] += own.constant(node, self)
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

    def _assembled(
        self,
        nodes: tuple[Node, ...],
        base: np.ndarray,
        steps: np.ndarray,
        name: str,
        experts: tuple[tuple[int, ...], ...],
        widths: Widths,
    ) -> QuantisedModel:
        behind = None
        if self.model.second_stage is not None:
            behind = partial(
                self._cascade, self.model.second_stage, steps=steps, width=widths.second_stage
            )
        features = self._read_features(list(nodes))
        return assemble(self.model, features, nodes, base, steps, name, behind=behind)

    def _cascade(
        self,
        behind: FloatCascade,
        nodes: tuple[Node, ...],
        bias: np.ndarray,
        steps: np.ndarray,
        width: int,
    ) -> Cascade:
        """Return the model behind the scores in integers."""
        model = behind.model
        low, high = _ends(nodes, bias)
        for scale in behind.scales:
            if not scale.absolute:  # compared with each other, code by code
                group = list(scale.outputs)
                low[group], high[group] = low[group].min(), high[group].max()
        compared = {
            f for unit in model.units if lowering_of(unit).compares(unit) for f in unit.features
        }
        codes = []
        for number, (name, cuts) in enumerate(zip(model.feature_names, model.cuts, strict=True)):
            borders = [0.0] if number in compared else cuts
            ends = int(low[number]), int(high[number])
            codes.append(score_code(name, borders, ends, 1 / float(steps[number]), width))
        assert self.float_scores is not None
        scores = self.float_scores.copy()
        for scale in behind.scales:
            if not scale.absolute:
                group = list(scale.outputs)
                scores[:, group] -= scores[:, group].max(axis=1, keepdims=True)
                scores[:, group] += high[group] / steps[group]
        features = cast(tuple[Feature, ...], tuple(codes))  # whose place they take
        own = PartialComposite(model, features, rows=scores)
        if behind.outranks:
            nodes, sums, decision = own.outranking(width)
        else:
            found = own.of_widths(Widths(width), "behind")
            nodes, sums, decision = found.nodes, found.bias, found.decision
        read = {feature for node in nodes for feature in node.features}
        return Cascade(
            tuple(code.lowest for code in codes),
            tuple(code.shift for code in codes),
            tuple(code.bits if number in read else 0 for number, code in enumerate(codes)),
            cast(tuple[SecondStageNode, ...], nodes),  # frontends put no others behind scores
            sums,
            cast(Argmax | Threshold, decision),
        )

    def outranking(self, width: int) -> tuple[tuple[Node, ...], tuple[int, ...], Decision]:
        """Return nodes, bias and decision where the smallest vote of a tree is more than all else.

        Where all else is sums and differences, its weights are 1 and -1.
        """
        rest = replace(self, model=replace(self.model, trees=())).of_widths(Widths(width), "behind")
        nodes, bias = rest.nodes, np.array(rest.bias)
        common = 0
        if all(lowering_of(unit).is_divisible for unit in self.model.units):
            linear = cast(tuple[LinearNode, ...], nodes)  # what divisible nodes become
            common = int(np.gcd.reduce([w for node in linear for row in node.weights for w in row]))
        if common:
            nodes = tuple(
                replace(
                    node, weights=tuple(tuple(w // common for w in row) for row in node.weights)
                )
                for node in linear
            )
            bias = np.rint(bias / common).astype(np.int64)
        low, high = _ends(nodes, bias)
        vote = int(high.max() - low.min()) + 1
        trees: list[Node] = []
        for tree in self.model.trees:
            steps = np.full(len(tree.outputs), vote)
            node, least = lowering_of(tree).lower(tree, self, steps, width)
            bias[list(tree.outputs)] += np.rint(least * vote).astype(np.int64)
            trees += [] if node is None else [node]
        return (*trees, *nodes), tuple(int(b) for b in bias), rest.decision


def _ends(nodes: tuple[Node, ...], bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and the highest of each sum, (outputs,) both."""
    low, high = bias.copy(), bias.copy()
    for node in nodes:
        for output, (least, most) in zip(node.outputs, node.ranges, strict=True):
            low[output] += least
            high[output] += most
    return low, high
