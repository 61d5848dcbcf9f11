"""Widths of models of several kinds of nodes, and of those with a second stage."""

from collections.abc import Sequence

from locgen.errors import ConfigurationError
from locgen.ir import Feature
from locgen.quantise.composite import PartialComposite
from locgen.quantise.trials import Limit, limits_of
from locgen.quantise.widths.base import Attempt, Found, ModelLowering, Widths
from locgen.quantise.widths.limits import limited

__all__ = ["CompositeLowering"]

_NARROWEST, _WIDEST = 2, 14


class CompositeLowering(ModelLowering[PartialComposite]):
    """Nodes of several kinds side by side, or behind each other.

    The features get the fewest bits with which the widest scores keep the budget, of which a
    quarter is for changed decisions where features are rounded as well as scores. Then scores get
    the fewest, and then the second stage. ``score_bits`` fixes the width of leaves, tables and
    weights of both.
    """

    feature_widths = range(2, 13)

    def check(self) -> None:
        """Refuse free rounding."""
        if self.options.rounding == "free":
            raise ConfigurationError(
                f"--rounding free searches the leaves of trees alone, {self.model.family} has "
                "more: leave it out"
            )
        super().check()

    def limits(self) -> tuple[Limit, ...]:
        """Return a quarter of the budget first, or half where features are exact."""
        options, units = self.options, self.model.arithmetic_nodes
        tabled = options.tabled or any(u.univariate and u.needs_range for u in units)
        share = 1 / 4 if self.model.range_features else 1 / 2
        return limits_of(options, share, not tabled and options.score_bits is None)

    def features(self, bits: int) -> tuple[Feature, ...]:
        """Return a quantiser of at most `bits` bits for each feature."""
        return self.quantisers.of_bits(bits)

    def partial(self, features: tuple[Feature, ...]) -> PartialComposite:
        """Return the model over the codes of `features`, its tables cut off."""
        partial = PartialComposite(
            self.model, features, rows=self.evaluator.x, float_scores=self.evaluator.float_scores
        )
        return limited(partial, self.evaluator, self.options)

    def widest(self, partial: PartialComposite) -> Sequence[Widths]:
        """Return the widest scores and second stage."""
        last = self.options.score_bits or _WIDEST
        return [Widths(last, second_stage=last)]

    def narrowest(self, partial: PartialComposite) -> int:
        """Return the narrowest scores."""
        return _NARROWEST

    def refined(
        self, found: Found[PartialComposite], attempt: Attempt[PartialComposite]
    ) -> Found[PartialComposite]:
        """Return `found` with the narrowest second stage that keeps the budget."""
        if self.model.second_stage is None or self.options.score_bits is not None:
            return found
        for bits in range(_NARROWEST, found.widths.second_stage):
            narrow = attempt(found.partial, found.widths._replace(second_stage=bits))
            if narrow.kept:
                return narrow._replace(trials=(*found.trials[:-1], *narrow.trials))
        return found
