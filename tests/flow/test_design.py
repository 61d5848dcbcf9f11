"""The Python API has scikit-learn's names and shapes, and golden behind them."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.model_selection import train_test_split

import locgen
from locgen.errors import BudgetError, ConfigurationError, DataError, ModelFileError, UsageError
from locgen.ir import to_json
from locgen.plan import DirectPlan, TreePlan


def split(bunch):
    labels = bunch.target if len(set(bunch.target)) < 10 else None
    return train_test_split(
        bunch.data, bunch.target, test_size=0.3, random_state=0, stratify=labels
    )


CANCER, WINE, DIABETES = (split(load()) for load in (load_breast_cancer, load_wine, load_diabetes))


@pytest.fixture(scope="module")
def cancer():
    forest = RandomForestClassifier(20, max_depth=5, random_state=0).fit(CANCER[0], CANCER[2])
    return forest, locgen.compile(forest, target="ice40", data=CANCER)


def test_two_classes(cancer):
    forest, design = cancer
    x_test = CANCER[1]
    assert np.array_equal(design.predict(x_test), forest.predict(x_test))
    assert design.decision_function(x_test).shape == (len(x_test),)
    probability = design.predict_proba(x_test)
    assert probability.shape == forest.predict_proba(x_test).shape
    assert np.abs(probability - forest.predict_proba(x_test)).max() < 0.1
    assert np.array_equal(design.classes_, forest.classes_)
    assert design.n_features_in_ == 30


@pytest.mark.parametrize("kind", [RandomForestClassifier, GradientBoostingClassifier])
def test_three_classes(kind):
    estimator = kind(n_estimators=10, max_depth=4, random_state=0).fit(WINE[0], WINE[2])
    design = locgen.compile(estimator, data=WINE)
    assert design.decision_function(WINE[1]).shape == (len(WINE[1]), 3)
    assert np.mean(design.predict(WINE[1]) != estimator.predict(WINE[1])) < 0.02
    assert np.abs(design.predict_proba(WINE[1]) - estimator.predict_proba(WINE[1])).max() < 0.2
    assert np.abs(design.predict_proba(WINE[1]).sum(axis=1) - 1).max() < 0.1


@pytest.mark.parametrize("kind", [RandomForestRegressor, GradientBoostingRegressor])
def test_regression(kind):
    estimator = kind(n_estimators=10, max_depth=3, random_state=0).fit(DIABETES[0], DIABETES[2])
    design = locgen.compile(estimator, data=DIABETES)
    assert design.predict(DIABETES[1]).shape == (len(DIABETES[1]),)
    quantisation = design.report.quantisation
    assert quantisation.changed_decisions is None and quantisation.float_accuracy is None
    assert abs(quantisation.float_r2 - quantisation.quantised_r2) < 0.01
    with pytest.raises(AttributeError, match="classifier"):
        design.predict_proba(DIABETES[1])


def test_several_outputs():
    targets = np.stack([DIABETES[2], -3 * DIABETES[2] + 7], axis=1)
    estimator = RandomForestRegressor(5, max_depth=3, random_state=0).fit(DIABETES[0], targets)
    design = locgen.compile(estimator)
    assert design.predict(DIABETES[1]).shape == (len(DIABETES[1]), 2)
    error = np.abs(design.predict(DIABETES[1]) - estimator.predict(DIABETES[1]))
    assert np.all(error.mean(axis=0) < 0.1 * targets.std(axis=0))


def test_explanations_recombine_to_the_scores(cancer):
    forest, design = cancer
    evidence = design.explain(CANCER[1])
    assert np.array_equal(evidence.leaf_ids, forest.apply(CANCER[1]))
    scores = design.model.scores(design.model.quantise(CANCER[1]))
    assert np.array_equal(evidence.scores, scores)
    assert np.array_equal(evidence.bias + evidence.contributions.sum(axis=1), scores)


def test_report_before_a_build_has_no_measurements(cancer):
    report = cancer[1].report
    assert report.core is None and report.verification == [] and report.energy is None
    assert report.quantisation.rows_test == len(CANCER[1])
    assert report.fabric.latency_cycles == cancer[1].plan.latency_cycles


def test_search_sees_training_rows_alone(cancer):
    forest, design = cancer
    shuffled = np.random.default_rng(0).permutation(CANCER[3])
    other = locgen.compile(forest, data=(CANCER[0], CANCER[1][::-1], CANCER[2], shuffled))
    assert other.quantisation.trials == design.quantisation.trials


def test_digest_tells_designs_apart(cancer):
    forest, design = cancer
    assert locgen.compile(forest, data=CANCER).digest == design.digest
    assert locgen.compile(forest, data=CANCER, fabric="tree").digest != design.digest
    assert locgen.compile(forest, data=CANCER, score_bits=9).digest != design.digest


def test_fabric_is_chosen_by_what_is_asked_and_what_fits(cancer):
    forest, _ = cancer
    assert isinstance(locgen.compile(forest, optimise="latency").plan, DirectPlan)
    assert isinstance(locgen.compile(forest, sites=4).plan, TreePlan)
    assert isinstance(locgen.compile(forest, stages=2).plan, DirectPlan)
    big = ExtraTreesClassifier(40, max_depth=7, random_state=0).fit(WINE[0], WINE[2])
    on_small = locgen.compile(big, device="hx1k")
    sizes = {"direct": on_small.estimate.logic_cells, "tree": None}
    assert on_small.plan.kind in sizes


def test_wrong_options_are_refused(cancer):
    forest, _ = cancer
    with pytest.raises(UsageError, match="did you mean 'board'"):
        locgen.compile(forest, bord="icebreaker")
    with pytest.raises(UsageError, match="--fabric"):
        locgen.compile(forest, fabric="ring")
    with pytest.raises(UsageError, match="leave --device out"):
        locgen.compile(forest, board="icebreaker", device="hx8k")
    with pytest.raises(UsageError, match="leave --clock out"):
        locgen.compile(forest, board="icebreaker", clock=48)
    with pytest.raises(ConfigurationError, match="the direct fabric has no sites"):
        locgen.compile(forest, fabric="direct", sites=3)
    with pytest.raises(ConfigurationError, match="--sites 99 is outside 1 to 20"):
        locgen.compile(forest, fabric="tree", sites=99)
    with pytest.raises(ConfigurationError, match="--stages 99 is outside"):
        locgen.compile(forest, fabric="direct", stages=99)


def test_budget_that_cannot_be_met_is_refused(cancer):
    forest, _ = cancer
    with pytest.raises(BudgetError, match="no width keeps to the budget"):
        locgen.compile(forest, data=CANCER, feature_bits=1, feature_kind="affine")


def test_rows_that_the_model_cannot_take_are_refused(cancer):
    _, design = cancer
    bad = CANCER[1].copy()
    bad[2, 3] = np.nan
    for method in (design.predict, design.decision_function, design.predict_proba, design.explain):
        with pytest.raises(DataError, match="row 2, column 3"):
            method(bad)
    with pytest.raises(DataError, match="29 columns"):
        design.predict(CANCER[1][:, 1:])


def test_a_build_can_start_from_the_integer_model(tmp_path, cancer):
    _, design = cancer
    path = tmp_path / "model.locgen.json"
    path.write_text(to_json(design.model))
    again = locgen.compile(path)
    assert again.model == design.model
    assert np.array_equal(again.predict(CANCER[1]), design.predict(CANCER[1]))
    with pytest.raises(ConfigurationError, match="quantised already"):
        locgen.compile(path, data=CANCER)
    path.write_text('{"name": 3}')
    with pytest.raises(ModelFileError, match="no valid locgen model"):
        locgen.compile(path)
