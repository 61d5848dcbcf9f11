"""Free rounding: fewer splits, no leaf moved by a step, nothing outside the budget."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modelkit import random_model
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.model_selection import train_test_split

import locgen
from locgen.errors import BudgetError, ConfigurationError
from locgen.quantise.folding import telling_splits


def folded(node, leaves):
    """Return the number of splits left, by folding equal children until nothing changes."""

    def fold(child):
        if child < 0:
            return leaves[~child], 0
        left, below = fold(node.left[child])
        right, above = fold(node.right[child])
        if left == right:
            return left, below
        return (child, left, right), below + above + 1

    return fold(0)[1] if node.feature else 0


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10_000), values=st.integers(1, 4))
def test_splits_that_tell_different_leaves_apart(seed, values):
    node = random_model(seed, outputs=1, nodes=1, splits=12).nodes[0]
    random = np.random.default_rng(seed)
    leaves = random.integers(values, size=len(node.leaf_scores)).tolist()
    assert len(telling_splits(node, leaves)) == folded(node, leaves)


CASES = {
    "binary": (
        load_breast_cancer,
        GradientBoostingClassifier(n_estimators=12, max_depth=3, random_state=0),
    ),
    "classes": (load_wine, GradientBoostingClassifier(n_estimators=6, max_depth=3, random_state=0)),
    "vectors": (load_digits, RandomForestClassifier(6, max_depth=5, random_state=0)),
}


def splits(design):
    """Return the splits that matter, for each output of each tree."""
    return sum(
        len(telling_splits(node, column))
        for node in design.model.nodes
        for column in zip(*node.leaf_scores, strict=True)
    )


@pytest.mark.parametrize("case", CASES)
def test_fewer_splits_inside_the_same_budget(case):
    load, estimator = CASES[case]
    data = train_test_split(*load(return_X_y=True), test_size=0.3, random_state=0)
    estimator.fit(data[0], data[2])
    nearest = locgen.compile(estimator, data=data, max_changed=2.0)
    free = locgen.compile(estimator, data=data, max_changed=2.0, rounding="free")
    assert splits(free) < splits(nearest)
    chosen = [trial for trial in free.quantisation.trials if trial.kept]
    assert all(trial.changed <= 2.0 for trial in chosen)
    x = np.concatenate([data[0], data[1]])
    assert np.mean(free.predict(x) == estimator.predict(x)) > 0.97
    again = locgen.compile(estimator, data=data, max_changed=2.0, rounding="free")
    assert again.model == free.model


def test_no_leaf_moves_by_a_step():
    load, estimator = CASES["binary"]
    data = train_test_split(*load(return_X_y=True), test_size=0.3, random_state=0)
    estimator.fit(data[0], data[2])
    design = locgen.compile(estimator, data=data, max_changed=2.0, rounding="free")
    steps = 1 / design.model.score_scale[0]
    for node, tree in zip(design.model.nodes, design.loaded.model.trees, strict=True):
        values = dict(zip(tree.leaf_ids, tree.leaf_values[:, 0] * steps, strict=True))
        real = np.array([values[leaf] for leaf in node.leaf_ids])
        found = np.array([score for (score,) in node.leaf_scores])
        away = found - (real - real.min())
        # The output's bias is in one tree, so all of its leaves share an integer.
        assert np.ptp(away) < 2 and np.abs(away - np.rint(away.mean())).max() < 1.5


def test_what_free_rounding_refuses():
    data = train_test_split(*load_diabetes(return_X_y=True), test_size=0.3, random_state=0)
    model = GradientBoostingRegressor(n_estimators=3).fit(data[0], data[2])
    with pytest.raises(ConfigurationError, match="--rounding free searches the scores of class"):
        locgen.compile(model, data=data, rounding="free")
    load, estimator = CASES["binary"]
    data = train_test_split(*load(return_X_y=True), test_size=0.3, random_state=0)
    estimator.fit(data[0], data[2])
    with pytest.raises(ConfigurationError, match="--score-bits where it is given"):
        locgen.compile(estimator, data=data, rounding="free", score_bits=3)
    with pytest.raises(BudgetError, match="no width keeps to the budget"):
        locgen.compile(estimator, data=data, rounding="free", max_changed=0.0, feature_bits=2)
