"""Widths of models that compute with sizes: of features and of scores."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from locgen.errors import ConfigurationError
from locgen.ir import Feature, Gate, Model, QuantisedModel
from locgen.quantise.gating import integer_gate
from locgen.quantise.lower import lowering_of
from locgen.quantise.lower.base import WIDEST_SCORE, ScoreWidths
from locgen.quantise.partialnodes import PartialNodes
from locgen.quantise.partialtrees import PartialTrees, partial_trees
from locgen.quantise.trials import Limit, limits_of
from locgen.quantise.unitfeatures import narrower
from locgen.quantise.widths.base import Attempt, Found, ModelLowering, Widths
from locgen.quantise.widths.limits import limited

__all__ = ["ArithmeticLowering"]

Partial = PartialNodes | PartialTrees
"""Nodes, or trees behind a gate that computes."""

log = logging.getLogger(__name__)

_WIDEST_FEATURE = 12


class ArithmeticLowering(ModelLowering[Partial]):
    """Nodes that compute with features' sizes, or a gate that does in front of trees.

    Features are rounded as well as scores, so that a quarter of the budget is for changed decisions
    of training rows and blends. A gate gets the smallest width by which its new routes alone change
    at most half of that. Among the first feature widths that have a score width, the pair with the
    fewest logic cells by count is taken. Then the features of tables, which halve with every bit,
    lose one bit after the other as long as the budget is kept.
    """

    more_features: ClassVar[int] = 2
    hopeless: ClassVar[float] = 2.0
    feature_widths = range(1, _WIDEST_FEATURE + 1)

    def check(self) -> None:
        """Refuse mixtures of nodes that a gate leaves no scale for, and widths of distances."""
        model = self.model
        if model.trees and model.units:
            raise ConfigurationError(f"{model.family} mixes trees and units: build them one by one")
        if self.scores_are_distances and self.options.score_bits is not None:
            raise ConfigurationError(
                f"the scores of a {model.family} are distances, as wide as its features make them: "
                "leave --score-bits out"
            )
        super().check()

    @property
    def scores_are_distances(self) -> bool:
        """Whether scores have the features' scale."""
        return any(lowering_of(unit).scores_are_distances for unit in self.model.units)

    @property
    def tabled(self) -> set[int]:
        """Features of tables, which halve with every bit."""
        units = self.model.arithmetic_nodes
        tables = [unit for unit in units if unit.univariate and unit.needs_range]
        return {feature for unit in tables for feature in unit.features}

    def limits(self) -> tuple[Limit, ...]:
        """Return a quarter of the budget first; few rows must be sure where there are no tables."""
        return limits_of(self.options, confident=not (self.tabled or self.options.tabled))

    def features(self, bits: int) -> tuple[Feature, ...]:
        """Return a quantiser of at most `bits` bits for each feature."""
        return self.quantisers.of_bits(bits)

    def partial(self, features: tuple[Feature, ...]) -> Partial:
        """Return the model over the codes of `features`, its tables cut off."""
        gate = self._gate(features)
        if self.model.trees:
            return partial_trees(self.model, features, gate, self.evaluator.x)
        partial = PartialNodes(self.model, features, gate=gate, rows=self.evaluator.x)
        return limited(partial, self.evaluator, self.options)

    def _gate(self, features: tuple[Feature, ...]) -> Gate | None:
        """Return the gate of the smallest width for these features; the widest if none will do."""
        gate = self.model.gate
        self._gate_bits = 0
        if gate is None or not gate.model.units:
            return None if gate is None else integer_gate(gate, features, 0)
        first, last = score_widths(gate.model, features)
        q = np.stack([f.quantise(self.evaluator.x[:, n]) for n, f in enumerate(features)], axis=1)

        def kept(candidate: Gate) -> bool:
            changed = self.evaluator.rerouted(candidate.evaluate(q, np.full(q.shape[1], -1)))
            return changed <= self.options.max_accuracy_drop / 8

        widest = integer_gate(gate, features, last)
        if kept(widest):
            for bits in range(first, last):
                candidate = integer_gate(gate, features, bits)
                if kept(candidate):
                    self._gate_bits = bits
                    return candidate
        self._gate_bits = last
        return widest

    def widest(self, partial: Partial) -> Sequence[Widths]:
        """Return the widest scores of the model's kinds of nodes."""
        fixed = self.options.score_bits
        last = score_widths(self.model, partial.features)[1]
        return [Widths(last if fixed is None else fixed, table_index=self._gate_bits)]

    def narrowest(self, partial: Partial) -> int:
        """Return the narrowest scores of the model's kinds of nodes."""
        return score_widths(self.model, partial.features)[0]

    def shown(self, model: QuantisedModel, widths: Widths) -> tuple[int, int]:
        """Return the width of a term; of distances the width that they come to."""
        bits = model.score_bits if self.scores_are_distances else widths.score
        return bits, max(model.feature_bits)

    def cost(self, model: QuantisedModel) -> float:
        """Return the logic cells of all nodes, by count."""
        return sum(node.cells for node in (*model.nodes, *model.gate_nodes))

    def narrowed(self, found: Found[Partial], attempt: Attempt[Partial]) -> Found[Partial]:
        """Return `found` with features as narrow as the budget allows, the widest tried first.

        Features whose steps prototypes compare stay as they are.
        """
        if self.options.feature_bits is not None or self.model.trees:
            return found
        units, own = self.model.arithmetic_nodes, self.model.gate
        compared = [u for u in units if lowering_of(u).scores_are_distances]
        free = self.tabled - {feature for unit in compared for feature in unit.features}
        best, again = found, bool(free)
        while again:
            again = False
            features = best.partial.features
            for number in sorted(free, key=lambda f: (-features[f].bits, f)):
                fewer = narrower(best.partial.features, number)
                if fewer is None:
                    continue
                bits = best.widths.table_index
                gate = None if own is None else integer_gate(own, fewer, bits)
                partial = replace(best.partial, features=fewer, gate=gate)
                trial = attempt(partial, best.widths)
                if trial.kept:
                    best = trial._replace(trials=(*found.trials[:-1], *trial.trials))
                    again = True
        return best


def score_widths(model: Model, features: tuple[Feature, ...]) -> tuple[int, int]:
    """Return the first and the last score width to try, those of the model's units."""
    classification = model.task == "classification"
    found = [lowering_of(u).score_widths(u, features, classification) for u in model.units]
    return min(found, default=ScoreWidths(0, 1, WIDEST_SCORE))[1:]
