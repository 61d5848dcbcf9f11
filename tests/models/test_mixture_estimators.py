"""Mixtures of experts as scikit-learn estimators."""

import itertools
import pickle

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.estimator_checks import estimator_checks_generator

from locgen.models import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from locgen.models.routing import assign, best


def checks():
    for kind in (MixtureOfExpertsClassifier, MixtureOfExpertsRegressor):
        for gate in ("tree", "linear", "prototype"):
            small = kind(experts=3, gate=gate, max_iter=3)
            for estimator, check in estimator_checks_generator(small):
                name = getattr(check, "func", check).__name__
                yield pytest.param(estimator, check, id=f"{kind.__name__}-{gate}-{name}")


@pytest.mark.slow
@pytest.mark.parametrize("estimator, check", list(checks()))
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


def blobs(rows=400, features=4, classes=3, seed=0):
    """Return rows in eight clumps, each with its own rule for the label."""
    random = np.random.default_rng(seed)
    place = random.integers(8, size=rows)
    x = random.normal(size=(rows, features)) + 6 * random.normal(size=(8, features))[place]
    centred = x - np.array([x[place == p].mean(axis=0) for p in place])
    y = ((centred[:, 0] > 0) + place) % classes
    return x, y


KINDS = [MixtureOfExpertsClassifier, MixtureOfExpertsRegressor]
GATES = ["tree", "linear", "prototype"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("top_k", [1, 2, 5])
def test_the_answer_is_the_mean_of_the_open_experts(kind, gate, top_k):
    x, y = blobs()
    mixture = kind(5, gate=gate, top_k=top_k, random_state=1, max_iter=3).fit(x, y)
    scores, routes = mixture.gate_scores(x), mixture.route(x)
    assert scores.shape == (len(x), mixture.n_experts_) and routes.shape == (len(x), top_k)
    classifier = kind is MixtureOfExpertsClassifier
    for row in range(0, len(x), 7):
        ranked = sorted(range(mixture.n_experts_), key=lambda e: (-scores[row, e], e))
        assert list(routes[row]) == ranked[:top_k]
        total = np.zeros(3 if classifier else 1)
        for number in sorted(ranked[:top_k]):
            expert = mixture.experts_[number]
            if classifier:
                total[expert.classes_] += expert.predict_proba(x[[row]])[0]
            else:
                total += expert.predict(x[[row]])
        answer = mixture.predict_proba(x[[row]])[0] if classifier else mixture.predict(x[[row]])
        assert np.array_equal(answer, total / top_k)
    if classifier:
        best = mixture.predict_proba(x).argmax(axis=1)
        assert np.array_equal(mixture.predict(x), mixture.classes_[best])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("top_k", [1, 2])
def test_experts_are_fitted_to_what_the_gate_sends_them(kind, gate, top_k):
    x, y = blobs(150)
    classifier = kind is MixtureOfExpertsClassifier
    template = DecisionTreeClassifier() if classifier else DecisionTreeRegressor()
    mixture = kind(4, gate=gate, top_k=top_k, expert=template, random_state=3).fit(x, y)
    routes = mixture.route(x)
    load = [(routes == number).any(axis=1).mean() for number in range(mixture.n_experts_)]
    assert np.array_equal(mixture.expert_load_, load) and min(load) > 0
    for number, expert in enumerate(mixture.experts_):
        assert expert.tree_.n_node_samples[0] == (routes == number).any(axis=1).sum()
        mine = (routes == number).any(axis=1)
        assert (expert.predict(x[mine]) == y[mine]).all()  # a full tree has learnt its rows


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("gate", GATES)
def test_a_seed_settles_everything(kind, gate):
    x, y = blobs()
    first, second = (pickle.dumps(kind(4, gate=gate, random_state=5).fit(x, y)) for _ in range(2))
    assert first == second
    assert pickle.dumps(kind(4, gate=gate, random_state=6).fit(x, y)) != first


def test_it_beats_one_expert_on_rows_in_clumps():
    x, y = blobs(1600)
    one = RandomForestClassifier(5, max_depth=4, random_state=0).fit(x[:800], y[:800])
    mixture = MixtureOfExpertsClassifier(random_state=0).fit(x[:800], y[:800])
    assert mixture.n_experts_ == 8
    assert mixture.score(x[800:], y[800:]) > one.score(x[800:], y[800:]) + 0.15


def test_balance_evens_the_load():
    random = np.random.default_rng(0)
    x = random.normal(size=(600, 3)) * random.choice([0.1, 4], size=(600, 1), p=[0.9, 0.1])
    y = x[:, 0] * x[:, 1] + x[:, 2]
    largest = [
        MixtureOfExpertsRegressor(4, balance=balance, random_state=0).fit(x, y).expert_load_.max()
        for balance in (0, 1)
    ]
    assert largest[1] < 0.45 < largest[0]


def test_assign_takes_the_cheapest_without_balance_and_evens_with():
    cost = np.random.default_rng(0).random((1000, 4)) + [0, 0.2, 0.2, 0.2]
    assert np.array_equal(assign(cost, 1, 0.0)[:, 0], cost.argmin(axis=1))
    free, even = (np.bincount(assign(cost, 1, b)[:, 0]) for b in (0.0, 2.0))
    assert free.max() > 350 and even.max() < 290
    pairs = assign(cost, 2, 0.0)
    assert np.array_equal(np.sort(pairs, axis=1), np.sort(np.argsort(cost, axis=1)[:, :2], axis=1))


def test_best_breaks_ties_by_the_lowest_column():
    for scores in itertools.product(range(3), repeat=4):
        for count in range(1, 5):
            expected = sorted(range(4), key=lambda e: (-scores[e], e))[:count]
            assert list(best(np.array([scores], dtype=float), count)[0]) == expected


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("top_k", [1, 3])
@pytest.mark.parametrize("rows", [1, 2, 5])
def test_fewer_rows_than_experts(kind, gate, top_k, rows):
    x, y = blobs(rows)
    x = x[:, :1]
    mixture = kind(8, gate=gate, top_k=top_k, random_state=0).fit(x, y)
    assert mixture.n_experts_ <= rows and mixture.expert_load_.min() > 0
    assert mixture.top_k_ == min(top_k, mixture.n_experts_)
    assert mixture.predict(x).shape == (rows,)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("gate", GATES)
def test_constant_rows_and_targets(kind, gate):
    x, _ = blobs(60)
    mixture = kind(4, gate=gate, random_state=0).fit(x, np.full(60, 7))
    assert (mixture.predict(x) == 7).all()
    mixture = kind(4, gate=gate, random_state=0).fit(np.ones((60, 2)), np.arange(60) % 2)
    assert mixture.n_experts_ == 1 and mixture.gate_ is None
    assert (mixture.route(np.ones((3, 2))) == 0).all()


def test_labels_are_given_back_and_unseen_classes_get_0():
    x, y = blobs()
    labels = np.array(["a", "b", "c"])[y]
    mixture = MixtureOfExpertsClassifier(8, random_state=0, top_k=2).fit(x, labels)
    assert set(mixture.predict(x)) <= set("abc")
    assert np.allclose(mixture.predict_proba(x).sum(axis=1), 1)
    assert any(len(expert.classes_) < 3 for expert in mixture.experts_)


def test_boosted_experts_and_experts_of_one_class():
    x, y = blobs(400, classes=2)
    y[x[:, 0] < np.median(x[:, 0])] = 0
    template = GradientBoostingClassifier(n_estimators=3, max_depth=2)
    mixture = MixtureOfExpertsClassifier(4, expert=template, random_state=0, gate_depth=2)
    mixture.fit(x, y)
    assert {type(e) for e in mixture.experts_} == {
        GradientBoostingClassifier,
        DecisionTreeClassifier,
    }
    assert template.random_state is None and not hasattr(template, "estimators_")


def test_several_targets():
    x, y = blobs()
    targets = np.stack([y, x[:, 0]], axis=1)
    mixture = MixtureOfExpertsRegressor(4, random_state=0).fit(x, targets)
    assert mixture.predict(x).shape == targets.shape and mixture.n_outputs_ == 2
    assert mixture.score(x, targets) > 0.5


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"experts": 0}, "experts must be an integer of at least 1, not 0"),
        ({"experts": 2.0}, "experts must be an integer"),
        ({"top_k": 9}, "top_k must be at most experts=8, not 9"),
        ({"max_iter": 0}, "max_iter must be"),
        ({"gate": "forest"}, "gate must be one of tree, linear, prototype, not 'forest'"),
        ({"balance": -1}, "balance must be a number of at least 0"),
        ({"balance": float("nan")}, "balance must be a number of at least 0"),
        ({"gate_depth": 0}, "gate_depth must be None or at least 1"),
        ({"expert": LinearSVC()}, "expert must have predict_proba"),
    ],
)
def test_wrong_parameters(parameters, message):
    x, y = blobs(50)
    with pytest.raises((ValueError, TypeError), match=message):
        MixtureOfExpertsClassifier(**parameters).fit(x, y)
