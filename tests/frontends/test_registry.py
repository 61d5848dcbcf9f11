"""The registry, and what is derived from it: the allow-list, refusals and the documentation."""

import importlib.util
from importlib import import_module
from pathlib import Path

import pytest

from locgen.frontends import registry
from locgen.frontends.admitted import PLAIN, STAND_INS, admitted, is_admitted
from locgen.frontends.refusals import SUPPORTED, refusal

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
