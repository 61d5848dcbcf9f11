"""Evidence that the tree fabric gathers, against what golden says every node has to send."""

import numpy as np
import pytest
from amaranth.sim import Simulator
from modelkit import pack, random_codes, random_model

from locgen.errors import ConfigurationError
from locgen.plan import MemoryBudget, plan_engines, plan_tree, with_ports
from locgen.plan.evidence import check_explainable, evidence_of
from locgen.top.tree import TreeFabric

ROOMY = MemoryBudget(block_rams=60, sprams=0)


def words_of(plan, evidence):
    """Return the digits that go with one row's evidence (nodes,)."""
    mask = (1 << plan.up_width) - 1
    return [
        int(evidence[slot.node]) >> k * plan.up_width & mask
        for slot in plan.evidence
        for k in range(slot.beats)
    ]


def gather(fabric, model, plan, rows, gap):
    """Run rows through the fabric; return ([scores], [digits of evidence] a row, cycles)."""
    answers, digits, cycle = [], [], [0]

    async def drive(ctx):
        for row in rows:
            ctx.set(fabric.i.payload, pack(model, row))
            ctx.set(fabric.i.valid, 1)
            await ctx.tick().until(fabric.i.ready)
            ctx.set(fabric.i.valid, 0)
            for _ in range(gap):
                await ctx.tick()

    async def watch(ctx):
        while len(digits) < len(rows) * plan.evidence_beats or len(answers) < len(rows):
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
    count = plan.evidence_beats
    return answers, [digits[k : k + count] for k in range(0, len(digits), count)]


def check(model, plan, fabric, rows, gap=0):
    answers, digits = gather(fabric, model, plan, rows, gap)
    evidence = evidence_of(model, rows, plan.sites, plan.engines)
    assert [scores for scores, _ in answers] == model.scores(rows).tolist()
    for row in range(len(rows)):
        assert digits[row] == words_of(plan, evidence[row]), row
    if not gap:
        assert set(np.diff([at for _, at in answers])) <= {plan.interval_cycles}


@pytest.mark.parametrize("width", [1, 2, 4, 8, "full"])
@pytest.mark.parametrize(("seed", "outputs", "sites"), [(0, 1, None), (1, 3, None), (2, 3, 2)])
def test_hardwired_sites_send_the_leaf(width, seed, outputs, sites):
    model = random_model(seed, outputs=outputs, nodes=5, splits=7)
    plan = plan_tree(model, width, sites, explain=True)
    without = plan_tree(model, width, sites)
    assert plan.latency_cycles == without.latency_cycles
    assert plan.interval_cycles == without.interval_cycles + plan.evidence_beats
    rows = random_codes(model, 12, seed)
    check(model, plan, TreeFabric(model, plan), rows)
    check(model, plan, TreeFabric(model, plan), rows[:3], gap=7)


@pytest.mark.parametrize("width", [1, 4, "full"])
@pytest.mark.parametrize(
    ("seed", "outputs", "nodes", "sites"), [(0, 1, 1, 1), (1, 3, 7, 1), (2, 1, 6, 2)]
)
def test_engines_send_the_address_of_the_leaf(width, seed, outputs, nodes, sites):
    model = with_ports(random_model(seed, outputs=outputs, nodes=nodes))
    plan = plan_engines(model, width, sites, ROOMY, "engine", explain=True)
    assert len(plan.evidence) == nodes
    rows = random_codes(model, 8, seed)
    check(model, plan, TreeFabric(model, plan, 1), rows)


def test_evidence_recombines_to_the_scores():
    """The leaf's number is all that it takes to compute the scores again, bit for bit."""
    model = random_model(4, outputs=3, nodes=6)
    plan = plan_tree(model, 4, None, explain=True)
    rows = random_codes(model, 50, 4)
    evidence = evidence_of(model, rows, plan.sites, plan.engines)
    total = np.tile(np.array(model.bias), (50, 1))
    for number, node in enumerate(model.nodes):
        total[:, list(node.outputs)] += np.array(node.leaf_scores)[evidence[:, number]]
    assert np.array_equal(total, model.scores(rows))


def test_models_without_leaves_are_refused():
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    import locgen

    x, y = load_iris(return_X_y=True)
    design = locgen.compile(LogisticRegression(max_iter=500).fit(x, y), "ice40", data=(x, y))
    with pytest.raises(ConfigurationError, match="leaves of trees"):
        check_explainable(design.model)
