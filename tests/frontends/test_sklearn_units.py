"""LogisticRegression, GaussianNB and NearestCentroid against the library's own predictions."""

import pickle
import warnings
from dataclasses import replace

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from locgen.errors import ModelFileError, UnsupportedModel
from locgen.frontends import load, model_check, read_estimator
from locgen.ir.float import FloatLinear, FloatPrototype, FloatQuadratic

DATA = {
    "iris": load_iris(return_X_y=True),
    "wine": load_wine(return_X_y=True),
    "cancer": load_breast_cancer(return_X_y=True),
    "digits": load_digits(return_X_y=True),
}
ESTIMATORS = {
    "logistic": lambda: LogisticRegression(max_iter=20),
    "no_intercept": lambda: LogisticRegression(max_iter=20, fit_intercept=False),
    "gaussian": lambda: GaussianNB(),
    "smoothed": lambda: GaussianNB(var_smoothing=0.1),
    "centroid": lambda: NearestCentroid(),
    "manhattan": lambda: NearestCentroid(metric="manhattan"),
    "shrunken": lambda: NearestCentroid(shrink_threshold=0.3),
    "weighed": lambda: NearestCentroid(priors="empirical", shrink_threshold=0.1),
}
SCALERS = {
    "bare": lambda: [],
    "standard": lambda: [StandardScaler()],
    "mean_only": lambda: [StandardScaler(with_std=False)],
    "scale_only": lambda: [StandardScaler(with_mean=False)],
    "neither": lambda: [StandardScaler(with_mean=False, with_std=False)],
    "minmax": lambda: [MinMaxScaler(feature_range=(-1, 3))],
    "robust": lambda: [RobustScaler(unit_variance=True, quantile_range=(10, 80))],
    "robust_bare": lambda: [RobustScaler(with_centering=False, with_scaling=False)],
    "two": lambda: [RobustScaler(with_centering=False), StandardScaler()],
}


def fitted(kind, scalers, x, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", message="self.within_class_std_dev_ has")
        return make_pipeline(*SCALERS[scalers](), ESTIMATORS[kind]()).fit(x, y)


def decisions(model, x):
    return np.array(model.classes)[model.decide(model.scores(x))]


@pytest.mark.parametrize("scalers", SCALERS)
@pytest.mark.parametrize("name", ["wine", "digits"])
@pytest.mark.parametrize("kind", ESTIMATORS)
def test_decisions_are_the_librarys(kind, name, scalers):
    """Real data, with constant features in digits, and rows that lie far outside."""
    x, y = DATA[name]
    if name == "digits":
        x, y = x[::4], y[::4]
    estimator = fitted(kind, scalers, x, y)
    model = read_estimator(estimator)
    rows = np.concatenate([x, x[:50] * 3 - 1])
    assert np.array_equal(decisions(model, rows), estimator.predict(rows))


@pytest.mark.parametrize("scalers", ["bare", "standard"])
@pytest.mark.parametrize("name", ["wine", "cancer"])
@pytest.mark.parametrize("kind", ["logistic", "gaussian", "weighed"])
def test_scores_lead_to_the_librarys_probabilities(kind, name, scalers):
    x, y = DATA[name]
    estimator = fitted(kind, scalers, x, y)
    model = read_estimator(estimator)
    scores = model.scores(x)
    if model.probability == "sigmoid":
        scores = np.concatenate([np.zeros_like(scores), scores], axis=1)
    if kind == "weighed":
        assert unequal(model.base)
    power = np.exp(scores - scores.max(axis=1, keepdims=True))
    found = power / power.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found, estimator.predict_proba(x), rtol=0, atol=1e-9)


@pytest.mark.parametrize("scalers", SCALERS)
@pytest.mark.parametrize("targets", [1, 2])
@pytest.mark.parametrize(
    "regressor",
    [LinearRegression(), LinearRegression(fit_intercept=False), Ridge(), Ridge(10, solver="svd")],
)
def test_regressors_answer_as_the_library(regressor, targets, scalers):
    x, y = DATA["wine"]
    y = np.stack([x[:, 0] + y, 100 * x[:, 3] - y], axis=1)[:, :targets].squeeze()
    estimator = make_pipeline(*SCALERS[scalers](), clone(regressor)).fit(x[:, 4:], y)
    model = read_estimator(estimator)
    assert (model.task, model.decision, model.outputs) == ("regression", "identity", targets)
    rows = np.concatenate([x, x[:50] * 3 - 1])[:, 4:]
    expected = estimator.predict(rows).reshape(len(rows), -1)
    np.testing.assert_allclose(model.scores(rows), expected, rtol=1e-9, atol=1e-7)


def test_damaged_regressors_are_refused():
    x, y = DATA["iris"]
    estimator = Ridge().fit(x, y)
    estimator.coef_ = estimator.coef_[:-1]
    with pytest.raises(ModelFileError, match="coef_ is damaged"):
        read_estimator(estimator)


def unequal(values):
    return len(set(values)) == len(values)


def test_what_is_read():
    x, y = DATA["cancer"]
    model = read_estimator(fitted("logistic", "standard", x, y))
    (unit,) = model.units
    assert isinstance(unit, FloatLinear) and unit.coefficients.shape == (30, 1)
    assert (model.decision, model.probability, model.outputs) == (">", "sigmoid", 1)
    mean = x.mean(axis=0)
    assert all(low < m < high for (low, high), m in zip(model.ranges, mean, strict=True))
    model = read_estimator(fitted("gaussian", "bare", x, y))
    assert {type(unit) for unit in model.units} == {FloatQuadratic}
    assert (len(model.units), model.decision, model.probability) == (30, "argmax", "softmax")
    model = read_estimator(fitted("manhattan", "minmax", x, y))
    assert [type(unit) for unit in model.units] == [FloatPrototype] * 2
    assert model.units[1].metric == "l1" and model.probability == "none"
    found = np.array(model.ranges)
    assert np.allclose(found, np.stack([x.min(axis=0), x.max(axis=0)], axis=1))
    assert read_estimator(fitted("logistic", "bare", x, y)).ranges == (None,) * 30


def test_class_1_needs_more_than_0():
    """scikit-learn answers class 0 where the raw score is exactly 0; the argmax of equals too."""
    x = np.array([[-1.0], [1.0]])
    estimator = LogisticRegression().fit(x, [0, 1])
    estimator.intercept_[:] = 0.0
    model = read_estimator(estimator)
    assert estimator.predict([[0.0]]) == decisions(model, np.zeros((1, 1))) == 0
    centroid = NearestCentroid().fit([[-1.0], [-3.0], [3.0], [1.0]], [5, 5, 7, 7])
    model = read_estimator(centroid)
    assert centroid.predict([[0.0]]) == decisions(model, np.zeros((1, 1))) == 5


def test_one_class():
    """GaussianNB alone trains on one class; its answer is that class."""
    estimator = GaussianNB().fit([[1.0, 2.0], [2.0, 3.0]], ["a", "a"])
    model = read_estimator(estimator)
    assert decisions(model, np.zeros((3, 2))).tolist() == ["a"] * 3
    assert model.classes == ("a",)


def test_one_sample_a_class():
    x = np.array([[0.0, 1.0], [4.0, -2.0]])
    for estimator in (GaussianNB(var_smoothing=0.5), LogisticRegression()):
        estimator.fit(x, [3, 9])
        assert decisions(read_estimator(estimator), x).tolist() == [3, 9]


def test_priors():
    x, y = DATA["iris"]
    estimator = GaussianNB(priors=[0.98, 0.01, 0.01]).fit(x, y)
    assert np.array_equal(decisions(read_estimator(estimator), x), estimator.predict(x))
    with pytest.raises(UnsupportedModel, match="class with prior 0"):
        read_estimator(GaussianNB(priors=[1.0, 0.0, 0.0]).fit(x, y))
    with pytest.raises(UnsupportedModel, match="priors='uniform'"):
        read_estimator(NearestCentroid(metric="manhattan", priors=[0.2, 0.4, 0.4]).fit(x, y))


def test_refusals():
    x, y = DATA["iris"]
    with pytest.raises(UnsupportedModel, match=r"distances.*put scalers"):
        read_estimator(make_pipeline(MinMaxScaler(clip=True), NearestCentroid()).fit(x, y))
    with pytest.raises(UnsupportedModel, match="var_smoothing above 0"):
        flat = np.column_stack([x, np.ones(len(x))])
        read_estimator(GaussianNB(var_smoothing=0).fit(flat, y))
    with pytest.raises(UnsupportedModel, match="is not fitted"):
        read_estimator(LogisticRegression())

    class Own(GaussianNB):
        pass

    with pytest.raises(UnsupportedModel, match="subclass of GaussianNB"):
        read_estimator(Own().fit(x, y))


@pytest.mark.parametrize("name", ["coef_", "intercept_"])
@pytest.mark.parametrize("harm", [lambda a: a[:-1], lambda a: a * np.nan], ids=["short", "nan"])
def test_damaged_attributes_are_refused(name, harm):
    x, y = DATA["iris"]
    estimator = fitted("logistic", "bare", x, y)[-1]
    setattr(estimator, name, harm(getattr(estimator, name)))
    with pytest.raises(ModelFileError, match=f"{name} is damaged"):
        read_estimator(estimator)


@pytest.mark.parametrize("kind", ["logistic", "gaussian", "centroid", "weighed"])
def test_the_self_check_sees_another_model(kind):
    x, y = DATA["wine"]
    estimator = fitted(kind, "standard", x, y)
    reading = load(estimator).reading
    model = reading.model
    model_check.compare(reading)
    for wrong in (
        replace(model, base=tuple(b + (i == 0) * 1e-3 for i, b in enumerate(model.base))),
        replace(model, classes=model.classes[::-1]),
    ):
        with pytest.raises(UnsupportedModel, match="reads differently"):
            model_check.compare(replace(reading, model=wrong))


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("kind", ESTIMATORS)
def test_files_are_read_without_trust(kind, protocol, tmp_path):
    x, y = DATA["iris"]
    estimator = fitted(kind, "standard", x, y)
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(estimator, protocol))
    assert np.array_equal(decisions(load(path).model, x), estimator.predict(x))
    joblib.dump(estimator, tmp_path / "model.joblib", compress=3)
    assert load(tmp_path / "model.joblib").model.family == type(estimator[-1]).__name__
