"""Mixtures with any gate and any experts, from the estimator to verified netlists."""

import json

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import locgen
from locgen.flow.inspect import estimate_rows, inspect_model
from locgen.models import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor

IRIS = train_test_split(*load_iris(return_X_y=True), test_size=0.3, random_state=0)
STUMPS = DecisionTreeClassifier(max_depth=2)
KINDS = {"tree": "tree", "linear": "linear", "prototype": "distance"}


def classifier(gate, expert=STUMPS, experts=3, top_k=1):
    mixture = MixtureOfExpertsClassifier(
        experts, top_k=top_k, gate=gate, expert=expert, random_state=0, max_iter=3
    )
    return make_pipeline(StandardScaler(), mixture).fit(IRIS[0], IRIS[2])


def built_report(design, folder):
    built = design.build(folder)
    assert [(r.level, r.mismatches) for r in built.results] == [("rtl", 0), ("netlist", 0)]
    return built, json.loads((folder / "report.json").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("gate", KINDS)
def test_a_gate_of_each_kind_is_built_and_its_experts_counted(gate, tmp_path):
    estimator = classifier(gate, top_k=2)
    design = locgen.compile(estimator, data=IRIS, fabric="tree", pnr=False, effort="low")
    built, report = built_report(design, tmp_path / "out")
    assert np.mean(design.predict(IRIS[1]) == estimator.predict(IRIS[1])) >= 0.95
    experts = report["experts"]
    assert (experts["gate"], experts["active"], experts["total"]) == (KINDS[gate], 2, 3)
    q = design.model.quantise(IRIS[1])
    mask = design.model.gate.evaluate(q, design.model.missing_codes)
    routes = np.zeros_like(mask)
    inner = estimator[:-1].transform(IRIS[1])
    np.put_along_axis(routes, estimator[-1].route(inner), True, axis=1)
    assert experts["changed_routes"] == np.count_nonzero((mask != routes).any(axis=1)) <= 4
    assert sum(experts["open_share"]) == pytest.approx(2, abs=1e-3)
    parts = sum(experts["toggles_per_inference"]) + experts["shared_toggles_per_inference"]
    assert parts == pytest.approx(report["energy"]["toggles_per_inference"], abs=0.1)
    assert 2 * min(experts["toggles_per_inference"]) < max(experts["toggles_per_inference"]) * 2.5
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Expert 2" in page and "2 of 3 experts open" in page
    assert abs(built.core.logic_cells / design.estimate.logic_cells - 1) < 0.4


@pytest.mark.slow
@pytest.mark.parametrize("fabric", ["tree", "direct"])
@pytest.mark.parametrize("kind", ["logistic", "linear"])
def test_experts_that_compute_with_sizes_are_built(kind, fabric, tmp_path):
    if kind == "logistic":
        estimator, data = classifier("tree", LogisticRegression(), experts=2), IRIS
    else:
        data = [IRIS[0][:, :3], IRIS[1][:, :3], IRIS[0][:, 3], IRIS[1][:, 3]]
        estimator = MixtureOfExpertsRegressor(
            2, gate="linear", expert=LinearRegression(), random_state=0, max_iter=3
        ).fit(data[0], data[2])
    options = {"pnr": False, "effort": "low", "max_accuracy_drop": 1.0}
    design = locgen.compile(estimator, data=data, fabric=fabric, **options)
    _, report = built_report(design, tmp_path / "out")
    assert {node.kind for node in design.model.nodes} == {"linear"}
    counted = report["experts"]["toggles_per_inference"]
    assert (counted is None) == (fabric == "direct")
    if kind == "linear":
        assert report["quantisation"]["quantised_r2"] > report["quantisation"]["float_r2"] - 0.02


@pytest.mark.parametrize("gate", KINDS)
def test_inspection_and_estimate_tell_of_the_gate(gate):
    estimator = classifier(gate, top_k=2)
    facts = inspect_model(estimator, data=IRIS)
    assert facts["gate"].startswith(KINDS[gate]) and facts["experts"] == "2 of 3 open"
    assert int(facts["gate_logic_cells"].removeprefix("about ")) > 0
    assert sum(facts["expert_nodes"]) == facts["nodes"]
    design = locgen.compile(estimator, data=IRIS)
    rows = dict(estimate_rows(design))
    assert rows["gate"].endswith("2 of 3 experts open")
    experts = design.report.experts
    assert experts.toggles_per_inference is None and experts.changed_routes is not None
    plain = inspect_model(DecisionTreeClassifier(max_depth=2).fit(IRIS[0], IRIS[2]), data=IRIS)
    assert "gate" not in plain and "experts" not in plain
