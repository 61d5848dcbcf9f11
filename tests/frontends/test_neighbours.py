"""Nearest neighbours: metrics, equal distances, files, and what is refused."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    RadiusNeighborsClassifier,
    RadiusNeighborsRegressor,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer

import locgen
from locgen.errors import ModelFileError, UnsupportedModel
from locgen.frontends import load
from locgen.frontends.admitted import NoTree

X, Y = load_iris(return_X_y=True)
BINS = {"quantile_method": "averaged_inverted_cdf"}


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "chebyshev", "l1", "cityblock"])
@pytest.mark.parametrize("nearest", [1, 2, 5])
def test_metrics(metric, nearest):
    random = np.random.default_rng(0)
    rows = random.normal(X.mean(axis=0), X.std(axis=0), (200, 4))
    stored = X + random.normal(0, 0.01, X.shape)  # iris lies on a grid, where distances are equal
    estimator = KNeighborsClassifier(nearest, metric=metric).fit(stored, Y)
    model = load(estimator).model
    votes = model.scores(rows)
    assert np.array_equal(votes, np.rint(estimator.predict_proba(rows) * nearest))
    assert np.array_equal(model.labels(model.decide(votes)), estimator.predict(rows))


def test_equal_votes_go_to_the_lowest_class():
    estimator = KNeighborsClassifier(2).fit([[0.0], [1.0], [9.0]], ["b", "a", "a"])
    model = load(estimator).model
    rows = np.array([[0.2], [0.8], [-5.0]])
    assert model.labels(model.decide(model.scores(rows))).tolist() == ["a"] * 3
    assert estimator.predict(rows).tolist() == ["a"] * 3


def test_of_equally_distant_rows_the_first_counts():
    estimator = KNeighborsClassifier(1).fit([[0.0], [2.0], [2.0]], [5, 6, 7])
    model = load(estimator).model
    rows = np.array([[1.0], [np.nextafter(1, 2)], [np.nextafter(1, 0)], [2.0]])
    assert model.labels(model.decide(model.scores(rows))).tolist() == [5, 6, 5, 6]


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "chebyshev"])
@pytest.mark.parametrize("label", ["most_frequent", 7])
def test_rows_within_a_radius(metric, label):
    random = np.random.default_rng(0)
    rows = np.concatenate([random.normal(X.mean(axis=0), X.std(axis=0), (200, 4)), [[99.0] * 4]])
    estimator = RadiusNeighborsClassifier(0.8, metric=metric, outlier_label=label).fit(X, Y)
    model = load(estimator).model
    scores = model.scores(rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library says of each outlier that it is one
        theirs = estimator.predict(rows)
    assert np.array_equal(model.labels(model.decide(scores)), theirs)
    empty = scores[:, :-1].sum(axis=1) == 0
    assert empty[-1] and (scores[:, -1] == 0.5).all()


def test_a_row_on_the_radius_lies_within():
    estimator = RadiusNeighborsClassifier(1.0, outlier_label=9).fit([[0.0], [4.0]], [5, 6])
    loaded = load(estimator)
    rows = np.array([[1.0], [np.nextafter(1, 2)], [np.nextafter(1, 0)], [3.0], [2.0]])
    model = loaded.model
    assert model.labels(model.decide(model.scores(rows))).tolist() == [5, 9, 5, 6, 9]
    assert estimator.predict(rows[[0, 3]]).tolist() == [5, 6]


def test_far_away_is_outside_in_hardware_too():
    """Codes reach so far beyond the stored rows that what is clipped lies outside the radius."""
    estimator = RadiusNeighborsClassifier(0.75, outlier_label=-1).fit(X, Y)
    design = locgen.compile(estimator, data=(X, X, Y, Y))
    far = X[:20].copy()
    far[:, 2] = 1e6
    assert (design.predict(far) == -1).all()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert (design.predict(X) == estimator.predict(X)).mean() > 0.98


def test_a_tree_of_a_file_is_never_searched(tmp_path):
    for algorithm in ("kd_tree", "ball_tree", "brute"):
        estimator = KNeighborsClassifier(3, algorithm=algorithm).fit(X, Y)
        for protocol in (0, 2, 5):
            path = tmp_path / f"{algorithm}{protocol}.pkl"
            path.write_bytes(pickle.dumps(estimator, protocol))
            loaded = load(path)
            assert not isinstance(loaded.estimator._tree, NoTree)
            assert np.array_equal(loaded.answers(X), estimator.predict(X))


def test_refusals():
    for kind in (KNeighborsClassifier, KNeighborsRegressor):
        with pytest.raises(UnsupportedModel, match="weights='uniform'"):
            load(kind(3, weights="distance").fit(X, Y))
        with pytest.raises(UnsupportedModel, match="'manhattan' or 'chebyshev'"):
            load(kind(3, metric="canberra").fit(X, Y))
    with pytest.raises(UnsupportedModel, match="nearest that locgen builds is KNeighborsRegr"):
        load(RadiusNeighborsRegressor().fit(X, Y))
    with pytest.raises(UnsupportedModel, match="no answer where no row lies within the rad"):
        load(RadiusNeighborsClassifier().fit(X, Y))
    with pytest.raises(UnsupportedModel, match="a column of its own"):
        load(
            make_pipeline(
                KBinsDiscretizer(3, encode="ordinal", **BINS), KNeighborsClassifier()
            ).fit(X, Y)
        )
    with pytest.raises(UnsupportedModel, match="one a label"):
        load(KNeighborsClassifier().fit(X, np.column_stack([Y, Y])))
    damaged = KNeighborsClassifier().fit(X, Y)
    damaged._y = damaged._y + 9
    with pytest.raises(ModelFileError, match="is damaged"):
        load(damaged)
