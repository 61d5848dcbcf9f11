"""Random sparse mixtures in integers."""

from dataclasses import replace

import numpy as np
from modelkit import random_model, random_tree
from nodekit import node_model, random_node, tree_over

from locgen.ir import Gate


def random_mixture(
    seed, experts=3, top_k=1, nodes_each=(1, 3), gate="mask", gate_splits=6, **shape
):
    """Return a random gated model; its nodes lie in any order.

    `gate` is ``"mask"`` for a tree of masks, or ``"scores"`` for trees and a bias to be ranked,
    with many ties.
    """
    random = np.random.default_rng(seed)
    counts = random.integers(nodes_each[0], nodes_each[1] + 1, size=experts)
    outputs = shape.get("outputs", 1)
    while counts.sum() < outputs:  # every output needs a node
        counts += 1
    model = random_model(seed, nodes=int(counts.sum()), **shape)
    order = [int(number) for number in random.permutation(counts.sum())]
    ends = np.cumsum(counts)
    groups = tuple(
        tuple(sorted(order[end - count : end])) for end, count in zip(ends, counts, strict=True)
    )
    missing = model.rule.missing
    if gate == "mask":
        tree = random_tree(random, model.features, range(experts), gate_splits, missing=missing)
        rows = []
        for _ in tree.leaf_scores:
            row = np.zeros(experts, dtype=int)
            row[random.permutation(experts)[:top_k]] = 1
            rows.append(tuple(int(v) for v in row))
        made = Gate((replace(tree, leaf_scores=tuple(rows)),), (0,) * experts, top_k)
        assert made.is_mask
    else:
        trees = tuple(
            random_tree(random, model.features, range(experts), gate_splits, (-2, 3), missing)
            for _ in range(2)
        )
        made = Gate(trees, tuple(int(b) for b in random.integers(-2, 3, size=experts)), top_k)
    return replace(model, gate=made, experts=groups)


def random_gate(random, kind, widths, experts, top_k):
    """Return a random gate of one ``"tree"``, ``"linear"`` or ``"table"``, or a metric's distances.

    Weights and prototypes lie close together, so that there are ties.
    """
    bias = tuple(int(b) for b in random.integers(-2, 3, size=experts))
    if kind == "tree":
        return Gate((tree_over(random, widths, range(experts)),), bias, top_k)
    if kind in ("linear", "table"):
        return Gate((random_node(random, kind, widths, tuple(range(experts))),), bias, top_k)
    first = random_node(random, kind, widths, (0,))
    nodes = []
    for expert in range(experts):
        codes = tuple(
            min(c + int(random.integers(3)), (1 << (b + first.fraction)) - 1)
            for c, b in zip(first.prototype, first.feature_bits, strict=True)
        )
        nodes.append(replace(first, prototype=codes, outputs=(expert,), prototype_id=expert))
    return Gate(tuple(nodes), bias, top_k)


def random_node_mixture(
    seed, kinds, gate, experts=3, top_k=1, outputs=1, nodes_each=2, decision=None, features=3
):
    """Return a random mixture whose experts have nodes of `kinds` in turn; see `random_gate`."""
    random = np.random.default_rng(seed)
    widths = tuple(int(w) for w in random.integers(0, 6, size=features))
    nodes, groups = [], []
    for expert in range(experts):
        members = []
        for number in range(max(nodes_each, outputs)):
            kind = kinds[(expert + number) % len(kinds)]
            mine = ((expert + number) % outputs,)
            if kind not in ("l1", "l2", "linf", "hamming") and random.integers(2):
                mine = tuple(int(o) for o in random.permutation(outputs))
            if kind == "tree":
                nodes.append(tree_over(random, widths, mine))
            else:
                nodes.append(random_node(random, kind, widths, mine))
            members.append(len(nodes) - 1)
        groups.append(tuple(members))
    bias = tuple(random.integers(-40, 40, size=outputs).tolist())
    model = node_model(nodes, widths, outputs, decision, bias)
    made = random_gate(random, gate, widths, experts, top_k)
    return replace(model, gate=made, experts=tuple(groups))
