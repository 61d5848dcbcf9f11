"""Sparse mixtures: both fabrics equal golden, with the latency and interval of the plan."""

from dataclasses import replace

import pytest
from amaranth.hdl import Const, Module, Signal
from amaranth.sim import Simulator
from gatekit import random_mixture, random_node_mixture
from modelkit import pack, random_codes
from slowkit import slow
from test_fabrics import check

from locgen.errors import ConfigurationError
from locgen.ir import Argmax, Identity, Threshold
from locgen.passes import prepare
from locgen.plan import plan_direct, plan_tree
from locgen.top import tree as tree_module
from locgen.top.direct import DirectFabric
from locgen.top.site import TreeSite
from locgen.top.tree import TreeFabric

SHAPES = [
    {"experts": 2},
    {"experts": 1},
    {"experts": 8, "nodes_each": (1, 1)},
    {"experts": 8, "outputs": 3},
    {"experts": 4, "top_k": 2, "outputs": 3},
    {"experts": 5, "top_k": 3, "outputs": 2, "decision": Identity()},
    {"experts": 4, "top_k": 4, "decision": Threshold(">=")},
    {"experts": 3, "gate": "scores", "outputs": 2},
    {"experts": 6, "top_k": 2, "gate": "scores", "decision": Argmax(1)},
    {"experts": 3, "gate_splits": 0, "splits": 0},
    {"experts": 3, "missing": True, "splits": 9},
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("stages", [1, 2, None])
@pytest.mark.parametrize("seed", [1, 2])
def test_direct_fabric_equals_golden(shape, stages, seed):
    model = random_mixture(seed, **shape)
    plan = plan_direct(model, stages, fast=False)
    check(DirectFabric(prepare(model, "direct"), plan), plan, model, 40)


@pytest.mark.parametrize("shape", SHAPES)
def test_direct_fabric_with_every_number_of_stages(shape):
    model = random_mixture(3, **shape)
    for stages in range(1, len(plan_direct(model, 1, fast=False).registers) + 1):
        plan = plan_direct(model, stages, fast=False)
        assert plan.latency_cycles == stages
        check(DirectFabric(prepare(model, "direct"), plan), plan, model, 8)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("width", [1, 4, *slow(2, "full")])
@pytest.mark.parametrize("seed", [4, *slow(5)])
def test_tree_fabric_equals_golden(shape, width, seed):
    model = random_mixture(seed, **shape)
    plan = plan_tree(prepare(model, "tree"), width, None)
    check(TreeFabric(prepare(model, "tree"), plan), plan, model, 12)


NODES = [
    {"kinds": ("linear",), "gate": "linear"},
    {"kinds": ("linear",), "gate": "l2", "top_k": 2, "outputs": 2},
    {"kinds": ("table", "linear"), "gate": "l1", "experts": 5, "outputs": 3},
    {"kinds": ("table",), "gate": "tree", "top_k": 2},
    {"kinds": ("tree",), "gate": "l2", "experts": 4, "outputs": 2},
    {"kinds": ("l1", "linf", "hamming", "l2"), "gate": "linear", "top_k": 3},
    {"kinds": ("l2", "table", "tree"), "gate": "table", "outputs": 2, "decision": Identity()},
    {"kinds": ("linear",), "gate": "hamming", "experts": 2},
]


@pytest.mark.parametrize("shape", NODES, ids=str)
@pytest.mark.parametrize("stages", [1, None])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_direct_fabric_of_any_gate_over_any_experts(shape, stages, seed):
    model = random_node_mixture(seed, **shape)
    plan = plan_direct(model, stages, fast=False)
    check(DirectFabric(prepare(model, "direct"), plan), plan, model, 30)


@pytest.mark.parametrize("shape", NODES, ids=str)
@pytest.mark.parametrize("width", [1, 3, "full"])
@pytest.mark.parametrize("seed", [4, *slow(5)])
def test_tree_fabric_of_any_gate_over_any_experts(shape, width, seed):
    model = random_node_mixture(seed, **shape)
    plan = plan_tree(prepare(model, "tree"), width, None)
    check(TreeFabric(prepare(model, "tree"), plan), plan, model, 10)


def test_a_distance_alone_cannot_carry_a_constant_of_another_output():
    """In the tree fabric: the direct one has a node for it."""
    for seed in range(30):
        model = random_node_mixture(seed, ("l1",), "linear", 3, 1, outputs=2, nodes_each=1)
        nodes = tuple(replace(n, outputs=(i % 2,)) for i, n in enumerate(model.nodes[:3]))
        model = replace(model, nodes=nodes, experts=((0,), (1,), (2,)))
        direct = plan_direct(model, None, fast=False)
        check(DirectFabric(prepare(model, "direct"), direct), direct, model, 20)
        try:
            prepare(model, "tree")
        except ConfigurationError:
            with pytest.raises(ConfigurationError, match=r"must have a node.*--fabric direct"):
                plan_tree(prepare(model, "tree"), 1, None)
            return
    pytest.fail("no such model was drawn")


@pytest.mark.parametrize("gap", [1, 2, 3, 150])
def test_tree_fabric_with_pauses(gap):
    model = random_mixture(6, experts=4, top_k=2, outputs=3)
    plan = plan_tree(prepare(model, "tree"), 2, 6)
    check(TreeFabric(prepare(model, "tree"), plan), plan, model, 8, gap)


@pytest.mark.parametrize("width", [1, 8])
@pytest.mark.parametrize("experts, nodes", [(3, 40), (40, 1), (17, 2)])
def test_tree_fabric_of_many_sites(experts, nodes, width):
    model = random_mixture(7, experts=experts, nodes_each=(nodes, nodes), splits=2, features=3)
    plan = plan_tree(prepare(model, "tree"), width, None)
    check(TreeFabric(prepare(model, "tree"), plan), plan, model, 4)


@pytest.mark.parametrize("sites", range(4, 10))
def test_tree_fabric_with_every_number_of_sites(sites):
    model = random_mixture(8, experts=4, nodes_each=(2, 3), outputs=2)
    plan = plan_tree(prepare(model, "tree"), 1, sites)
    assert len(plan.sites) == sites
    check(TreeFabric(prepare(model, "tree"), plan), plan, model, 5)


@pytest.mark.parametrize("width", [1, 3, "full"])
@pytest.mark.parametrize("top_k", [1, 2])
def test_bits_per_inference_are_those_at_the_open_sites_ports(width, top_k, monkeypatch):
    """Counted while the fabric works; each expert has as many sites, so every route counts."""
    seen = []

    class WatchedSite(TreeSite):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            seen.append(self)

    monkeypatch.setattr(tree_module, "TreeSite", WatchedSite)
    model = random_mixture(6, experts=3, top_k=top_k, nodes_each=(2, 2), outputs=2)
    plan = plan_tree(prepare(model, "tree"), width, None)
    fabric = TreeFabric(prepare(model, "tree"), plan)
    rows = random_codes(model, 6)
    simulator = Simulator(fabric)
    simulator.add_clock(1e-6)
    assert len(seen) == len(plan.sites) == 6

    async def bench(ctx):
        bits = sent = 0
        ctx.set(fabric.i.valid, 1)
        ctx.set(fabric.i.payload.as_value(), pack(model, rows[0]))
        for _ in range((len(rows) + 1) * plan.interval_cycles + plan.latency_cycles):
            for site in seen:
                bits += ctx.get(site.link.down) * len(site.link.digit) + ctx.get(
                    site.link.up
                ) * len(site.o)
            taken = ctx.get(fabric.i.ready)
            await ctx.tick()
            sent += taken
            ctx.set(fabric.i.valid, int(sent < len(rows)))
            if sent < len(rows):
                ctx.set(fabric.i.payload.as_value(), pack(model, rows[sent]))
        assert sent == len(rows)
        assert bits == len(rows) * plan.bits_per_inference

    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize("count", range(1, 20))
def test_select_takes_the_word_of_each_index(count):
    words = [Const(n + 1, 5) for n in range(count)]
    index, found = Signal(5), Signal(5)
    m = Module()
    m.d.comb += found.eq(tree_module.select(index, words))

    async def bench(ctx):
        for n in range(count):
            ctx.set(index, n)
            assert ctx.get(found) == n + 1

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()
