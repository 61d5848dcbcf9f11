"""Clauses and decision lists in locgen's own JSON, and Tsetlin machines written as such."""

import inspect
import json
import textwrap

import numpy as np
import pytest
from familykit import rows

import locgen
from locgen.errors import ConfigurationError, ModelFileError, UnsupportedModel
from locgen.flow.build import verify_rtl
from locgen.flow.explain_text import reasons_of
from locgen.frontends import load
from locgen.frontends.locgen_models.clauses import RuleSet
from locgen.models import write_tsetlin_clauses
from locgen.report.schema import Report

LIST = {
    "schema": "locgen.clauses/1",
    "features": ["sepal length", "sepal width", "petal length", "petal width"],
    "classes": ["setosa", "versicolor", "virginica"],
    "decision": "first",
    "default": "virginica",
    "clauses": [
        {"when": [["petal length", "<=", 2.45]], "answer": "setosa"},
        {
            "when": [["petal width", "<=", 1.75], ["petal length", "<=", 4.95]],
            "answer": "versicolor",
        },
        {"when": [["petal width", "<=", 1.65], ["sepal width", ">", 2.6]], "answer": "versicolor"},
    ],
}
VOTES = {
    "schema": "locgen.clauses/1",
    "features": ["a", "b"],
    "classes": [0, 1],
    "decision": "sum",
    "clauses": [
        {"when": [["a", ">", 0.5], ["b", "<=", 0.5]], "answer": 1, "weight": 3},
        {"when": [["b", ">", 0.5]], "answer": 0, "weight": 2},
        {"when": [["a", "<=", 0.5]], "answer": 1, "weight": -1},
        {"when": [], "answer": 0, "weight": 1},
    ],
}


def written(tmp_path, rules, name="rules"):
    path = tmp_path / f"{name}.clauses.json"
    path.write_text(json.dumps(rules))
    return path


def test_a_decision_list_answers_by_its_first_clause(tmp_path):
    x, y = rows("iris")[0], rows("iris")[2]
    names = np.array(LIST["classes"])
    design = locgen.compile(written(tmp_path, LIST), "ice40", data=(x, names[y]))
    petal = x[:, 2]
    expected = np.where(
        petal <= 2.45,
        "setosa",
        np.where(
            (x[:, 3] <= 1.75) & (petal <= 4.95) | (x[:, 3] <= 1.65) & (x[:, 1] > 2.6),
            "versicolor",
            "virginica",
        ),
    )
    assert design.predict(x).tolist() == expected.tolist()
    assert np.mean(design.predict(x) == names[y]) > 0.9
    at = np.array(
        [[5.0, 3.0, v, 1.0] for v in (np.nextafter(2.45, 9), 2.45, np.nextafter(2.45, 0))]
    )
    assert design.predict(at).tolist() == ["versicolor", "setosa", "setosa"]
    fired = design.explain(x).evidence[0]["fired"]
    assert (fired.sum(axis=1) <= 1).all() and fired.shape[1] == 3
    two = np.array([[5.0, 3.0, 2.0, 1.0], [5.0, 2.0, 6.0, 1.7], [5.0, 3.0, 4.0, 1.7]])
    told = reasons_of(design, two, design.explain(two))
    assert [row["reasons"][0]["because"] for row in told] == [
        "clause 0: petal length <= 2.45",
        "no clause holds",
        "clause 1: petal length <= 4.95 and petal width <= 1.75",
    ]


@pytest.mark.parametrize("fabric", ["direct", "tree"])
@pytest.mark.parametrize("rules", [LIST, VOTES], ids=["list", "votes"])
@pytest.mark.slow
def test_rules_become_gates(rules, fabric, tmp_path):
    design = locgen.compile(written(tmp_path, rules), "ice40", fabric=fabric, explain=True)
    assert verify_rtl(design).mismatches == 0


def test_weights_add_up_and_ties_go_to_the_first(tmp_path):
    design = locgen.compile(written(tmp_path, VOTES), "ice40")
    x = np.array([[a, b] for a in (0.0, 1.0) for b in (0.0, 1.0)])
    # sums of the two classes: (1, -1), (3, -1), (1, 3), (3, 0)
    assert design.predict(x).tolist() == [0, 0, 1, 0]
    assert load(written(tmp_path, VOTES)).estimator.predict(x).tolist() == [0, 0, 1, 0]
    tied = VOTES | {"clauses": [{"when": [["a", ">", 0.5]], "answer": 1}, VOTES["clauses"][3]]}
    design = locgen.compile(written(tmp_path, tied), "ice40")
    assert design.predict(x).tolist() == [0, 0, 0, 0]


def test_random_rules_are_read_as_they_predict(tmp_path):
    random = np.random.default_rng(0)
    for seed in range(5):
        clauses = [
            {
                "when": [
                    [f"f{random.integers(4)}", ("<=", ">")[random.integers(2)], random.normal()]
                    for _ in range(random.integers(0, 4))
                ],
                "answer": int(random.integers(3)),
            }
            for _ in range(12)
        ]
        rules = {
            "schema": "locgen.clauses/1",
            "features": ["f0", "f1", "f2", "f3"],
            "classes": [0, 1, 2],
            "decision": ("sum", "first")[seed % 2],
            "clauses": clauses,
        } | ({"default": 1} if seed % 2 else {})
        path = written(tmp_path, rules)
        x = random.normal(size=(500, 4))
        design = locgen.compile(path, "ice40")
        assert np.array_equal(design.predict(x), load(path).estimator.predict(x))


@pytest.mark.parametrize(
    "change, match",
    [
        ({"decision": "largest"}, "decision"),
        ({"default": None}, "default must be given"),
        ({"default": "rose"}, "must be one of the classes"),
        ({"extra": 1}, "extra"),
        ({"classes": ["setosa", "setosa"]}, "distinct"),
        ({"features": ["petal width"]}, "must be one of the features"),
        ({"clauses": []}, "clauses"),
        ({"clauses": [{"when": [["petal width", "<", 1.0]], "answer": "setosa"}]}, "clauses.0"),
        ({"clauses": [{"when": [], "answer": "setosa", "weight": 2}]}, "no weight"),
        ({"clauses": [{"when": [["petal width", "<=", "x"]], "answer": "setosa"}]}, "number"),
    ],
)
def test_broken_files_are_refused_where_they_break(change, match, tmp_path):
    path = written(tmp_path, LIST | change)
    with pytest.raises(ModelFileError, match=match):
        load(path)


def test_other_contents_and_options(tmp_path):
    path = tmp_path / "rules.clauses.json"
    path.write_text("[1, 2")
    with pytest.raises(ModelFileError, match=r"docs/models\.md"):
        load(path)
    path.write_text(json.dumps(LIST).replace("2.45", "NaN"))
    with pytest.raises(ModelFileError):
        load(path)
    with pytest.raises(ConfigurationError, match="leave --score-bits out"):
        locgen.compile(written(tmp_path, VOTES), "ice40", score_bits=4)
    with pytest.raises(ModelFileError, match="does not exist"):
        load(tmp_path / "none.clauses.json")


def test_rules_without_effect(tmp_path):
    never = [{"when": [["a", ">", 1.0], ["a", "<=", 1.0]], "answer": 1}]
    design = locgen.compile(written(tmp_path, VOTES | {"clauses": never}), "ice40")
    assert design.predict(np.array([[0.0, 0.0], [2.0, 0.0]])).tolist() == [0, 0]


@pytest.mark.slow
def test_a_tsetlin_machine_answers_as_tmu_does(tmp_path, monkeypatch):
    vanilla = pytest.importorskip("tmu.models.classification.vanilla_classifier")
    bank = pytest.importorskip("tmu.clause_bank.clause_bank").ClauseBank
    source = inspect.getsource(bank.initialize_clauses)
    made: dict = {"np": np}  # tmu 0.8.3 is older than NumPy 2, which refuses its uint32(-1)
    exec(textwrap.dedent(source).replace("np.uint32(~0)", "np.uint32(2**32 - 1)"), made)
    monkeypatch.setattr(bank, "initialize_clauses", made["initialize_clauses"])
    x_train, x_test, y_train, y_test = rows("iris")
    cuts = [(f, float(c)) for f in range(4) for c in np.quantile(x_train[:, f], [0.25, 0.5, 0.75])]

    def boolean(x):
        return np.stack([x[:, f] > c for f, c in cuts], axis=1).astype(np.uint32)

    machine = vanilla.TMClassifier(12, T=10, s=3.0, weighted_clauses=True, seed=3)
    for _ in range(15):
        machine.fit(boolean(x_train), y_train.astype(np.uint32))
    path = tmp_path / "iris.clauses.json"
    write_tsetlin_clauses(
        machine, path, ["setosa", "versicolor", "virginica"], [(f"x{f}", c) for f, c in cuts]
    )
    x = np.concatenate([x_train, x_test])
    names = np.array(["setosa", "versicolor", "virginica"])
    expected = names[machine.predict(boolean(x))]
    assert isinstance(load(path).estimator, RuleSet)
    data = (x_train, x_test, names[y_train], names[y_test])
    design = locgen.compile(path, "ice40", data=data, explain=True)
    assert design.predict(x).tolist() == expected.tolist()
    assert np.mean(expected[len(x_train) :] == names[y_test]) > 0.8
    assert verify_rtl(design).mismatches == 0


def test_machines_of_other_kinds_are_refused(tmp_path):
    with pytest.raises(UnsupportedModel, match="train tmu's TMClassifier"):
        write_tsetlin_clauses(object(), tmp_path / "x.clauses.json")


@pytest.mark.slow
def test_the_netlist_of_rules_equals_golden(tmp_path):
    locgen.compile(written(tmp_path, LIST), "ice40", fabric="direct").build(tmp_path / "out")
    report = Report.model_validate_json((tmp_path / "out" / "report.json").read_text())
    assert [(v.level, v.mismatches) for v in report.verification] == [("rtl", 0), ("netlist", 0)]
