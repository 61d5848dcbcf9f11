"""Integers in the training rows: averages of rows are answered as the library answers them."""

import csv

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.linear_model import RidgeClassifier
from sklearn.tree import DecisionTreeClassifier

import locgen
from locgen.errors import DataError
from locgen.flow.inputs import load_rows

X, Y = load_digits(return_X_y=True)
SPLIT = (X[:900], X[900:], Y[:900], Y[900:])
AVERAGES = (X[:-1] + X[1:]) / 2


def test_comparisons_of_averages_are_exact():
    model = DecisionTreeClassifier(max_depth=9, random_state=0).fit(*SPLIT[::2])
    design = locgen.compile(model, data=SPLIT)
    assert {feature.kind for feature in design.model.features} == {"rank"}
    assert np.array_equal(design.predict(AVERAGES), model.predict(AVERAGES))


MODELS = {"linear": RidgeClassifier(), "distances": KMeans(10, n_init=1, random_state=0)}


@pytest.mark.parametrize("name", MODELS)
def test_averages_change_less_than_with_integers_where_sizes_count(name):
    model = MODELS[name].fit(*SPLIT[::2])
    answers = (model.predict(SPLIT[0]), model.predict(SPLIT[1]))
    data = (*SPLIT[:2], *answers)
    design = locgen.compile(model, data=data)
    declared = locgen.compile(model, data=data, feature_kind="identity")
    assert {feature.kind for feature in design.model.features} == {"affine"}
    expected = model.predict(AVERAGES)
    changed, rounded = (
        np.mean(golden.predict(AVERAGES) != expected) for golden in (design.model, declared.model)
    )
    assert changed < rounded / 2


def test_declared_integers_are_passed_on_and_fractions_refused(tmp_path):
    model = DecisionTreeClassifier(max_depth=5, random_state=0).fit(*SPLIT[::2])
    design = locgen.compile(model, data=SPLIT, feature_kind="identity")
    assert np.array_equal(design.predict(X), model.predict(X))
    assert design.report.quantisation.encoder == "none"
    with pytest.raises(DataError, match="was declared to hold integers: build with"):
        design.predict(AVERAGES)
    path = tmp_path / "rows.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([[f"x{n}" for n in range(64)], *AVERAGES[:5].tolist()])
    with pytest.raises(DataError, match="was declared to hold integers"):
        load_rows(path, design.model)
    mixed = (X[:900], AVERAGES[900:], Y[:900], Y[901:])
    with pytest.raises(DataError, match="was declared to hold integers"):
        locgen.compile(model, data=mixed, feature_kind="identity")
