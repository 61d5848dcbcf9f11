"""The contract between the search for widths and a family of models whose widths it searches."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import ClassVar, Generic, NamedTuple, Protocol, TypeVar

import numpy as np

from locgen.errors import ConfigurationError
from locgen.ir import Feature, Model, QuantisedModel
from locgen.quantise.evaluator import Evaluator
from locgen.quantise.options import QuantiseOptions
from locgen.quantise.ranges import check_ranges
from locgen.quantise.trials import Limit, Quantisation, Trial, limits_of
from locgen.quantise.unitfeatures import ArithmeticFeatures

__all__ = ["Attempt", "Found", "ModelLowering", "PartialModel", "PartialT", "Widths"]


class Widths(NamedTuple):
    """Bits of a candidate.

    Members
    -------
    score : of what adds up to scores: leaves, entries of tables, weights
    value, table_index : of a layer's values, and of the index of the table that gives them
    second_stage : of the nodes that read scores
    """

    score: int
    value: int = 0
    table_index: int = 0
    second_stage: int = 0


class PartialModel(Protocol):
    """A model whose features are chosen, and nothing else is rounded yet."""

    @property
    def features(self) -> tuple[Feature, ...]:
        """The quantisers."""

    def of_widths(self, widths: Widths, name: str) -> QuantisedModel:
        """Return the integer model."""

    def scores(self, model: QuantisedModel) -> np.ndarray:
        """Return integer scores (rows, outputs) that one of the models gives the rows."""


PartialT = TypeVar("PartialT", bound=PartialModel)


class Found(NamedTuple, Generic[PartialT]):
    """A candidate, the widths and the partial model behind it, and the trials that led there."""

    partial: PartialT
    widths: Widths
    model: QuantisedModel
    trials: tuple[Trial, ...]

    @property
    def kept(self) -> bool:
        """Whether the candidate keeps the budget."""
        return self.trials[-1].kept


Attempt = Callable[[PartialT, Widths], Found[PartialT]]
"""What makes a candidate and tries it; it has its one trial."""


class ModelLowering(ABC, Generic[PartialT]):
    """How a family of models becomes integers, and which widths are worth a trial.

    Members
    -------
    more_features : feature widths tried beyond the first that keeps the budget
    hopeless : percent of decisions that the widest scores may change, if they do not keep the
        budget, for narrower ones to be tried: one of them may by chance be exact

    Parameters
    ----------
    model : merged
    x_train : raw training rows (rows, columns), None without data
    """

    more_features: ClassVar[int] = 0
    hopeless: ClassVar[float] = -1.0

    def __init__(
        self,
        model: Model,
        name: str,
        options: QuantiseOptions,
        evaluator: Evaluator,
        x_train: np.ndarray | None,
    ) -> None:
        self.model, self.name, self.options = model, name, options
        self.evaluator, self.x_train = evaluator, x_train

    @cached_property
    def quantisers(self) -> ArithmeticFeatures:
        """The quantisers of a model that computes with sizes, of any width."""
        kind = self.options.feature_kind
        return ArithmeticFeatures(self.model, kind, self.x_train, self.evaluator.x)

    def check(self) -> None:
        """Raise ConfigurationError where an option has no meaning for the model."""
        if self.options.feature_kind == "rank" and self.model.range_features:
            raise ConfigurationError(
                f"{self.model.family} computes with its features' sizes, ranks do not tell them: "
                "use --feature-kind affine"
            )
        check_ranges(self.model, self.x_train)

    def limits(self) -> tuple[Limit, ...]:
        """Return what candidates are held to, the strictest first."""
        return limits_of(self.options)

    @property
    def feature_widths(self) -> Iterable[int]:
        """Feature widths to try, rising, where the user fixes none."""
        return range(1, 2)

    @abstractmethod
    def features(self, bits: int) -> tuple[Feature, ...]:
        """Return a quantiser of about `bits` bits for each feature."""

    @abstractmethod
    def partial(self, features: tuple[Feature, ...]) -> PartialT:
        """Return the model over the codes of `features`."""

    @abstractmethod
    def widest(self, partial: PartialT) -> Sequence[Widths]:
        """Return the widest widths, and others in their place while none keeps the budget."""

    def narrower(self, partial: PartialT, widest: Widths) -> Sequence[Widths]:
        """Return what to try below `widest`, rising."""
        if self.options.score_bits is not None:
            return []
        return [
            widest._replace(score=bits) for bits in range(self.narrowest(partial), widest.score)
        ]

    def narrowest(self, partial: PartialT) -> int:
        """Return the narrowest scores to try."""
        return 1

    def shown(self, model: QuantisedModel, widths: Widths) -> tuple[int, int | None]:
        """Return score bits and feature bits as the user reads them."""
        return widths.score, max(model.feature_bits)

    def cost(self, model: QuantisedModel) -> float:
        """Return by what models of different feature widths are compared."""
        return 0.0

    def rounded_freely(self) -> Quantisation | None:
        """Return the model rounded by descent, where the user asks and the family can."""
        return None

    def refined(self, found: Found[PartialT], attempt: Attempt[PartialT]) -> Found[PartialT]:
        """Return what is kept of some features with all else narrower too."""
        return found

    def narrowed(self, found: Found[PartialT], attempt: Attempt[PartialT]) -> Found[PartialT]:
        """Return the best that is kept with narrower features."""
        return found
