"""Ensembles over members of any family against scikit-learn: answers, edges, files, integers."""

import pickle
import warnings

import metakit
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.ensemble import (
    BaggingClassifier,
    RandomForestRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import r2_score
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

import locgen
from locgen.errors import UnsupportedModel
from locgen.frontends import load
from locgen.frontends.model_check import range_probe_rows as probe_rows

POINTS, R2 = 1.0, 0.02
QUICK = (
    "vote-soft-several",
    "ada-logistic",
    "pairs-linear",
    "code",
    "calibrated",
    "calibrated-forest",
    "stack-boosted",
    "stack-tree",
)
"""A case of every class of scikit-learn's."""


def quietly(estimator, x, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.fit(x, y)


@pytest.mark.parametrize("case", metakit.CASES)
def test_answers_are_the_librarys(case):
    """On real rows, rows far outside, and at every cut and the float64 above it."""
    estimator, (x_train, x_test, _, _) = metakit.fitted(case)
    loaded = load(estimator)
    model, preprocessing = loaded.model, loaded.reading.preprocessing
    rows = [x_train, x_test, probe_rows(model, 300)]
    if case != "calibrated-several":  # far away its sigmoids all round to 1
        rows.append(3 * x_test - 1)
    x = preprocessing.acceptable(np.concatenate(rows))
    scores, theirs = model.scores(x), loaded.answers(x)
    ours = model.decide(scores)
    if model.task == "regression":
        np.testing.assert_allclose(ours, theirs.reshape(ours.shape), rtol=1e-6, atol=1e-6)
        return
    clear = model.rule_of_decision.margin(scores) > 1e-8 * (1 + np.abs(scores).max())
    assert clear.mean() > 0.8
    assert np.array_equal(model.labels(ours)[clear], theirs[clear])


@pytest.mark.parametrize("case", QUICK)
def test_files_are_read_without_trust(case, tmp_path):
    estimator, (_, x_test, _, _) = metakit.fitted(case)
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(estimator))
    expected = load(estimator).model.scores(x_test)
    assert np.array_equal(load(path).model.scores(x_test), expected)


@pytest.mark.parametrize(
    "case",
    [pytest.param(c, marks=() if c in QUICK else pytest.mark.slow) for c in metakit.CASES],
)
def test_integers_answer_as_the_library(case):
    """At the widths found on training rows alone, on rows that the search has not seen."""
    estimator, arrays = metakit.fitted(case)
    design = locgen.compile(estimator, data=arrays)
    _, x_test, _, y_test = arrays
    theirs, ours = estimator.predict(x_test), design.predict(x_test)
    if design.model.task == "regression":
        assert r2_score(y_test, theirs) - r2_score(y_test, ours) <= R2
        return
    # A row of these small sets counts for more than a point.
    right = [(said == y_test).reshape(len(y_test), -1).all(axis=1).sum() for said in (theirs, ours)]
    assert right[0] - right[1] <= max(1, POINTS / 100 * len(y_test))
    if case.startswith("pairs-"):  # votes and sums on integers say what they say on floats
        model = design.model
        float_model = load(estimator).model
        scores = model.scores(model.quantise(x_test))
        raw = scores * np.array(model.score_scale)
        assert np.array_equal(float_model.decide(raw), model.decision.evaluate(scores))


def test_ties_of_votes_are_broken_by_the_sums_of_confidences():
    """Three linear pairs that each win one vote: the largest sum wins, and then the lowest."""
    x, y = load_iris(return_X_y=True)
    estimator = OneVsOneClassifier(LogisticRegression(max_iter=1000)).fit(x[:, :2], y)
    for number, (slope, border) in enumerate([(1.0, 1.0), (-1.0, 2.0), (1.0, -1.0)]):
        member = estimator.estimators_[number]
        member.coef_ = np.array([[slope, 0.0]])
        member.intercept_ = np.array([border])
    loaded = load(estimator)
    grid = np.stack([np.linspace(-5, 5, 2001), np.zeros(2001)], axis=1)
    scores = loaded.model.scores(grid)
    votes = np.stack([(scores[:, n] > 0) for n in range(3)], axis=1)
    circle = ~votes[:, 0] & votes[:, 1] & ~votes[:, 2] | votes[:, 0] & ~votes[:, 1] & votes[:, 2]
    assert circle.any()
    ours = loaded.model.labels(loaded.model.decide(scores))
    assert np.array_equal(ours, estimator.predict(grid))


def test_borders_of_calibration_are_found_to_the_last_bit():
    """The score at which an isotonic calibrator passes a half, and its neighbours."""
    estimator, (x_train, _, _, _) = metakit.fitted("calibrated-one-isotonic")
    (fold,) = estimator.calibrated_classifiers_
    calibrator = fold.calibrators[0]
    model = load(estimator).model
    float_scores = model.scores(x_train)[:, 0]
    member = fold.estimator.predict_proba(x_train)[:, 1]
    assert np.array_equal(float_scores > 0, calibrator.predict(member) > 0.5)


def test_several_labels_a_row_one_against_the_rest():
    _, (x_train, x_test, y_train, _) = metakit.fitted("labels")
    several = (y_train[:, :1] == np.arange(3)).astype(int)
    several[:, 2] |= y_train[:, 1]
    rest = quietly(OneVsRestClassifier(metakit.logistic()), x_train, several)
    design = locgen.compile(rest, data=(x_train, x_test, several, rest.predict(x_test)))
    assert np.mean(design.predict(x_test) == rest.predict(x_test)) > 0.97


def test_constant_features_one_class_one_sample():
    x, y = load_iris(return_X_y=True)
    x = np.column_stack([x, np.ones(len(x))])
    arrays = (x, x[:1], y, y[:1])
    for make in (
        lambda: VotingClassifier(metakit.three(), voting="soft"),
        lambda: StackingClassifier([("a", metakit.logistic()), ("b", metakit.forest())]),
        lambda: OneVsOneClassifier(LinearSVC()),
    ):
        estimator = quietly(make(), x, y)
        design = locgen.compile(estimator, data=arrays)
        assert np.array_equal(design.predict(x[:1]), estimator.predict(x[:1]))
    with pytest.raises(UnsupportedModel, match="one class"):
        load(quietly(OneVsRestClassifier(GaussianNB()), x, np.zeros(len(x))))


IRIS = load_iris(return_X_y=True)
TWO = (IRIS[0][:100], IRIS[1][:100])
REFUSED = {
    "isotonic of several classes": (
        CalibratedClassifierCV(GaussianNB(), method="isotonic"),
        IRIS,
        "method='sigmoid' and ensemble=False",
    ),
    "sigmoid of several classes and folds": (
        CalibratedClassifierCV(LinearSVC()),
        IRIS,
        "OneVsRestClassifier",
    ),
    "prototypes as members": (
        VotingClassifier([("a", NearestCentroid()), ("b", GaussianNB())]),
        IRIS,
        "locgen builds it over trees",
    ),
    "a kernel machine at the end": (
        StackingClassifier([("a", GaussianNB())], final_estimator=SVC()),
        TWO,
        "LogisticRegression or Ridge, or trees",
    ),
    "trees over probabilities of several classes": (
        StackingClassifier([("a", GaussianNB())], final_estimator=DecisionTreeClassifier()),
        IRIS,
        "stack_method='decision_function'",
    ),
    "trees over values": (
        StackingRegressor([("a", Ridge())], final_estimator=RandomForestRegressor(3)),
        IRIS,
        "use a linear model",
    ),
    "labels of several classes": (
        StackingClassifier([("a", GaussianNB())], stack_method="predict"),
        IRIS,
        "stack_method='predict_proba'",
    ),
    "stacks as members": (
        VotingClassifier([("a", StackingClassifier([("b", GaussianNB())]))]),
        TWO,
        "take its own members",
    ),
    "scalers of their own in front of distances": (
        BaggingClassifier(make_pipeline(StandardScaler(), SVC()), 2, random_state=0),
        TWO,
        "one scaler in front of all",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_a_way_out(case):
    estimator, (x, y), way = REFUSED[case]
    with pytest.raises(UnsupportedModel, match=way):
        load(quietly(clone(estimator), x, y))


def test_one_scaler_in_front_of_all_is_the_way_out():
    x, y = TWO
    bagged = BaggingClassifier(SVC(), 2, random_state=0)
    estimator = quietly(make_pipeline(StandardScaler(), bagged), x, y)
    assert np.array_equal(load(estimator).answers(x), estimator.predict(x))
