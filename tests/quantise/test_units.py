"""Widths of models that compute with sizes: budget, exact cases, ranges and refusals."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from locgen.errors import BudgetError, ConfigurationError
from locgen.frontends import read_estimator
from locgen.ir import FloatLinear, FloatPrototype, FloatQuadratic, Model, SplitRule
from locgen.quantise import Dataset, QuantiseOptions, quantise
from locgen.quantise.evaluator import Evaluator

pytestmark = [
    pytest.mark.filterwarnings("ignore:self.within_class_std_dev_"),
    pytest.mark.filterwarnings("ignore:lbfgs failed to converge"),
]
ESTIMATORS = {
    "logistic": lambda: LogisticRegression(max_iter=200),
    "gaussian": lambda: GaussianNB(),
    "centroid": lambda: NearestCentroid(),
    "manhattan": lambda: NearestCentroid(metric="manhattan"),
}
KIND = {"logistic": "linear", "gaussian": "table", "centroid": "distance", "manhattan": "distance"}


def split(load, scaler, kind):
    x, y = load(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(
        x, y, test_size=0.3, random_state=0, stratify=y
    )
    estimator = make_pipeline(*scaler, ESTIMATORS[kind]()).fit(x_train, y_train)
    return estimator, Dataset(x_train, y_train, x_test, y_test)


@pytest.mark.parametrize("load", [load_breast_cancer, load_wine], ids=["cancer", "wine"])
@pytest.mark.parametrize("kind", ESTIMATORS)
def test_golden_loses_at_most_half_a_point(kind, load):
    estimator, data = split(load, [StandardScaler()], kind)
    found = quantise(read_estimator(estimator), "m", QuantiseOptions(), data)
    before = np.mean(estimator.predict(data.x_test) == data.y_test)
    after = np.mean(found.model.predict(data.x_test) == data.y_test)
    assert before - after <= 0.005
    assert {node.kind for node in found.model.nodes} == {KIND[kind]}
    assert [trial.kept for trial in found.trials] == [False] * (len(found.trials) - 1) + [True]


@pytest.mark.slow
@pytest.mark.parametrize("scaler", [[], [StandardScaler()]], ids=["bare", "standard"])
@pytest.mark.parametrize("kind", ["logistic", "gaussian", "centroid"])
def test_digits(kind, scaler):
    estimator, data = split(load_digits, scaler, kind)
    found = quantise(read_estimator(estimator), "m", QuantiseOptions(), data)
    before = np.mean(estimator.predict(data.x_test) == data.y_test)
    assert before - np.mean(found.model.predict(data.x_test) == data.y_test) <= 0.005


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_the_last_trial_is_the_model(kind):
    """Drop and changes are recomputed from predictions alone."""
    estimator, data = split(load_wine, [StandardScaler()], kind)
    model = read_estimator(estimator)
    found = quantise(model, "m", QuantiseOptions(), data)
    golden, trial = found.model, found.trials[-1]
    x = Evaluator(model, data).x
    assert found.rows_seen == len(x) == 9 * len(data.x_train)
    theirs = np.array(model.classes)[model.decide(model.scores(x))]
    assert trial.changed == pytest.approx(100 * np.mean(golden.predict(x) != theirs), abs=1e-9)
    before = np.mean(estimator.predict(data.x_train) == data.y_train)
    drop = 100 * (before - np.mean(golden.predict(data.x_train) == data.y_train))
    assert trial.drop == pytest.approx(drop, abs=1e-9)
    assert trial.changed <= 0.125 and trial.drop <= 0.5
    assert trial.feature_bits == max(golden.feature_bits)


def float_model(units, base, decision, ranges=None, features=2):
    return Model(
        "test", "test", "classification", tuple(f"x{i}" for i in range(features)),
        tuple(range(max(len(base), 2))), (), tuple(map(float, base)), decision,
        SplitRule("<=", "float64", False),
        units=tuple(units), ranges=ranges or ((0.0, 7.0),) * features,
    )  # fmt: skip


GRID = np.stack(np.meshgrid(np.arange(8.0), np.arange(8.0)), axis=-1).reshape(-1, 2)


def test_integers_and_integer_weights_are_exact():
    unit = FloatLinear(np.array([[3.0], [-2.0]]), (0,))
    model = float_model([unit], [-1.0], ">")
    y = model.decide(model.scores(GRID))
    data = Dataset(GRID, y, GRID, y)
    options = QuantiseOptions(score_bits=6, feature_bits=3, feature_kind="identity")
    found = quantise(model, "m", options, data).model
    assert [f.kind for f in found.features] == ["identity"] * 2
    assert found.nodes[0].weights == ((9,), (-6,))  # 63 steps for the widest term of 21
    assert np.array_equal(found.raw(found.scores(found.quantise(GRID))), model.scores(GRID))
    exact = quantise(model, "m", QuantiseOptions(max_accuracy_drop=0.0), data).model
    assert np.array_equal(exact.predict(GRID), y)


def test_prototypes_between_codes_use_a_fraction():
    units = [FloatPrototype(np.array(c), np.ones(2), "l2", n, (n,))
             for n, c in enumerate([[1.25, 2.5], [5.75, 4.5]])]  # fmt: skip
    model = float_model(units, [0.0, 0.0], "argmax")
    y = model.decide(model.scores(GRID))
    found = quantise(model, "m", QuantiseOptions(max_accuracy_drop=0.0), Dataset(GRID, y, GRID, y))
    golden = found.model
    assert np.array_equal(golden.predict(GRID), y)
    assert [node.prototype_id for node in golden.nodes] == [0, 1]
    scores = golden.raw(golden.scores(golden.quantise(GRID)))
    step = max(1 / f.scale if f.kind == "affine" else 1.0 for f in golden.features)
    assert np.abs(scores - model.scores(GRID)).max() <= 20 * step
    with pytest.raises(ConfigurationError, match="leave --score-bits out"):
        quantise(model, "m", QuantiseOptions(score_bits=4), Dataset(GRID, y, GRID, y))


def test_shapes_far_out_are_cut_off_but_decide_alike():
    """One class all but constant: its penalties are a billion times what decides elsewhere."""
    units = [
        FloatQuadratic(f, np.array([0.0, 3.0]), np.array([[1e9, 0.1], [0.2, 0.3]][f]),
                       np.eye(2), (0, 1))
        for f in range(2)
    ]  # fmt: skip
    model = float_model(units, [0.0, -0.3], "argmax")
    y = model.decide(model.scores(GRID))
    found = quantise(model, "m", QuantiseOptions(), Dataset(GRID, y, GRID, y)).model
    assert np.mean(found.predict(GRID) == y) >= 0.995
    assert found.score_bits <= 14


def test_constant_features_get_no_bits():
    random = np.random.default_rng(0)
    x = np.column_stack([random.normal(size=90), np.full(90, 3.0), random.normal(size=90)])
    y = (x[:, 0] - x[:, 2] > 0).astype(int)
    for estimator in (GaussianNB(var_smoothing=1e-3), LogisticRegression(), NearestCentroid()):
        model = read_estimator(estimator.fit(x, y))
        found = quantise(model, "m", QuantiseOptions(), Dataset(x, y, x, y)).model
        assert found.feature_bits[1] == 0 and min(found.feature_bits[::2]) > 0
        assert all(1 not in node.features for node in found.nodes)


def test_a_model_that_says_nothing():
    unit = FloatLinear(np.zeros((2, 3)), (0, 1, 2))
    model = float_model([unit], [0.0, 1.0, 0.5], "argmax")
    found = quantise(model, "m", QuantiseOptions()).model
    assert found.predict(GRID).tolist() == [1] * len(GRID)
    assert found.feature_bits == (0, 0)


def test_without_rows_a_range_must_be_known():
    x, y = load_wine(return_X_y=True)
    bare = read_estimator(LogisticRegression(max_iter=10).fit(x, y))
    with pytest.raises(ConfigurationError, match=r"range of feature 'x0'.*--data"):
        quantise(bare, "m", QuantiseOptions())
    for estimator in (
        make_pipeline(MinMaxScaler(), LogisticRegression()),
        GaussianNB(),
        make_pipeline(StandardScaler(), NearestCentroid()),
    ):
        found = quantise(read_estimator(estimator.fit(x, y)), "m", QuantiseOptions())
        assert found.trials[-1].drop is None and found.rows_seen == 4096
        assert np.mean(found.model.predict(x) == estimator.predict(x)) > 0.98


def test_fixed_widths_and_refusals():
    estimator, data = split(load_wine, [StandardScaler()], "logistic")
    model = read_estimator(estimator)
    found = quantise(model, "m", QuantiseOptions(feature_bits=7, score_bits=14), data)
    assert max(found.model.feature_bits) == 7 and len(found.trials) == 1
    with pytest.raises(ConfigurationError, match="--feature-kind affine"):
        quantise(model, "m", QuantiseOptions(feature_kind="rank"), data)
    with pytest.raises(ConfigurationError, match="integers; use --feature-kind affine"):
        quantise(model, "m", QuantiseOptions(feature_kind="identity"), data)
    with pytest.raises(BudgetError, match="leave out --feature-bits"):
        quantise(model, "m", QuantiseOptions(feature_bits=1), data)


def test_same_input_same_model_and_no_look_at_test_rows():
    estimator, data = split(load_wine, [], "gaussian")
    model = read_estimator(estimator)
    poison = replace(data, x_test=data.x_test * np.nan)
    first = quantise(model, "m", QuantiseOptions(), data)
    assert first == quantise(model, "m", QuantiseOptions(), poison)
