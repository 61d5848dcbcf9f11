"""Fabrics with engines against golden: values, latency and interval, and what loading does."""

import dataclasses

import numpy as np
import pytest
from amaranth.sim import Simulator
from modelkit import pack, random_codes, random_model, simulate_fabric
from nodekit import random_nodes_model
from slowkit import slow

from locgen.cores import BlockWords, ModelMemory
from locgen.errors import ConfigurationError, DoesNotFit
from locgen.plan import MemoryBudget, images_of, plan_engines, site_stride, with_ports
from locgen.top.tree import TreeFabric

DIGEST = 0xFEDC_BA98_7654_3210
ROOMY = MemoryBudget(block_rams=60, sprams=0)


def engine_design(seed, width, sites=1, budget=ROOMY, core="engine", **model):
    model = with_ports(random_model(seed, **model))
    plan = plan_engines(model, width, sites, budget, core)
    return model, plan


def check_answers(model, plan, fabric, rows, gap):
    answers = simulate_fabric(fabric, model, rows, gap)
    decisions, scores = model.evaluate(rows)
    for row, (decision, got, start, end) in enumerate(answers):
        assert got == scores[row].tolist(), row
        if decisions is not None:
            assert decision == decisions[row]
        if gap:
            assert end - start == plan.latency_cycles
    if not gap:
        ends = [end for *_, end in answers]
        assert set(np.diff(ends)) <= {plan.interval_cycles}


@pytest.mark.parametrize("width", [4, *slow(1, 2, 8, "full")])
@pytest.mark.parametrize(
    ("seed", "outputs", "nodes", "sites"),
    [(0, 1, 4, 1), (1, 3, 7, 1), (2, 3, 8, 2), (3, 1, 1, 1), (4, 10, 12, 3), (5, 2, 5, 5)],
)
def test_engines_equal_golden(width, seed, outputs, nodes, sites):
    model, plan = engine_design(seed, width, sites, outputs=outputs, nodes=nodes)
    assert plan.core == "engine" and len(plan.shapes) == sites
    rows = random_codes(model, 8, seed)
    check_answers(model, plan, TreeFabric(model, plan, DIGEST), rows, gap=0)
    check_answers(model, plan, TreeFabric(model, plan, DIGEST), rows[:3], plan.latency_cycles + 9)


@pytest.mark.parametrize("width", [1, "full"])
@pytest.mark.parametrize("seed", range(3))
def test_engines_and_gates_share_a_tree(width, seed):
    """Memory for a part of the trees: the others become hardwired sites."""
    tight = MemoryBudget(block_rams=3, sprams=0)
    model, plan = engine_design(
        seed, width, 1, tight, "auto", outputs=10, nodes=40, splits=6, features=6
    )
    assert plan.core == "mixed"
    assert sorted(n for nodes in plan.sites for n in nodes) == list(range(40))
    rows = random_codes(model, 5, seed)
    check_answers(model, plan, TreeFabric(model, plan, DIGEST), rows, gap=0)
    with pytest.raises(DoesNotFit, match="words of memory"):
        plan_engines(model, width, 1, tight, "engine")


def in_block_memory(shape):
    """Return a memory that behaves like SPRAM after power-up: nothing in it is a model."""
    return ModelMemory(shape, (), BlockWords(shape.words, [0xFFFFFFFF] * shape.words))


def spram_design(seed=1, sites=1):
    budget = MemoryBudget(block_rams=0, sprams=4)
    model, plan = engine_design(seed, 4, sites, budget, outputs=3, nodes=9)
    assert {shape.memory for shape in plan.shapes} == {"spram"}
    small = tuple(dataclasses.replace(shape, words=512) for shape in plan.shapes)
    plan = dataclasses.replace(plan, engines=small)
    fabric = TreeFabric(model, plan, memories=[in_block_memory(shape) for shape in small])
    return model, plan, fabric


async def load(ctx, fabric, model, plan, digest, keep=lambda address: True):
    """Write every word that `keep` lets through, then check; return (loaded, digest)."""
    port = fabric.memory
    for number, image in enumerate(images_of(model, plan, digest)):
        for offset, word in enumerate(image):
            address = number * site_stride(plan) + offset
            if not keep(address):
                continue
            ctx.set(port.load.p.address, address)
            ctx.set(port.load.p.data, word)
            ctx.set(port.load.valid, 1)
            await ctx.tick()
            assert not ctx.get(port.loaded)
    ctx.set(port.load.valid, 0)
    ctx.set(port.check, 1)
    await ctx.tick()
    ctx.set(port.check, 0)
    while ctx.get(port.checking):
        assert not ctx.get(port.loaded)
        await ctx.tick()
    return ctx.get(port.loaded), ctx.get(port.digest)


@pytest.mark.parametrize("sites", [1, 2])
def test_nothing_is_answered_until_all_is_loaded(sites):
    model, plan, fabric = spram_design(sites=sites)
    other = dataclasses.replace(model, bias=tuple(b + 3 for b in model.bias))
    row = random_codes(model, 1, 3)
    answered = []

    async def watch(ctx):
        while True:
            _, _, valid, payload = await ctx.tick().sample(fabric.o.valid, fabric.o.payload)
            if valid:
                answered.append([payload.scores[n] for n in range(model.outputs)])

    async def drive(ctx):
        ctx.set(fabric.i.payload.as_value(), pack(model, row[0]))
        ctx.set(fabric.i.valid, 1)
        await ctx.tick().repeat(3 * plan.latency_cycles)
        assert not answered
        assert await load(ctx, fabric, model, plan, DIGEST, lambda a: a != 7) == (0, DIGEST)
        await ctx.tick().repeat(3 * plan.latency_cycles)
        assert not answered
        assert await load(ctx, fabric, model, plan, DIGEST) == (1, DIGEST)
        await ctx.tick().repeat(plan.latency_cycles + plan.interval_cycles)
        assert answered and all(a == model.scores(row)[0].tolist() for a in answered)
        assert await load(ctx, fabric, other, plan, DIGEST + 1) == (1, DIGEST + 1)
        answered.clear()
        await ctx.tick().repeat(2 * plan.latency_cycles + plan.interval_cycles)
        assert answered and all(a == other.scores(row)[0].tolist() for a in answered)

    simulator = Simulator(fabric)
    simulator.add_clock(1e-6)
    simulator.add_testbench(watch, background=True)
    simulator.add_testbench(drive)
    simulator.run()


@pytest.mark.parametrize("moment", range(0, 160, 7))
def test_an_inference_that_a_load_overtakes_is_not_answered(moment):
    """One word is written and written back, then checked, at any moment of an inference."""
    model, plan, fabric = spram_design()
    image = images_of(model, plan, DIGEST)[0]
    rows = random_codes(model, 2, 4)
    wanted = model.scores(rows).tolist()
    answered = []

    async def watch(ctx):
        while True:
            _, _, valid, payload = await ctx.tick().sample(fabric.o.valid, fabric.o.payload)
            if valid:
                answered.append([payload.scores[n] for n in range(model.outputs)])

    async def drive(ctx):
        port = fabric.memory
        assert await load(ctx, fabric, model, plan, DIGEST) == (1, DIGEST)
        ctx.set(fabric.i.payload.as_value(), pack(model, rows[0]))
        ctx.set(fabric.i.valid, 1)
        await ctx.tick().until(fabric.i.ready)
        ctx.set(fabric.i.valid, 0)
        await ctx.tick().repeat(1 + moment % (plan.latency_cycles - plan.down_beats - 1))
        assert not answered
        for word in (0, image[20]):
            ctx.set(port.load.p.address, 20)
            ctx.set(port.load.p.data, word)
            ctx.set(port.load.valid, 1)
            await ctx.tick()
        ctx.set(port.load.valid, 0)
        ctx.set(port.check, 1)
        await ctx.tick()
        ctx.set(port.check, 0)
        await ctx.tick().until(port.loaded)
        ctx.set(fabric.i.payload.as_value(), pack(model, rows[1]))
        ctx.set(fabric.i.valid, 1)
        await ctx.tick().until(fabric.i.ready)
        ctx.set(fabric.i.valid, 0)
        await ctx.tick().repeat(2 * plan.latency_cycles)
        assert answered == [wanted[1]]

    simulator = Simulator(fabric)
    simulator.add_clock(1e-6)
    simulator.add_testbench(watch, background=True)
    simulator.add_testbench(drive)
    simulator.run()


def test_missing_values_and_too_many_sites_are_refused():
    with pytest.raises(ConfigurationError, match="no code for missing values"):
        with_ports(random_model(1, missing=True))
    model = with_ports(random_model(1))
    with pytest.raises(ConfigurationError, match="outside 1 to 4"):
        plan_engines(model, 1, 5, ROOMY, "engine")


@pytest.mark.parametrize(
    "kinds", [("table",), ("linear",), ("l1",), ("l2",), ("tree", "table", "l2")], ids="-".join
)
@pytest.mark.parametrize("width", [1, "full"])
def test_engines_compute_whatever_adds_up_features(kinds, width):
    model = random_nodes_model(5, kinds, 3)
    wide = with_ports(model)
    plan = plan_engines(wide, width, None, ROOMY, "engine")
    rows = random_codes(model, 6, 1)
    check_answers(wide, plan, TreeFabric(wide, plan, 7), rows, gap=0)
    assert np.array_equal(wide.scores(rows), model.scores(rows))
