"""A broken leaf is found from the answers it spoils."""

import numpy as np
from modelkit import random_codes, random_model

from locgen.verify.fault_localisation import localise_fault


def test_the_broken_leaf_is_named():
    tried = 0
    for seed in range(12):
        model = random_model(seed, features=6, nodes=5, splits=7)
        q = random_codes(model, 400, seed)
        number = seed % 5
        node = model.nodes[number]
        leaves = node.leaf_index(q, model.missing_codes)
        broken = int(np.bincount(leaves).argmin()) if leaves.max() else 0
        wrong = np.flatnonzero(leaves == broken)[:20]
        if len(wrong) < 5 or len(node.leaf_scores) < 3:
            continue
        tried += 1
        found = localise_fault(model, q[: wrong[-1] + 1], list(wrong))
        assert found.startswith(f"node {number}, leaf {node.leaf_ids[broken]} ")
        assert f"(in {len(wrong)} of {len(wrong)} wrong and 0 right answers)" in found
    assert tried >= 4
