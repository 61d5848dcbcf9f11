"""What a reader of trees hands back: the float IR, and how to ask the library the same."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from locgen.frontends.preprocessing import Preprocessing
from locgen.ir.float import FloatTree, FloatUnit
from locgen.ir.model import Model

__all__ = ["Oracle", "Part", "Reading", "scaled", "weighted_part"]

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
    """A model as read, whom to compare it with, and the preprocessing that stands before that."""

    model: Model
    oracle: Oracle
    preprocessing: Preprocessing | None = None


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
    trees, units = (
        tuple(
            replace(node, outputs=tuple(outputs[output] for output in node.outputs))
            for node in nodes
        )
        for nodes in (scaled(model.trees, factor), _scaled_units(model.units, factor))
    )
    return Part(trees, units, base)


def _scaled_units(units: tuple[FloatUnit, ...], factor: float) -> tuple[FloatUnit, ...]:
    """Return `units` with all that they add times `factor`."""
    if factor == 1.0:
        return units
    return tuple(
        replace(unit.projected(factor * np.eye(len(unit.outputs))), outputs=unit.outputs)
        for unit in units
    )
