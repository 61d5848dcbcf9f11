"""Options of the passes, the services that they use, and their results."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Generic, Literal, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from locgen.ir import Feature, Model, QuantisedModel

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["Change", "Condense", "Context", "Dataset", "Evaluator", "Fabric", "Passed"]

Condense = Literal["none", "edited", "condensed"]
Fabric = Literal["direct", "tree"]
M = TypeVar("M", Model, QuantisedModel)


@dataclass(frozen=True)
class Dataset:
    """Training and test rows: the search sees the training rows alone.

    Members
    -------
    x_train, x_test : (rows, features) float64
    y_train, y_test : (rows,) labels, or (rows,) or (rows, outputs) regression targets
    frame_train, frame_test : the same rows in the user's own columns, in the model's order and with
        the user's names and types; None where there were arrays or no names
    answers_train : what the library's predict answers for the training rows; None if not called
    """

    x_train: NDArray[np.float64]
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    frame_train: "DataFrame | None" = None
    frame_test: "DataFrame | None" = None
    answers_train: np.ndarray | None = None

    @property
    def test_rows(self) -> "np.ndarray | DataFrame":
        """The test rows as the user has them, for the library."""
        return self.x_test if self.frame_test is None else self.frame_test


class Evaluator(Protocol):
    """Comparison of answers with those of a float model on fixed rows.

    Members
    -------
    x : (rows, columns) training rows, then blends of them, or synthetic rows without data
    labelled : number of leading rows whose label is known
    float_scores : (rows, outputs) of the float model
    """

    x: NDArray[np.float64]
    labelled: int
    float_scores: NDArray[np.float64]

    def drop(self, answers: NDArray[np.generic]) -> float | None:
        """Return the points that `answers` to the labelled rows lose, None if unknown."""

    def changed(self, answers: NDArray[np.generic]) -> float:
        """Return the percentage of `answers` to all rows that differ."""

    def worth(self, answers: NDArray[np.generic], targets: NDArray[np.generic]) -> float | None:
        """Return the accuracy, or R2, of `answers` (rows,); None where R2 says nothing."""


class Change(Protocol):
    """What a pass changed, for the report; `name` is its member of a `Quantisation`."""

    name: ClassVar[str]


class Passed(NamedTuple, Generic[M]):
    """A model behind a pass or several, and what they changed where a report says so."""

    model: M
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Context:
    """Options and services.

    Members
    -------
    refuse_missing, condense, prune : passes that the user asks for
    max_accuracy_drop : budget in points of accuracy, for regression in hundredths of R2
    max_changed : percentage of decisions that may change, None for a share of the budget
    data : training and test rows, None without
    evaluator, features : for a float model, its evaluator and its feature quantisers
    answer : scores and decision at the ports, or the decision alone
    fabric : what the integer model is prepared for
    """

    refuse_missing: bool = False
    condense: Condense = "none"
    prune: bool = False
    max_accuracy_drop: float = 0.5
    max_changed: float | None = None
    data: Dataset | None = None
    evaluator: Callable[[Model], Evaluator] | None = None
    features: Callable[[Model], tuple[Feature, ...]] | None = None
    answer: Literal["scores", "decision"] = "scores"
    fabric: Fabric = "direct"
