"""Ensembles whose last sums are over functions of their members' scores, as one model.

What is a weighted sum of the members' own scores becomes part of the sum. The rest stands behind
the members' scores, as a model of its own.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from locgen.errors import ModelFileError
from locgen.frontends.member_outputs import MemberOutputs, mixed_model
from locgen.frontends.members import merged, part_of
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.reading import Part
from locgen.ir.decisions import Scale
from locgen.ir.float import FloatLinear, FloatTree, FloatUnit
from locgen.ir.model import FloatCascade, Model, SplitRule

__all__ = ["combined", "second_stage", "with_second_stage"]


def combined(
    last: BaseEstimator,
    preprocessing: Preprocessing,
    member_outputs: Sequence[MemberOutputs],
    matrix: np.ndarray,
    base: np.ndarray,
    more: Sequence[Model] = (),
    **settings: Any,
) -> Model:
    """Return the model of the scores ``columns @ matrix + base``.

    Parameters
    ----------
    member_outputs : columns of the members, one after the other
    matrix : (columns, outputs); base : (outputs,)
    more : models over the raw columns that add to the outputs besides
    settings : members of `Model` that scikit-learn's families do not set in the same way
    """
    count = len(base)
    if len(matrix) != sum(each.columns for each in member_outputs):
        raise ModelFileError(f"{type(last).__name__} reads other columns than its members tell")
    own, start = [], 0
    for each in member_outputs:
        own.append(each.mixed(matrix[start : start + each.columns]))
        start += each.columns
    constant = np.sum([base, *(each.constant for each in own)], axis=0)
    hidden = [each for each in own if each.nodes]
    straight = [mixed_model(e.model, e.straight) for e in own if not e.nodes and e.straight.any()]
    straight += more
    members = [each.model for each in member_outputs]
    if not hidden:
        parts = [part_of(model, tuple(range(count)), count) for model in straight]
        parts.append(Part((), (), constant))
        return merged(last, preprocessing, parts, [*members, *more], **settings)
    first = count if straight else 0
    return with_second_stage(
        last, preprocessing, straight, hidden, first, constant, members, more, **settings
    )


def with_second_stage(
    last: BaseEstimator,
    preprocessing: Preprocessing,
    straight: Sequence[Model],
    hidden: Sequence[MemberOutputs],
    first: int,
    constant: np.ndarray,
    members: Sequence[Model],
    more: Sequence[Model] = (),
    outranks: bool = False,
    **settings: Any,
) -> Model:
    """Return members side by side and what stands behind their scores.

    Parameters
    ----------
    straight : models that add to the outputs; first : number of those, 0 without such models
    hidden : columns here are outputs
    constant : (outputs,) added to all that
    outranks : see `FloatCascade`
    settings : of the model behind the scores: task, classes and decision
    """
    count = len(constant)
    total = first + sum(each.model.outputs for each in hidden)
    parts = [part_of(model, tuple(range(first)), total) for model in straight]
    scales = [Scale(tuple(range(first)), True)] if first else []
    trees: list[FloatTree] = []
    units: list[FloatUnit] = []
    if first:
        units.append(FloatLinear(np.eye(total, first) @ np.eye(first, count), tuple(range(count))))
    sums = np.zeros((total, count))
    place = first
    for each in hidden:
        own = tuple(range(place, place + each.model.outputs))
        place += each.model.outputs
        parts.append(part_of(each.model, own, total))
        if each.relative:
            scales.append(Scale(own, False))
        elif not outranks:
            scales += [Scale((output,), True) for output in own]
        sums[list(own)] += each.straight
        for node in each.nodes:
            found = node.reindexed(own, total)
            if isinstance(found, FloatTree):
                trees.append(found)
            else:
                units.append(found)
    if outranks:
        scales = [Scale(tuple(range(total)), True)]
    if sums.any():
        units.append(FloatLinear(sums, tuple(range(count))))
    behind = second_stage(last, total, trees, units, constant, **settings)
    decision = FloatCascade(behind, tuple(scales), outranks)
    labels = {"task": settings["task"], "classes": settings["classes"]}
    return merged(last, preprocessing, parts, [*members, *more], decision=decision, **labels)


def second_stage(
    last: BaseEstimator,
    scores: int,
    trees: Sequence[FloatTree],
    units: Sequence[FloatUnit],
    base: np.ndarray,
    **settings: Any,
) -> Model:
    """Return the model over `scores` raw scores that `trees` and `units` make up."""
    return Model(
        family=f"the last estimator of {type(last).__name__}",
        library="locgen",
        feature_names=tuple(f"score {number}" for number in range(scores)),
        trees=tuple(trees),
        units=tuple(units),
        base=tuple(np.asarray(base, dtype=np.float64).tolist()),
        rule=SplitRule(operator="<=", input_dtype="float64", missing=False),
        **settings,
    )
