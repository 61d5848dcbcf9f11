"""interpret's explainable boosting machines against the library's own predictions."""

import warnings
from functools import cache

import joblib
import numpy as np
import pytest
from familykit import rows

import locgen
from locgen.errors import ModelFileError, UnsupportedModel
from locgen.flow.build import verify_rtl
from locgen.frontends import load, read_estimator

glassbox = pytest.importorskip("interpret.glassbox")

_SMALL = {"max_bins": 12, "outer_bags": 2, "max_rounds": 60, "n_jobs": 1, "random_state": 0}
CASES = {
    "binary": ("cancer", "Classifier", {"interactions": 0}),
    "several": ("wine", "Classifier", {"interactions": 0}),
    "regressor": ("diabetes", "Regressor", {"interactions": 0}),
    "missing": ("cancer-missing", "Classifier", {"interactions": 0}),
    "pairs": ("cancer", "Classifier", {"interactions": 2, "max_interaction_bins": 5}),
    "many-bins": (
        "cancer",
        "Classifier",
        {"interactions": 4, "max_bins": 24, "max_interaction_bins": 16, "max_rounds": 300},
    ),
    "regressor-pairs": ("diabetes", "Regressor", {"interactions": 1, "max_interaction_bins": 4}),
}


@cache
def fitted(case):
    data, kind, settings = CASES[case]
    arrays = rows(data)
    machine = getattr(glassbox, f"ExplainableBoosting{kind}")(**{**_SMALL, **settings})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return machine.fit(arrays[0], arrays[2]), arrays


def beside_cuts(machine, x):
    """Return rows at every cut and one ulp to either side."""
    found = [x[:50]]
    for feature, levels in enumerate(machine.bins_):
        for cuts in levels:
            for value in np.concatenate([cuts, np.nextafter(cuts, 1e9), np.nextafter(cuts, -1e9)]):
                row = x[:1].copy()
                row[0, feature] = value
                found.append(row)
    return np.concatenate(found)


@pytest.mark.parametrize("case", CASES)
def test_answers_are_the_librarys(case, tmp_path):
    machine, (x_train, x_test, _, _) = fitted(case)
    path = tmp_path / "model.joblib"
    joblib.dump(machine, path)
    model = load(path).model
    x = np.concatenate([beside_cuts(machine, x_train), x_test])
    scores = model.scores(x)
    raw = machine.decision_function(x) if model.classes else machine.predict(x)
    assert np.allclose(scores, raw.reshape(scores.shape), rtol=0, atol=1e-9 * np.abs(raw).max())
    if model.classes:
        assert np.array_equal(model.labels(model.decide(scores)), machine.predict(x))
    assert bool(model.trees) == ("pairs" in case or case == "many-bins")
    assert model.rule.missing == (case == "missing")


@pytest.mark.parametrize("case", ["several", "missing", "regressor-pairs"])
def test_integers_stay_inside_the_budget(case):
    machine, arrays = fitted(case)
    design = locgen.compile(machine, "ice40", data=arrays)
    kinds = {node.kind for node in design.model.nodes}
    assert kinds == ({"tree"} if "pairs" in case else {"table"})
    ours, theirs = design.predict(arrays[1]), machine.predict(arrays[1])
    if design.model.task == "regression":
        assert np.abs(ours - theirs).max() < 0.05 * np.ptp(theirs)
    else:
        assert np.mean(ours == arrays[3]) >= np.mean(theirs == arrays[3]) - 0.01


def test_large_pairs_lose_bins_within_the_stated_error():
    """Terms of two features: rows and columns of values that are alike are merged."""
    machine, arrays = fitted("many-bins")
    design = locgen.compile(machine, "ice40", data=arrays)
    done = design.quantisation.rebinning
    assert done.before > 800 and done.after < done.before * 0.7
    assert design.report.quantisation.rebinned == done.words
    assert sum(len(node.leaf_scores) for node in design.model.nodes) <= done.after
    ours, theirs = design.predict(arrays[1]), machine.predict(arrays[1])
    assert np.mean(ours == arrays[3]) >= np.mean(theirs == arrays[3]) - 0.01


@pytest.mark.slow
@pytest.mark.parametrize("number, case", list(enumerate(CASES)), ids=CASES)
def test_machines_become_gates(number, case):
    machine, arrays = fitted(case)
    design = locgen.compile(machine, "ice40", data=arrays, fabric=("direct", "tree")[number % 2])
    assert verify_rtl(design).mismatches == 0


def test_refused_with_a_way_out():
    x, y = rows("cancer")[0], rows("cancer")[2]
    machine = glassbox.ExplainableBoostingClassifier(**_SMALL, interactions=1)
    with pytest.raises(UnsupportedModel, match="is not fitted"):
        read_estimator(machine)
    machine.fit(x, y)
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    with pytest.raises(UnsupportedModel, match="a scaler changes nothing"):
        read_estimator(make_pipeline(StandardScaler(), machine))
    nominal = glassbox.ExplainableBoostingClassifier(
        **_SMALL, interactions=0, feature_types=["nominal"] + ["continuous"] * (x.shape[1] - 1)
    ).fit(np.column_stack([np.round(x[:, 0]), x[:, 1:]]), y)
    with pytest.raises(UnsupportedModel, match="encode them as numbers"):
        read_estimator(nominal)


def test_one_class_more_than_a_damaged_machine_has():
    machine, _ = fitted("binary")
    import copy

    damaged = copy.copy(machine)
    damaged.term_scores_ = [scores[:-1] for scores in machine.term_scores_]
    with pytest.raises(ModelFileError, match=r"term_scores_\[0\] is damaged"):
        read_estimator(damaged)
    damaged = copy.copy(machine)
    damaged.bins_ = [[cuts[::-1] for cuts in levels] for levels in machine.bins_]
    with pytest.raises(ModelFileError, match="does not rise"):
        read_estimator(damaged)
