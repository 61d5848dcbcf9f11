"""Nodes that add up features become trees with the same scores, for every input."""

import itertools

import numpy as np
import pytest
from nodekit import random_nodes_model

from locgen.errors import ConfigurationError
from locgen.ir import TreeNode
from locgen.plan.tabulate import tabulate

KINDS = [("table",), ("linear",), ("l1",), ("l2",), ("tree", "table", "linear", "l2")]


def every_row(model):
    """Return all inputs where there are few, else 20,000 random ones."""
    sizes = [1 << bits for bits in model.feature_bits]
    if np.prod(sizes, dtype=float) <= 20_000:
        return np.array(list(itertools.product(*map(range, sizes))), dtype=np.int64)
    random = np.random.default_rng(0)
    return np.stack([random.integers(size, size=20_000) for size in sizes], axis=1)


@pytest.mark.parametrize("kinds", KINDS, ids="-".join)
@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("seed", range(4))
def test_scores_stay_the_same(kinds, outputs, seed):
    model = random_nodes_model(seed, kinds, outputs)
    trees = tabulate(model)
    assert all(isinstance(node, TreeNode) for node in trees.nodes)
    rows = every_row(model)
    assert np.array_equal(trees.scores(rows), model.scores(rows))
    for node in trees.nodes:
        if len(set(node.feature)) == 1:  # a search over the codes of one feature
            assert node.depth <= model.features[node.feature[0]].bits


def test_forests_are_left_alone():
    model = random_nodes_model(1, ("tree",), 2)
    assert tabulate(model) is model


@pytest.mark.parametrize("kind", ["linf"])
def test_what_is_no_sum_over_features_is_refused(kind):
    model = random_nodes_model(3, (kind,), 2)
    assert any(len(term.features) > 1 for node in model.nodes for term in node.terms)
    with pytest.raises(ConfigurationError, match="terms of one feature each"):
        tabulate(model)
