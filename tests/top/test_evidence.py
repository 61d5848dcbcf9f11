"""Evidence that both fabrics give, against what golden says every node has to send."""

from dataclasses import replace

import numpy as np
import pytest
from amaranth.sim import Simulator
from gatekit import random_mixture, random_node_mixture
from modelkit import pack, random_codes, random_model
from nodekit import node_model, random_nodes_model, tree_over
from slowkit import slow

from locgen.errors import Mismatch
from locgen.ir import DistanceNode, Gate, LinearNode, TableNode
from locgen.passes import prepare
from locgen.plan import MemoryBudget, plan_direct, plan_engines, plan_tree, with_ports
from locgen.plan.evidence import gathered_of, read_runs, runs_of
from locgen.top.direct import DirectFabric
from locgen.top.tree import TreeFabric

ROOMY = MemoryBudget(block_rams=60, sprams=0)
KINDS = [("table",), ("linear",), ("l1",), ("l2",), ("linf",), ("hamming",)]
MIXED = ("tree", "table", "linear", "distance")


def gather(fabric, model, plan, rows, gap):
    """Run rows through the fabric; return ([scores], [digits of evidence] a row, cycles)."""
    answers, digits, cycle = [], [], [0]
    transfers = plan.evidence_bits // plan.evidence_width

    async def drive(ctx):
        for row in rows:
            ctx.set(fabric.i.payload.as_value(), pack(model, row))
            ctx.set(fabric.i.valid, 1)
            await ctx.tick().until(fabric.i.ready)
            ctx.set(fabric.i.valid, 0)
            for _ in range(gap):
                await ctx.tick()

    async def watch(ctx):
        while len(digits) < len(rows) * transfers or len(answers) < len(rows):
            _, _, valid, payload, shown, digit = await ctx.tick().sample(
                fabric.o.valid,
                fabric.o.payload,
                fabric.evidence.valid,
                fabric.evidence.payload,
            )
            if valid:
                answers.append(([payload.scores[n] for n in range(model.outputs)], cycle[0]))
            if shown:
                digits.append(digit)
            cycle[0] += 1
            assert cycle[0] < 100_000, "the fabric does not answer"

    simulator = Simulator(fabric)
    simulator.add_clock(1e-6)
    simulator.add_testbench(watch)
    simulator.add_testbench(drive, background=True)
    simulator.run()
    return answers, [digits[k : k + transfers] for k in range(0, len(digits), transfers)]


def check(model, plan, fabric, rows, gap=0):
    answers, digits = gather(fabric, model, plan, rows, gap)
    assert [scores for scores, _ in answers] == model.scores(rows).tolist()
    runs = [sum(digit << k * plan.evidence_width for k, digit in enumerate(run)) for run in digits]
    expected = gathered_of(model, plan, rows)
    assert runs == runs_of(plan, expected)
    got = read_runs(model, plan, runs)
    assert np.array_equal(got.scores, model.scores(rows))
    counts = model.open_nodes(rows)
    for number, node in enumerate(model.nodes):
        sent = node.evidence(rows, model.missing_codes)
        assert np.array_equal(got.nodes[number], np.where(counts[:, [number]], sent, -1))
    if plan.kind == "direct":
        assert all(len(run) == 1 for run in digits)
    if not gap:
        assert set(np.diff([at for _, at in answers])) <= {plan.interval_cycles}


@pytest.mark.parametrize("width", [1, 2, 4, 8, "full"])
@pytest.mark.parametrize(("seed", "outputs", "sites"), [(0, 1, None), (1, 3, None), (2, 3, 2)])
def test_hardwired_sites_send_the_leaf(width, seed, outputs, sites):
    model = random_model(seed, outputs=outputs, nodes=5, splits=7)
    plan = plan_tree(prepare(model, "tree"), width, sites, explain=True)
    without = plan_tree(prepare(model, "tree"), width, sites)
    assert plan.latency_cycles == without.latency_cycles
    assert plan.interval_cycles == without.interval_cycles + plan.evidence_beats
    rows = random_codes(model, 12, seed)
    check(model, plan, TreeFabric(prepare(model, "tree"), plan), rows)
    check(model, plan, TreeFabric(prepare(model, "tree"), plan), rows[:3], gap=7)


@pytest.mark.parametrize("kinds", [*KINDS, MIXED], ids="-".join)
@pytest.mark.parametrize("width", [1, 3, "full"])
@pytest.mark.parametrize("outputs", [1, 3])
def test_nodes_that_compute_send_what_they_found(kinds, width, outputs):
    """A table its row, the others their sums: many rows back to back, so none is left over."""
    model = random_nodes_model(20 + outputs, kinds, outputs, count=5)
    plan = plan_tree(prepare(model, "tree"), width, 3, explain=True)
    without = plan_tree(prepare(model, "tree"), width, 3)
    assert plan.latency_cycles == without.latency_cycles
    rows = random_codes(model, 12)
    check(model, plan, TreeFabric(prepare(model, "tree"), plan), rows)
    check(model, plan, TreeFabric(prepare(model, "tree"), plan), rows[:3], gap=5)


def test_every_input_of_a_small_model():
    """All 128 inputs of one model with a node of each kind that computes."""
    nodes = (
        TableNode(0, ((3, -1), (0, 2), (5, 5), (3, -1)), (0, 1)),
        LinearNode((0, 1), (2, 3), ((3, -2), (-5, 1)), (4, 0), (0, 1)),
        DistanceNode((0, 1, 2), (2, 3, 2), (1, 6, 2), (1, 2, 1), "l2", 0, 9, 7, (1,)),
    )
    model = node_model(nodes, (2, 3, 2), 2)
    rows = np.stack(np.meshgrid(range(4), range(8), range(4)), axis=-1).reshape(-1, 3)
    plan = plan_tree(prepare(model, "tree"), 2, None, explain=True)
    check(model, plan, TreeFabric(prepare(model, "tree"), plan), rows)


@pytest.mark.parametrize("width", [1, 4, "full"])
@pytest.mark.parametrize(
    "shape",
    [
        {"experts": 3, "nodes_each": (1, 3)},
        {"experts": 5, "top_k": 2, "outputs": 3, "gate": "scores"},
        {"experts": 9, "top_k": 9},
        {"experts": 1},
    ],
    ids=str,
)
def test_mixtures_say_which_experts_are_open(width, shape):
    model = random_mixture(3, **shape)
    plan = plan_tree(prepare(model, "tree"), width, None, explain=True)
    rows = random_codes(model, 12)
    check(model, plan, TreeFabric(prepare(model, "tree"), plan), rows)
    gathered = gathered_of(model, plan, rows)
    mask = model.gate.evaluate(rows, model.missing_codes)
    assert np.array_equal(gathered.is_open, mask)
    for number, sent in enumerate(gathered.nodes):
        assert np.array_equal((sent == -1).all(axis=1), ~mask[:, model.expert_of[number]])


@pytest.mark.parametrize("stages", [1, 2, None])
@pytest.mark.parametrize("kinds", [("tree",), *KINDS, MIXED], ids="-".join)
@pytest.mark.parametrize("outputs", [1, 3])
def test_the_direct_fabric_says_it_with_the_answer(kinds, stages, outputs):
    model = random_nodes_model(40 + outputs, kinds, outputs, count=5)
    plan = plan_direct(model, stages, fast=False, explain=True)
    assert plan.evidence_beats == 0 and plan.interval_cycles == 1
    rows = random_codes(model, 60)
    check(model, plan, DirectFabric(prepare(model, "direct"), plan), rows)
    check(model, plan, DirectFabric(prepare(model, "direct"), plan), rows[:5], gap=2)


@pytest.mark.parametrize("stages", [1, 3, None])
@pytest.mark.parametrize("top_k", [1, 2, 4])
def test_the_direct_fabric_says_which_experts_are_open(stages, top_k):
    model = random_mixture(9, experts=4, top_k=top_k, outputs=2, gate="scores")
    plan = plan_direct(model, stages, fast=False, explain=True)
    rows = random_codes(model, 60)
    check(model, plan, DirectFabric(prepare(model, "direct"), plan), rows)


@pytest.mark.parametrize("width", [1, 4])
def test_closed_experts_of_any_kind_send_nothing(width):
    """Sums and distances of 0 belong to open experts too: the mask tells them apart."""
    model = random_nodes_model(31, ("tree", "linear", "tree", "l2", "tree", "table"), 1, count=6)
    opening = tree_over(np.random.default_rng(2), model.feature_bits, (0, 1, 2), 5)
    masks = [tuple(int(leaf % 3 == e) for e in range(3)) for leaf in range(6)]
    gate = Gate((replace(opening, leaf_scores=tuple(masks)),), (0, 0, 0), 1)
    model = replace(model, gate=gate, experts=((0, 1), (2, 3), (4, 5)))
    plan = plan_tree(prepare(model, "tree"), width, None, explain=True)
    rows = random_codes(model, 16)
    assert model.gate.evaluate(rows, model.missing_codes).any(axis=0).sum() > 1
    check(model, plan, TreeFabric(prepare(model, "tree"), plan), rows)


ANY_NODES = [
    {"kinds": ("linear",), "gate": "linear", "outputs": 2},
    {"kinds": ("linear",), "gate": "l2", "top_k": 2, "outputs": 2},
    {"kinds": ("table", "linear"), "gate": "l1", "experts": 4, "outputs": 3},
    {"kinds": ("l1", "linf", "hamming", "l2"), "gate": "linear", "top_k": 3},
    {"kinds": ("l2", "table", "tree"), "gate": "table", "outputs": 2},
]


@pytest.mark.parametrize("width", [3, *slow(1, "full")])
@pytest.mark.parametrize("shape", ANY_NODES, ids=str)
def test_any_experts_behind_any_gate(shape, width):
    """Constants stand in the experts' nodes: their evidence counts from the lowest all the same."""
    moved = False
    for seed in (4, 5):
        model = random_node_mixture(seed, **shape)
        plan = plan_tree(prepare(model, "tree"), width, None, explain=True)
        assert plan.latency_cycles == plan_tree(prepare(model, "tree"), width, None).latency_cycles
        rows = random_codes(model, 12)
        check(model, plan, TreeFabric(prepare(model, "tree"), plan), rows)
        check(model, plan, TreeFabric(prepare(model, "tree"), plan), rows[:3], gap=5)
        moved |= any(low for node in prepare(model, "tree").nodes for low, _ in node.ranges)
    assert moved


@pytest.mark.parametrize("stages", [1, 3, None])
@pytest.mark.parametrize("shape", ANY_NODES, ids=str)
def test_the_direct_fabric_of_any_experts_behind_any_gate(shape, stages):
    for seed in (4, 5):
        model = random_node_mixture(seed, **shape)
        plan = plan_direct(model, stages, fast=False, explain=True)
        check(model, plan, DirectFabric(prepare(model, "direct"), plan), random_codes(model, 40))


@pytest.mark.parametrize("width", [1, 4, "full"])
@pytest.mark.parametrize(
    ("seed", "outputs", "nodes", "sites"), [(0, 1, 1, 1), (1, 3, 7, 1), (2, 1, 6, 2)]
)
def test_engines_send_the_address_of_the_leaf(width, seed, outputs, nodes, sites):
    model = with_ports(random_model(seed, outputs=outputs, nodes=nodes))
    plan = plan_engines(model, width, sites, ROOMY, "engine", explain=True)
    assert len(plan.evidence) == nodes
    rows = random_codes(model, 8, seed)
    check(model, plan, TreeFabric(prepare(model, "tree"), plan, 1), rows)


@pytest.mark.parametrize("kinds", [("table",), ("linear",), ("l2",)], ids="-".join)
def test_leaves_of_tabulated_nodes_are_terms_of_features(kinds):
    """What an engine sends about a linear node is what each of its features adds."""
    model = random_nodes_model(6, kinds, outputs=3, count=6)
    wide = with_ports(model)
    plan = plan_engines(wide, 2, 1, ROOMY, "engine", explain=True)
    rows = random_codes(model, 40)
    check(wide, plan, TreeFabric(wide, plan, 1), rows[:8])
    gathered = gathered_of(wide, plan, rows)
    assert len(wide.nodes) > 1
    for tree, leaves in zip(wide.nodes, gathered.nodes, strict=True):
        (feature,) = tree.features or (-1,)
        terms = np.zeros((40, 3), dtype=np.int64)
        for node in model.nodes:
            if feature in node.features:
                said = node.account(rows, model.missing_codes)["terms"]
                terms[:, list(node.outputs)] += said[:, node.features.index(feature)]
        found = tree.recombine(leaves)
        if feature >= 0:
            assert np.array_equal(found, terms)


def test_evidence_that_no_input_leads_to_is_refused():
    model = random_mixture(3, experts=3, nodes_each=(2, 2))
    plan = plan_tree(prepare(model, "tree"), 4, None, explain=True)
    (run,) = runs_of(plan, gathered_of(model, plan, random_codes(model, 1)))
    assert np.array_equal(
        read_runs(model, plan, [run]).scores, model.scores(random_codes(model, 1))
    )
    for wrong in (run ^ 1, run ^ 8, run | (1 << plan.evidence_bits) - 16):
        with pytest.raises(Mismatch, match="another model"):
            read_runs(model, plan, [wrong])
