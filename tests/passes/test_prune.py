"""Pruning: what is cut, what it promises on data, what is said of it, and who is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modelkit import random_float_model, random_rows
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
)
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import locgen
from locgen.errors import ConfigurationError
from locgen.flow.build import verify_rtl
from locgen.flow.inspect import inspect_model
from locgen.flow.report import make_report
from locgen.flow.report_quantisation import pruning_section
from locgen.frontends import load
from locgen.ir import to_json
from locgen.models import MixtureOfExpertsClassifier
from locgen.passes import Context, merge, prune
from locgen.passes.cutting import cut_back
from locgen.quantise import Dataset, QuantiseOptions, quantise
from locgen.quantise.evaluator import Evaluator
from locgen.quantise.search import pass_context
from locgen.report.html import render_html
from locgen.report.pictures import Pictures
from locgen.report.terminal import summary_lines

CANCER, WINE, DIGITS, DIABETES = (
    train_test_split(*load(return_X_y=True), test_size=0.3, random_state=0)
    for load in (load_breast_cancer, load_wine, load_digits, load_diabetes)
)
FAMILIES = {
    "tree": (DecisionTreeClassifier(random_state=0), CANCER),
    "classes": (DecisionTreeClassifier(max_depth=6, random_state=0), DIGITS),
    "forest": (RandomForestClassifier(8, max_depth=6, random_state=0), CANCER),
    "vectors": (ExtraTreesClassifier(5, max_depth=6, random_state=0), WINE),
    "bagging": (BaggingClassifier(n_estimators=5, random_state=0), WINE),
    "boosting": (GradientBoostingClassifier(n_estimators=8, random_state=0), CANCER),
    "boosted classes": (GradientBoostingClassifier(n_estimators=4, random_state=0), WINE),
    "histograms": (
        HistGradientBoostingClassifier(max_iter=3, max_leaf_nodes=15, random_state=0),
        CANCER,
    ),
    "weights": (
        AdaBoostClassifier(DecisionTreeClassifier(max_depth=3), n_estimators=6, random_state=0),
        CANCER,
    ),
    "votes": (
        VotingClassifier(
            [(str(n), DecisionTreeClassifier(max_depth=4, random_state=n)) for n in range(3)]
        ),
        WINE,
    ),
    "values": (DecisionTreeRegressor(max_depth=6, random_state=0), DIABETES),
    "mean": (RandomForestRegressor(5, max_depth=5, random_state=0), DIABETES),
    "median": (AdaBoostRegressor(n_estimators=4, random_state=0), DIABETES),
}


def fitted(name):
    estimator, data = FAMILIES[name]
    return estimator.fit(data[0], data[2]), data


def pruned(estimator, data, **options):
    """Return the model as it was trained, the pruned one, and what was done."""
    model = merge.run(load(estimator).model, Context()).model
    data = Dataset(data[0], data[2], data[1], data[3])
    context = pass_context(QuantiseOptions(prune=True, **options), data)
    fewer, (done,) = prune.run(model, context)
    return model, fewer, done


def decided(model, x):
    return model.decide(model.scores(x))


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000))
def test_a_tree_cut_back_leads_each_row_to_the_leaf_that_stands_for_its_own(seed):
    model = random_float_model(seed, outputs=2, missing=True)
    x = random_rows(model, 60, seed)
    random = np.random.default_rng(seed)
    for tree in model.trees:
        cuts, waiting, gone = {}, [0] if len(tree.feature) else [], set()
        while waiting:
            split = waiting.pop()
            if split < 0:
                continue
            if random.random() < 0.3:
                cuts[split] = random.normal(size=len(tree.outputs))
                inner = [split]
                while inner:
                    node = inner.pop()
                    gone |= {~node} if node < 0 else set()
                    inner += [] if node < 0 else [int(tree.left[node]), int(tree.right[node])]
            else:
                waiting += [int(tree.left[split]), int(tree.right[split])]
        made, of = cut_back(tree, cuts)
        assert len(made.leaf_values) == len(made.feature) + 1
        assert len(made.leaf_values) == len(tree.leaf_values) - len(gone) + len(cuts)
        before, after = tree.leaf_index(x), made.leaf_index(x)
        assert np.array_equal(after, of[before])
        for row, leaf in enumerate(before):
            if leaf not in gone:
                assert np.array_equal(made.evaluate(x[[row]])[0], tree.leaf_values[leaf])
        values = {tuple(value) for value in cuts.values()}
        cut_rows = np.isin(before, sorted(gone))
        assert {tuple(value) for value in made.evaluate(x[cut_rows])} <= values


@pytest.mark.parametrize("name", FAMILIES)
def test_leaves_go_and_the_budget_holds_on_real_data(name):
    estimator, data = fitted(name)
    model, fewer, done = pruned(estimator, data, max_accuracy_drop=4.0)
    leaves = [sum(len(tree.leaf_values) for tree in m.trees) for m in (model, fewer)]
    assert [done.leaves_before, done.leaves_after] == leaves
    assert leaves[1] < 0.95 * leaves[0]
    assert done.train_before == pytest.approx(estimator.score(data[0], data[2]))
    assert done.test_before == pytest.approx(estimator.score(data[1], data[3]))
    assert 100 * (done.train_before - done.train_after) <= 2.0 + 1e-6
    evaluator = Evaluator(model, Dataset(data[0], data[2], data[1], data[3]))
    assert evaluator.changed(decided(fewer, evaluator.x)) <= 4.0 + 1e-6
    design = locgen.compile(estimator, data=data, prune=True, max_accuracy_drop=4.0)
    answers = design.predict(data[0])
    if model.task == "classification":
        assert 100 * (done.train_before - np.mean(answers == data[2])) <= 4.0
    else:
        rest = np.sum((data[2] - answers) ** 2) / np.sum((data[2] - data[2].mean()) ** 2)
        assert 100 * (done.train_before - (1 - rest)) <= 4.0
    assert design.quantisation.pruning in (done, done.undone)


def test_more_budget_never_leaves_more():
    estimator, data = fitted("forest")
    left = [pruned(estimator, data, max_accuracy_drop=b)[2].leaves_after for b in (0, 1, 3, 9)]
    assert left == sorted(left, reverse=True)
    assert left[3] < left[2] < left[0]


@pytest.mark.parametrize("name", FAMILIES)
def test_without_a_budget_nothing_goes_that_anything_depends_on(name):
    estimator, data = fitted(name)
    model, fewer, done = pruned(estimator, data, max_accuracy_drop=0.0)
    evaluator = Evaluator(model, Dataset(data[0], data[2], data[1], data[3]))
    before, after = decided(model, evaluator.x), decided(fewer, evaluator.x)
    if model.task == "regression":  # float sums in another order
        assert np.allclose(before, after, rtol=1e-12)
    else:
        assert np.array_equal(before, after)
    assert done.train_after >= done.train_before - 1e-12
    if name == "tree":  # every leaf holds rows of one class, beside those of another
        assert done.leaves_after == done.leaves_before


def test_accuracy_counts_from_the_model_as_it_was_trained(monkeypatch):
    estimator, data = fitted("forest")
    data = Dataset(data[0], data[2], data[1], data[3])
    options = QuantiseOptions(prune=True, max_accuracy_drop=1.0, max_changed=100.0)
    model = load(estimator).model

    def too_much(model, context):
        return prune.run(model, replace(context, max_accuracy_drop=20.0))

    context = pass_context(options, data)
    _, (done,) = too_much(merge.run(model, context).model, context)
    assert done.train_before - done.train_after > 0.01
    monkeypatch.setattr("locgen.quantise.search.REDUCING_PASSES", (too_much,))
    found = quantise(model, "forest", options, data)  # too much is gone: nothing is cut
    assert found.pruning == done.undone and not found.pruning.cut
    assert found.model == quantise(model, "forest", replace(options, prune=False), data).model


def test_fewer_leaves_that_take_more_cells_are_not_taken():
    estimator, data = fitted("bagging")
    options = {"data": data, "max_accuracy_drop": 1.0, "fabric": "direct"}
    _, _, done = pruned(estimator, data, max_accuracy_drop=1.0)
    assert done.cut
    design = locgen.compile(estimator, prune=True, **options)
    whole = locgen.compile(estimator, **options)
    assert design.quantisation.pruning == done.undone
    assert design.model == whole.model


@pytest.mark.parametrize(
    "name",
    [
        "vectors",
        pytest.param("boosting", marks=pytest.mark.slow),
        pytest.param("mean", marks=pytest.mark.slow),
    ],
)
def test_gates_equal_the_golden_of_the_pruned_model(name):
    estimator, data = fitted(name)
    options = {"data": data, "max_accuracy_drop": 4.0, "fabric": "direct"}
    design = locgen.compile(estimator, prune=True, **options)
    whole = locgen.compile(estimator, **options)
    splits = [sum(len(node.feature) for node in d.model.nodes) for d in (design, whole)]
    assert splits[0] < splits[1]
    result = verify_rtl(design)
    assert result.mismatches == 0 and result.vectors >= 200


def test_free_rounding_goes_on_from_there():
    estimator, data = fitted("boosting")
    options = {"data": data, "rounding": "free", "max_accuracy_drop": 3.0}
    both = locgen.compile(estimator, prune=True, **options)
    alone = locgen.compile(estimator, **options)
    cells = [d.estimate.logic_cells for d in (both, alone)]
    assert cells[0] < cells[1]
    lost = estimator.score(data[0], data[2]) - np.mean(both.predict(data[0]) == data[2])
    assert 100 * lost <= 3.0


def test_the_report_says_what_went():
    estimator, data = fitted("boosting")
    options = {"data": data, "max_accuracy_drop": 2.0, "fabric": "direct"}
    report = make_report(locgen.compile(estimator, prune=True, **options))
    done = report.pruning
    assert done.measure == "accuracy" and done.leaves_after < done.leaves_before
    assert json.loads(report.to_json())["pruning"]["leaves_after"] == done.leaves_after
    (line,) = (t for t in summary_lines(report, None, "") if t.startswith("pruning"))
    assert f"{done.leaves_after} of {done.leaves_before} leaves left" in line
    assert f"{100 * done.train_after:.2f} %, on test rows" in line
    page = render_html(report, Pictures())
    assert f"{done.leaves_after} of {done.leaves_before} leaves" in page
    facts = inspect_model(estimator, prune=True, **options)
    assert facts["pruned"] == f"{done.leaves_after} of {done.leaves_before} leaves left"
    assert f"to {100 * done.test_after:.2f} % on test rows" in facts["pruned_worth"]
    silent = locgen.compile(estimator, **options)
    assert make_report(silent).pruning is None and "pruned" not in inspect_model(estimator)
    assert pruning_section(silent.quantisation) is None
    assert not any(t.startswith("pruning") for t in summary_lines(make_report(silent), None, ""))


def test_others_are_refused(tmp_path):
    forest, data = fitted("forest")
    with pytest.raises(ConfigurationError, match="give them with --data, or leave --prune out"):
        locgen.compile(forest, prune=True)
    x, y = WINE[0][:60, :3], WINE[2][:60]
    mixture = MixtureOfExpertsClassifier(2, random_state=0)
    for other in (GaussianNB(), KNeighborsClassifier(3), mixture):
        with pytest.raises(ConfigurationError, match="leave --prune out"):
            locgen.compile(other.fit(x, y), data=(x, y), prune=True)
    path = tmp_path / "model.locgen.json"
    path.write_text(to_json(locgen.compile(forest, data=data).model))
    with pytest.raises(ConfigurationError, match="--prune out, or build from the trained model"):
        locgen.compile(path, prune=True)
