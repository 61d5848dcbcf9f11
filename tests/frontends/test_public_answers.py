"""Tests that models answer what the library's public predict answers, called as by its user."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, MaxAbsScaler, OneHotEncoder, StandardScaler

import locgen
from locgen.errors import DataError, UnsupportedModel
from locgen.frontends import agreement, load

xgboost = pytest.importorskip("xgboost")
pandas = pytest.importorskip("pandas")
RNG = np.random.default_rng(7)
ROWS = 400
X = np.c_[
    RNG.integers(0, 9, ROWS),
    RNG.integers(0, 4, ROWS),
    RNG.poisson(1.0, ROWS),
    RNG.normal(size=ROWS),
]
Y = (np.isin(X[:, 0], [1, 4, 7]) ^ (X[:, 2] > 0) ^ (X[:, 3] > 0.5)).astype(int)


def boosted(**settings):
    return xgboost.XGBClassifier(n_estimators=8, max_depth=4, **settings)


SPARSE = {
    "encoded": lambda: make_column_transformer((OneHotEncoder(), [0, 1]), remainder="passthrough"),
    "scaled": lambda: make_pipeline(
        make_column_transformer((OneHotEncoder(), [0, 1]), remainder="passthrough"),
        StandardScaler(with_mean=False),
    ),
    "bins": lambda: KBinsDiscretizer(4, encode="onehot", strategy="uniform"),
    "sizes": lambda: make_column_transformer(
        (OneHotEncoder(), [0, 1]), (MaxAbsScaler(), [2, 3]), sparse_threshold=0.9
    ),
    "scaled-after": lambda: make_pipeline(
        make_column_transformer((OneHotEncoder(), [0, 1]), remainder="passthrough"), MaxAbsScaler()
    ),
    "dense": lambda: make_column_transformer(
        (OneHotEncoder(sparse_output=False), [0, 1]), remainder="passthrough"
    ),
}


@pytest.mark.parametrize("steps", SPARSE)
def test_what_sparse_rows_leave_out_is_missing_to_xgboost(steps):
    pipeline = make_pipeline(SPARSE[steps](), boosted()).fit(X[:250], Y[:250])
    design = locgen.compile(pipeline, data=(X[:250], X[250:], Y[:250], Y[250:]))
    assert np.array_equal(design.predict(X), pipeline.predict(X))
    assert load(pipeline).reading.preprocessing.zeros_missing == (steps != "dense")


def test_only_xgboost_misses_zeros():
    encoder = OneHotEncoder(handle_unknown="ignore")
    forest = RandomForestClassifier(3, max_depth=4, random_state=0)
    vote = VotingClassifier([("a", boosted()), ("b", forest)])
    for last in (forest, vote):
        pipeline = make_pipeline(encoder, last).fit(X[:, :3], Y)
        assert np.array_equal(load(pipeline).answers(X[:, :3]), pipeline.predict(X[:, :3]))


@pytest.mark.parametrize(
    "objective",
    ["reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror", "rank:ndcg", "binary:hinge"],
)
def test_a_classifier_compares_what_any_objective_answers(objective):
    model = boosted(objective=objective).fit(X, Y)
    design = locgen.compile(model, data=(X, X, Y, Y))
    assert np.mean(design.predict(X) == model.predict(X)) > 0.99
    found = load(model).compare(X)
    assert (found.rows, found.ties) == (ROWS, 0)


@pytest.mark.parametrize("objective", ["binary:logistic", "binary:hinge", "multi:softprob"])
def test_a_regressor_of_probabilities_is_refused(objective):
    more = {"num_class": 2} if objective.startswith("multi") else {}
    model = xgboost.XGBRegressor(n_estimators=3, objective=objective, **more).fit(X, Y)
    with pytest.raises(UnsupportedModel, match="answers probabilities"):
        load(model)


def test_a_regressor_that_loads_a_classifiers_booster(tmp_path):
    booster = xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(X, Y), 3)
    booster.save_model(tmp_path / "model.json")
    regressor = xgboost.XGBRegressor()
    regressor.load_model(tmp_path / "model.json")
    with pytest.raises(UnsupportedModel, match="answers probabilities"):
        load(regressor)
    assert np.array_equal(
        load(tmp_path / "model.json").answers(X), booster.predict(xgboost.DMatrix(X)) > 0.5
    )


def test_early_stopping_counts_for_wrappers_and_not_for_boosters():
    model = boosted(early_stopping_rounds=2, learning_rate=1.0).set_params(n_estimators=60)
    model.fit(X[:200], Y[:200], eval_set=[(X[200:], RNG.permutation(Y[200:]))], verbose=False)
    booster = model.get_booster()
    used, total = model.best_iteration + 1, booster.num_boosted_rounds()
    assert used < total
    wrapped, bare = load(model), load(booster)
    assert wrapped.reading.remark.startswith(f"{total} trees, {used} used")
    assert bare.reading.remark.startswith(f"{total} trees, all used")
    assert (len(wrapped.model.trees), len(bare.model.trees)) == (used, total)
    assert bare.compare(X).rows == wrapped.compare(X).rows == ROWS
    booster.set_attr(best_iteration=str(total + 5))
    with pytest.raises(locgen.errors.ModelFileError, match="fit it again"):
        load(model)


def test_frames_reach_pipelines_that_need_their_names():
    frame = pandas.DataFrame(X, columns=["red", "green", "blue", "white"])
    steps = make_column_transformer(
        (StandardScaler(), ["white", "red"]), (OneHotEncoder(), ["blue"])
    )
    pipeline = make_pipeline(steps, LogisticRegression()).fit(frame, Y)
    design = locgen.compile(pipeline, data=(frame, frame, Y, Y))
    facts = design.report.quantisation
    assert facts.float_accuracy == np.mean(pipeline.predict(frame) == Y)
    assert facts.library_rows_compared == 2 * ROWS and facts.library_ties == 0


def test_another_answer_ends_with_the_count_and_the_first_row(monkeypatch):
    model = LogisticRegression().fit(X, Y)
    loaded = load(model)
    wrong = model.predict(X)
    wrong[[17, 90]] ^= 1
    monkeypatch.setattr(model, "predict", lambda rows: wrong[: len(rows)])
    with pytest.raises(UnsupportedModel, match=r"2 of 400 rows differ, the first is row 17 ") as e:
        loaded.compare(X)
    assert e.value.exit_code == 1
    model = Ridge().fit(X, Y)
    loaded = load(model)
    far = model.predict(X)
    far[3] += 1e-4
    monkeypatch.setattr(model, "predict", lambda rows: far)
    with pytest.raises(UnsupportedModel, match=r"1 of 400 rows differ, the first is row 3 "):
        loaded.compare(X)


def test_the_check_at_reading_calls_predict(monkeypatch):
    """Not a road that the reader shares."""
    forest = RandomForestClassifier(3, max_depth=4, random_state=0).fit(X, Y)
    monkeypatch.setattr(forest, "predict", lambda rows: np.zeros(len(rows), dtype=int))
    with pytest.raises(UnsupportedModel, match="rows differ"):
        load(forest)


def test_ties_are_counted_and_few(monkeypatch):
    """Rows whose deciding outputs are equal may be answered either way, one of them at least."""
    model = LogisticRegression().fit(X, Y)
    loaded = load(model)
    right = model.predict(X)
    wrong = right.copy()
    wrong[17] ^= 1
    scores = model.decision_function(X)
    scores[17] = 0.0
    monkeypatch.setattr(model, "predict", lambda rows: wrong)
    monkeypatch.setattr(model, "decision_function", lambda rows: scores)
    assert loaded.compare(X) == agreement.Agreement(ROWS, 1)
    wrong[[20, 21]] ^= 1
    scores[[20, 21]] = 0.0
    with pytest.raises(UnsupportedModel, match="3 of 400 rows differ, the first is row 17"):
        loaded.compare(X)


def test_rows_that_the_library_refuses_are_named():
    forest = RandomForestClassifier(2, max_depth=2).fit(X, Y)
    loaded = load(forest)
    with pytest.raises(DataError, match="refuses rows for this RandomForestClassifier"):
        loaded.answers(X[:, :2])


@pytest.mark.parametrize("kind", ["classifier", "regressor", "booster"])
def test_sparse_rows_of_a_bare_model(kind):
    """The user's rows are sparse, so are those that predict is given."""
    sparse = csr_matrix(X)
    if kind == "booster":
        model = xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(sparse, Y), 4)
        expected = model.predict(xgboost.DMatrix(sparse)) > 0.5
    else:
        last = boosted() if kind == "classifier" else xgboost.XGBRegressor(n_estimators=5)
        model = last.fit(sparse, Y)
        expected = model.predict(sparse)
    loaded = load(model, sparse=True)
    assert loaded.compare(X).rows == ROWS
    design = locgen.compile(model, data=(sparse, sparse, Y, Y))
    if kind == "regressor":
        assert np.abs(design.predict(sparse) - expected).max() < 0.05
    else:
        assert np.mean(design.predict(sparse) == expected) > 0.99
    dense = locgen.compile(model, data=(X, X, Y, Y))
    assert not np.array_equal(dense.predict(X), design.predict(X))


@pytest.mark.parametrize("last", [LogisticRegression(), RandomForestClassifier(3, random_state=0)])
def test_sparse_rows_that_leave_out_zeros(last):
    sparse = csr_matrix(X)
    model = make_pipeline(MaxAbsScaler(), last).fit(sparse, Y)
    design = locgen.compile(model, data=(sparse, sparse, Y, Y))
    assert np.mean(design.predict(sparse) == model.predict(sparse)) > 0.99


def test_rows_of_float32_in_every_container(tmp_path):
    x = (X * 1.1).astype(np.float32)
    model = make_pipeline(StandardScaler(), RandomForestClassifier(5, random_state=0)).fit(x, Y)
    np.savez(tmp_path / "rows.npz", X_train=x, y_train=Y, X_test=x, y_test=Y)
    frame = pandas.DataFrame(x)
    for data in ((x, x, Y, Y), (x, Y), {"X": x, "y": Y}, tmp_path / "rows.npz", (frame, Y)):
        design = locgen.compile(model, data=data)
        assert design.loaded.reading.float32
        assert np.array_equal(design.predict(x), model.predict(x))
    assert not locgen.compile(model, data=(X, Y)).loaded.reading.float32


def test_the_count_and_what_is_to_know_are_shown():
    from locgen.flow.inspect import inspect_model

    facts = inspect_model(LogisticRegression().fit(X, Y), (X, X, Y, Y))
    assert facts["library_agreement"] == "800 rows as predict answers, 0 ties"
    tree = RandomForestClassifier(2, max_depth=3).fit(X, Y)
    assert "library_agreement" not in inspect_model(tree)
    model = boosted(early_stopping_rounds=2, learning_rate=1.0).set_params(n_estimators=60)
    model.fit(X[:200], Y[:200], eval_set=[(X[200:], RNG.permutation(Y[200:]))], verbose=False)
    assert "used: predict stops at best_iteration" in inspect_model(model)["remark"]


def test_rows_that_predict_refuses_are_left_out_of_the_check(monkeypatch):
    """And the others still count."""
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    predict, refused = model.predict, []

    def choosy(rows):
        if (np.asarray(rows)[:, 0] > 4).any():
            refused.append(len(rows))
            raise ValueError("more than four")
        return predict(rows) ^ wrong

    wrong = 0
    monkeypatch.setattr(model, "predict", choosy)
    assert load(model).model.classes == (0, 1)
    assert refused.count(1) > 10 and max(refused) > 100
    wrong = 1
    with pytest.raises(UnsupportedModel, match="rows differ"):
        load(model)
