"""The search for widths: the smallest that keeps the promise, and what cannot be promised."""

from dataclasses import replace

import numpy as np
import pytest
from modelkit import random_float_model, random_rows
from sklearn.metrics import r2_score
from sklearn.tree import DecisionTreeClassifier

from locgen.errors import BudgetError
from locgen.frontends import read_estimator
from locgen.ir import Argmax, Threshold
from locgen.quantise.dataset import Dataset
from locgen.quantise.evaluator import Evaluator
from locgen.quantise.search import QuantiseOptions, quantise, synthetic_rows


def dataset(model, rows=150, seed=0, noise=0.1):
    """Return rows labelled by `model` with some labels wrong; test rows are poison."""
    random = np.random.default_rng(seed)
    x = random_rows(model, rows, seed)
    scores = model.scores(x)
    if model.task == "regression":
        y = scores + random.normal(size=scores.shape) * noise
        y = y[:, 0] if model.outputs == 1 else y
    else:
        decided = model.decide(scores)
        wrong = random.random(rows) < noise
        y = np.array(model.classes)[np.where(wrong, random.permutation(decided), decided)]
    return Dataset(x, y, np.full_like(x, np.inf), np.full(len(x), "poison"))


MODELS = [
    {"outputs": 1},
    {"outputs": 2},
    {"outputs": 4},
    {"outputs": 1, "decision": "identity"},
    {"outputs": 3, "decision": "identity"},
    {"outputs": 3, "missing": True, "infinite": True},
]


@pytest.mark.parametrize("budget", [0.0, 0.5, 20.0])
@pytest.mark.parametrize("shape", MODELS)
@pytest.mark.parametrize("seed", range(3))
def test_the_first_width_inside_the_budget_is_taken(shape, seed, budget):
    """Drop and changes are recomputed from predictions alone."""
    model = random_float_model(seed, **shape)
    data = dataset(model, seed=seed)
    options = QuantiseOptions(max_accuracy_drop=budget)
    try:
        found = quantise(model, "m", options, data)
        trials = found.trials
        assert [t.kept for t in trials] == [False] * (len(trials) - 1) + [True]
    except BudgetError:
        assert model.task == "regression" and budget == 0.0  # no width is equal to real numbers
        return
    assert [t.score_bits for t in trials] == list(range(1, len(trials) + 1))
    scores = model.scores(data.x_train)
    flat = model.task == "regression" and not np.ptp(scores, axis=0).all()
    assert found.rows_seen == 150 + 8 * 150 + flat * 4096
    for trial in trials:
        fixed = QuantiseOptions(score_bits=trial.score_bits, max_accuracy_drop=1e9)
        candidate = quantise(model, "m", fixed, data).model
        x = data.x_train
        if model.task == "regression":
            golden = candidate.raw(candidate.scores(candidate.quantise(x)))
            y = np.reshape(data.y_train, golden.shape)
            drop = 100 * (r2_score(y, scores) - r2_score(y, golden))
        else:
            before = np.mean(np.array(model.classes)[model.decide(scores)] == data.y_train)
            drop = 100 * (before - np.mean(candidate.predict(x) == data.y_train))
        assert trial.drop == pytest.approx(drop, abs=1e-9)
        assert trial.kept == (trial.drop <= budget and trial.changed <= budget / 2)
    assert found.model == candidate


def test_several_widths_are_tried_in_some_of_the_tests_above():
    counts = set()
    for seed in range(3):
        model = random_float_model(seed, outputs=4)
        counts.add(len(quantise(model, "m", QuantiseOptions(), dataset(model)).trials))
    assert max(counts) > 2


@pytest.mark.parametrize("shape", MODELS)
def test_without_data_the_share_of_changed_decisions_counts(shape):
    model = random_float_model(1, **shape)
    found = quantise(model, "m", QuantiseOptions(max_accuracy_drop=2.0))
    x = synthetic_rows(model)
    assert found.rows_seen == len(x) == 4096
    assert all(t.drop is None for t in found.trials)
    golden = found.model.evaluate(found.model.quantise(x))
    if model.task == "regression":
        changed = 100 * (1 - r2_score(model.scores(x), found.model.raw(golden[1])))
    else:
        changed = 100 * np.mean(golden[0] != model.decide(model.scores(x)))
    assert found.trials[-1].changed == pytest.approx(changed, abs=1e-9)
    assert found.trials[-1].changed <= 1.0
    assert all(t.changed > 1.0 for t in found.trials[:-1])


@pytest.mark.parametrize("bits", [1, 5, 16])
def test_fixed_score_bits_are_kept_whatever_changes(bits):
    model = random_float_model(1, outputs=3)
    found = quantise(model, "m", QuantiseOptions(score_bits=bits))
    assert [t.score_bits for t in found.trials] == [bits]
    spans = [high - low for n in found.model.nodes for low, high in n.ranges]
    assert max(spans) == (1 << bits) - 1


def test_fixed_score_bits_that_cost_too_much_are_refused():
    model = random_float_model(1, outputs=4)
    data = dataset(model, noise=0.0)
    with pytest.raises(
        BudgetError, match=r"\(1 score bits\) loses .* points where it may lose 0, and changes"
    ):
        quantise(model, "m", QuantiseOptions(score_bits=1, max_accuracy_drop=0.0), data)


def test_fixed_feature_bits():
    model = random_float_model(1, outputs=3)
    options = QuantiseOptions(feature_bits=5, max_accuracy_drop=100.0)
    found = quantise(model, "m", options, dataset(model))
    assert {f.kind for f in found.model.features} == {"affine"}
    assert set(found.model.feature_bits) == {5}


def test_too_few_feature_bits_meet_no_budget():
    model = random_float_model(1, outputs=3, features=1)
    options = QuantiseOptions(feature_bits=1, max_accuracy_drop=0.0)
    with pytest.raises(BudgetError, match="leave out --feature-bits and --score-bits") as caught:
        quantise(model, "m", options, dataset(model, noise=0.0))
    assert "\n" not in str(caught.value)


def test_test_rows_are_not_seen():
    """They are poison in every test of this file; here they are absent, to the same effect."""
    model = random_float_model(0, outputs=3)
    data = dataset(model)
    bare = replace(data, x_test=data.x_test[:0], y_test=data.y_test[:0])
    assert quantise(model, "m", QuantiseOptions(), data) == quantise(
        model, "m", QuantiseOptions(), bare
    )


def test_same_input_same_model():
    model = random_float_model(0, outputs=3)
    first, second = (quantise(model, "m", QuantiseOptions(), dataset(model)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("rows", [0, 1, 2, 3])
@pytest.mark.parametrize("shape", MODELS[:5])
@pytest.mark.parametrize("seed", range(4))
def test_hardly_any_rows(shape, seed, rows):
    model = random_float_model(seed, **shape)
    found = quantise(model, "m", QuantiseOptions(), dataset(model, rows))
    assert found.trials[-1].kept


@pytest.mark.parametrize("shape", MODELS[:5])
@pytest.mark.parametrize("rows", [None, 1, 5])
def test_models_that_always_say_the_same(shape, rows):
    """Single leaves: real sums differ from golden in the last place, which is no change at all."""
    outputs = shape["outputs"]
    full = random_float_model(7, shared=True, **shape)
    trees = tuple(
        replace(
            t, feature=t.feature[:0], cut=t.cut[:0], missing_left=t.missing_left[:0],
            left=t.left[:0], right=t.right[:0], leaf_values=t.leaf_values[:1],
            leaf_ids=t.leaf_ids[:1],
        )
        for t in full.trees
    ) * 3  # fmt: skip
    model = replace(full, trees=trees, base=tuple(0.1 * (i + 1) for i in range(outputs)))
    data = None if rows is None else dataset(model, rows, noise=0.0)
    found = quantise(model, "m", QuantiseOptions(), data)
    assert len(found.trials) <= (4 if outputs > 1 and model.task == "classification" else 1)
    x = np.zeros((2, 5))
    if model.task == "classification":
        assert found.model.predict(x).tolist() == [model.decide(model.scores(x))[0]] * 2
    else:
        assert np.allclose(found.model.predict(x).reshape(2, -1), model.scores(x), rtol=1e-12)


def test_rows_of_a_regression_that_share_one_leaf():
    model = random_float_model(3, outputs=1, decision="identity")
    x = np.full((6, 5), -50.0) + np.arange(6)[:, None]  # left of every cut
    y = model.scores(x)[:, 0]
    found = quantise(model, "m", QuantiseOptions(), Dataset(x, y, x, y))
    assert found.trials[-1].kept


def test_one_class_in_the_data():
    model = random_float_model(1, outputs=3)
    data = dataset(model)
    data = replace(data, y_train=np.zeros(len(data.x_train), dtype=int))
    assert quantise(model, "m", QuantiseOptions(), data).trials[-1].drop <= 0.5


def test_text_labels():
    model = replace(random_float_model(1, outputs=3), classes=("a", "b", "c"))
    found = quantise(model, "m", QuantiseOptions(), dataset(model, noise=0.0))
    assert found.model.classes == ("a", "b", "c")
    assert found.trials[-1].drop <= 0.5


def test_decisions():
    assert quantise(random_float_model(1), "m", QuantiseOptions()).model.decision == Threshold(">")
    two = random_float_model(1, outputs=2)
    assert quantise(two, "m", QuantiseOptions()).model.decision == Threshold(">")
    three = random_float_model(1, outputs=3)
    assert quantise(three, "m", QuantiseOptions()).model.decision == Argmax(3)


def test_synthetic_rows_reach_both_sides_of_every_cut():
    model = random_float_model(2, outputs=3, infinite=True)
    x = synthetic_rows(model, 2000)
    assert x.shape == (2000, 5) and np.isfinite(x).all()
    for column, cuts in zip(x.T, model.cuts, strict=True):
        for cut in cuts[np.isfinite(cuts)]:
            assert 0 < (column <= cut).sum() < 2000
    assert np.array_equal(x, synthetic_rows(model, 2000))


def test_candidates_are_held_against_the_library_s_answers():
    """Where it was asked: the float model may answer a tie otherwise."""
    x = np.array([[0.0], [1.0], [2.0], [3.0]])
    y = np.array(["a", "a", "b", "b"])
    tree = DecisionTreeClassifier().fit(x, y)
    model = read_estimator(tree)
    answers = np.array(["a", "b", "b", "b"])
    plain = Evaluator(model, Dataset(x, y, x, y))
    asked = Evaluator(model, Dataset(x, y, x, y, answers_train=answers))
    assert plain.decided[:4].tolist() == [0, 0, 1, 1]
    assert asked.decided[:4].tolist() == [0, 1, 1, 1]
    assert np.array_equal(plain.decided[4:], asked.decided[4:])
    assert asked.changed(plain.decided) > 0 == plain.changed(plain.decided)
    reduced = Evaluator(model, Dataset(x, y, x, y, answers_train=answers), trained=model)
    assert np.array_equal(reduced.decided, plain.decided)
