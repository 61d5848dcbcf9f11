"""Every supported estimator, behind every scaler, against the library's own predictions."""

import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.linear_model import TweedieRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, PowerTransformer, RobustScaler, StandardScaler
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

from locgen.errors import ModelFileError, UnsupportedModel
from locgen.frontends import Loaded, load, model_check, read_estimator
from locgen.frontends.pipeline import library_quiet
from locgen.ir.model import Model

DATA = {
    "iris": load_iris(return_X_y=True),
    "wine": load_wine(return_X_y=True),
    "cancer": load_breast_cancer(return_X_y=True),
    "diabetes": load_diabetes(return_X_y=True),
}
CLASSIFIERS = {
    "tree": lambda: DecisionTreeClassifier(random_state=0),
    "extra_tree": lambda: ExtraTreeClassifier(random_state=0),
    "forest": lambda: RandomForestClassifier(7, max_depth=6, random_state=0),
    "extra_trees": lambda: ExtraTreesClassifier(5, max_depth=6, random_state=0),
    "boosted": lambda: GradientBoostingClassifier(n_estimators=6, random_state=0),
}
REGRESSORS = {
    "tree": lambda: DecisionTreeRegressor(max_depth=7, random_state=0),
    "extra_tree": lambda: ExtraTreeRegressor(max_depth=7, random_state=0),
    "forest": lambda: RandomForestRegressor(6, max_depth=5, random_state=0),
    "extra_trees": lambda: ExtraTreesRegressor(4, max_depth=5, random_state=0),
    "boosted": lambda: GradientBoostingRegressor(n_estimators=8, random_state=0),
}
SCALERS = {
    "bare": lambda: [],
    "standard": lambda: [StandardScaler()],
    "scale_only": lambda: [StandardScaler(with_mean=False)],
    "minmax": lambda: [MinMaxScaler(feature_range=(-1, 3))],
    "clipped": lambda: [MinMaxScaler(clip=True), "passthrough"],
    "robust": lambda: [RobustScaler(unit_variance=True, quantile_range=(10, 80))],
    "two": lambda: [RobustScaler(with_centering=False), StandardScaler()],
    "three": lambda: [MinMaxScaler(), None, StandardScaler(), MinMaxScaler((-0.3, 1.7))],
}


def pipe(steps: list, last: object) -> object:
    if not steps:
        return last
    return Pipeline([(f"s{i}", step) for i, step in enumerate(steps)] + [("model", last)])


def edge_rows(model: Model, x: np.ndarray) -> np.ndarray:
    """Return data rows with one feature moved to each cut and to both float64 neighbours of it."""
    rows = [x]
    random = np.random.default_rng(1)
    for feature, cuts in enumerate(model.cuts):
        cuts = cuts[np.isfinite(cuts)]
        for value in (cuts, np.nextafter(cuts, np.inf), np.nextafter(cuts, -np.inf)):
            moved = x[random.integers(0, len(x), len(cuts))].copy()
            moved[:, feature] = value
            rows.append(moved)
    return np.concatenate(rows)


def decisions(model: Model, x: np.ndarray) -> np.ndarray:
    answers = model.decide(model.scores(x))
    return np.array(model.classes)[answers] if model.classes else answers


def check(estimator: object, x: np.ndarray) -> Model:
    """Compare on the data and at every edge: labels exactly, targets up to rounding."""
    model = read_estimator(estimator)
    rows = edge_rows(model, x)
    with library_quiet():
        expected = estimator.predict(rows)
    if model.task == "classification":
        assert np.array_equal(decisions(model, rows), expected)
    else:
        found = decisions(model, rows)
        np.testing.assert_allclose(found, expected.reshape(found.shape), rtol=1e-12, atol=1e-12)
    return model


@pytest.mark.parametrize("scalers", SCALERS)
@pytest.mark.parametrize("name", ["iris", "wine", "cancer"])
@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_classifiers_agree_at_every_edge(kind, name, scalers):
    x, y = DATA[name]
    check(pipe(SCALERS[scalers](), CLASSIFIERS[kind]()).fit(x, y), x)


@pytest.mark.parametrize("scalers", SCALERS)
@pytest.mark.parametrize("kind", REGRESSORS)
def test_regressors_agree_at_every_edge(kind, scalers):
    x, y = DATA["diabetes"]
    check(pipe(SCALERS[scalers](), REGRESSORS[kind]()).fit(x, y), x)


def test_the_edges_tell_a_wrong_cut():
    x, y = DATA["cancer"]
    estimator = make_pipeline(StandardScaler(), CLASSIFIERS["tree"]()).fit(x, y)
    model = read_estimator(estimator)
    last = estimator[-1].tree_
    scaler = estimator[0]
    inner = last.children_left >= 0
    folded = last.threshold[inner] * scaler.scale_[last.feature[inner]]
    folded += scaler.mean_[last.feature[inner]]
    assert (folded != model.trees[0].cut).mean() > 0.5


def test_what_a_forest_says():
    x, y = DATA["wine"]
    forest = RandomForestClassifier(9, random_state=0).fit(x, y)
    model = read_estimator(forest)
    assert model.family == "RandomForestClassifier"
    assert model.library == f"scikit-learn {sklearn.__version__}"
    assert (model.decision, model.probability, model.members) == ("argmax", "mean", 9)
    assert model.base == (0.0, 0.0, 0.0) and model.classes == (0, 1, 2)
    assert all(type(label) is int for label in model.classes)
    assert model.feature_names == tuple(f"x{i}" for i in range(13))
    assert (model.rule.operator, model.rule.input_dtype) == ("<=", "float32")
    assert not model.rule.missing
    assert np.array_equal(model.scores(x) / 9, forest.predict_proba(x))
    leaves = np.stack([tree.leaf_ids[tree.leaf_index(x)] for tree in model.trees], axis=1)
    assert np.array_equal(leaves, forest.apply(x))


def test_binary_boosting_keeps_its_prior_and_operator():
    x, y = DATA["cancer"]
    boosted = GradientBoostingClassifier(n_estimators=5, learning_rate=0.3).fit(x, y)
    model = check(boosted, x)
    assert (model.decision, model.probability, model.outputs) == (">=", "sigmoid", 1)
    assert model.base[0] == pytest.approx(np.log(y.mean() / (1 - y.mean())))
    np.testing.assert_allclose(model.scores(x)[:, 0], boosted.decision_function(x), rtol=1e-12)


def test_multi_class_boosting_has_a_tree_per_output_and_stage():
    x, y = DATA["iris"]
    model = check(GradientBoostingClassifier(n_estimators=4).fit(x, y), x)
    assert [tree.outputs for tree in model.trees] == [(0,), (1,), (2,)] * 4
    assert (model.decision, model.probability) == ("argmax", "softmax")


@pytest.mark.parametrize(
    ("options", "probability"),
    [
        ({"loss": "exponential"}, "sigmoid2"),
        ({"init": "zero"}, "sigmoid"),
        ({"init": "zero", "loss": "exponential"}, "sigmoid2"),
        ({"init": DummyClassifier(strategy="most_frequent")}, "sigmoid"),
        ({"subsample": 0.5, "n_iter_no_change": 3, "max_leaf_nodes": 5}, "sigmoid"),
    ],
)
def test_binary_boosting_options(options, probability):
    x, y = DATA["cancer"]
    model = check(
        GradientBoostingClassifier(n_estimators=5, random_state=0, **options).fit(x, y), x
    )
    assert (model.probability, model.decision) == (probability, ">=")
    if options.get("init") == "zero":
        assert model.base == (0.0,)


def test_a_raw_score_of_zero_is_class_one():
    x = np.zeros((4, 1))
    model = check(GradientBoostingClassifier(n_estimators=2, init="zero").fit(x, [0, 1, 0, 1]), x)
    assert model.scores(x).tolist() == [[0.0]] * 4
    assert decisions(model, x).tolist() == [1] * 4


@pytest.mark.parametrize(
    "options",
    [
        {"loss": "absolute_error"},
        {"loss": "huber"},
        {"loss": "quantile", "alpha": 0.3},
        {"init": "zero"},
        {"init": DummyRegressor(strategy="constant", constant=17.0)},
        {"init": DummyRegressor(strategy="median")},
    ],
)
def test_boosted_regressor_options(options):
    x, y = DATA["diabetes"]
    check(GradientBoostingRegressor(n_estimators=5, random_state=0, **options).fit(x, y), x)


@pytest.mark.parametrize(
    "criterion", ["squared_error", "friedman_mse", "absolute_error", "poisson"]
)
@pytest.mark.filterwarnings("ignore:.*friedman_mse:FutureWarning")
def test_criteria(criterion):
    x, y = DATA["diabetes"]
    check(DecisionTreeRegressor(criterion=criterion, max_depth=4).fit(x, y), x)


@pytest.mark.parametrize("kind", ["tree", "extra_tree", "forest", "extra_trees"])
@pytest.mark.parametrize("scalers", ["bare", "standard"])
def test_several_targets(kind, scalers):
    x, y = DATA["diabetes"]
    targets = np.stack([y, -2 * y, x[:, 0]], axis=1)
    estimator = pipe(SCALERS[scalers](), REGRESSORS[kind]()).fit(x, targets)
    model = check(estimator, x)
    assert model.outputs == 3 and model.trees[0].leaf_values.shape[1] == 3


def test_one_class():
    x = DATA["iris"][0][:20]
    for kind in ("tree", "extra_tree", "forest", "extra_trees"):
        model = check(CLASSIFIERS[kind]().fit(x, ["only"] * 20), x)
        assert model.classes == ("only",) and model.outputs == 1
        assert len(model.trees[0].feature) == 0


def test_one_sample_and_constant_features():
    for estimator in (
        DecisionTreeClassifier(),
        RandomForestClassifier(3),
        RandomForestRegressor(2),
    ):
        check(estimator.fit([[1.0, 2.0]], [3]), np.array([[1.0, 2.0]]))
        check(make_pipeline(StandardScaler(), estimator).fit([[1.0, 2.0]], [3]), np.eye(2))
    x = np.hstack([DATA["iris"][0], np.full((150, 2), 7.0)])
    check(make_pipeline(MinMaxScaler(), DecisionTreeClassifier()).fit(x, DATA["iris"][1]), x)


def test_single_leaf_trees_in_a_boosted_model():
    x, _ = DATA["diabetes"]
    model = check(GradientBoostingRegressor(n_estimators=2).fit(x, np.full(len(x), 4.5)), x)
    assert all(len(tree.feature) == 0 for tree in model.trees)


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["setosa", "versicolor", "virginica"]),
        np.array(["a", "b", "c"], dtype=object),
        np.array([-1, 5, 70]),
        np.array([1.0, 2.0, 4.0]),
        np.array([True, False, True]),
    ],
    ids=["str", "object", "int", "float", "bool"],
)
@pytest.mark.parametrize("kind", ["tree", "forest", "boosted"])
def test_labels_become_plain_values(labels, kind):
    x, y = DATA["iris"]
    model = check(CLASSIFIERS[kind]().fit(x, labels[y]), x)
    assert model.classes == tuple(np.unique(labels).tolist())
    assert {type(label) for label in model.classes} <= {str, int, float, bool}


def test_labels_of_other_types_are_refused():
    x, y = DATA["iris"]
    forest = RandomForestClassifier(2).fit(x, y)
    forest.classes_ = np.array([b"a", b"b", b"c"])
    with pytest.raises(UnsupportedModel, match=r"class label b'a' is a bytes: train with labels"):
        read_estimator(forest)


def test_names_come_from_the_first_step():
    x, y = DATA["iris"]
    names = np.array(load_iris().feature_names, dtype=object)
    estimator = make_pipeline(StandardScaler(), RobustScaler(), RandomForestClassifier(3))
    estimator.fit(x, y)
    estimator[0].feature_names_in_ = names  # what fitting on a data frame leaves behind
    estimator[1].feature_names_in_ = np.array(list("abcd"), dtype=object)
    assert check(estimator, x).feature_names == tuple(names)
    forest = RandomForestClassifier(3).fit(x, y)
    forest.feature_names_in_ = names
    assert check(forest, x).feature_names == tuple(names)


def test_unusual_training_keeps_nan_refused():
    """No NaN in training: every split sends it to the majority, so nothing is claimed."""
    x, y = DATA["cancer"]
    weight = np.random.default_rng(0).random(len(y)) * (np.arange(len(y)) % 3)
    for estimator in (
        RandomForestClassifier(10, max_features=3, class_weight="balanced", random_state=1),
        RandomForestClassifier(10, max_leaf_nodes=9, min_weight_fraction_leaf=0.02, ccp_alpha=0.01),
        ExtraTreesClassifier(10, bootstrap=True, random_state=1),
        DecisionTreeClassifier(monotonic_cst=[1] * 5 + [0] * 25, criterion="entropy"),
        ExtraTreeClassifier(min_samples_leaf=4),
    ):
        assert not check(estimator.fit(x, y, sample_weight=weight), x).rule.missing


@pytest.mark.parametrize("kind", ["tree", "extra_tree", "forest", "extra_trees"])
@pytest.mark.parametrize("scalers", ["bare", "standard", "three"])
def test_missing_values_are_learnt(kind, scalers):
    x, y = DATA["cancer"]
    x = x.copy()
    x[np.random.default_rng(0).random(x.shape) < 0.2] = np.nan
    estimator = pipe(SCALERS[scalers](), CLASSIFIERS[kind]()).fit(x, y)
    model = check(estimator, x)
    assert model.rule.missing


def test_a_split_on_missingness_alone_has_an_infinite_cut():
    x = np.array([[1.0], [2.0], [3.0], [np.nan], [np.nan]])
    estimator = DecisionTreeClassifier().fit(x, [0, 0, 0, 1, 1])
    model = check(estimator, x)
    assert model.trees[0].cut.tolist() == [np.inf]
    assert model.rule.missing and model.trees[0].missing_left.tolist() == [False]


def test_boosting_never_takes_missing_values():
    x, y = DATA["cancer"]
    assert not read_estimator(CLASSIFIERS["boosted"]().fit(x, y)).rule.missing


def test_infinite_and_enormous_numbers_behind_two_scalers():
    x, y = DATA["iris"]
    estimator = make_pipeline(StandardScaler(), MinMaxScaler(), DecisionTreeClassifier())
    x = x * 1e-300  # one scaler step overflows float64 for large candidates
    model = check(estimator.fit(x, y), x)
    assert np.isfinite(np.concatenate(model.cuts)).all()


def test_same_model_same_ir():
    x, y = DATA["wine"]
    estimator = make_pipeline(RobustScaler(), RandomForestClassifier(3, random_state=0)).fit(x, y)
    one, two = read_estimator(estimator), read_estimator(estimator)
    for left, right in zip(one.trees, two.trees, strict=True):
        assert left.cut.tobytes() == right.cut.tobytes()
    assert model_check.tree_probe_rows(one).tobytes() == model_check.tree_probe_rows(two).tobytes()


def test_reading_leaves_the_estimator_alone_and_silent(capfd):
    x, y = DATA["iris"]
    estimator = RandomForestClassifier(3, n_jobs=2).fit(x, y).set_params(verbose=3)
    read_estimator(estimator)
    assert (estimator.verbose, estimator.n_jobs) == (3, 2)
    assert capfd.readouterr() == ("", "")


def test_load_takes_an_estimator():
    x, y = DATA["iris"]
    forest = RandomForestClassifier(3).fit(x, y)
    loaded = load(forest)
    assert isinstance(loaded, Loaded)
    assert loaded.estimator is forest and loaded.name == "randomforestclassifier"


def test_self_check_finds_a_wrong_reading():
    x, y = DATA["iris"]
    forest = RandomForestClassifier(3, random_state=0).fit(x, y)
    apply, proba = forest.apply, forest.predict_proba
    forest.apply = lambda x: apply(x) + 1
    with pytest.raises(UnsupportedModel, match=r"reads differently than .*\(leaves\): please"):
        read_estimator(forest)
    forest.apply = apply
    forest.predict_proba = lambda x: proba(x) + 1e-6
    with pytest.raises(UnsupportedModel, match=r"reads differently than .*\(scores\): please"):
        read_estimator(forest)


def test_self_check_finds_a_wrong_link():
    x, y = DATA["cancer"]
    boosted = GradientBoostingClassifier(n_estimators=2).fit(x, y)
    boosted.loss = "exponential"
    with pytest.raises(UnsupportedModel, match=r"reads differently than .*\(probabilities\)"):
        read_estimator(boosted)


class OwnForest(RandomForestClassifier):
    pass


class Unheard(ClassifierMixin, BaseEstimator):
    def fit(self, x, y):
        return self


IRIS = DATA["iris"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RandomForestClassifier(), r"RandomForestClassifier is not fitted: call fit"),
        (
            lambda: make_pipeline(StandardScaler(), DecisionTreeClassifier()),
            r"StandardScaler is not fitted: call fit",
        ),
        (
            lambda: make_pipeline(StandardScaler().fit(IRIS[0]), GradientBoostingClassifier()),
            r"GradientBoostingClassifier is not fitted: call fit",
        ),
        (lambda: OwnForest(2).fit(*IRIS), r"OwnForest is a subclass of RandomForestClassifier"),
        (lambda: GaussianProcessClassifier(), r"ProcessClassifier .* RandomForestClassifier$"),
        (lambda: GaussianProcessRegressor(), r"ProcessRegressor .* RandomForestRegressor$"),
        (
            lambda: TweedieRegressor(),
            r"TweedieRegressor .* RandomForestRegressor$",
        ),
        (lambda: Unheard(), r"Unheard is not supported"),
        (
            lambda: GridSearchCV(DecisionTreeClassifier(), {}),
            r"GridSearchCV is not supported: .*\.best_estimator_$",
        ),
        (lambda: RandomForestClassifier, r"RandomForestClassifier is a class: pass a fitted"),
        (lambda: {"model": 1}, r"a dict is not an estimator: save the fitted"),
        (
            lambda: make_pipeline(PowerTransformer(), DecisionTreeClassifier()).fit(*IRIS),
            r"step 'powertransformer' \(PowerTransformer\) is not supported: use StandardScaler",
        ),
        (
            lambda: make_pipeline(StandardScaler(), "passthrough"),
            r"Pipeline does not end in a model: add",
        ),
        (
            lambda: make_pipeline(StandardScaler(), GaussianProcessClassifier()).fit(*IRIS),
            r"GaussianProcessClassifier is not supported",
        ),
        (
            lambda: GradientBoostingClassifier(
                n_estimators=2, init=DecisionTreeClassifier(max_depth=2)
            ).fit(*IRIS),
            r"starts from init=DecisionTreeClassifier, whose prediction is not a constant: train",
        ),
        (
            lambda: GradientBoostingClassifier(
                n_estimators=2, init=DummyClassifier(strategy="uniform")
            ).fit(*IRIS),
            r"init=DummyClassifier\(strategy='uniform'\), whose prediction is not a constant",
        ),
    ],
)
def test_refusals_are_one_line_with_a_way_out(make, message):
    with pytest.raises(UnsupportedModel, match=message) as caught:
        load(make())
    assert "\n" not in str(caught.value) and caught.value.exit_code == 1


def test_a_member_that_is_no_tree_is_refused():
    forest = RandomForestClassifier(2).fit(*IRIS)
    forest.estimators_[1].tree_ = "oak"
    with pytest.raises(ModelFileError, match="holds a member that is no tree"):
        read_estimator(forest)


def test_nodes_that_are_no_tree_are_refused():
    for damage in ("left", "feature", "threshold"):
        tree = DecisionTreeClassifier().fit(*IRIS)
        state = tree.tree_.__getstate__()
        nodes = state["nodes"].copy()
        field, value = {
            "left": ("left_child", 10**6),
            "feature": ("feature", 4),
            "threshold": ("threshold", np.nan),
        }[damage]
        nodes[field][0] = value
        tree.tree_.__setstate__(state | {"nodes": nodes})
        with pytest.raises(ModelFileError, match=r"node arrays( are damaged)?: save"):
            read_estimator(tree)
