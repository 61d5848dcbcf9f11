"""Widths of mixtures whose gate or experts compute with sizes."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_wine
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from slowkit import slow

from locgen.errors import BudgetError, ConfigurationError
from locgen.frontends import read_estimator
from locgen.ir import FloatGate, FloatLinear, Model, SplitRule
from locgen.models import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from locgen.quantise import Dataset, QuantiseOptions, quantise
from locgen.quantise.constants import constants_of
from locgen.quantise.evaluator import Evaluator

GATES = ("tree", "linear", "prototype")
WINE = train_test_split(*load_wine(return_X_y=True), test_size=0.3, random_state=0)
DIABETES = train_test_split(*load_diabetes(return_X_y=True), test_size=0.3, random_state=0)


def dataset(parts):
    x_train, x_test, y_train, y_test = parts
    return Dataset(x_train, y_train, x_test, y_test)


def classifier(gate, expert=None, top_k=1, parts=WINE):
    mixture = MixtureOfExpertsClassifier(
        4, top_k=top_k, gate=gate, expert=expert, random_state=0, max_iter=4
    )
    return make_pipeline(StandardScaler(), mixture).fit(parts[0], parts[2])


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("expert, top_k", [(None, 2), *slow((None, 1), (LogisticRegression(), 1))])
def test_decisions_and_routes_that_rounding_changes(gate, expert, top_k):
    estimator = classifier(gate, expert, top_k)
    model, data = read_estimator(estimator), dataset(WINE)
    found = quantise(model, "m", QuantiseOptions(), data)
    golden, trial = found.model, found.trials[-1]
    x = Evaluator(model, data).x
    theirs = np.array(model.classes)[model.decide(model.scores(x))]
    assert 100 * np.mean(golden.predict(x) != theirs) == pytest.approx(trial.changed, abs=1e-9)
    sized = gate != "tree" or expert is not None
    assert trial.kept and trial.changed <= (0.125 if sized else 0.25)
    rows = data.x_test
    assert np.mean(golden.predict(rows) == estimator.predict(rows)) >= 0.96
    routes = golden.gate.evaluate(golden.quantise(rows), golden.missing_codes)
    assert (routes == model.gate.evaluate(rows)).all(axis=1).mean() >= 0.96
    kinds = {"tree": "tree", "linear": "linear", "prototype": "distance"}
    assert {node.kind for node in golden.gate_nodes} == {kinds[gate]}
    assert golden.gate.top_k == top_k
    poison = replace(data, x_test=data.x_test * np.nan)
    assert quantise(model, "m", QuantiseOptions(), poison) == found


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("top_k", [1, 2])
def test_linear_regressors(gate, top_k):
    mixture = MixtureOfExpertsRegressor(
        3, top_k=top_k, gate=gate, expert=Ridge(1e-3), random_state=0, max_iter=4
    ).fit(DIABETES[0], DIABETES[2])
    model, data = read_estimator(mixture), dataset(DIABETES)
    golden = quantise(model, "m", QuantiseOptions(), data).model
    x = data.x_train
    exact, found = mixture.predict(x), golden.predict(x)
    assert 1 - np.sum((exact - found) ** 2) / np.sum((exact - exact.mean()) ** 2) > 0.998
    assert {node.kind for node in golden.nodes} == {"linear"}


def test_two_targets_have_a_scale_each():
    x, y = load_diabetes(return_X_y=True)
    targets = np.stack([y, 1e-4 * x[:, 2] + 1e-5 * y], axis=1)
    estimator = Ridge(1e-3).fit(x, targets)
    data = Dataset(x, targets, x, targets)
    golden = quantise(read_estimator(estimator), "m", QuantiseOptions(), data).model
    found, exact = golden.predict(x), estimator.predict(x)
    errors = np.abs(found - exact).max(axis=0) / np.ptp(exact, axis=0)
    assert golden.score_scale[0] > 100 * golden.score_scale[1]
    assert (errors < 0.04).all()


@pytest.mark.parametrize("expert", [LogisticRegression(), GaussianNB(), None], ids=str)
@pytest.mark.parametrize("gate", GATES)
def test_no_expert_answers_a_class_that_it_has_not_seen(gate, expert):
    """For any codes, far from all rows as well; forests give such a class 0 and may tie."""
    random = np.random.default_rng(0)
    place = random.integers(3, size=300)
    x = random.normal(size=(300, 3)) + 6 * np.eye(3)[place]
    y = (place + (x[:, 0] > x[:, 0].mean())) % 4
    parts = (x, x, y, y)
    estimator = classifier(gate, expert, parts=parts)
    mixture = estimator[-1]
    seen = [set(map(int, e.classes_)) for e in mixture.experts_]
    assert min(map(len, seen)) < 4
    options = QuantiseOptions(max_accuracy_drop=4.0)
    golden = quantise(read_estimator(estimator), "m", options, dataset(parts)).model
    q = np.stack([random.integers(1 << b, size=2000) for b in golden.feature_bits], axis=1)
    mask = golden.gate.evaluate(q, golden.missing_codes)
    decision, _ = golden.evaluate(q)
    assert all(int(d) in seen[int(m.argmax())] for d, m in zip(decision, mask, strict=True))


def float_model(expert_base, outputs, decision):
    """Return a gated model of two experts with one linear unit each on output 0."""
    units = tuple(FloatLinear(np.array([[1.0]]), (0,)) for _ in range(2))
    scorer = Model(
        "gate", "test", "classification", ("x",), (0, 1), (), (0.0, 0.0), "argmax",
        SplitRule("<=", "float64", False), units=(FloatLinear(np.array([[1.0]]), (1,)),),
    )  # fmt: skip
    return Model(
        "test", "test", "classification", ("x",), tuple(range(max(outputs, 2))), (),
        (0.0,) * outputs, decision, scorer.rule, units=units, gate=FloatGate(scorer, 1),
        experts=((0,), (1,)), expert_base=expert_base,
    )  # fmt: skip


def test_infinite_constants_lie_beyond_all_others():
    zero, infinite = np.zeros(1), float("inf")
    parts = [(zero, zero - 5, zero + 3), (zero + 2, zero - 1, zero + 1)]
    model = float_model(((0.0, 0.0, -infinite), (0.0, -infinite, 1.0)), 3, "argmax")
    common, own = constants_of(model, parts, 0.1)
    sums = own + common
    # First expert: output 1 is 0 at least, so output 2 lies 16 below. Second: output 0 has 2 - 1.
    assert np.allclose(sums, [[0, 0, -16], [2, 1 - 16, 1]])
    assert (own >= 0).all() and (own.min(axis=0) == 0).all()
    merged = float_model(((infinite,), (-infinite,)), 1, ">")
    common, own = constants_of(merged, parts, 0.1)
    assert np.allclose(own + common, [[16 + 5], [-16 - 1]])
    common, own = constants_of(merged, parts, 50.0)  # a step of 50: two of them
    assert np.allclose(own + common, [[100 + 5], [-100 - 1]])


def test_refusals():
    model = read_estimator(classifier("linear"))
    data = dataset(WINE)
    with pytest.raises(ConfigurationError, match=r"computes with its features' sizes.*affine"):
        quantise(model, "m", QuantiseOptions(feature_kind="rank"), data)
    with pytest.raises(BudgetError, match="leave out --feature-bits"):
        quantise(model, "m", QuantiseOptions(feature_bits=1, max_accuracy_drop=0), data)
    bare = MixtureOfExpertsClassifier(3, gate="linear", random_state=0).fit(WINE[0], WINE[2])
    with pytest.raises(ConfigurationError, match=r"range of feature.*--data"):
        quantise(read_estimator(bare), "m", QuantiseOptions())
    found = quantise(model, "m", QuantiseOptions(max_accuracy_drop=4)).model
    assert np.mean(found.predict(WINE[1]) == classifier("linear").predict(WINE[1])) > 0.9
