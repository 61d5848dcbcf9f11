"""Sparse mixtures in integers: the gate, and what each expert adds whatever its leaves say."""

from dataclasses import replace

import numpy as np

from locgen.ir import FloatGate, Gate, Model, TreeNode, highest

__all__ = ["constants_of", "integer_gate"]


def integer_gate(gate: FloatGate, splits: TreeNode) -> Gate:
    """Return the gate whose tree has the integer `splits`: 1 in a leaf opens an expert.

    No rounding: routes are those of the float gate wherever the features' codes are exact.

    Parameters
    ----------
    splits : leaf scores are leaf numbers of the float tree
    """
    mask = highest(gate.tree.leaf_values, gate.top_k).astype(int)
    rows = tuple(tuple(int(v) for v in mask[leaf]) for (leaf,) in splits.leaf_scores)
    experts = mask.shape[1]
    node = replace(splits, leaf_scores=rows, outputs=tuple(range(experts)))
    return Gate((node,), (0,) * experts, gate.top_k)


def constants_of(model: Model, lows: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return what all rows get (outputs,), and what each open expert adds (experts, outputs).

    Parameters
    ----------
    lows : for each tree the lowest value on each of its outputs
    """
    groups = model.experts or (range(len(model.trees)),)
    sums = np.zeros((len(groups), model.outputs))
    for number, members in enumerate(groups):
        for tree in members:
            np.add.at(sums[number], list(model.trees[tree].outputs), lows[tree])
    if model.gate is None:
        return sums[0], np.zeros((0, model.outputs))
    common = sums.min(axis=0)
    return model.gate.top_k * common, sums - common
