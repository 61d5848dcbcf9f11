"""LightGBM on data frames: categories are values, whatever their positions are."""

import pickle

import numpy as np
import pytest

import locgen
from locgen.errors import UnsupportedModel
from locgen.frontends import load

lightgbm = pytest.importorskip("lightgbm")
pandas = pytest.importorskip("pandas")
RNG = np.random.default_rng(5)
ROWS = 500
VALUES = {
    "codes": RNG.choice([40, 10, 30, 20], ROWS),
    "fractions": RNG.choice([0.5, -2.5, 1.5, 100.0], ROWS),
    "flags": RNG.random(ROWS) > 0.4,
    "rare": RNG.choice([0, 5, 7, 1000], ROWS, p=[0.7, 0.1, 0.1, 0.1]),
}
FRAME = pandas.DataFrame({"x": RNG.normal(size=ROWS), **VALUES}).astype(
    dict.fromkeys(VALUES, "category")
)
Y = (np.isin(VALUES["codes"], [10, 40]) ^ VALUES["flags"] ^ (VALUES["fractions"] > 1)).astype(int)
NUMBERS = FRAME.astype(float)
SMALL = {"n_estimators": 6, "min_child_samples": 5, "verbose": -1, "n_jobs": 1}


def fitted(**settings):
    return lightgbm.LGBMClassifier(**SMALL, **settings).fit(FRAME, Y)


@pytest.mark.parametrize(
    "settings", [{}, {"max_cat_to_onehot": 10}, {"boosting_type": "dart"}], ids=str
)
def test_values_are_answered_as_the_frame_is(settings, tmp_path):
    model = fitted(**settings)
    design = locgen.compile(model, data=(FRAME, FRAME, Y, Y))
    assert np.mean(design.predict(NUMBERS) == model.predict(FRAME)) > 0.99
    assert design.report.quantisation.library_rows_compared == 2 * ROWS
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(model))
    model.booster_.save_model(tmp_path / "model.txt")
    for source in (path, tmp_path / "model.txt", model.booster_):
        loaded = load(source)
        scores = loaded.model.scores(NUMBERS.to_numpy())
        assert np.array_equal(
            loaded.model.labels(loaded.model.decide(scores)), model.predict(FRAME)
        )


def test_values_that_training_has_not_seen_are_in_no_set():
    model = fitted()
    unseen = NUMBERS.copy()
    unseen["codes"], unseen["rare"] = 25.0, 1.0
    nowhere = pandas.Categorical.from_codes(np.full(ROWS, -1), categories=[10, 20, 30, 40])
    given = FRAME.assign(codes=nowhere, rare=pandas.Categorical(np.ones(ROWS)))
    loaded = load(model)
    assert np.array_equal(
        loaded.model.labels(loaded.model.decide(loaded.model.scores(unseen.to_numpy()))),
        model.predict(given),
    )


def test_text_and_ordered_categories_are_refused():
    text = FRAME.assign(codes=pandas.Categorical(VALUES["codes"].astype(str)))
    ordered = FRAME.assign(
        codes=pandas.Categorical(VALUES["codes"], [40, 10, 30, 20], ordered=True)
    )
    for frame, what in ((text, "text categories"), (ordered, "ordered categories")):
        model = lightgbm.LGBMClassifier(**SMALL).fit(frame, Y)
        with pytest.raises(UnsupportedModel, match=what):
            load(model)


@pytest.mark.parametrize(
    "settings",
    [
        *({"objective": name} for name in ("cross_entropy", "cross_entropy_lambda", "poisson")),
        {"objective": "tweedie", "tweedie_variance_power": 1.2},
        {"objective": "regression", "reg_sqrt": True},
        {"objective": "poisson", "boosting_type": "rf", "subsample": 0.5, "subsample_freq": 1},
    ],
    ids=lambda settings: "-".join(map(str, settings.values())),
)
def test_a_classifier_compares_any_answer_with_a_half(settings):
    labels = np.where(Y, "yes", "no")
    model = lightgbm.LGBMClassifier(**SMALL, **settings).fit(NUMBERS, labels)
    loaded = load(model)
    assert loaded.compare(NUMBERS.to_numpy()).ties == 0
    assert len(set(model.predict(NUMBERS))) == 2
    with pytest.raises(UnsupportedModel, match="does not answer the sum"):
        load(lightgbm.LGBMRegressor(**SMALL, **settings).fit(NUMBERS, Y))


def test_trees_that_predict_leaves_out_are_refused():
    model = lightgbm.LGBMClassifier(pred_early_stop=True, **SMALL).fit(NUMBERS, Y)
    with pytest.raises(UnsupportedModel, match="pred_early_stop=False"):
        load(model)


@pytest.mark.parametrize("objective", ["regression", "regression_l1", "huber"])
def test_a_classifier_compares_what_a_regression_answers(objective):
    labels = np.where(Y, "up", "down")
    model = lightgbm.LGBMClassifier(objective=objective, **SMALL).fit(NUMBERS, labels)
    design = locgen.compile(model, data=(NUMBERS, NUMBERS, labels, labels))
    assert np.mean(design.predict(NUMBERS) == model.predict(NUMBERS)) > 0.99


@pytest.mark.parametrize("objective", ["binary", "multiclass"])
def test_a_regressor_of_probabilities_is_refused(objective):
    more = {"num_class": 2} if objective == "multiclass" else {}
    model = lightgbm.LGBMRegressor(objective=objective, **more, **SMALL).fit(NUMBERS, Y)
    with pytest.raises(UnsupportedModel, match="answers probabilities"):
        load(model)


def test_an_objective_of_its_own_answers_no_labels():
    def squared(truth, scores):
        return scores - truth, np.ones_like(scores)

    model = lightgbm.LGBMClassifier(objective=squared, **SMALL).fit(NUMBERS, Y)
    with pytest.raises(UnsupportedModel, match="answers raw scores"):
        load(model)
    regressor = lightgbm.LGBMRegressor(objective=squared, **SMALL).fit(NUMBERS, Y)
    assert load(regressor).compare(NUMBERS.to_numpy()).rows == ROWS


def test_boosters_stop_at_their_best_round():
    data = lightgbm.Dataset(NUMBERS, Y)
    settings = {"objective": "binary", "verbose": -1, "num_threads": 1}
    booster = lightgbm.train(settings, data, 9)
    booster.best_iteration = 4
    loaded = load(booster)
    assert len(loaded.model.trees) == 4
    assert loaded.compare(NUMBERS.to_numpy()).rows == ROWS
    assert loaded.reading.remark == "9 rounds, 4 used: predict stops at best_iteration"


def test_columns_may_be_numbered():
    """The user's rows, without the categories' types, in a frame whose names are numbers."""
    frame = FRAME.set_axis(range(FRAME.shape[1]), axis=1)
    model = lightgbm.LGBMClassifier(**SMALL).fit(frame, Y)
    numbers = frame.astype(float)
    assert np.array_equal(load(model).answers(numbers), model.predict(frame))
    design = locgen.compile(model, data=(numbers, numbers, Y, Y))
    assert design.report.quantisation.library_rows_compared == 2 * ROWS
