"""Models at the edges of training: the library's public predict, or a refusal in one line."""

import numpy as np
import pytest
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.compose import make_column_transformer
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.mixture import GaussianMixture
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

import locgen
from locgen.errors import UnsupportedModel
from locgen.frontends import load

RNG = np.random.default_rng(11)
X = RNG.normal(size=(240, 3)) * (1, 5, 1) + (0, 20, -3)
Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 20)
CODES = np.c_[RNG.integers(0, 6, 240), X[:, 0]]
TEXT = np.array(["0", "10", "20", "1e3"], dtype=object)[RNG.integers(0, 4, 240)]
SMALL = {"n_estimators": 3, "random_state": 0}


def same(model, x, rows=None):
    loaded = load(model)
    assert loaded.compare(x if rows is None else rows).rows
    return loaded


@pytest.mark.parametrize("dtype", [object, "category", str])
@pytest.mark.parametrize("encoder", [OneHotEncoder, OrdinalEncoder])
def test_text_that_looks_like_numbers_is_text(encoder, dtype):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"c": TEXT, "x": X[:, 0]}).astype({"c": dtype})
    steps = make_column_transformer((encoder(), ["c"]), remainder="passthrough")
    model = make_pipeline(steps, RandomForestClassifier(**SMALL)).fit(frame, Y)
    with pytest.raises(UnsupportedModel, match=f"{encoder.__name__} encodes text"):
        load(model)


def test_boosted_categories_of_number_like_text_are_text():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"c": pandas.Categorical(TEXT), "x": X[:, 0]})
    model = HistGradientBoostingClassifier(max_iter=3).fit(frame, Y)
    with pytest.raises(UnsupportedModel, match="text categories"):
        load(model)


def members():
    histogram = HistGradientBoostingClassifier(max_iter=2)
    return {
        "ada": AdaBoostClassifier(histogram, n_estimators=2),
        "bagged": BaggingClassifier(histogram, n_estimators=2, random_state=0),
        "voting": VotingClassifier([("a", histogram), ("b", ExtraTreesClassifier(**SMALL))]),
        "scaled": make_pipeline(StandardScaler(), histogram),
        "imputed": make_pipeline(SimpleImputer(), AdaBoostClassifier(histogram, n_estimators=2)),
    }


@pytest.mark.parametrize("name", members())
def test_missing_values_are_taken_where_predict_takes_them(name):
    model = members()[name].fit(X, Y)
    row = X[:1].copy()
    row[0, 1] = np.nan
    try:
        model.predict(row)
        takes = True
    except ValueError:
        takes = False
    loaded = same(model, X)
    assert loaded.model.rule.missing <= takes
    assert loaded.model.rule.missing == (name not in ("ada", "voting"))


@pytest.mark.parametrize("make", [RandomForestClassifier, LogisticRegression, Perceptron])
@pytest.mark.parametrize("constant", [0, 1])
def test_a_label_that_never_or_always_occurs(make, constant):
    settings = SMALL if make is RandomForestClassifier else {}
    labels = np.c_[X[:, 0] > 0, np.full(240, constant), X[:, 1] > 20].astype(int)
    with pytest.warns(UserWarning, match="present in all training examples"):
        model = OneVsRestClassifier(make(**settings)).fit(X, labels)
    design = locgen.compile(model, data=(X, X, labels, labels))
    assert np.mean(design.predict(X) == model.predict(X)) > 0.99
    same(model, X)


@pytest.mark.filterwarnings("ignore:Label .* is present:UserWarning")
@pytest.mark.parametrize("place", [0, 1, 3])
@pytest.mark.parametrize("constant", [0, 1])
@pytest.mark.parametrize(
    "member",
    [
        LogisticRegression(),
        HistGradientBoostingClassifier(max_iter=4),
        ExtraTreesClassifier(**SMALL),
    ],
    ids=lambda member: type(member).__name__,
)
def test_all_labels_are_compared_as_the_first_one_is(member, constant, place):
    labels = np.c_[X[:, 0] > 0.3, X[:, 1] > 21, X[:, 2] > -3.2].astype(int)
    model = OneVsRestClassifier(member).fit(X, np.insert(labels, place, constant, axis=1))
    found = load(model).model
    assert np.array_equal(found.labels(found.decide(found.scores(X))), model.predict(X))


def test_numbers_held_as_objects_are_refused():
    steps = make_column_transformer((OrdinalEncoder(), [0]), remainder="passthrough")
    model = make_pipeline(steps, RandomForestClassifier(**SMALL)).fit(CODES.astype(object), Y)
    with pytest.raises(TypeError):
        model.predict(CODES)
    with pytest.raises(UnsupportedModel, match="Python objects"):
        load(model)


def test_a_label_that_is_nan_is_refused():
    model = RandomForestClassifier(**SMALL).fit(X, Y > 0)
    model.classes_ = np.array([1.0, np.nan])
    with pytest.raises(UnsupportedModel, match="label is NaN"):
        load(model)


@pytest.mark.parametrize("last", [LogisticRegression(max_iter=500), ExtraTreesClassifier(**SMALL)])
@pytest.mark.parametrize("unknown", [np.nan, -1])
def test_unknown_categories_that_become_missing(last, unknown):
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=unknown)
    steps = make_column_transformer((encoder, [0]), remainder="passthrough")
    model = make_pipeline(steps, last).fit(CODES, Y > 0)
    same(model, CODES)
    design = locgen.compile(model, data=(CODES, CODES, Y > 0, Y > 0), max_changed=2.0)
    assert np.mean(design.predict(CODES) == model.predict(CODES)) > 0.97


@pytest.mark.parametrize("fill", [-1, -1.5, 0, None, 7])
def test_constant_fills_are_numbers(fill):
    x = np.where(RNG.random(X.shape) < 0.1, np.nan, X)
    imputer = SimpleImputer(strategy="constant", fill_value=fill)
    for last in (RandomForestClassifier(**SMALL), make_pipeline(StandardScaler(), Perceptron())):
        loaded = load(make_pipeline(imputer, last).fit(x, Y))
        assert loaded.compare(x).rows == len(x)


def test_constant_fills_of_text_are_refused():
    x = CODES.astype(object)
    imputer = SimpleImputer(strategy="constant", fill_value="none").fit(x)
    model = make_pipeline(imputer, RandomForestClassifier(**SMALL)).fit(x, Y)
    with pytest.raises(UnsupportedModel, match="puts text"):
        load(model)


@pytest.mark.parametrize(
    "make",
    [
        GaussianNB,
        QuadraticDiscriminantAnalysis,
        lambda: KMeans(3, n_init=1, random_state=0),
        lambda: MiniBatchKMeans(3, n_init=1, random_state=0),
        lambda: GaussianMixture(2, random_state=0),
        lambda: make_pipeline(StandardScaler(), GaussianNB()),
    ],
    ids=["bayes", "qda", "k-means", "k-means-batches", "mixture", "scaled-bayes"],
)
def test_rows_of_float32(make):
    x = X.astype(np.float32)
    model = make().fit(x, Y)
    loaded = same(model, x.astype(np.float64))
    assert np.array_equal(loaded.answers(x.astype(np.float64)), model.predict(x))


def test_targets_of_float32():
    x, targets = X.astype(np.float32), (3 * X[:, 0] + X[:, 1]).astype(np.float32)
    loaded = load(KNeighborsRegressor(4).fit(x, targets))
    assert loaded.compare(x.astype(np.float64)).rows == len(x)
