"""Kernel machines, networks and kernel maps against the library's own predictions."""

import pickle
import warnings
from dataclasses import replace

import joblib
import layeredkit
import numpy as np
import pytest
from familykit import rows
from sklearn.ensemble import VotingRegressor
from sklearn.kernel_approximation import Nystroem
from sklearn.kernel_ridge import KernelRidge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC, SVR, NuSVC, OneClassSVM

from locgen.errors import ModelFileError, UnsafeModelFile, UnsupportedModel
from locgen.frontends import load, model_check, read_estimator
from locgen.ir import FloatLinear


@pytest.mark.parametrize("case", layeredkit.CASES)
def test_answers_are_the_librarys(case, tmp_path):
    estimator, (x_train, x_test, _, _) = layeredkit.fitted(case)
    path = tmp_path / "model.joblib"
    joblib.dump(estimator, path)
    model = load(path).model
    x = np.concatenate([layeredkit.edge_rows(x_train), x_test])
    scores = model.scores(x)
    if model.task == "regression":
        expected = estimator.predict(x).reshape(scores.shape)
        assert np.allclose(scores, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())
        return
    answers = np.array(model.classes)[model.decide(scores)]
    assert np.array_equal(answers, estimator.predict(x))


def test_pairs_vote_and_ties_go_to_the_first():
    """Where the largest decision value and the votes differ, the votes are right."""
    random = np.random.default_rng(0)
    x = random.normal(size=(200, 2))
    y = random.integers(0, 5, size=200)
    estimator = SVC(gamma=2.0).fit(x, y)
    model = read_estimator(estimator)
    rows_asked = random.normal(size=(3000, 2))
    answers = model.decide(model.scores(rows_asked))
    assert np.array_equal(answers, estimator.predict(rows_asked))
    largest = estimator.decision_function(rows_asked).argmax(axis=1)
    assert (largest != answers).any()


def test_two_classes_at_the_border_itself():
    # By symmetry the sum is exactly 0 on the line between: libsvm answers the second class there.
    x = np.array([[-1.0, 0.0], [1.0, 0.0]])
    estimator = SVC(kernel="rbf", gamma=0.5).fit(x, [3, 7])
    model = read_estimator(estimator)
    border = np.array([[0.0, k] for k in (-2.0, 0.0, 0.5)])
    assert model.scores(border).tolist() == [[0.0]] * 3
    assert model.decision == ">="
    assert estimator.predict(border).tolist() == [7, 7, 7]
    assert model.decide(model.scores(border)).tolist() == [1, 1, 1]


def test_the_border_of_one_class_is_outside():
    estimator = OneClassSVM(nu=0.5, gamma=0.5).fit(np.array([[-1.0], [1.0]]))
    model = read_estimator(estimator)
    at = np.array([[-1.0], [1.0], [0.0]])
    scores = model.scores(at)[:, 0]
    assert scores[:2].tolist() == estimator.decision_function(at)[:2].tolist()
    assert np.array_equal(np.where(scores > 0, 1, -1), estimator.predict(at))
    assert model.margin == estimator.tol


def test_linear_ones_are_dot_products():
    for case in ("svc-linear", "svr-linear", "mlp-identity"):
        model = read_estimator(layeredkit.fitted(case)[0])
        assert all(isinstance(unit, FloatLinear) for unit in model.units)


def test_constant_features_and_few_rows():
    x = np.array([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0], [4.0, 5.0]])
    for estimator in (SVC(gamma=1.0), NuSVC(gamma=1.0), MLPClassifier((2,), max_iter=5)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            estimator.fit(x, [0, 0, 1, 1])
        model = read_estimator(estimator)
        assert np.array_equal(model.decide(model.scores(x)), estimator.predict(x))
    one = KernelRidge(kernel="rbf", gamma=1.0).fit([[2.0]], [3.0])
    assert read_estimator(one).scores(np.array([[2.0]]))[0, 0] == one.predict([[2.0]])[0]


X, Y = rows("iris")[0], rows("iris")[2]


def _fit(estimator, y=Y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.fit(X, y)


REFUSED = {
    "a function as kernel": (
        lambda: _fit(SVC(kernel=lambda a, b: a @ b.T)),
        "one of linear, poly, rbf",
    ),
    "another kernel": (lambda: _fit(KernelRidge(kernel="cosine")), "cosine.*one of linear"),
    "degree": (lambda: _fit(KernelRidge(kernel="poly", degree=1.5)), "whole number"),
    "break_ties": (lambda: _fit(SVC(break_ties=True)), "break_ties=False"),
    "poisson": (lambda: _fit(MLPRegressor(loss="poisson", max_iter=5)), "squared_error"),
    "labels": (
        lambda: _fit(MLPClassifier((2,), max_iter=2), np.eye(3, dtype=int)[Y]),
        "several labels",
    ),
    "tables behind a map": (
        lambda: _fit(make_pipeline(Nystroem(n_components=5), GaussianNB())),
        "put a linear model behind it",
    ),
    "kernel parameters": (
        lambda: _fit(
            make_pipeline(
                Nystroem(kernel="rbf", kernel_params={"gamma": 1.0}, n_components=5), SVR()
            )
        ),
        "linear model|kernel_params",
    ),
    "not fitted": (lambda: SVC(), "is not fitted"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_with_a_way_out(what):
    make, match = REFUSED[what]
    with pytest.raises(UnsupportedModel, match=match):
        read_estimator(make())


def test_parts_of_other_models_are_read_or_refused():
    assert len(read_estimator(_fit(OneVsRestClassifier(SVC()))).units) == 3
    assert len(read_estimator(_fit(VotingRegressor([("one", SVR())]))).units) == 1
    with pytest.raises(UnsupportedModel, match=r"linear, poly, rbf, sigmoid$"):
        read_estimator(SVC(kernel="precomputed").fit(X @ X.T, Y))


def test_sparse_rows_are_refused():
    from scipy.sparse import csr_array

    with pytest.raises(UnsupportedModel, match="sparse rows"):
        read_estimator(SVC().fit(csr_array(X), Y))


@pytest.mark.parametrize(
    "name, value",
    [
        ("_n_support", np.array([10**6, 1, 1], dtype=np.int32)),
        ("_n_support", np.array([-1, 10, 3], dtype=np.int32)),
        ("_probA", np.zeros(2)),
        ("support_", np.zeros(3, dtype=np.int32)),
        ("_dual_coef_", np.zeros((1, 3))),
        ("_intercept_", np.array([np.nan, 0.0, 0.0])),
        ("support_vectors_", np.zeros((2, 4))),
        ("_impl", "epsilon_svr"),
        ("_gamma", np.inf),
    ],
)
def test_damaged_machines_never_reach_libsvm(name, value):
    estimator = _fit(SVC())
    setattr(estimator, name, value)
    with pytest.raises(ModelFileError, match="save the fitted model again"):
        load(estimator)


def test_damaged_networks():
    estimator = _fit(MLPClassifier((3,), max_iter=5))
    estimator.coefs_[1] = estimator.coefs_[1][:2]
    with pytest.raises(ModelFileError, match=r"coefs_\[1\] is damaged"):
        read_estimator(estimator)


def test_a_kernel_of_code_does_not_run(tmp_path):
    estimator = _fit(SVC(kernel="rbf"))
    estimator.kernel = print
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(estimator))
    with pytest.raises(UnsafeModelFile, match=r"builtins\.print"):
        load(path)


def test_a_wrong_reading_is_found():
    estimator, _ = layeredkit.fitted("svc-rbf")
    reading = load(estimator).reading
    (unit,) = reading.model.units
    wrong = replace(reading.model, units=(replace(unit, weights=unit.weights * 1.001),))
    with pytest.raises(UnsupportedModel, match="reads differently"):
        model_check.compare(replace(reading, model=wrong))
