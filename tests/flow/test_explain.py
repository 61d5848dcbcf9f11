"""Designs with ``--explain``: what they say on the host, and gates that say the same."""

import json

import numpy as np
import pytest
from sklearn.datasets import load_iris, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import locgen
from locgen.models import MixtureOfExpertsClassifier

IRIS = train_test_split(*load_iris(return_X_y=True), test_size=0.3, random_state=0)
WINE = train_test_split(*load_wine(return_X_y=True), test_size=0.3, random_state=0)
MODELS = {
    "tree": lambda: DecisionTreeClassifier(max_depth=3, random_state=0),
    "linear": lambda: LogisticRegression(max_iter=500),
    "table": GaussianNB,
    "distance": NearestCentroid,
    "mixture": lambda: MixtureOfExpertsClassifier(3, top_k=2, gate_depth=2, random_state=0),
}


def compiled(kind, data=IRIS, **options):
    """Return the design of a small model of that kind, with ``explain``."""
    estimator = make_pipeline(StandardScaler(), MODELS[kind]()).fit(data[0], data[2])
    options = {"link_width": "4", "pnr": False, "explain": True} | options
    return locgen.compile(estimator, "ice40", data=data, **options)


@pytest.mark.parametrize("core", ["auto", "engine"])
@pytest.mark.parametrize("kind", MODELS)
def test_the_evidence_recombines_to_the_scores(kind, core):
    if (kind, core) == ("mixture", "engine"):
        pytest.skip("engines refuse experts")
    design = compiled(kind, WINE, core=core)
    assert design.choice.plan.kind == "tree" and design.choice.reason
    x = WINE[1]
    why = design.explain(x)
    golden = design.model.scores(design.model.quantise(x))
    assert np.array_equal(why.hardware.scores, golden) and np.array_equal(why.scores, golden)
    assert why.hardware.numbers.shape == (len(x), len(design.choice.plan.evidence))
    cost = design.report.evidence
    assert cost.cycles * 4 == cost.bits == design.choice.plan.evidence_bits > 0
    if kind == "mixture":
        assert (why.hardware.is_open.sum(axis=1) == 2).all()


def test_nothing_is_gathered_without_being_asked_for():
    design = compiled("linear", explain=False)
    assert design.explain(IRIS[1]).hardware is None and design.report.evidence is None


@pytest.mark.slow
@pytest.mark.parametrize("core", ["hardwired", "engine"])
@pytest.mark.parametrize("kind", MODELS)
def test_gates_send_what_golden_says(kind, core, tmp_path):
    """RTL and netlist send every digit; the report says what it costs."""
    if (kind, core) == ("mixture", "engine"):
        pytest.skip("engines refuse experts")
    design = compiled(kind, core=core)
    built = design.build(tmp_path / "out")
    assert [(r.level, r.mismatches) for r in built.results] == [("rtl", 0), ("netlist", 0)]
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    plan = design.choice.plan
    assert report["evidence"]["cycles"] == plan.evidence_beats
    assert report["evidence"]["bits"] == plan.evidence_bits
    assert report["evidence"]["logic_cells"] > 0
    found = json.loads((tmp_path / "out" / "testbench" / "evidence.json").read_text())
    assert len(set(found)) > 3
