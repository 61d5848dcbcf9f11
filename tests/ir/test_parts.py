"""Rows parted by splits reach the leaves that rows followed one by one reach."""

import numpy as np
import pytest

import locgen.ir.float.tree as module
from locgen.ir import FloatTree


@pytest.mark.parametrize("seed", range(6))
def test_both_ways_agree(seed, monkeypatch):
    random = np.random.default_rng(seed)
    splits = int(random.integers(1, 12))
    slots, children, leaves = [], [[0, 0] for _ in range(splits)], 0
    for split in range(splits):
        if slots:
            parent, side = slots.pop(random.integers(len(slots)))
            children[parent][side] = split
        slots += [(split, 0), (split, 1)]
    for parent, side in slots:
        children[parent][side] = ~leaves
        leaves += 1
    tree = FloatTree(
        feature=random.integers(4, size=splits),
        cut=random.integers(5, size=splits).astype(float),
        missing_left=random.integers(2, size=splits).astype(bool),
        left=np.array([c[0] for c in children]),
        right=np.array([c[1] for c in children]),
        leaf_values=np.zeros((leaves, 1)),
        leaf_ids=np.arange(leaves),
        outputs=(0,),
    )
    x = random.integers(6, size=(64 * splits, 4)).astype(float)
    x[random.random(x.shape) < 0.2] = np.nan
    parted = tree.leaf_index(x)
    monkeypatch.setattr(module, "_MANY_ROWS", 1 << 30)
    assert (tree.leaf_index(x) == parted).all()
    assert len(np.unique(parted)) > 1
