"""Several designs in one model: a wrong one is found and named, and the others are not blamed."""

from dataclasses import replace

import batchkit
import pytest
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

import locgen
from locgen.flow.bench import fabric_of
from locgen.ir import to_json

DATA = load_iris(return_X_y=True)


def designed(depth, fabric, **options):
    tree = DecisionTreeClassifier(max_depth=depth, random_state=0).fit(*DATA)
    return locgen.compile(tree, "ice40", fabric=fabric, **options)


def one_leaf_changed(design, path):
    """Return the design with another score in the last leaf of its only tree."""
    (tree,) = design.model.nodes
    *leaves, last = tree.leaf_scores
    wrong = replace(tree, leaf_scores=(*leaves, (last[0] ^ 1, *last[1:])))
    path.write_text(to_json(replace(design.model, nodes=(wrong,))))
    return locgen.compile(path, "ice40", fabric=design.plan.kind)


@pytest.mark.slow
def test_a_wrong_leaf_in_one_of_four_designs_is_reported_by_name(monkeypatch, tmp_path):
    designs = {
        "direct": designed(2, "direct"),
        "wrong": designed(3, "direct"),
        "tree": designed(3, "tree", explain=True),
        "engine": designed(2, "tree", core="engine"),
    }
    golden = designs["wrong"].model
    wrong = one_leaf_changed(designs["wrong"], tmp_path / "wrong.locgen.json")

    def broken(design):
        return fabric_of(wrong if design.model is golden else design)

    monkeypatch.setattr(batchkit, "fabric_of", broken)
    found = batchkit.verify_together(designs)
    assert list(found) == list(designs)
    assert {name for name, one in found.items() if one.mismatches} == {"wrong"}
    assert found["wrong"].first_mismatch["field"] in ("decision", "score 0")
    for one in found.values():
        assert one.vectors >= min(50, 2 ** sum(one.design.model.feature_bits))


def test_a_case_that_cannot_be_designed_fails_alone(monkeypatch):
    def refused(case):
        if case == "b":
            raise ValueError("b is refused")
        return case

    monkeypatch.setattr(batchkit, "verify_together", lambda designs: dict(designs))
    found = batchkit._run(["a", "b", "c"], refused)
    assert (found["a"], found["c"]) == ("a", "c") and isinstance(found["b"], ValueError)


def test_cases_share_a_batch_up_to_its_size():
    parameters = batchkit.in_batches("name", "abcde", 2)
    groups = [mark.args[0] for parameter in parameters for mark in parameter.marks]
    assert groups == ["name-0", "name-0", "name-1", "name-1", "name-2"]
    assert [parameter.id for parameter in parameters] == [
        "a@name-0",
        "b@name-0",
        "c@name-1",
        "d@name-1",
        "e@name-2",
    ]
