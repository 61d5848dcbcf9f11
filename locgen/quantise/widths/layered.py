"""Widths of one layered node: of features, tables and weights."""

from collections.abc import Sequence
from typing import ClassVar

from locgen.errors import ConfigurationError
from locgen.ir import Feature, QuantisedModel
from locgen.quantise.functiontable import LONGEST_INDEX, longest_index
from locgen.quantise.layerfeatures import layer_features
from locgen.quantise.lower.layers import only_layers
from locgen.quantise.partiallayers import PartialLayers
from locgen.quantise.widths.base import Attempt, Found, ModelLowering, Widths

__all__ = ["LayeredLowering"]

_NARROWEST, _WIDEST = 4, 18
"""Bits of values and weights: sums of squares that nearly cancel need the most."""
_SCORE_BITS = 46
"""Bits of a sum of products; what the scores count from takes two of the 48 that the IR admits."""
_MORE = (4, 8)
"""Bits by which values are made wider than weights where no common width will do: powers of sums
span many orders, and their differences decide."""


class LayeredLowering(ModelLowering[PartialLayers]):
    """One node of layers: values and weights have one width, which ``score_bits`` fixes.

    A table's index, from a width at which values and not lines limit it, is narrowed as far as the
    budget allows. Among the first feature widths that have such a width, the one whose parameters,
    values and tables take the fewest bits is taken.
    """

    more_features: ClassVar[int] = 2
    feature_widths = range(2, 13)

    def check(self) -> None:
        """Refuse other nodes beside the one."""
        model = self.model
        if len(model.units) != 1 or model.trees or model.gate is not None:
            raise ConfigurationError(
                f"{model.family} mixes a node of two layers with others: build them one by one"
            )
        super().check()

    def features(self, bits: int) -> tuple[Feature, ...]:
        """Return a quantiser of at most `bits` bits for each feature."""
        identity = self.options.feature_kind == "identity"
        return layer_features(self.model, only_layers(self.model), bits, self.x_train, identity)

    def partial(self, features: tuple[Feature, ...]) -> PartialLayers:
        """Return the node over the codes of `features`."""
        return PartialLayers(self.model, features, rows=self.evaluator.x)

    def widest(self, partial: PartialLayers) -> Sequence[Widths]:
        """Return the widest values and weights, then wider values still."""
        units = only_layers(self.model).layers[-1].units.bit_length()
        fixed = self.options.score_bits
        most = min(_WIDEST, (_SCORE_BITS - units) // 2) if fixed is None else fixed
        more = [m for m in _MORE if fixed is None and 2 * most + m + units <= _SCORE_BITS]
        return [
            Widths(most, most, longest_index(most)),
            *(Widths(most, most + m, LONGEST_INDEX) for m in more),
        ]

    def narrower(self, partial: PartialLayers, widest: Widths) -> Sequence[Widths]:
        """Return values and weights of one width, none where values had to be wider."""
        if self.options.score_bits is not None or widest.value > widest.score:
            return []
        return [Widths(bits, bits, longest_index(bits)) for bits in range(_NARROWEST, widest.score)]

    def shown(self, model: QuantisedModel, widths: Widths) -> tuple[int, int]:
        """Return the width of values."""
        return widths.value, max(model.feature_bits)

    def refined(
        self, found: Found[PartialLayers], attempt: Attempt[PartialLayers]
    ) -> Found[PartialLayers]:
        """Return `found` with the index of its tables as short as the budget allows."""
        for index in reversed(range(2, found.widths.table_index)):
            shorter = attempt(found.partial, found.widths._replace(table_index=index))
            if not shorter.kept:
                break
            found = shorter._replace(trials=(*found.trials[:-1], *shorter.trials))
        return found

    def cost(self, model: QuantisedModel) -> float:
        """Return the bits of memory, and of a row's features."""
        memories = model.nodes[0].memories.values()
        size = sum(words * width for words, width in memories) + sum(model.feature_bits)
        return size
