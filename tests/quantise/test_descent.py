"""Descent: exact over one tree, honest about the rows, thresholds on coarser grids alone."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modelkit import random_model
from sklearn.datasets import load_digits, load_wine
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.model_selection import train_test_split

import locgen
from locgen.ir import Comparison
from locgen.passes.cells import comparison_cells
from locgen.quantise.descent import Descent, coarser
from locgen.quantise.folding import cheapest, telling_splits


@settings(deadline=None, max_examples=80)
@given(seed=st.integers(0, 10_000), price=st.sampled_from([0.0, 0.3, 1.0, 4.0]))
def test_no_rounding_of_one_tree_is_cheaper(seed, price):
    node = random_model(seed, outputs=1, nodes=1, splits=5).nodes[0]
    random = np.random.default_rng(seed)
    low = random.integers(3, size=len(node.leaf_scores))
    choices = [
        {int(value) + up: float(random.integers(0, 9)) for up in (0, 1)[: 1 + random.integers(2)]}
        for value in low
    ]
    prices = [price * float(random.integers(1, 4)) for _ in node.feature]

    def cost(leaves):
        lost = sum(own[leaf] for own, leaf in zip(choices, leaves, strict=True))
        return lost + sum(prices[split] for split in telling_splits(node, leaves))

    found, leaves = cheapest(node, choices, prices)
    every = [cost(list(each)) for each in product(*choices)]
    # A split whose two sides agree is free only where all leaves below it do.
    assert cost(leaves) <= found + 1e-9
    assert min(every) <= found + 1e-9
    if price == 0:
        assert found == pytest.approx(min(every))


@given(threshold=st.integers(0, 254))
def test_thresholds_that_forget_bits(threshold):
    found = coarser(threshold, 255)
    assert threshold in found
    for other in found:
        grids = [n for n in range(4) if (other + 1) % (1 << n) == 0]
        assert other == threshold or any(abs(other - threshold) <= 1 << n for n in grids if n)
    near = coarser(9, 15)
    assert near == (7, 9, 11)  # 8 and 10 are on no coarser grid: q <= 7 forgets three bits


def test_what_comparisons_cost():
    costs = [comparison_cells(Comparison(0, t, False), 4) for t in range(15)]
    assert costs[7] == 0 and costs[3] == costs[11] == 0.6 and costs[6] == 1


@pytest.mark.parametrize("case", ["classes", "vectors", "groups"])
def test_scores_and_changes_are_those_of_the_model(case):
    random = np.random.default_rng(0)
    model = replace(random_model(3, outputs=3, nodes=6, splits=9), bias=(0, 0, 0))
    if case == "vectors":
        assert any(len(node.outputs) > 1 for node in model.nodes)
    else:
        alone = [
            replace(
                node, outputs=(k % 3,), leaf_scores=tuple((row[0],) for row in node.leaf_scores)
            )
            for k, node in enumerate(model.nodes)
        ]
        model = replace(model, nodes=tuple(alone))
    scores_of = [np.array(node.leaf_scores) for node in model.nodes]
    values = [(scores - scores.min(axis=0)) * 0.06 for scores in scores_of]
    q = np.stack([random.integers(f.largest + 1, size=500) for f in model.features], axis=1)
    scores = np.tile(np.array(model.bias, dtype=float), (500, 1))
    for node, value in zip(model.nodes, values, strict=True):
        scores[:, list(node.outputs)] += value[node.leaf_index(q, model.missing_codes)]
    decided = model.decision.evaluate(scores)
    groups = [((0, 1, 2), model.decision, decided)]
    if case == "groups":
        pair = locgen.ir.Argmax(2)
        groups = [((g, 2), pair, pair.evaluate(scores[:, [g, 2]])) for g in (0, 1)]
    descent = Descent(model, values, q.T.copy(), groups, [True] * len(model.features))
    before = descent.changed().mean()
    moved = 0
    for _ in range(3):
        descent.round_leaves(0.05)
        moved += descent.round_thresholds(0.05)
    assert descent.changed().mean() < before
    nodes = tuple(
        replace(
            node,
            threshold=tuple(thresholds),
            leaf_scores=tuple(map(tuple, leaves.tolist())),
        )
        for node, leaves, thresholds in zip(
            model.nodes, descent.rounded, descent.thresholds, strict=True
        )
    )
    after = replace(model, nodes=nodes)
    assert (after.scores(q) == descent.scores.T).all()
    wrong = [decision.evaluate(after.scores(q)[:, list(of)]) != was for of, decision, was in groups]
    assert (np.any(wrong, axis=0) == descent.changed()).all()
    for node, value, leaves in zip(model.nodes, values, descent.rounded, strict=True):
        assert (np.abs(leaves - value) < 1).all(), node
    if case != "vectors":
        assert moved


def test_rank_codes_keep_their_thresholds():
    data = train_test_split(*load_wine(return_X_y=True), test_size=0.3, random_state=0)
    model = GradientBoostingClassifier(n_estimators=6, max_depth=3, random_state=0)
    model.fit(data[0], data[2])
    options = {"data": data, "max_changed": 3.0}
    plain = locgen.compile(model, **options)
    free = locgen.compile(model, rounding="free", **options)
    for one, other in zip(plain.model.nodes, free.model.nodes, strict=True):
        assert one.threshold == other.threshold


def test_thresholds_of_integers_move():
    x, y = load_digits(return_X_y=True)
    data = train_test_split(x, y, test_size=0.3, random_state=0)
    model = RandomForestClassifier(5, max_depth=4, random_state=0).fit(data[0], data[2])
    boosted = GradientBoostingClassifier(n_estimators=4, max_depth=3, random_state=0)
    boosted.fit(data[0], data[2])
    moved = []
    for estimator in (model, boosted):
        options = {"data": data, "max_changed": 4.0, "feature_kind": "identity"}
        plain = locgen.compile(estimator, **options)
        free = locgen.compile(estimator, rounding="free", **options)
        pairs = [
            (was, now, plain.model.features[feature].largest)
            for one, other in zip(plain.model.nodes, free.model.nodes, strict=True)
            for feature, was, now in zip(one.feature, one.threshold, other.threshold, strict=True)
        ]
        assert all(now in coarser(was, largest) for was, now, largest in pairs)
        moved.append(sum(was != now for was, now, _ in pairs))
    assert moved[0] == 0 < moved[1]  # trees of several outputs keep theirs
