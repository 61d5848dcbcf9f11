"""Both fabrics equal golden for random models, with the latency and interval of the plan."""

import cProfile
import itertools
from dataclasses import replace

import pytest
from amaranth.sim import Simulator
from modelkit import pack, random_codes, random_model, simulate_fabric

from locgen.ir import Argmax, Identity, Threshold
from locgen.passes import prepare
from locgen.plan import plan_direct, plan_tree
from locgen.top import tree as tree_module
from locgen.top.direct import DirectFabric
from locgen.top.emit import emit_rtlil
from locgen.top.site import TreeSite
from locgen.top.tree import TreeFabric

SHAPES = [
    {"outputs": 1, "nodes": 1, "decision": Threshold(">=")},
    {"outputs": 1, "nodes": 7},
    {"outputs": 3, "nodes": 6, "splits": 9},
    {"outputs": 5, "nodes": 5},
    {"outputs": 1, "nodes": 3, "decision": Argmax(1)},
    {"outputs": 2, "nodes": 4, "decision": Identity()},
    {"outputs": 2, "nodes": 3, "missing": True, "splits": 12},
    {"outputs": 1, "nodes": 2, "splits": 0},
]


def check(fabric, plan, model, rows, gap=0):
    """Compare every answer and every cycle count."""
    codes = random_codes(model, rows)
    decisions, scores = model.evaluate(codes)
    answers = simulate_fabric(fabric, model, codes, gap)
    for number, (decision, score, start, end) in enumerate(answers):
        assert score == list(scores[number][: model.score_ports]), number
        if decisions is not None:
            assert decision == decisions[number], number
        if gap >= plan.interval_cycles or number == 0:
            assert end - start == plan.latency_cycles
    if not gap:
        ends = [answer[3] for answer in answers]
        steps = {after - before for before, after in itertools.pairwise(ends)}
        assert steps == {plan.interval_cycles}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("stages", [1, None])
def test_direct_fabric_equals_golden(shape, stages):
    model = random_model(1, **shape)
    plan = plan_direct(model, stages, fast=False)
    check(DirectFabric(prepare(model, "direct"), plan), plan, model, 40)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("width", [1, 2, 4, 8, "full"])
def test_tree_fabric_equals_golden(shape, width):
    model = random_model(2, **shape)
    plan = plan_tree(model, width, None)
    check(TreeFabric(model, plan), plan, model, 12)


@pytest.mark.parametrize("gap", [1, 150])
def test_tree_fabric_with_pauses(gap):
    model = random_model(3, outputs=3, nodes=6)
    plan = plan_tree(model, 1, 2)
    check(TreeFabric(model, plan), plan, model, 8, gap)


def test_many_sites_and_two_broadcast_levels():
    model = random_model(4, features=3, nodes=140, splits=1)
    plan = plan_tree(model, 1, None)
    assert plan.broadcast_levels == 2
    check(TreeFabric(model, plan), plan, model, 4)


@pytest.mark.slow
def test_1024_sites():
    """About ten seconds; tests/verify/test_wide.py does the same on the emitted Verilog."""
    model = random_model(4, features=4, nodes=1024, splits=2)
    plan = plan_tree(model, 1, None)
    assert (len(plan.stops), plan.inner_stops, plan.combine_levels) == (32, (2, 8), 10)
    check(TreeFabric(model, plan), plan, model, 4)


@pytest.mark.parametrize("shape", SHAPES)
def test_direct_fabric_with_every_number_of_stages(shape):
    model = random_model(5, **shape)
    units = len(plan_direct(model, 1, fast=False).registers)
    for stages in range(1, units + 1):
        plan = plan_direct(model, stages, fast=False)
        assert plan.latency_cycles == stages
        check(DirectFabric(prepare(model, "direct"), plan), plan, model, 12)


@pytest.mark.parametrize("outputs", [2, 5, 6, 11])
def test_decision_alone_with_every_number_of_stages(outputs):
    model = replace(random_model(8, outputs=outputs, nodes=2), answer="decision")
    plan = plan_direct(model, 1, fast=False)
    units = len(plan.registers)
    assert plan.decide_levels == {2: 2, 5: 2, 6: 4, 11: 6}[outputs]
    for stages in range(1, units + 1):
        plan = plan_direct(model, stages, fast=False)
        assert plan.latency_cycles == stages
        check(DirectFabric(prepare(model, "direct"), plan), plan, model, 12)


@pytest.mark.parametrize("nodes", [1, 2, 3, 5, 13, 40])
@pytest.mark.parametrize("fast", [False, True])
def test_direct_fabric_of_many_sizes(nodes, fast):
    model = random_model(6, nodes=nodes, outputs=1 + nodes % 4)
    plan = plan_direct(model, None, fast)
    check(DirectFabric(prepare(model, "direct"), plan), plan, model, 10)


@pytest.mark.parametrize("gap", [1, 4])
def test_direct_fabric_with_pauses(gap):
    model = random_model(7, outputs=3, nodes=6)
    plan = plan_direct(model, None, fast=False)
    check(DirectFabric(prepare(model, "direct"), plan), plan, model, 10, gap)


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 8, 16, "full"])
@pytest.mark.parametrize("cuts", [1, 3, 9, 600])
def test_tree_fabric_with_features_of_up_to_ten_bits(width, cuts):
    model = random_model(12, features=4, nodes=4, outputs=2, cuts=cuts, missing=cuts == 9)
    plan = plan_tree(model, width, 2)
    check(TreeFabric(model, plan), plan, model, 5)


@pytest.mark.parametrize("width", [1, "full"])
@pytest.mark.parametrize("sites", range(1, 8))
def test_tree_fabric_with_every_number_of_sites(sites, width):
    model = random_model(9, nodes=7, outputs=3)
    plan = plan_tree(model, width, sites)
    check(TreeFabric(model, plan), plan, model, 5)


@pytest.mark.parametrize("width", [1, 3, "full"])
@pytest.mark.parametrize("nodes, outputs", [(1, 1), (2, 12), (12, 12), (17, 5), (33, 1), (40, 2)])
def test_tree_fabric_of_many_sizes(nodes, outputs, width):
    model = random_model(10, nodes=nodes, outputs=outputs, splits=2)
    plan = plan_tree(model, width, None)
    check(TreeFabric(model, plan), plan, model, 4)


@pytest.mark.parametrize("decision", [Argmax(1), Threshold(">"), Identity()])
@pytest.mark.parametrize("width", [1, 2, "full"])
def test_one_feature_or_none_at_all(width, decision):
    for shape in ({"features": 1}, {"features": 3, "cuts": 0}, {"features": 3, "splits": 0}):
        model = random_model(2, nodes=3, decision=decision, **shape)
        plan = plan_tree(model, width, None)
        check(TreeFabric(model, plan), plan, model, 6)
        plan = plan_direct(model, None, fast=False)
        check(DirectFabric(prepare(model, "direct"), plan), plan, model, 6)


@pytest.mark.parametrize("width", [1, "full"])
def test_scores_of_equal_height_go_to_the_lowest_index(width):
    """Every leaf says the same for every output: nothing but the tie rule decides."""
    model = random_model(3, nodes=3, outputs=5)
    nodes = tuple(
        replace(n, outputs=tuple(range(5)), leaf_scores=tuple((s,) * 5 for s, *_ in n.leaf_scores))
        for n in model.nodes
    )
    for best in range(5):
        bias = tuple(0 if output >= best else -1 for output in range(5))
        tied = replace(model, nodes=nodes, bias=bias)
        assert (tied.evaluate(random_codes(tied, 5))[0] == best).all()
        plan = plan_tree(tied, width, None)
        check(TreeFabric(tied, plan), plan, tied, 5)
        plan = plan_direct(tied, None, fast=False)
        check(DirectFabric(prepare(tied, "direct"), plan), plan, tied, 5)


@pytest.mark.parametrize("bias", [-1000, -33, 1000])
@pytest.mark.parametrize("scores", [(-9, 20), (-64, -32), (3, 4)])
def test_signs_and_biases(bias, scores):
    model = random_model(4, outputs=2, nodes=5)
    nodes = tuple(
        replace(
            n, leaf_scores=tuple(tuple(scores[(r + c) % 2] for c in range(len(row)))
                                 for r, row in enumerate(n.leaf_scores)),
        )
        for n in model.nodes
    )  # fmt: skip
    model = replace(model, nodes=nodes, bias=(bias, -bias))
    plan = plan_tree(model, 2, None)
    check(TreeFabric(model, plan), plan, model, 5)
    plan = plan_direct(model, None, fast=False)
    check(DirectFabric(prepare(model, "direct"), plan), plan, model, 10)


def test_fold_bias_keeps_all_scores():
    model = random_model(4, outputs=3, nodes=5)
    codes = random_codes(model, 100)
    folded = prepare(model, "direct")
    assert folded.bias == (0, 0, 0)
    assert (folded.scores(codes) == model.scores(codes)).all()
    assert sum(a != b for a, b in zip(folded.nodes, model.nodes, strict=True)) <= 3


@pytest.mark.parametrize("width", [1, 2, 4, 8, "full"])
@pytest.mark.parametrize("sites", [1, 3, 5])
def test_bits_per_inference_are_those_at_the_sites_ports(width, sites, monkeypatch):
    """Valid beats times width at the ports of every site, counted while the fabric works."""
    seen = []

    class WatchedSite(TreeSite):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            seen.append(self)

    monkeypatch.setattr(tree_module, "TreeSite", WatchedSite)
    model = random_model(6, nodes=5, outputs=3)
    plan = plan_tree(model, width, sites)
    fabric = TreeFabric(model, plan)
    simulator = Simulator(fabric)
    assert len(seen) == sites
    simulator.add_clock(1e-6)
    rows = 3

    async def bench(ctx):
        down_bits = up_bits = sent = 0
        on_the_way = [[0] * (1 + plan.local_levels) for _ in seen]  # the site's own latency
        ctx.set(fabric.i.payload.as_value(), pack(model, random_codes(model, 1, 1)[0]))
        ctx.set(fabric.i.valid, 1)
        for _ in range((rows + 1) * plan.interval_cycles + plan.latency_cycles):
            for site, beats in zip(seen, on_the_way, strict=True):
                leaving = beats.pop(0)
                down_bits += ctx.get(site.link.down) * len(site.link.digit)
                up_bits += leaving * len(site.o)
                assert leaving or ctx.get(site.o) == 0, "a site speaks outside its beats"
                beats.append(ctx.get(site.link.up))
            sent += ctx.get(fabric.i.ready)
            await ctx.tick()
            ctx.set(fabric.i.valid, int(sent < rows))
        assert sent == rows
        assert down_bits == rows * sites * plan.down_beats * plan.down_width
        assert up_bits == rows * sites * plan.up_beats * plan.up_width
        assert down_bits + up_bits == rows * plan.bits_per_inference

    simulator.add_testbench(bench)
    simulator.run()


def test_emitting_grows_no_faster_than_n_log_n():
    """Counted in calls, which are the same on every machine; seconds: benchmarks/wide.py."""
    calls = []
    for nodes in (32, 128):
        model = random_model(3, nodes=nodes, splits=2)
        profile = cProfile.Profile()
        profile.enable()
        emit_rtlil(TreeFabric(model, plan_tree(model, 1, None)), "core", reset=True)
        profile.disable()
        calls.append(sum(entry.callcount for entry in profile.getstats()))
    assert calls[1] / calls[0] < 4 * 7 / 5
