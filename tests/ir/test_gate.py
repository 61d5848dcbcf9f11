"""Gates, gated golden, and the rewriting of experts."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from gatekit import random_gate, random_mixture, random_node_mixture
from modelkit import random_codes, random_model

from locgen.errors import ModelFileError
from locgen.ir import Gate, TreeNode, add_constants, from_json, highest, to_json
from locgen.passes import prepare

MIXTURES = [
    {"experts": experts, "top_k": top_k, "gate": gate, "outputs": outputs}
    for experts, top_k in [(1, 1), (2, 1), (5, 1), (4, 2), (3, 3)]
    for gate in ("mask", "scores")
    for outputs in (1, 3)
]


def leaf(*scores, outputs=None):
    """Return a tree that is a single leaf."""
    outputs = tuple(range(len(scores))) if outputs is None else outputs
    return TreeNode((), (), (), (), (), (scores,), (0,), outputs)


def test_highest_breaks_ties_by_the_lowest_index():
    rows = np.array(list(itertools.product(range(-1, 2), repeat=4)))
    for count in range(1, 5):
        for row, mask in zip(rows, highest(rows, count), strict=True):
            best = sorted(range(4), key=lambda e: (-row[e], e))[:count]
            assert [n for n in range(4) if mask[n]] == sorted(best)


@pytest.mark.parametrize("shape", MIXTURES, ids=str)
def test_golden_adds_the_nodes_of_open_experts(shape):
    model = random_mixture(5, **shape)
    codes = random_codes(model, 50)
    scores, gate = model.scores(codes), model.gate
    for row, found in zip(codes, scores, strict=True):
        by_expert = [*gate.bias]
        for node in gate.nodes:
            for output, score in zip(
                node.outputs, node.evaluate(row[None], model.missing_codes)[0], strict=True
            ):
                by_expert[output] += score
        order = sorted(range(gate.experts), key=lambda e: (-by_expert[e], e))
        total = list(model.bias)
        for expert in order[: gate.top_k]:
            for number in model.experts[expert]:
                node = model.nodes[number]
                part = node.evaluate(row[None], model.missing_codes)[0]
                for output, score in zip(node.outputs, part, strict=True):
                    total[output] += score
        assert list(found) == total
    for (low, high), column in zip(model.score_ranges, scores.T, strict=True):
        assert low <= column.min() and column.max() <= high


def test_score_ranges_are_those_of_any_open_experts():
    model = random_model(0, nodes=3, outputs=1, splits=0)
    nodes = (leaf(5), leaf(-7), leaf(2))
    experts = ((0,), (1,), (2,))
    model = replace(model, nodes=nodes, bias=(100,))
    for top_k, expected in ((1, (93, 105)), (2, (95, 107)), (3, (100, 100))):
        gate = Gate((leaf(0, 0, 0),), (0, 0, 0), top_k)
        gated = replace(model, gate=gate, experts=experts)
        assert gated.score_ranges == (expected,)


@pytest.mark.parametrize("shape", MIXTURES, ids=str)
def test_ground_keeps_all_scores_and_leaves_none_below_0(shape):
    for seed in range(3):
        model = random_mixture(seed, **shape)
        grounded = prepare(model, "tree")
        codes = random_codes(model, 60)
        assert (grounded.scores(codes) == model.scores(codes)).all()
        assert min(low for node in grounded.nodes for low, _ in node.ranges) >= 0
        assert grounded.score_ranges == model.score_ranges
        assert prepare(grounded, "tree") == grounded


NODE_MIXTURES = [
    (("linear",), "linear", 1, 1),
    (("linear", "table"), "l2", 2, 3),
    (("tree", "linear"), "table", 1, 2),
    (("linear", "l1", "l2"), "l1", 2, 1),
]


@pytest.mark.parametrize("kinds, gate, top_k, outputs", NODE_MIXTURES)
def test_ground_and_files_of_other_nodes(kinds, gate, top_k, outputs):
    for seed in range(6):
        model = random_node_mixture(seed, kinds, gate, 3, top_k, outputs)
        grounded = prepare(model, "tree")
        codes = random_codes(model, 60)
        assert (grounded.scores(codes) == model.scores(codes)).all()
        assert min(low for node in grounded.nodes for low, _ in node.ranges) >= 0
        assert prepare(grounded, "tree") == grounded
        assert from_json(to_json(model)) == model


@pytest.mark.parametrize("kind", ["tree", "linear", "table", "l1", "l2", "hamming"])
def test_ranked_terms_open_the_same_experts(kind):
    """What all experts share is left out: every square of an l2 gate, for one."""
    dropped = 0
    for seed in range(8):
        random = np.random.default_rng(seed)
        widths = (3, 2, 4)
        gate = random_gate(random, kind, widths, 4, 2)
        q = np.stack([random.integers(1 << w, size=200) for w in widths], axis=1)
        none = np.full(3, -1)
        scores = np.tile(np.array(gate.bias), (len(q), 1))
        for term in gate.ranked_terms:
            scores[:, list(term.outputs)] += term.evaluate(q, none)
        assert (highest(scores, 2) == gate.evaluate(q, none)).all()
        assert all(
            low <= column.min() and column.max() <= high
            for (low, high), column in zip(gate.ranked, scores.T, strict=True)
        )
        dropped += sum(len(n.terms) for n in gate.nodes) - len(gate.ranked_terms)
        if kind == "l2":
            assert all(term.kind == "linear" for term in gate.ranked_terms if term.features)
    assert (dropped > 0) == (kind in ("l1", "l2", "hamming"))


def test_add_constants_takes_the_widest_tree_or_a_new_output():
    narrow = TreeNode((0,), (0,), (False,), (~0,), (~1,), ((0,), (1,)), (0, 1), (0,))
    wide = TreeNode((0,), (0,), (False,), (~0,), (~1,), ((0,), (9,)), (0, 1), (0,))
    first, second = add_constants((narrow, wide), (5, -2, 0))
    assert first.outputs == (0, 1) and first.leaf_scores == ((0, -2), (1, -2))
    assert second.leaf_scores == ((5,), (14,))
    with pytest.raises(ValueError, match="must have a node to stand in"):
        add_constants((), (1,))
    assert add_constants((), (0,)) == ()


def test_is_mask():
    rows = ((1, 0, 1), (0, 1, 1))
    tree = TreeNode((0,), (0,), (False,), (~0,), (~1,), rows, (0, 1), (0, 1, 2))
    assert Gate((tree,), (0, 0, 0), 2).is_mask
    assert not Gate((tree,), (0, 0, 0), 1).is_mask
    assert not Gate((tree,), (0, 0, 1), 2).is_mask
    assert not Gate((tree, leaf(0, 0, 0)), (0, 0, 0), 2).is_mask
    assert not Gate((replace(tree, leaf_scores=((1, 0, 1), (0, 2, 0))),), (0,) * 3, 2).is_mask
    other_order = Gate((replace(tree, outputs=(2, 0, 1)),), (0, 0, 0), 2)
    assert other_order.is_mask


@pytest.mark.parametrize("shape", MIXTURES, ids=str)
def test_json_there_and_back(shape):
    model = random_mixture(7, **shape)
    assert from_json(to_json(model)) == model


def edited(change):
    document = json.loads(to_json(random_mixture(1, experts=3, nodes_each=(1, 1))))
    change(document)
    return json.dumps(document)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda d: d["gate"].update(more=1), "more"),
        (lambda d: d["gate"].pop("top_k"), "top_k"),
        (lambda d: d["gate"].update(top_k=0), "top_k"),
        (lambda d: d["gate"].update(top_k=4), "top_k of a gate must be"),
        (lambda d: d["gate"]["bias"].pop(), "outputs of a gate's nodes must be experts"),
        (lambda d: d["gate"]["bias"].append(0), "experts must be those of the gate"),
        (lambda d: d.update(gate=None), "experts must be those of the gate"),
        (lambda d: d.update(experts=[]), "experts must be those of the gate"),
        (lambda d: d.update(experts=[[0], [1], [1]]), "every node must belong to exactly one"),
        (lambda d: d.update(experts=[[0], [1], []]), "every node must belong to exactly one"),
        (lambda d: d.update(experts=[[0, 1], [2], []]), "every expert must have at least one"),
        (lambda d: d["gate"]["nodes"][0]["threshold"].__setitem__(0, 99), "must split"),
        (lambda d: d["gate"]["nodes"][0]["feature"].__setitem__(0, 99), "features of the model"),
    ],
)
def test_wrong_gates_are_refused(change, message):
    with pytest.raises(ModelFileError, match=message):
        from_json(edited(change))


def test_files_without_a_gate_still_read():
    model = random_model(0)
    document = json.loads(to_json(model))
    assert document.pop("gate") is None and document.pop("experts") == []
    assert from_json(json.dumps(document)) == model
