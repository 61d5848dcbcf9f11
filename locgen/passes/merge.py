"""Merging of two scores that are only compared with each other into their difference."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from locgen.ir import Argmax, FloatTree, Group, Model, MultiOutput, Threshold, Votes
from locgen.passes.context import Context, Passed

__all__ = ["run"]


def run(model: Model, context: Context) -> Passed[Model]:
    """Return a model with a single score where two classes are compared by argmax.

    The argmax of (p0, p1), ties to class 0, is the sign of p1 - p0: half the scores to carry.
    Prototypes stay apart: each has the score of its own class. So do votes, which are whole so.
    """
    return Passed(_merged(model))


def _merged(model: Model) -> Model:
    if isinstance(model.decision, Votes | MultiOutput):
        return _merge_groups(model, model.decision)
    stage = model.second_stage
    if stage is not None:
        return replace(model, decision=replace(stage, model=_merged(stage.model)))
    if model.decision != "argmax" or model.outputs != 2:
        return model
    if not all(unit.can_merge for unit in model.units):
        return model
    difference = np.array([[-1.0], [1.0]])
    units = tuple(unit.projected(difference[list(unit.outputs)]) for unit in model.units)
    trees = tuple(_with_outputs(tree, difference) for tree in model.trees)
    base = (model.base[1] - model.base[0],)
    expert_base = tuple((second - first,) for first, second in model.expert_base)
    # A sigmoid of the difference is what a softmax of the two comes to.
    probability = "sigmoid" if model.probability == "softmax" else model.probability
    return replace(
        model,
        trees=trees,
        units=units,
        base=base,
        expert_base=expert_base,
        decision=">",
        probability=probability,
    )


def _with_outputs(tree: FloatTree, matrix: NDArray[np.float64]) -> FloatTree:
    """Return `tree` with the outputs of scores @ `matrix` (outputs, new outputs)."""
    rows = matrix[list(tree.outputs)]
    outputs = np.flatnonzero(rows.any(axis=0))
    return replace(tree.projected(rows[:, outputs]), outputs=tuple(outputs.tolist()))


def _merge_groups(model: Model, decision: Votes | MultiOutput) -> Model:
    """Return a model in which groups that compare two scores compare their difference with 0."""
    if model.units:
        return model
    columns: list[NDArray[np.float64]] = []
    groups: list[Group] = []
    for group in decision.groups:
        first = len(columns)
        own = np.eye(model.outputs)[list(group.scores)]
        if group.decision == Argmax(2):
            columns.append(own[1] - own[0])
            groups.append(Group((first,), Threshold(">")))
        else:
            columns.extend(own)
            groups.append(replace(group, scores=tuple(range(first, len(columns)))))
    matrix = np.stack(columns, axis=1)
    return replace(
        model,
        trees=tuple(_with_outputs(tree, matrix) for tree in model.trees),
        base=tuple((np.array(model.base) @ matrix).tolist()),
        decision=replace(decision, groups=tuple(groups)),
    )
