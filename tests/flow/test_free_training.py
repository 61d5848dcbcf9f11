"""Tests of the recipes that train for the gates (benchmarks/density)."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris

import locgen

xgboost = pytest.importorskip("xgboost")
BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS / "density"))
    monkeypatch.syspath_prepend(str(BENCHMARKS))


@pytest.fixture
def rows():
    x, y = load_iris(return_X_y=True)
    return np.round(x * 2), y


def test_oblivious_trees_are_the_same_as_boosters_and_in_golden(rows):
    from oblivious import Oblivious, literals

    x, y = rows
    trainer = Oblivious(3, trees=4, depth=3, step=0.5, rows=300).fit(x, y, literals(x, 4, 0.02))
    assert np.mean(trainer.predict(x) == y) > 0.95
    estimator = trainer.booster()
    assert np.array_equal(estimator.predict(x), trainer.predict(x))
    design = locgen.compile(
        estimator, data=(x, x, y, y), feature_kind="identity", missing="refuse", answer="decision"
    )
    assert np.array_equal(design.predict(x), trainer.predict(x))
    assert {score for node in design.model.nodes for (score,) in node.leaf_scores} == {0, 1}


def test_the_same_seed_grows_the_same_trees(rows):
    from oblivious import Oblivious, literals

    x, y = rows
    asked = literals(x, 4, 0.02)
    first, again, other = (
        Oblivious(3, trees=2, depth=3, rows=50, questions=0.3, seed=seed).fit(x, y, asked)
        for seed in (0, 0, 1)
    )
    assert np.array_equal(first.asked_, again.asked_)
    assert np.array_equal(first.tables_, again.tables_)
    assert not np.array_equal(first.asked_, other.asked_)


def test_discriminants_have_coefficients_of_one_bit(rows):
    from free import Discriminant

    x, y = rows
    trained = Discriminant(1).train(x, y, 4, 0)
    assert np.isin(np.abs(trained.coef_), (0, 1, 2, 4)).all()
    assert not trained.coef_[1].any() and not trained.intercept_[1]
    assert np.mean(trained.predict(x) == y) > 0.95


@pytest.mark.slow
def test_the_script_measures_iris(tmp_path, monkeypatch):
    import free

    arguments = ["free.py", "--only", "iris", "--seeds", "0", "--out", str(tmp_path)]
    monkeypatch.setattr("sys.argv", arguments)
    free.main()
    (row,) = free.kept(tmp_path / "free.json")
    assert row["accuracy"] > 90 and 0 < row["lut6_paired"] <= row["lut6"] < 57
    assert "BTHOWeN 98 % at 57" in (tmp_path / "free.md").read_text()
