"""Widths of trees: of their leaves' scores."""

from collections.abc import Sequence
from typing import ClassVar

from locgen.ir import Feature, QuantisedModel
from locgen.quantise.features import choose_features
from locgen.quantise.gating import integer_gate
from locgen.quantise.partialtrees import PartialTrees, partial_trees
from locgen.quantise.rounding import free_rounding
from locgen.quantise.trials import Limit, Quantisation, limits_of
from locgen.quantise.widths.base import ModelLowering, PartialT, Widths

__all__ = ["RankedLowering", "TreesLowering"]

_WIDEST_SCORE = 16


class RankedLowering(ModelLowering[PartialT]):
    """Nodes that compare: features are ranks, or as the user asks, and scores alone are rounded."""

    hopeless: ClassVar[float] = float("inf")

    def limits(self) -> tuple[Limit, ...]:
        """Return half of the budget, or what the user allows."""
        return limits_of(self.options, 1 / 2, False)[:1]

    def features(self, bits: int) -> tuple[Feature, ...]:
        """Return the quantisers that the options ask for."""
        x = None if self.x_train is None else self.model.expand(self.x_train)
        options = self.options
        return choose_features(self.model, options.feature_bits, options.feature_kind, x)


class TreesLowering(RankedLowering[PartialTrees]):
    """Trees, whose leaves' scores are rounded."""

    def check(self) -> None:
        """Accept every option."""

    def partial(self, features: tuple[Feature, ...]) -> PartialTrees:
        """Return the trees with their splits in codes."""
        own = self.model.gate
        gate = None if own is None else integer_gate(own, features, 0)
        return partial_trees(self.model, features, gate, self.evaluator.x)

    def widest(self, partial: PartialTrees) -> Sequence[Widths]:
        """Return the widest leaves."""
        return [Widths(self.options.score_bits or _WIDEST_SCORE)]

    def shown(self, model: QuantisedModel, widths: Widths) -> tuple[int, int | None]:
        """Return the width of scores; that of features is given."""
        return widths.score, None

    def rounded_freely(self) -> Quantisation | None:
        """Return the trees rounded by descent, if the user asks for that."""
        if self.options.rounding != "free":
            return None
        partial = self.partial(self.features(0))
        return free_rounding(
            partial, self.evaluator, self.name, self.options, self.limits()[0].changed
        )
