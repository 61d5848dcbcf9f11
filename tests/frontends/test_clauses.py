"""Clauses and decision lists in locgen's own JSON, and Tsetlin machines written as such."""

import json

import numpy as np
import pytest
from familykit import rows
from sklearn.tree import DecisionTreeClassifier

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


class Bank:
    """The clauses of one class as in tmu's `ClauseBank`: literals, then their negations."""

    number_of_patches = 1

    def __init__(self, actions, weights):
        self.actions, self.weights = np.array(actions), np.array(weights)
        self.number_of_literals = self.actions.shape[1]

    def get_ta_action(self, clause, literal):
        return int(self.actions[clause, literal])

    def get_weights(self):
        return self.weights

    def sums(self, x):
        """Return the sum of weights of the clauses that hold; one without literals never does."""
        literals = np.concatenate([x, 1 - x], axis=1).astype(bool)
        fired = np.array([literals[:, a].all(axis=1) & a.any() for a in self.actions.astype(bool)])
        return self.weights @ fired


class TMClassifier:
    """A machine with what `write_tsetlin_clauses` reads of tmu 0.8's: a bank for each class.

    Its clauses are the paths of a tree, with weights of both signs and a clause without literals.
    """

    def __init__(self, x, y, seed):
        random = np.random.default_rng(seed)
        tree = DecisionTreeClassifier(max_depth=4, random_state=seed).fit(x, y)
        paths, width = [], x.shape[1]

        def walk(node, action):
            feature = tree.tree_.feature[node]
            if feature < 0:
                paths.append((action, int(np.argmax(tree.tree_.value[node]))))
                return
            for literal, child in (
                (feature + width, tree.tree_.children_left[node]),
                (feature, tree.tree_.children_right[node]),
            ):
                walk(child, action | {literal})

        walk(0, frozenset())
        self.clause_banks = []
        for number in range(3):
            weights = [random.integers(2, 9) * (1 if to == number else -1) for _, to in paths]
            actions = [[n in action for n in range(2 * width)] for action, _ in paths]
            self.clause_banks.append(Bank([*actions, [False] * 2 * width], [*weights, 40]))
        self.weight_banks = WeightBanks(self.clause_banks)

    def predict(self, x):
        return np.argmax([bank.sums(x) for bank in self.clause_banks], axis=0)


class WeightBanks(list):
    """As tmu's, indexed by class."""

    def classes(self):
        return range(len(self))


@pytest.mark.slow
def test_a_tsetlin_machine_answers_as_its_clauses_do(tmp_path):
    x_train, x_test, y_train, y_test = rows("iris")
    shares = np.linspace(0, 1, 8)[1:-1]
    cuts = [(f, float(c)) for f in range(4) for c in np.quantile(x_train[:, f], shares)]

    def boolean(x):
        return np.stack([x[:, f] > c for f, c in cuts], axis=1).astype(np.uint32)

    machine = TMClassifier(boolean(x_train), y_train, seed=3)
    path = tmp_path / "iris.clauses.json"
    names = np.array(["setosa", "versicolor", "virginica"])
    write_tsetlin_clauses(machine, path, names.tolist(), [(f"x{f}", c) for f, c in cuts])
    x = np.concatenate([x_train, x_test])
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
    options = {"fabric": "direct", "effort": "low"}
    locgen.compile(written(tmp_path, LIST), "ice40", **options).build(tmp_path / "out")
    report = Report.model_validate_json((tmp_path / "out" / "report.json").read_text())
    assert [(v.level, v.mismatches) for v in report.verification] == [("rtl", 0), ("netlist", 0)]
