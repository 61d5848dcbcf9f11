"""Two-layer nodes in integers: tables with their errors, widths inside the budget, real data."""

from dataclasses import replace
from itertools import pairwise

import layeredkit
import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import locgen
from locgen.errors import BudgetError, ConfigurationError
from locgen.frontends import read_estimator
from locgen.ir import FloatLayer, FloatLayers, Function, Model, SplitRule
from locgen.quantise import Dataset, QuantiseOptions, quantise
from locgen.quantise.functiontable import table_of, useful_span

FUNCTIONS = {
    "relu": (Function("relu"), -3.0, 5.0),
    "tanh": (Function("tanh"), -6.0, 6.0),
    "logistic": (Function("logistic"), -9.0, 9.0),
    "exp": (Function("exp"), 0.0, 12.0),
    "square": (Function.square(), -3.0, 2.0),
    "cube": (Function("power", 3), -2.0, 2.5),
    "cos": (Function("cos"), -4.0, 9.0),
    "identity": (Function("identity"), -1.0, 3.0),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("index, bits", [(3, 4), (6, 8), (9, 12)])
def test_the_error_of_a_table_is_the_largest_of_all_sums(name, index, bits):
    function, low, high = FUNCTIONS[name]
    step = (high - low) / 5000
    span = useful_span(function, low, high, bits)
    table = table_of(function, span, step, index, bits)
    assert len(table.values) <= 1 << index
    assert table.values.min() >= 0 and table.values.max() < 1 << bits
    sums = np.arange(round(table.span[0] / step), round(table.span[1] / step) + 1)
    place = sums - table.start
    at = place >> table.shift
    part = (place & (1 << table.shift) - 1) >> table.shift - table.fraction
    grown = table.slopes[at] * part / 2.0**table.fraction if table.fraction else 0
    told = table.scale.low + table.scale.step * (table.values[at] + np.floor(grown + 0.5))
    errors = np.abs(told - function.evaluate(sums * step))
    turns = len(function.turns(*table.span))
    assert errors.max() <= table.error + 1e-12
    # A turn between two whole sums is counted as well.
    assert turns or errors.max() == pytest.approx(table.error, rel=1e-9)
    # Beyond the span nothing is lost that a step of the values would tell.
    outside = np.array([low, high])
    ends = function.evaluate(np.array(span))
    lost = np.minimum.reduce([np.abs(function.evaluate(outside) - end) for end in ends])
    assert (lost <= np.ptp(function.evaluate(np.linspace(low, high, 999))) / 2**bits).all()


def test_finer_tables_are_better():
    function, low, high = FUNCTIONS["tanh"]
    errors = [table_of(function, (low, high), 1e-3, k, 12).error for k in range(3, 9)]
    assert all(after < before for before, after in pairwise(errors))
    assert errors[-1] < 1e-3


QUICK = ("svc-bare", "oneclass", "ridge-laplacian", "mlp-relu", "nystroem")


@pytest.mark.parametrize(
    "case",
    [c if c in QUICK else pytest.param(c, marks=pytest.mark.slow) for c in layeredkit.CASES],
)
def test_real_data_stays_inside_the_budget(case):
    estimator, arrays = layeredkit.fitted(case)
    x_train, x_test, y_train, y_test = arrays
    model = read_estimator(estimator)
    found = quantise(model, "m", QuantiseOptions(), Dataset(x_train, y_train, x_test, y_test))
    assert found.trials[-1].kept and found.trials[-1].changed <= 0.125
    ours, theirs = found.model.predict(x_test), estimator.predict(x_test)
    if model.task == "regression":
        theirs = theirs.reshape(ours.shape)
        assert np.abs(ours - theirs).max() < 0.2 * np.ptp(theirs)
        return
    assert np.count_nonzero(ours != theirs) <= max(1, len(theirs) // 60)
    assert np.mean(ours == y_test) >= np.mean(theirs == y_test) - 0.01


def quadratic(scale=1.0):
    """Return a model of squares of projections: what quadratic forms are made of."""
    random = np.random.default_rng(0)
    layer = FloatLayer(
        "dot",
        random.normal(size=(4, 3)) * scale,
        np.array([0.3, 0.0, -0.2, 0.1]),
        Function.square(),
    )
    unit = FloatLayers(
        (layer,), np.array([[1.0], [-0.5], [0.7], [-1.0]]), (0,), (0, 1, 2, 3), "dense"
    )
    return Model(
        family="quadratic",
        library="test",
        task="regression",
        feature_names=("a", "b", "c"),
        classes=(),
        trees=(),
        base=(0.5,),
        decision="identity",
        rule=SplitRule("<=", "float64", False),
        units=(unit,),
        ranges=((-1.0, 1.0), (-2.0, 2.0), (3.0, 3.0)),
    )


def test_squares_of_projections_without_data():
    model = quadratic()
    found = quantise(model, "m", QuantiseOptions())
    assert found.model.feature_bits[2] == 0  # constant
    x = np.random.default_rng(1).uniform([-1, -2, 3], [1, 2, 3], size=(500, 3))
    error = found.model.predict(x) - model.scores(x)[:, 0]
    assert np.abs(error).max() < 0.05 * np.ptp(model.scores(x))


def test_nothing_varies():
    model = replace(quadratic(), ranges=((1.0, 1.0), (2.0, 2.0), (3.0, 3.0)))
    found = quantise(model, "m", QuantiseOptions(max_accuracy_drop=100.0))
    x = np.array([[1.0, 2.0, 3.0]])
    assert found.model.predict(x) == pytest.approx(model.scores(x)[:, 0], rel=0.02)


def test_options():
    estimator, arrays = layeredkit.fitted("svc-bare")
    model, data = read_estimator(estimator), Dataset(*(arrays[i] for i in (0, 2, 1, 3)))
    fixed = quantise(model, "m", QuantiseOptions(feature_bits=6, score_bits=9), data).model
    assert max(fixed.feature_bits) == 6
    assert max(abs(w) for row in fixed.nodes[0].weights for w in row) == 255
    with pytest.raises(ConfigurationError, match="--feature-kind affine"):
        quantise(model, "m", QuantiseOptions(feature_kind="rank"), data)
    with pytest.raises(BudgetError, match="--max-accuracy-drop"):
        quantise(model, "m", QuantiseOptions(feature_bits=2, max_accuracy_drop=0.01), data)


def test_small_integers_are_taken_as_they_are_where_declared():
    _, arrays = layeredkit.fitted("svc-bare")
    x = np.round(arrays[0] * 3)
    model = read_estimator(SVC(gamma=0.1).fit(x, arrays[2]))
    data = Dataset(x, arrays[2], x, arrays[2])
    declared = quantise(model, "m", QuantiseOptions(feature_kind="identity"), data).model
    assert {f.kind for f in declared.features} == {"identity"}
    plain = quantise(model, "m", QuantiseOptions(), data).model
    assert {f.kind for f in plain.features} == {"affine"}
    halves = Dataset(x / 2, arrays[2], x / 2, arrays[2])
    with pytest.raises(ConfigurationError, match="identity features need --data"):
        quantise(model, "m", QuantiseOptions(feature_kind="identity"), halves)


@pytest.mark.parametrize(
    "options", [pytest.param({}, marks=pytest.mark.slow), {"degree": 2, "C": 10}], ids=str
)
def test_powers_that_span_many_orders_get_wider_values(options):
    x, y = load_breast_cancer(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(x, y, random_state=0, stratify=y)
    model = make_pipeline(StandardScaler(), SVC(kernel="poly", **options)).fit(x_train, y_train)
    design = locgen.compile(model, data=(x_train, x_test, y_train, y_test))
    assert design.quantisation.trials[-1].changed < 0.125
    assert np.mean(design.predict(x_test) != model.predict(x_test)) <= 0.01
