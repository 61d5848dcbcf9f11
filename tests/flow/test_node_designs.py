"""Designs of models that compute with sizes: predictions, evidence, and gates equal to golden."""

import numpy as np
import pytest
from sklearn.datasets import load_iris, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import (
    KNeighborsClassifier,
    NearestCentroid,
    RadiusNeighborsClassifier,
)
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import locgen
from locgen.flow.inspect import inspect_model
from locgen.ir import from_json, to_json

IRIS = train_test_split(*load_iris(return_X_y=True), test_size=0.3, random_state=0)
WINE = train_test_split(*load_wine(return_X_y=True), test_size=0.3, random_state=0)
ESTIMATORS = {
    "linear": lambda: LogisticRegression(),
    "table": lambda: GaussianNB(),
    "distance": lambda: NearestCentroid(),
    "manhattan": lambda: NearestCentroid(metric="manhattan"),
}


def trained(kind, data):
    return make_pipeline(StandardScaler(), ESTIMATORS[kind]()).fit(data[0], data[2])


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_predictions_probabilities_and_evidence(kind):
    estimator = trained(kind, WINE)
    design = locgen.compile(estimator, "ice40", data=WINE)
    x = WINE[1]
    assert np.mean(design.predict(x) == estimator.predict(x)) >= 0.98
    if kind in ("linear", "table"):
        found = design.predict_proba(x)
        assert np.abs(found - estimator.predict_proba(x)).max() < 0.1
    else:
        with pytest.raises(AttributeError, match="gives no probabilities"):
            design.predict_proba(x)
    why = design.explain(x)
    assert np.array_equal(why.scores, design.model.scores(design.model.quantise(x)))
    assert np.array_equal(why.scores, why.bias + why.contributions.sum(axis=1))
    assert (why.leaf_ids == -1).all()
    for number, (node, said) in enumerate(zip(design.model.nodes, why.evidence, strict=True)):
        part = why.contributions[:, number, list(node.outputs)]
        if kind in ("linear", "table"):
            constant = np.array(node.bias) if kind == "linear" else 0
            assert np.array_equal(said["terms"].sum(axis=1) + constant, part)
        else:
            assert (said["prototype"] == number).all()
            assert np.array_equal(node.bias - said["distance"], part[:, 0])
    assert from_json(to_json(design.model)) == design.model
    if kind == "linear":
        inside = ((x >= WINE[0].min(axis=0)) & (x <= WINE[0].max(axis=0))).all(axis=1)
        found = design.decision_function(x) - estimator.decision_function(x)
        assert inside.sum() > 20 and np.abs(found[inside]).max() < 0.3


def test_two_classes_are_merged_into_one_score():
    x, y = load_iris(return_X_y=True)
    keep = y != 0
    data = train_test_split(x[keep], y[keep], test_size=0.3, random_state=0)
    for kind, nodes in (("linear", 1), ("table", 4)):
        estimator = trained(kind, data)
        design = locgen.compile(estimator, "ice40", data=data)
        assert design.model.outputs == 1 and len(design.model.nodes) <= nodes
        assert np.mean(design.predict(data[1]) == estimator.predict(data[1])) >= 0.96
        found = design.predict_proba(data[1])
        assert np.abs(found - estimator.predict_proba(data[1])).max() < 0.1


def test_inspection_and_report_know_the_kinds(tmp_path):
    facts = inspect_model(trained("table", IRIS), data=IRIS)
    assert facts["core"] == "table" and facts["splits"] == 0
    assert "computes with its features' sizes" in facts["comparison_rule"]
    report = locgen.compile(trained("linear", IRIS), "ice40", data=IRIS).report
    assert report.model.nodes == 1 and report.quantisation.encoder == "host"
    assert report.estimate.logic_cells > 0


@pytest.mark.slow
@pytest.mark.parametrize("fabric", ["direct", "tree"])
@pytest.mark.parametrize("kind", ESTIMATORS)
def test_gates_equal_golden(kind, fabric):
    """RTL and netlist, with the latency and interval of the plan."""
    design = locgen.compile(trained(kind, IRIS), "ice40", data=IRIS, fabric=fabric)
    results = design.verify()
    assert [result.level for result in results] == ["rtl", "netlist"]
    assert all(result.mismatches == 0 and result.vectors >= 1000 for result in results)


SERIAL = {
    "neighbours": lambda: KNeighborsClassifier(3),
    "within": lambda: RadiusNeighborsClassifier(1.1, outlier_label="most_frequent"),
    "dense": lambda: MLPClassifier((3,), solver="lbfgs", max_iter=300, random_state=0),
}
"""Cores that compute in turn from memory; kernels have a test of their own."""


@pytest.mark.slow
@pytest.mark.parametrize("kind", SERIAL)
def test_netlists_of_cores_that_compute_in_turn(kind):
    rows = [part[::4] for part in IRIS]  # a row takes as many cycles as there are stored codes
    estimator = make_pipeline(StandardScaler(), SERIAL[kind]()).fit(rows[0], rows[2])
    design = locgen.compile(
        estimator, "ice40", data=rows, fabric="tree", max_accuracy_drop=10.0, feature_bits=6
    )
    assert {node.kind for node in design.model.nodes} <= {"neighbours", "dense"}
    results = design.verify()
    assert [result.level for result in results] == ["rtl", "netlist"]
    assert all(result.mismatches == 0 and result.vectors >= 1000 for result in results)
