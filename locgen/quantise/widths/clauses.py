"""Clauses, whose weights are whole: the one model of their features is tried."""

from collections.abc import Sequence

import numpy as np

from locgen.errors import ConfigurationError
from locgen.ir import Feature, QuantisedModel
from locgen.quantise.assemble import assemble
from locgen.quantise.lower import lowering_of
from locgen.quantise.lower.context import Context
from locgen.quantise.widths.base import Widths
from locgen.quantise.widths.trees import RankedLowering

__all__ = ["ClauseModelLowering"]


class PartialClauses(Context):
    """A model of clauses with its features chosen."""

    def of_widths(self, widths: Widths, name: str) -> QuantisedModel:
        """Return the integer model, of one width alone."""
        model, steps = self.model, np.ones(self.model.outputs)
        (unit,) = model.units
        node, _ = lowering_of(unit).lower(unit, self, steps, widths.score)
        assert node is not None  # a clause that says nothing is one too
        return assemble(model, self.features, (node,), np.array(model.base, float), steps, name)

    def scores(self, model: QuantisedModel) -> np.ndarray:
        """Return integer scores (rows, outputs) that the model gives the rows."""
        return model.scores(self.codes)


class ClauseModelLowering(RankedLowering[PartialClauses]):
    """Clauses alone. With ranks as features, the default, nothing changes for any row."""

    def check(self) -> None:
        """Refuse other nodes beside clauses, and a width of scores."""
        model = self.model
        if len(model.units) != 1 or model.trees or model.gate is not None:
            raise ConfigurationError(
                f"{model.family} mixes clauses with others: build them one by one"
            )
        if self.options.score_bits is not None:
            raise ConfigurationError(
                "clauses count in whole numbers already: leave --score-bits out"
            )

    def partial(self, features: tuple[Feature, ...]) -> PartialClauses:
        """Return the clauses over the codes of `features`."""
        return PartialClauses(self.model, features, rows=self.evaluator.x)

    def widest(self, partial: PartialClauses) -> Sequence[Widths]:
        """Return any width."""
        return [Widths(1)]

    def shown(self, model: QuantisedModel, widths: Widths) -> tuple[int, int]:
        """Return the widths that the model has."""
        return model.score_bits, max(model.feature_bits)
