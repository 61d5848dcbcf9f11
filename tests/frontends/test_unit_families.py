"""Every family that computes with sizes against its library: scores, edges, files, integers."""

import io
import pickle

import joblib
import numpy as np
import pytest
import unitkit
from sklearn.metrics import r2_score

import locgen
from locgen.errors import ModelFileError, UnsupportedModel
from locgen.frontends import load
from locgen.frontends.model_check import range_probe_rows as probe_rows
from locgen.ir.float import FloatShape, FloatSteps

POINTS, R2 = 1.0, 0.02


def raw(loaded, x):
    oracle, preprocessing = loaded.reading.oracle, loaded.reading.preprocessing
    return np.asarray(oracle.scores(preprocessing.values(x)))


@pytest.mark.parametrize("case", unitkit.CASES)
def test_scores_and_answers_are_the_librarys(case):
    """On real rows, rows far outside, and at every cut and the float64 above it."""
    estimator, (x_train, x_test, _, _) = unitkit.fitted(case)
    loaded = load(estimator)
    model, preprocessing = loaded.model, loaded.reading.preprocessing
    far = x_test * 3 - 1 if "multinomial" not in case and "categorical" not in case else x_test
    x = preprocessing.acceptable(np.concatenate([x_train, x_test, far, probe_rows(model, 600)]))
    scores, expected = model.scores(x), raw(loaded, x)
    size = np.abs(expected).max() + np.abs(model.base).max() + 1
    np.testing.assert_allclose(scores, expected, rtol=1e-9, atol=1e-10 * size)
    if model.classes:
        ranked = np.sort(scores, axis=1)
        gap = np.abs(scores[:, 0]) if model.outputs == 1 else ranked[:, -1] - ranked[:, -2]
        clear = gap > 1e-8 * size
        assert clear.mean() > 0.9
        answers = model.labels(model.decide(scores))
        assert np.array_equal(answers[clear], loaded.answers(x)[clear])


@pytest.mark.parametrize("case", unitkit.CASES)
def test_steps_are_exact_at_their_edges(case):
    """A function of intervals changes just where the library's own does, one ulp is enough."""
    loaded = load(unitkit.fitted(case)[0])
    model, preprocessing = loaded.model, loaded.reading.preprocessing
    for unit in (unit for unit in model.units if isinstance(unit, FloatSteps)):
        cuts = unit.limits
        near = np.concatenate([cuts, np.nextafter(cuts, np.inf), np.nextafter(cuts, -np.inf)])
        rows = np.tile(preprocessing.neutral, (len(near), 1))
        rows[:, unit.feature] = near
        rows = preprocessing.acceptable(rows)
        expected = raw(loaded, rows)
        found = unit.evaluate(rows)
        np.testing.assert_allclose(found - found[0], expected - expected[0], atol=1e-9)


@pytest.mark.parametrize("case", unitkit.CASES)
def test_files_are_read_without_trust(case, tmp_path):
    estimator, (_, x_test, _, _) = unitkit.fitted(case)
    expected = load(estimator).model.scores(x_test)
    for protocol in (0, 2, 5):
        path = tmp_path / f"model{protocol}.pkl"
        path.write_bytes(pickle.dumps(estimator, protocol))
        assert np.array_equal(load(path).model.scores(x_test), expected)
    joblib.dump(estimator, tmp_path / "model.joblib", compress=3)
    assert np.array_equal(load(tmp_path / "model.joblib").model.scores(x_test), expected)


@pytest.mark.parametrize("number, case", unitkit.PARAMETERS)
def test_integers_answer_as_the_library(number, case):
    """At the widths found on training rows alone, on rows that the search has not seen."""
    estimator, arrays = unitkit.fitted(case)
    design = locgen.compile(estimator, data=arrays)
    _, x_test, _, y_test = arrays
    theirs, ours = estimator.predict(x_test), design.predict(x_test)
    if design.model.task == "regression":
        assert r2_score(y_test, theirs) - r2_score(y_test, ours) <= R2
    else:
        # A row of these small sets counts for more than a point.
        lost = np.count_nonzero(theirs == y_test) - np.count_nonzero(ours == y_test)
        assert lost <= max(1, POINTS / 100 * len(y_test))


def test_what_becomes_of_columns():
    kinds = {
        "front-bins": {FloatSteps},
        "front-clipped": {FloatShape},
        "front-splines": {FloatShape},
        "categorical": {FloatSteps},
        "bernoulli": {FloatSteps},
    }
    for case, expected in kinds.items():
        model = load(unitkit.fitted(case)[0]).model
        assert {type(unit) for unit in model.units} == expected
        assert len({unit.feature for unit in model.units}) == len(model.units)
    model = load(unitkit.fitted("front-imputed")[0]).model
    assert len(model.fills) == 10 and None not in model.fills


def test_missing_values_need_no_code_where_one_value_does_the_same():
    estimator, arrays = unitkit.fitted("front-imputed")
    design = locgen.compile(estimator, data=arrays)
    assert set(design.model.missing_codes.tolist()) == {-1}
    rows = np.full((1, 10), np.nan)
    assert design.predict(rows) == estimator.predict(rows)
    indicated = locgen.compile(unitkit.fitted("front-indicated")[0], data=arrays)
    assert (indicated.model.missing_codes >= 0).any()


def test_what_is_damaged_or_without_an_answer_is_refused():
    from sklearn.linear_model import Ridge
    from sklearn.naive_bayes import BernoulliNB
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import SplineTransformer
    from sklearn.tree import DecisionTreeRegressor

    x, y = np.linspace(0, 1, 60).reshape(30, 2), np.arange(30.0)
    strict = make_pipeline(SplineTransformer(extrapolation="error"), Ridge()).fit(x, y)
    with pytest.raises(UnsupportedModel, match="extrapolation='constant'"):
        load(strict)
    tree = make_pipeline(SplineTransformer(), DecisionTreeRegressor()).fit(x, y)
    with pytest.raises(UnsupportedModel, match="train them on the columns themselves"):
        load(tree)
    always = BernoulliNB(alpha=1e-300, force_alpha=True).fit(np.ones((4, 1)), [0, 0, 1, 1])
    with pytest.raises(UnsupportedModel, match="alpha above 0"):
        load(always)
    still = make_pipeline(SplineTransformer(), Ridge()).fit(np.c_[x, np.full(30, 7.0)], y)
    with pytest.raises(UnsupportedModel, match="one value alone in its column 2"):
        load(still)
    broken = make_pipeline(SplineTransformer(), Ridge()).fit(x, y)
    for spline in broken[0].bsplines_:
        spline._t = spline._t[:4]  # the evaluating C code would read beyond its end
    copied = pickle.load(io.BytesIO(pickle.dumps(broken)))
    with pytest.raises(ModelFileError, match="bsplines_ is damaged"):
        load(copied)


def test_one_sample_one_class_and_constant_features():
    from sklearn.linear_model import LinearRegression, SGDClassifier
    from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, MultinomialNB

    for kind in (MultinomialNB, BernoulliNB, ComplementNB, CategoricalNB):
        model = load(kind().fit([[1, 0], [1, 2]], ["a", "a"])).model
        assert model.classes == ("a",)
        assert np.array(model.classes)[model.decide(model.scores(np.zeros((2, 2))))].tolist() == [
            "a",
            "a",
        ]
    x = np.array([[0.0, 1.0, 7.0], [4.0, -2.0, 7.0]])
    model = load(SGDClassifier(random_state=0).fit(x, [3, 9])).model
    assert np.array(model.classes)[model.decide(model.scores(x))].tolist() == [3, 9]
    lone = locgen.compile(
        LinearRegression().fit([[2.0, 3.0]], [5.0]), data=([[2.0, 3.0]] * 2, [5.0] * 2)
    )
    assert lone.predict(np.array([[0.0, 9.0]])).tolist() == [5.0]


@pytest.mark.parametrize("sign", [-1, 0, 1])
def test_class_1_needs_more_than_0(sign):
    from sklearn.linear_model import RidgeClassifier, SGDClassifier
    from sklearn.svm import LinearSVC

    for kind in (RidgeClassifier, SGDClassifier, LinearSVC):
        estimator = kind().fit([[-1.0], [1.0]], [0, 1])
        estimator.coef_, estimator.intercept_ = np.array([[1.0]]), np.array([-0.5])
        model = load(estimator).model
        x = np.array([[0.5]])
        x = np.nextafter(x, sign * np.inf) if sign else x
        assert model.decide(model.scores(x)) == estimator.predict(x) == (sign > 0)
