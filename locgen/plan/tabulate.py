"""Nodes that add up one feature's terms, as trees over that feature: what an engine can walk."""

from dataclasses import replace

import numpy as np

from locgen.errors import ConfigurationError
from locgen.ir import QuantisedModel, TreeNode

__all__ = ["tabulate"]


def tabulate(model: QuantisedModel) -> QuantisedModel:
    """Return a model with the same scores for all codes that occur, whose nodes are all trees.

    Tables, linear nodes and distances that are sums over features become one tree a feature: a
    search for the code among runs of codes with equal scores, as many steps as the code has bits at
    most.

    Raises
    ------
    ConfigurationError
        If a node is no sum over features.
    """
    trees = [node for node in model.nodes if isinstance(node, TreeNode)]
    others = [node for node in model.nodes if not isinstance(node, TreeNode)]
    if not others:
        return model
    constant = np.zeros(model.outputs, dtype=np.int64)
    sums: dict[int, np.ndarray] = {}
    for term in (term for node in others for term in node.terms):
        if len(term.features) > 1:
            raise ConfigurationError(
                f"engines add up terms of one feature each, a {term.kind} node of {model.family} "
                "is none: use --core hardwired"
            )
        feature = term.features[0] if term.features else None
        codes = 1 if feature is None else model.features[feature].largest + 1
        q = np.zeros((codes, len(model.features)), dtype=np.int64)
        if feature is not None:
            q[:, feature] = np.arange(codes)
        scores = term.evaluate(q, model.missing_codes)
        target = np.zeros((codes, model.outputs), dtype=np.int64)
        target[:, list(term.outputs)] = scores
        if feature is None:
            constant += target[0]
        else:
            sums[feature] = sums.get(feature, 0) + target
    if not sums:
        sums[0] = np.zeros((1, model.outputs), dtype=np.int64)
    first = min(sums)
    sums[first] = sums[first] + constant
    tables = [_tree(feature, sums[feature], model.outputs) for feature in sorted(sums)]
    return replace(model, nodes=(*trees, *tables))


def _tree(feature: int, scores: np.ndarray, outputs: int) -> TreeNode:
    """Return the tree whose leaf for a code holds ``scores[code]``; equal neighbours share one."""
    starts = [0, *(np.flatnonzero(np.any(np.diff(scores, axis=0), axis=1)) + 1).tolist()]
    threshold: list[int] = []
    children: list[list[int]] = []
    waiting: list[tuple[int, int, int, int]] = [(0, len(starts), -1, 0)]
    while waiting:
        low, high, parent, side = waiting.pop()
        if high - low == 1:
            number = ~low
        else:
            number, middle = len(threshold), (low + high) // 2
            threshold.append(starts[middle] - 1)
            children.append([0, 0])
            waiting += [(middle, high, number, 1), (low, middle, number, 0)]
        if parent >= 0:
            children[parent][side] = number
    return TreeNode(
        feature=(feature,) * len(threshold),
        threshold=tuple(threshold),
        missing_left=(False,) * len(threshold),
        left=tuple(c[0] for c in children),
        right=tuple(c[1] for c in children),
        leaf_scores=tuple(tuple(int(s) for s in scores[start]) for start in starts),
        leaf_ids=tuple(starts),
        outputs=tuple(range(outputs)),
    )
