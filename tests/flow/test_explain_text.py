"""Evidence in words: conditions that hold for the row, and numbers that amount to its scores."""

import re

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestCentroid
from sklearn.tree import DecisionTreeRegressor

import locgen
from locgen.flow.explain_text import reasons_of, sentences

X, Y = load_iris(return_X_y=True)
HOLES = np.where(np.random.default_rng(0).random(X.shape) < 0.2, np.nan, X)


def holds(condition: str, row: np.ndarray, names: list[str]) -> bool:
    """Check a condition as a reader would."""
    parts = re.fullmatch(r"(?:(\S+) < )?(.+?)(?: <= (\S+))?(?: is (missing|there))?", condition)
    low, name, high, said = parts.groups()
    value = row[names.index(name)]
    if said:
        return np.isnan(value) == (said == "missing")
    low, high = (float(t) if t else None for t in (low, high))
    return (low is None or value > low - 1e-4) and (high is None or value <= high + 1e-4)


@pytest.mark.parametrize(("model", "x", "y"), [
    (RandomForestClassifier(8, max_depth=4, random_state=0), X, Y),
    (HistGradientBoostingClassifier(max_iter=5, max_depth=3), HOLES, Y),
    (DecisionTreeRegressor(max_depth=4), *load_diabetes(return_X_y=True)),
    (LogisticRegression(max_iter=500), X, Y),
    (NearestCentroid(), X, Y),
])  # fmt: skip
def test_reasons_hold_and_add_up(model, x, y):
    design = locgen.compile(model.fit(x, y), data=(x, y))
    rows = x[::9]
    told = reasons_of(design, rows, design.explain(rows))
    names = [feature.name for feature in design.model.features]
    checked = 0
    for number, facts in enumerate(told):
        total = np.array(facts["bias"])
        for reason in facts["reasons"]:
            total = total + np.array(reason["adds"])
            if reason["kind"] == "tree" and ": " in reason["because"]:
                for condition in reason["because"].partition(": ")[2].split(" and "):
                    assert holds(condition, rows[number], names), condition
                    checked += 1
        assert total.tolist() == facts["scores"]
        assert facts["answer"] == np.asarray(design.predict(rows)[number]).tolist()
        adds = [max(map(abs, reason["adds"])) for reason in facts["reasons"]]
        assert adds == sorted(adds, reverse=True)
        assert len(sentences(facts)) <= 8
    assert checked > 20 or design.model.nodes[0].kind != "tree"


def test_text_of_a_single_split():
    x, y = np.array([[1.0], [2.0], [3.0], [4.0]]), np.array(["low", "low", "high", "high"])
    from sklearn.tree import DecisionTreeClassifier

    design = locgen.compile(DecisionTreeClassifier().fit(x, y))
    (told,) = reasons_of(design, x[:1], design.explain(x[:1]))
    lines = sentences(told)
    assert lines[0] == "row 0: low"
    assert re.fullmatch(r"  tree 0: [+-]\d+, leaf 1: x0 <= 2.5", lines[2]), lines
