"""Models for engines: trees alone, and ports that other models fit too."""

from dataclasses import replace

import numpy as np

from locgen.errors import ConfigurationError
from locgen.ir import QuantisedModel, TreeNode

__all__ = ["tabulate", "with_ports"]


def tabulate(model: QuantisedModel) -> QuantisedModel:
    """Return a model with the same scores for all codes that occur, whose nodes are all trees.

    Tables, linear nodes and distances that are sums over features become one tree a feature: a
    search for the code among runs of codes with equal scores, as many steps as the code has bits at
    most. What no feature changes goes to the bias, so a leaf's scores are what the feature adds to
    each output: the sum of its terms in the accounts of all those nodes.

    Raises
    ------
    ConfigurationError
        If a node is no sum over features.
    """
    trees = [node for node in model.nodes if node.walkable]
    others = [node for node in model.nodes if not node.walkable]
    if not others:
        return model
    constant = np.zeros(model.outputs, dtype=np.int64)
    sums: dict[int, np.ndarray] = {}
    for node in others:
        if not node.adds_up:
            raise ConfigurationError(
                f"engines add up terms of one feature each, a {node.kind} node of {model.family} "
                "has none: use --core hardwired"
            )
        outputs = list(node.outputs)
        if not node.features:
            constant[outputs] += node.evaluate(_codes(model, 0, 1), model.missing_codes)[0]
            continue
        constant[outputs] += np.array(node.constant, dtype=np.int64)
        for place, feature in enumerate(node.features):
            q = _codes(model, feature, model.features[feature].largest + 1)
            own_sums = sums.setdefault(feature, np.zeros((len(q), model.outputs), dtype=np.int64))
            own_sums[:, outputs] += node.account(q, model.missing_codes)["terms"][:, place]
    if not sums:
        sums[0] = np.zeros((1, model.outputs), dtype=np.int64)
    tables = [_tree(feature, sums[feature], model.outputs) for feature in sorted(sums)]
    bias = tuple((np.array(model.bias, dtype=np.int64) + constant).tolist())
    return replace(model, nodes=(*trees, *tables), bias=bias)


def with_ports(model: QuantisedModel) -> QuantisedModel:
    """Return `model` for engines: trees alone, and ports that other models fit too.

    All features are equally wide, scores have a spare bit; see `tabulate` for nodes of other kinds.
    Codes get a spare bit as well unless the data are integers already: another training finds other
    thresholds, maybe more.

    Raises
    ------
    ConfigurationError
        If the model accepts missing values, has a gate or a node that `tabulate` refuses.
    """
    if model.gate is not None:
        raise ConfigurationError(
            f"engines compute all their nodes, {model.family} opens some: use --core hardwired"
        )
    model = tabulate(model)
    if model.rule.missing:
        raise ConfigurationError(
            "engines have no code for missing values: add --missing refuse, or use --core hardwired"
        )
    bits = max(max(f.bits for f in model.features), 1)
    bits += not all(feature.takes_integers for feature in model.features)
    return replace(
        model,
        port_feature_bits=(bits,) * len(model.features),
        port_score_bits=model.own_score_bits + 1,
    )


def _codes(model: QuantisedModel, feature: int, count: int) -> np.ndarray:
    """Return `count` rows of codes: those of `feature` from 0 on, 0 for all others."""
    q = np.zeros((count, len(model.features)), dtype=np.int64)
    q[:, feature] = np.arange(count)
    return q


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
