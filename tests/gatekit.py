"""Random sparse mixtures in integers."""

from dataclasses import replace

import numpy as np
from modelkit import random_model, random_tree

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
