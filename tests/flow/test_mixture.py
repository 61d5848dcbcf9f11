"""Sparse mixtures of experts from the estimator to verified netlists."""

import json

import numpy as np
import pytest
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from slowkit import slow

import locgen
from locgen.errors import ConfigurationError
from locgen.ir import from_json
from locgen.models import MixtureOfExpertsClassifier


@pytest.fixture(scope="module")
def trained():
    x, y = load_wine(return_X_y=True)
    data = train_test_split(x, y, test_size=0.3, random_state=0)
    mixture = MixtureOfExpertsClassifier(3, top_k=2, gate_depth=2, random_state=0)
    return make_pipeline(StandardScaler(), mixture).fit(data[0], data[2]), data


@pytest.mark.parametrize("fabric", slow("tree", "direct"))
def test_a_mixture_is_built_and_verified(trained, fabric, tmp_path):
    estimator, data = trained
    design = locgen.compile(estimator, data=data, fabric=fabric, pnr=False)
    rows = data[1]
    assert (design.predict(rows) == estimator.predict(rows)).mean() > 0.95
    built = design.build(tmp_path / "out")
    assert [(r.level, r.mismatches) for r in built.results] == [("rtl", 0), ("netlist", 0)]
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["model"]["family"] == "MixtureOfExpertsClassifier"
    assert report["fabric"]["latency_cycles"] == design.plan.latency_cycles
    saved = from_json((tmp_path / "out" / "model.locgen.json").read_text())
    assert saved == design.model and saved.gate.top_k == 2
    again = locgen.compile(tmp_path / "out" / "model.locgen.json", fabric=fabric, pnr=False)
    assert np.array_equal(again.predict(rows), design.predict(rows))


def test_engines_refuse_experts(trained):
    estimator, data = trained
    with pytest.raises(ConfigurationError, match="MixtureOfExpertsClassifier opens some"):
        locgen.compile(estimator, data=data, core="engine")


def test_each_expert_needs_a_site(trained):
    estimator, data = trained
    with pytest.raises(ConfigurationError, match="--sites 2 is too few for 3 experts"):
        locgen.compile(estimator, data=data, sites=2)
