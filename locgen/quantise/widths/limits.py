"""How far tables of scores reach before they are cut off."""

from typing import TypeVar

import numpy as np

from locgen.quantise.evaluator import Evaluator
from locgen.quantise.lower import lowering_of
from locgen.quantise.options import QuantiseOptions
from locgen.quantise.partialnodes import PartialNodes

__all__ = ["limited"]

PartialT = TypeVar("PartialT", bound=PartialNodes)

_LIMITS = 96
"""Cuts of a table's range that are tried, each by the square root of 2 further in."""


def limited(partial: PartialT, evaluator: Evaluator, options: QuantiseOptions) -> PartialT:
    """Return `partial` with its tables cut off as far in as an eighth of the budget allows."""
    if partial.model.task == "regression":
        return partial  # every score counts
    tables = [lowering_of(unit).table(unit, partial) for unit in partial.model.units]
    largest = max((float(np.abs(t).max()) for t in tables if t is not None), default=0.0)
    if largest == 0.0:
        return partial
    decided = evaluator.model.decide(evaluator.float_scores)

    def changed(candidate: PartialT) -> float:
        return 100 * float(np.mean(evaluator.model.decide(candidate.shape_scores) != decided))

    allowed = max(changed(partial), options.max_accuracy_drop / 8)
    limits = largest / 2 ** (np.arange(_LIMITS) / 2)
    inside, outside = 0, len(limits)  # a smaller limit changes more, nearly always
    while outside - inside > 1:
        middle = (inside + outside) // 2
        if changed(partial.limited(limits[middle])) <= allowed:
            inside = middle
        else:
            outside = middle
    return partial.limited(limits[inside])
