"""Results of readers: the float IR, and the library's own answers to compare it with."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import sklearn
from sklearn.base import BaseEstimator

from locgen.frontends.preprocessing import Preprocessing
from locgen.ir.float import FloatTree, FloatUnit
from locgen.ir.model import Model, SplitRule

__all__ = [
    "Decided",
    "Extend",
    "Fitted",
    "Oracle",
    "Part",
    "Probability",
    "Read",
    "Reading",
    "common_settings",
    "product_of",
    "scaled",
    "weighted_part",
]

Fitted = Any
"""A part of a fitted estimator, of a library without types."""
Decided = Literal["argmax", ">=", ">", "identity"]
"""How a `Model` decides by its scores alone."""
Probability = Literal["mean", "sigmoid", "sigmoid2", "softmax", "none"]
"""How the host turns raw scores into probabilities, see `Model`."""
Evaluate = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Oracle:
    """The library's own answers for what preprocessing hands to it, (rows, features) float64.

    Members
    -------
    scores : raw scores (rows, outputs) on the model's scale; None where the library shows none
    leaves : the library's number of the leaf of each tree (rows, trees); None where it tells none
    probabilities : (rows, classes), where the model's are computed from raw scores by a formula
    labels : what the library predicts (rows,) or (rows, targets), compared wherever rounding cannot
        excuse it
    tolerance : of the largest score there can be: sums in another order or in float32
    """

    scores: Evaluate | None
    leaves: Evaluate | None = None
    probabilities: Evaluate | None = None
    labels: Evaluate | None = None
    tolerance: float = 1e-9


@dataclass(frozen=True)
class Reading:
    """A model as read.

    Members
    -------
    model : its float IR
    oracle : what to compare it with; None where its reader has compared it
    preprocessing : what stands before the oracle; None for that before the whole model
    predict : the library's public predict for rows or a frame; None for the estimator's own
    predicts_probabilities : whether that predict gives probabilities, of which labels are made here
    float32, sparse : whether the rows that predict is given are float32, or sparse matrices
    remark : what its user may not know of it, such as trees that are not used; "" for nothing
    """

    model: Model
    oracle: Oracle | None
    preprocessing: Preprocessing | None = None
    predict: Evaluate | None = None
    predicts_probabilities: bool = False
    float32: bool = False
    sparse: bool = False
    remark: str = ""


class Read(Protocol):
    """Reads members, behind `preprocessing` or as models of their own, which are compared."""

    def __call__(
        self, estimator: BaseEstimator, preprocessing: Preprocessing | None = None
    ) -> Reading:
        """Return what was read of a fitted estimator, or of a pipeline that ends in one."""
        ...


Extend = Callable[[Preprocessing, BaseEstimator, str], Preprocessing]
"""From preprocessing, a fitted transformer and its name to both, one after the other."""


def common_settings(
    last: BaseEstimator,
    preprocessing: Preprocessing,
    missing: bool,
    dtype: Literal["float32", "float64"],
) -> dict[str, Any]:
    """Return the members of `Model` that all of scikit-learn's families set in the same way."""
    return {
        "family": type(last).__name__,
        "library": f"scikit-learn {sklearn.__version__}",
        "feature_names": preprocessing.names,
        "rule": SplitRule(
            operator="<=", input_dtype=dtype, missing=missing or preprocessing.imputes
        ),
        "memberships": tuple(preprocessing.memberships.found),
    }


def scaled(trees: tuple[FloatTree, ...], factor: float) -> tuple[FloatTree, ...]:
    """Return `trees` with all leaf values times `factor`."""
    return tuple(replace(tree, leaf_values=tree.leaf_values * factor) for tree in trees)


class Part(NamedTuple):
    """What a member adds: trees and units on the ensemble's outputs, and constants (outputs,)."""

    trees: tuple[FloatTree, ...]
    units: tuple[FloatUnit, ...]
    base: np.ndarray


def weighted_part(model: Model, outputs: tuple[int, ...], count: int, factor: float) -> Part:
    """Return a member's nodes and base (count,) on the outputs of the ensemble it belongs to.

    Parameters
    ----------
    outputs : for each output of `model` the ensemble's
    count : outputs of the ensemble
    factor : the member's weight
    """
    base = np.zeros(count)
    np.add.at(base, list(outputs), np.array(model.base) * factor)

    def placed(own: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(outputs[output] for output in own)

    return Part(
        tuple(replace(tree, outputs=placed(tree.outputs)) for tree in scaled(model.trees, factor)),
        tuple(
            replace(unit, outputs=placed(unit.outputs))
            for unit in _scaled_units(model.units, factor)
        ),
        base,
    )


def product_of(unit: FloatUnit) -> np.ndarray:
    """Return the coefficients (features, len(outputs)) of a unit that is known to be no more."""
    product = unit.dot_product
    assert product is not None
    return product


def _scaled_units(units: tuple[FloatUnit, ...], factor: float) -> tuple[FloatUnit, ...]:
    """Return `units` with all that they add times `factor`."""
    if factor == 1.0:
        return units
    return tuple(
        replace(unit.projected(factor * np.eye(len(unit.outputs))), outputs=unit.outputs)
        for unit in units
    )
