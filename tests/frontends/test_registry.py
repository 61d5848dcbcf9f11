"""The registry, and what is derived from it: the allow-list, refusals and the documentation."""

import importlib.util
import json
import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import locgen.frontends
from locgen.errors import UnsupportedModel
from locgen.frontends import load, registry
from locgen.frontends.admitted import PLAIN, STAND_INS, admitted, is_admitted
from locgen.frontends.refusals import SUPPORTED, refusal, refused_part

ENTRIES = (*registry.ESTIMATORS, *registry.STEPS, *registry.KERNEL_MAPS)
FROZEN = [
    line.split() for line in (Path(__file__).parent / "admitted_names.txt").read_text().splitlines()
]
"""Module, name, whether it is taken as it is, and whether skops files may use it."""


def test_a_pickle_may_use_these_names_and_no_other():
    frozen = {(module, name): kind for module, name, kind, *_ in FROZEN}
    found = dict.fromkeys(PLAIN, "itself") | dict.fromkeys(STAND_INS, "stand-in")
    assert found == frozen


def test_a_skops_file_may_use_these_names_and_no_other():
    frozen = {(module, name) for module, name, _, *skops in FROZEN if skops}
    assert {pair for pair in {*PLAIN, *STAND_INS} if is_admitted(*pair)} == frozen


def test_no_other_name_is_admitted():
    for pair in (("os", "system"), ("sklearn.svm._classes", "os"), ("sklearn.svm", "SVC")):
        assert admitted(*pair) is None


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.module}-{entry.name}")
def test_every_class_is_where_its_entry_says(entry):
    if importlib.util.find_spec(entry.module.partition(".")[0]) is None:
        pytest.skip(f"{entry.module} is not installed")
    found = getattr(import_module(entry.module), entry.name)
    assert (found.__module__, found.__qualname__) == entry.pair


def test_every_entry_stands_once():
    pairs = [entry.pair for entry in ENTRIES]
    assert len(set(pairs)) == len(pairs)
    assert len(set(SUPPORTED)) == len(SUPPORTED)


def test_refusals_name_the_nearest_estimator():
    assert refusal("RadiusNeighborsRegressor").endswith("KNeighborsRegressor")
    assert refusal("GridSearchCV").endswith("its .best_estimator_")
    assert refusal("CatBoostRegressor").endswith("GradientBoostingRegressor")
    assert refusal("PCA").endswith("docs/models.md lists what locgen builds")
    assert refused_part("sklearn.multioutput", "RegressorChain").endswith("MultiOutputRegressor")


ROWS = np.random.default_rng(2).normal(size=(150, 3))
LABELS = (ROWS[:, 0] + ROWS[:, 1] ** 2 > 0.8).astype(int)
TREE = DecisionTreeClassifier(max_depth=4, random_state=0)


def halving(name, *arguments, **settings):
    """Return a search that scikit-learn shows only once it is asked for."""
    import_module("sklearn.experimental.enable_halving_search_cv")
    return getattr(import_module("sklearn.model_selection"), name)(*arguments, **settings)


WRAPPED = {
    "FrozenEstimator": lambda: FrozenEstimator(clone(TREE).fit(ROWS, LABELS)),
    "GridSearchCV": lambda: GridSearchCV(TREE, {"max_depth": [2, 3]}, cv=2),
    "HalvingGridSearchCV": lambda: halving(
        "HalvingGridSearchCV", TREE, {"max_depth": [2, 3]}, cv=2
    ),
    "HalvingRandomSearchCV": lambda: halving(
        "HalvingRandomSearchCV", TREE, {"max_depth": [2, 3]}, n_candidates=2, cv=2, random_state=0
    ),
    "RandomizedSearchCV": lambda: RandomizedSearchCV(
        TREE, {"max_depth": [2, 3]}, n_iter=2, cv=2, random_state=0
    ),
}


def test_every_wrapper_is_tried():
    assert set(WRAPPED) == set(registry.WRAPPERS)


@pytest.mark.parametrize("name", WRAPPED)
def test_advice_followed_to_the_letter_answers_the_same(name):
    """Each attribute that a refusal names, taken from the refused object."""
    refused = WRAPPED[name]().fit(ROWS, LABELS)
    with pytest.raises(UnsupportedModel) as caught:
        load(refused)
    (attribute,) = re.findall(r"\bits \.(\w+)", str(caught.value))
    inside = getattr(refused, attribute)
    rows = np.random.default_rng(3).normal(size=(500, 3))
    assert np.array_equal(load(inside).answers(rows), refused.predict(rows))


def test_no_other_advice_names_an_attribute():
    """Else it must be tried above."""
    texts = [path.read_text() for path in Path(locgen.frontends.__file__).parent.rglob("*.py")]
    named = re.findall(r"\b(?:save|use|take)[^.\n]{0,40} its \.\{?[\w.\[\]]+", "\n".join(texts))
    assert len(named) == 1 and "registry.WRAPPERS" in named[0], named


@pytest.mark.parametrize(
    "refused, way",
    [
        (FixedThresholdClassifier(TREE, threshold=0.2), "class_weight"),
        (TunedThresholdClassifierCV(TREE, cv=2), "class_weight"),
        (
            TransformedTargetRegressor(
                DecisionTreeRegressor(max_depth=3), func=np.log1p, inverse_func=np.expm1
            ),
            "train that regressor on the transformed target",
        ),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else None,
)
def test_what_changes_the_answers_is_not_advised_away(refused, way):
    with pytest.raises(UnsupportedModel, match=way) as caught:
        load(refused.fit(ROWS, LABELS))
    assert not re.search(r"\.\w+_\b", str(caught.value))


class Resampling(Pipeline):
    """A pipeline whose samplers do nothing at predict, as imbalanced-learn's."""


def test_other_pipelines_name_the_steps_that_predict_runs():
    model = Resampling([("scale", StandardScaler()), ("tree", clone(TREE))]).fit(ROWS, LABELS)
    with pytest.raises(UnsupportedModel, match="a plain Pipeline of the steps that predict runs"):
        load(model)
    plain = Pipeline(model.steps)
    assert np.array_equal(load(plain).answers(ROWS), model.predict(ROWS))


@pytest.mark.parametrize(
    "document, way",
    [
        ({"name": "tree", "tree_info": [], "feature_names": []}, "writes a .txt"),
        ({"features_info": {}, "model_info": {}, "oblivious_trees": []}, "CatBoost's"),
        ({"anything": 1}, "an XGBoost model is saved with its save_model"),
    ],
)
def test_json_of_other_libraries(document, way, tmp_path):
    path = tmp_path / "model.json"
    path.write_text(json.dumps(document))
    with pytest.raises(UnsupportedModel, match=way):
        load(path)
