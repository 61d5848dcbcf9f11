"""Every family of tree ensembles against its library: on data, at every edge, on missing values."""

import warnings

import familykit
import numpy as np
import pytest

import locgen
from locgen.frontends import model_check, read_estimator
from locgen.ir.model import Model
from locgen.quantise.evaluator import right_share


def library_answers(estimator, x):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(estimator.predict(x))


def answers(model: Model, x):
    decided = model.decide(model.scores(x))
    if model.task == "regression":
        return decided[:, 0] if model.targets == 1 else decided
    return model.labels(decided)


def edge_rows(model):
    """Return rows of cuts and their neighbours, one ulp up and one down."""
    return np.concatenate([model_check.tree_probe_rows(model), rows_below(model)])


def rows_below(model):
    x = model_check.tree_probe_rows(model)
    return np.nextafter(x, -np.inf)


@pytest.mark.parametrize("case", familykit.CASES)
def test_float_ir_answers_as_the_library_does(case):
    estimator, (x_train, x_test, _, _) = familykit.fitted(case)
    model = read_estimator(estimator)
    for x in (x_train, x_test, edge_rows(model)):
        if case == "pipeline-columns" and x is not x_train:
            continue  # its encoders refuse what they have not seen; loading compared the rest
        if "zero" in case:
            x = np.where(np.abs(x) < 1e-30, 0, x)
        expected = library_answers(estimator, x)
        found = answers(model, x)
        if model.task == "regression":
            size = np.abs(expected).max()
            assert np.abs(found - expected).max() <= 2e-5 * size
            continue
        scores = model.scores(x)
        size = sum(np.abs(tree.leaf_values).max() for tree in model.trees)
        clear = model.rule_of_decision.margin(scores) > 1e-5 * size
        assert clear.mean() > 0.5 or "hard" in case
        assert np.array_equal(found[clear], expected[clear])


@pytest.mark.parametrize("case", familykit.CASES)
def test_golden_keeps_the_accuracy(case):
    estimator, arrays = familykit.fitted(case)
    x_train, x_test, y_train, y_test = arrays
    if "isolation" in case:
        y_train, y_test = (estimator.predict(x) for x in (x_train, x_test))
    design = locgen.compile(estimator, data=(x_train, x_test, y_train, y_test))
    before, after = library_answers(estimator, x_test), design.predict(x_test)
    if design.model.task == "regression":
        spread = ((y_test - y_test.mean(axis=0)) ** 2).sum()
        lost = (((y_test - after) ** 2).sum() - ((y_test - before) ** 2).sum()) / spread
        assert lost <= 0.01
    else:
        assert right_share(before, y_test) - right_share(after, y_test) <= 0.02  # a row or two


def test_an_isolation_forest_scores_samples():
    estimator, arrays = familykit.fitted("isolation-contaminated")
    design = locgen.compile(estimator, score_bits=12)
    x = arrays[1]
    assert np.allclose(design.score_samples(x), estimator.score_samples(x), atol=2e-3)
    assert np.allclose(design.decision_function(x), estimator.decision_function(x), atol=2e-3)
    other = locgen.compile(familykit.fitted("tree-entropy")[0])
    with pytest.raises(AttributeError, match="no isolation forest"):
        other.score_samples(x)
