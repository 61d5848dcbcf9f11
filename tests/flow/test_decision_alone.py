"""Designs that answer their decision and nothing else."""

import json
import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.ensemble import GradientBoostingRegressor as Regressor
from sklearn.model_selection import train_test_split

import locgen
from locgen.errors import ConfigurationError
from locgen.flow.bench import design_vectors
from locgen.flow.build import build, verify_rtl
from locgen.flow.folder import open_folder, verify_folder

CASES = {
    "binary": (
        load_breast_cancer,
        GradientBoostingClassifier(n_estimators=6, max_depth=3, random_state=0),
    ),
    "classes": (load_wine, GradientBoostingClassifier(n_estimators=3, max_depth=3, random_state=0)),
    "forest": (load_wine, RandomForestClassifier(4, max_depth=4, random_state=0)),
}


def compiled(case, answer="decision", **options):
    load, estimator = CASES[case]
    data = train_test_split(*load(return_X_y=True), test_size=0.3, random_state=0)
    estimator.fit(data[0], data[2])
    return data, locgen.compile(estimator, "ice40", data=data, answer=answer, **options)


@pytest.mark.parametrize(
    "case, stages",
    [
        ("binary", 2),
        ("classes", 2),
        pytest.param("binary", 1, marks=pytest.mark.slow),
        pytest.param("classes", 1, marks=pytest.mark.slow),
        pytest.param("forest", 2, marks=pytest.mark.slow),
    ],
)
def test_gates_answer_the_same_decisions(case, stages):
    data, design = compiled(case, stages=stages)
    _, whole = compiled(case, "scores", fabric="direct")
    assert np.array_equal(design.predict(data[1]), whole.predict(data[1]))
    assert design.plan.kind == "direct" and design.plan.latency_cycles == stages
    vectors = design_vectors(design)
    assert vectors.scores.shape == (len(vectors), 0)
    result = verify_rtl(design)
    assert result.mismatches == 0 and result.vectors >= 500


@pytest.mark.slow
def test_a_whole_build_and_its_folder(tmp_path):
    data, design = compiled("binary", stages=2, pnr=False)
    built = build(design, tmp_path / "alone")
    assert [r.mismatches for r in built.results] == [0, 0]
    assert [r.mismatches for r in verify_folder(open_folder(tmp_path / "alone"), "verilator")] == [
        0,
        0,
    ]
    estimator = CASES["binary"][1]
    scored = locgen.compile(estimator, "ice40", data=data, stages=2, pnr=False)
    assert built.core.logic_cells < build(scored, tmp_path / "scores").core.logic_cells


@pytest.mark.parametrize(
    "options, message",
    [
        ({"fabric": "tree"}, "not with --fabric tree"),
        ({"core": "engine"}, "not with --core engine"),
        ({"explain": True}, "not with --explain"),
        ({"board": "icebreaker"}, "not with a link or bus"),
    ],
)
def test_what_needs_scores(options, message):
    with pytest.raises(ConfigurationError, match=message):
        compiled("binary", **options)


def test_a_regression_has_no_decision():
    data = train_test_split(*load_diabetes(return_X_y=True), test_size=0.3, random_state=0)
    model = Regressor(n_estimators=3).fit(data[0], data[2])
    with pytest.raises(ConfigurationError, match="needs a classifier"):
        locgen.compile(model, data=data, answer="decision")


@pytest.mark.slow
def test_a_boosters_file_from_the_command_line(tmp_path):
    xgboost = pytest.importorskip("xgboost")
    data = train_test_split(*load_breast_cancer(return_X_y=True), test_size=0.3, random_state=0)
    model = xgboost.XGBClassifier(n_estimators=8, max_depth=3).fit(data[0], data[2])
    model.save_model(tmp_path / "model.json")
    keys = ("X_train", "X_test", "y_train", "y_test")
    np.savez(tmp_path / "data.npz", **dict(zip(keys, data, strict=True)))
    command = [sys.executable, "-m", "locgen", "build", str(tmp_path / "model.json")]
    command += ["--data", str(tmp_path / "data.npz"), "--answer", "decision", "--rounding", "free"]
    command += ["--max-changed", "2", "--stages", "2", "--no-pnr", "--json"]
    done = subprocess.run([*command, "--out", str(tmp_path / "out")], capture_output=True)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert [entry["mismatches"] for entry in report["verification"]] == [0, 0]
    found = report["quantisation"]
    assert found["float_accuracy"] == pytest.approx(model.score(data[1], data[3]))


def test_stages_rise_to_the_clock_asked_for():
    _, free = compiled("classes")
    known = free.fmax_mhz
    _, slow = compiled("classes", clock=known / 2)
    assert slow.plan == free.plan
    _, fast = compiled("classes", clock=known * 1.1)
    assert fast.plan.latency_cycles > free.plan.latency_cycles
    assert fast.fmax_mhz >= known * 1.1
    _, fixed = compiled("classes", clock=known * 1.1, stages=2)
    assert fixed.plan.latency_cycles == 2
    _, most = compiled("classes", clock=10_000)
    units = len(most.plan.registers)
    each = [compiled("classes", stages=n)[1].fmax_mhz for n in range(1, units + 1)]
    assert most.fmax_mhz == max(each)
