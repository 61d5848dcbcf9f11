"""Mixtures of experts read expert by expert, quantised, and compared with the estimator."""

import pickle
from dataclasses import replace

import joblib
import numpy as np
import pytest
from modelkit import random_float_tree
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier

import locgen
from locgen.errors import ModelFileError, UnsupportedModel
from locgen.frontends import load, read_estimator
from locgen.frontends.locgen_models import mixture_check
from locgen.frontends.model_check import tree_probe_rows as probe_rows
from locgen.frontends.pruning import pruned
from locgen.models import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor


def rows(count=300, classes=3, seed=0):
    random = np.random.default_rng(seed)
    place = random.integers(5, size=count)
    x = random.normal(size=(count, 4)) + 5 * random.normal(size=(5, 4))[place]
    return x, ((x[:, 0] > x[:, 0].mean()) + place) % classes


def boosted(**options):
    return GradientBoostingClassifier(n_estimators=3, max_depth=2, **options)


CLASSIFIERS = {
    "default": {},
    "two of four": {"top_k": 2},
    "all": {"top_k": 4},
    "trees": {"expert": DecisionTreeClassifier(max_depth=3)},
    "extra trees": {"expert": ExtraTreesClassifier(3, max_depth=3), "top_k": 2},
    "extra tree": {"expert": ExtraTreeClassifier(max_depth=3)},
    "pipelines": {"expert": make_pipeline(MinMaxScaler(), DecisionTreeClassifier(max_depth=2))},
    "one": {"experts": 1},
    "shallow gate": {"gate_depth": 1},
}
REGRESSORS = {
    "default": {},
    "two of four": {"top_k": 2},
    "trees": {"expert": DecisionTreeRegressor(max_depth=3)},
    "forest": {"expert": RandomForestRegressor(3, max_depth=3), "top_k": 3},
    "boosted": {"expert": GradientBoostingRegressor(n_estimators=4, max_depth=2)},
    "two boosted": {"expert": GradientBoostingRegressor(n_estimators=4, max_depth=2), "top_k": 2},
    "one": {"experts": 1, "expert": GradientBoostingRegressor(n_estimators=4, max_depth=2)},
}


def fitted(kind, options, x, y, scaled):
    mixture = kind(**{"experts": 4, "random_state": 0, "max_iter": 3, **options})
    estimator = make_pipeline(StandardScaler(), mixture) if scaled else mixture
    return estimator.fit(x, y)


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("options", CLASSIFIERS.values(), ids=CLASSIFIERS)
def test_classifiers_read_as_they_predict(options, classes, scaled):
    x, y = rows(classes=classes)
    estimator = fitted(MixtureOfExpertsClassifier, options, x, y, scaled)
    model = read_estimator(estimator)
    probes = np.concatenate([x, probe_rows(model)])
    scores = model.scores(probes)
    assert np.allclose(scores / model.members, estimator.predict_proba(probes), atol=1e-12)
    ranked = np.sort(scores, axis=1)
    clear = ranked[:, -1] - ranked[:, -2] > 1e-9  # sums in another order
    assert clear.mean() > 0.5
    assert (model.decide(scores) == estimator.predict(probes))[clear].all()


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("options", REGRESSORS.values(), ids=REGRESSORS)
def test_regressors_read_as_they_predict(options, scaled):
    x, y = rows()
    estimator = fitted(MixtureOfExpertsRegressor, options, x, y + x[:, 0], scaled)
    model = read_estimator(estimator)
    probes = np.concatenate([x, probe_rows(model)])
    assert np.allclose(model.scores(probes)[:, 0], estimator.predict(probes), atol=1e-9)


@pytest.mark.parametrize("loss", ["log_loss", "exponential"])
@pytest.mark.parametrize("classes", [2, 3, 4])
@pytest.mark.parametrize("init", [None, "zero"])
def test_boosted_classifiers_keep_classes_that_an_expert_has_not_seen_below(loss, classes, init):
    if loss == "exponential" and classes > 2:
        return
    x, y = rows(500, classes)
    y[x[:, 0] > np.quantile(x[:, 0], 0.5)] = 0  # some expert sees a single class
    options = {"expert": boosted(loss=loss, init=init), "gate_depth": 2}
    estimator = fitted(MixtureOfExpertsClassifier, options, x, y, False)
    seen = {tuple(expert.classes_) for expert in estimator.experts_}
    assert len(seen) > 1, "every expert saw the same classes"
    model = read_estimator(estimator)
    probes = np.concatenate([x, probe_rows(model)])
    scores = model.scores(probes)
    assert (model.decide(scores) == estimator.predict(probes)).all()
    power = np.exp(scores - scores.max(axis=1, keepdims=True))
    expected = estimator.predict_proba(probes)
    assert np.allclose(power / power.sum(axis=1, keepdims=True), expected, atol=1e-6)


def test_boosted_classifiers_that_add_up_are_refused():
    x, y = rows()
    estimator = fitted(MixtureOfExpertsClassifier, {"expert": boosted(), "top_k": 2}, x, y, False)
    with pytest.raises(UnsupportedModel, match="top_k=2 and GradientBoostingClassifier as expert"):
        read_estimator(estimator)


def test_gates_lose_splits_whose_sides_say_the_same():
    random = np.random.default_rng(0)

    def values(random, shape):
        return np.eye(2)[random.integers(2, size=shape[0])]

    shrunk = 0
    for splits in [0, 1, 2, *[12] * 30]:
        tree = random_float_tree(
            random,
            4,
            range(2),
            splits,
            lambda random, shape: np.eye(2)[random.integers(2, size=shape[0])],
        )
        shorter = pruned(tree)
        x = random.integers(-6, 18, size=(200, 4)) / 2.0
        found = shorter.leaf_values[shorter.leaf_index(x)]
        assert (found == tree.leaf_values[tree.leaf_index(x)]).all()
        for left, right in zip(shorter.left, shorter.right, strict=True):
            if left < 0 and right < 0:
                assert (shorter.leaf_values[~left] != shorter.leaf_values[~right]).any()
        shrunk += len(shorter.feature) < splits
        assert len(shorter.leaf_values) == len(shorter.leaf_ids) == len(shorter.feature) + 1
    assert shrunk > 20


GATES = ("tree", "linear", "prototype")
SIZED = {
    "logistic": LogisticRegression(),
    "gaussian": GaussianNB(),
    "centroid": NearestCentroid(),
    "weighed": NearestCentroid(priors="empirical"),
    "pipeline": make_pipeline(StandardScaler(), LogisticRegression()),
}


def clear_routes(estimator, x):
    """Return the rows whose route does not hang on rounding."""
    mixture = estimator[-1] if hasattr(estimator, "steps") else estimator
    scaled = estimator[:-1].transform(x) if hasattr(estimator, "steps") else x
    ranked = -np.sort(-mixture.gate_scores(scaled), axis=1)
    if mixture.top_k_ == mixture.n_experts_:
        return np.ones(len(x), dtype=bool)
    return ranked[:, mixture.top_k_ - 1] - ranked[:, mixture.top_k_] > 1e-6


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("experts, top_k", [(2, 1), (4, 1), (4, 2)])
@pytest.mark.parametrize("gate", GATES)
def test_gates_of_any_kind_open_the_librarys_experts(gate, experts, top_k, scaled):
    x, y = rows()
    options = {"gate": gate, "experts": experts, "top_k": top_k}
    estimator = fitted(MixtureOfExpertsClassifier, options, x, y, scaled)
    model = read_estimator(estimator)
    assert bool(model.gate.model.units) == (gate != "tree")
    probes = np.concatenate([x, x * 2 - 1])
    inner = estimator[:-1].transform(probes) if scaled else probes
    mixture = estimator[-1] if scaled else estimator
    expected = np.zeros((len(probes), mixture.n_experts_), dtype=bool)
    np.put_along_axis(expected, mixture.route(inner), True, axis=1)
    clear = np.ones(len(probes), dtype=bool) if gate == "tree" else clear_routes(estimator, probes)
    assert clear.mean() > 0.9
    assert (model.gate.evaluate(probes) == expected)[clear].all()
    found = model.scores(probes)[clear] / model.members
    assert np.allclose(found, estimator.predict_proba(probes)[clear], atol=1e-12)


@pytest.mark.filterwarnings("ignore:self.within_class_std_dev_")
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("kind", SIZED)
def test_classifiers_that_compute_with_sizes_read_as_they_predict(kind, gate, classes):
    x, y = rows(500, classes)
    noise = np.random.default_rng(1).random(len(y)) < 0.3
    y[noise] = (y[noise] + 1) % classes
    y[x[:, 0] > np.quantile(x[:, 0], 0.8)] = 0  # some expert does not see all classes
    options = {"expert": SIZED[kind], "gate": gate}
    estimator = fitted(MixtureOfExpertsClassifier, options, x, y, True)
    model = read_estimator(estimator)
    assert model.units and not model.trees and model.probability == "softmax"
    probes = np.concatenate([x, x * 2 - 1])
    clear = clear_routes(estimator, probes)
    with np.errstate(invalid="raise"):
        scores = model.scores(probes)
    power = np.exp(scores - scores.max(axis=1, keepdims=True))
    expected = estimator.predict_proba(probes)
    found = power / power.sum(axis=1, keepdims=True)
    assert np.allclose(found[clear], expected[clear], atol=1e-6)
    assert (found[clear][expected[clear] == 0] < 1e-12).all()


@pytest.mark.parametrize("targets", [1, 2])
@pytest.mark.parametrize("top_k", [1, 3])
@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("expert", [Ridge(), LinearRegression(fit_intercept=False)])
def test_regressors_that_compute_with_sizes_read_as_they_predict(expert, gate, top_k, targets):
    x, y = rows(400)
    y = np.stack([y + x[:, 0], 100 * x[:, 1] - y], axis=1)[:, :targets].squeeze()
    options = {"expert": expert, "gate": gate, "top_k": top_k}
    estimator = fitted(MixtureOfExpertsRegressor, options, x, y, True)
    model = read_estimator(estimator)
    clear = clear_routes(estimator, x)
    expected = estimator.predict(x).reshape(len(x), targets)
    assert np.allclose(model.scores(x)[clear], expected[clear], atol=1e-8)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"expert": LogisticRegression(), "top_k": 2}, "LogisticRegression as expert.*top_k=1"),
        ({"expert": GaussianProcessClassifier()}, "GaussianProcessClassifier is not supported"),
        ({"expert": MixtureOfExpertsClassifier(2)}, "a mixture as expert.*more experts"),
    ],
)
@pytest.mark.filterwarnings("ignore:The `probability` parameter")
def test_experts_that_cannot_be_exact_are_refused(options, message):
    x, y = rows()
    estimator = fitted(MixtureOfExpertsClassifier, options, x, y, False)
    with pytest.raises(UnsupportedModel, match=message):
        read_estimator(estimator)


def test_a_foreign_gate_is_refused():
    x, y = rows()
    estimator = fitted(MixtureOfExpertsClassifier, {}, x, y, False)
    estimator.gate_ = GaussianNB().fit(x, np.arange(len(x)) % 4)
    with pytest.raises(UnsupportedModel, match=r"GaussianNB as gate.*gate='tree', 'linear'"):
        read_estimator(estimator)


@pytest.mark.parametrize("gate", ["linear", "prototype"])
def test_the_self_check_sees_another_gate(gate):
    x, y = rows()
    estimator = fitted(MixtureOfExpertsClassifier, {"gate": gate}, x, y, False)
    model = read_estimator(estimator)
    scorer = model.gate.model
    moved = replace(scorer, base=tuple(b + 9 * (n == 0) for n, b in enumerate(scorer.base)))
    wrong = replace(model, gate=replace(model.gate, model=moved))
    mixture_check.compare(model, estimator, ())
    with pytest.raises(UnsupportedModel, match=r"reads differently.*routes"):
        mixture_check.compare(wrong, estimator, ())


@pytest.mark.parametrize("gate", GATES)
def test_files_of_any_gate_and_linear_experts_are_read_without_trust(gate, tmp_path):
    x, y = rows()
    options = {"expert": Ridge(), "gate": gate}
    estimator = fitted(MixtureOfExpertsRegressor, options, x, y + x[:, 0], True)
    joblib.dump(estimator, tmp_path / "mixture.joblib")
    found = load(tmp_path / "mixture.joblib").model.scores(x)
    assert (found == read_estimator(estimator).scores(x)).all()


def test_an_unfitted_mixture_and_a_subclass_are_refused():
    with pytest.raises(UnsupportedModel, match="MixtureOfExpertsRegressor is not fitted"):
        read_estimator(MixtureOfExpertsRegressor())

    class Other(MixtureOfExpertsRegressor):
        pass

    with pytest.raises(UnsupportedModel, match="Other is a subclass of MixtureOfExpertsRegressor"):
        read_estimator(Other())


@pytest.mark.parametrize(
    "damage",
    [
        lambda m: setattr(m, "top_k_", 9),
        lambda m: setattr(m, "experts_", m.experts_[:2]),
        lambda m: setattr(m, "experts_", []),
        lambda m: setattr(m, "n_features_in_", 7),
        lambda m: m.experts_[0].classes_.__setitem__(0, 70),
    ],
)
def test_damaged_mixtures(damage, tmp_path):
    x, y = rows()
    estimator = fitted(MixtureOfExpertsClassifier, {}, x, y, False)
    damage(estimator)
    path = tmp_path / "mixture.joblib"
    joblib.dump(estimator, path)
    with pytest.raises(ModelFileError, match=r"save|fit"):
        load(path)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("kind", [MixtureOfExpertsClassifier, MixtureOfExpertsRegressor])
def test_files_are_read_without_trust(kind, protocol, tmp_path):
    x, y = rows()
    expert = boosted() if kind is MixtureOfExpertsClassifier else None
    estimator = fitted(kind, {"expert": expert}, x, y, True)
    path = tmp_path / "mixture.pkl"
    path.write_bytes(pickle.dumps(estimator, protocol))
    assert (load(path).model.scores(x) == read_estimator(estimator).scores(x)).all()


@pytest.mark.parametrize("options", [{}, {"feature_bits": 4}, {"max_accuracy_drop": 0}])
@pytest.mark.parametrize("top_k", [1, 2])
def test_golden_keeps_the_routes_and_the_answers(top_k, options):
    x, y = rows(600)
    estimator = fitted(MixtureOfExpertsClassifier, {"top_k": top_k}, x, y, False)
    options = {"max_accuracy_drop": 5} | options
    design = locgen.compile(estimator, data=(x, y), **options)
    model = design.model
    q = model.quantise(x)
    mask = model.gate.evaluate(q, model.missing_codes)
    same = mask == design.loaded.model.gate.evaluate(x)
    assert same.all() if "feature_bits" not in options else same.mean() > 0.9
    assert (design.predict(x) == estimator.predict(x)).mean() > 0.94
    explanation = design.explain(x)
    assert (explanation.scores == model.scores(q)).all()
    closed = ~mask[:, list(model.expert_of)]
    assert (explanation.contributions[closed] == 0).all()
    assert ((explanation.leaf_ids == -1) == closed).all()
