"""The tree engine and its memory against the trees' own `evaluate`, on random forests."""

import dataclasses

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator
from modelkit import random_tree
from slowkit import slow

from locgen.cores import ModelMemory, TreeEngine
from locgen.errors import DoesNotFit
from locgen.ir import RankFeature
from locgen.plan.engine import EngineShape, deal_lanes, lane_steps, tree_image

DIGEST = 0x0123_4567_89AB_CDEF
NO_MISSING = -np.ones(64, dtype=int)


def features_of(count, cuts=7):
    return [RankFeature(f"x{i}", tuple(map(float, range(cuts)))) for i in range(count)]


def forest(seed, trees, splits, outputs, columns, score_range=(-9, 20)):
    """Return random trees over four features of 3 bits."""
    random = np.random.default_rng(seed)
    features = features_of(4)
    owners = [range(outputs) if columns > 1 else (n % outputs,) for n in range(trees)]
    return [
        random_tree(random, features, mine, int(random.integers(0, splits + 1)), score_range)
        for mine in owners
    ]


def shape_for(nodes, outputs, columns, words=256, score_bits=12):
    spans = [high - low for node in nodes for low, high in node.ranges]
    rough = EngineShape(
        words=words,
        memory="block",
        features=4,
        code_bits=3,
        columns=columns,
        leaf_bits=max(max(spans, default=0).bit_length(), 1),
        outputs=outputs,
        score_bits=score_bits,
        cycles=1 << 16,
    )
    return dataclasses.replace(rough, cycles=rough.cycles_of(nodes))


def golden(nodes, initial, rows):
    total = np.tile(np.array(initial), (len(rows), 1))
    for node in nodes:
        lows = np.array([low for low, _ in node.ranges])
        total[:, list(node.outputs)] += node.evaluate(rows, NO_MISSING) - lows
    return total


class Bench(wiring.Component):
    """An engine with both its memories; the features' is filled from outside."""

    def __init__(self, shape, image):
        self.shape = shape
        self.engine = TreeEngine(shape)
        self.memory = ModelMemory(shape, image)
        super().__init__(
            {
                "start": In(1),
                "write": In(1),
                "slot": In(shape.feature_index_bits),
                "code": In(shape.code_bits),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.engine = engine = self.engine
        m.submodules.memory = memory = self.memory
        depth = 1 << self.shape.feature_index_bits
        m.submodules.codes = codes = Memory(shape=self.shape.code_bits, depth=depth, init=[])
        write, read = codes.write_port(), codes.read_port()
        m.d.comb += [
            write.addr.eq(self.slot),
            write.data.eq(self.code),
            write.en.eq(self.write),
            read.addr.eq(engine.feature),
            engine.value.eq(read.data),
            memory.address.eq(engine.address),
            engine.word.eq(memory.word),
            engine.start.eq(self.start),
            self.busy.eq(engine.busy),
        ]
        return m


def run(shape, image, rows, before=None):
    """Return ([scores of each row], [cycles each took])."""
    bench = Bench(shape, image)
    scores, cycles = [], []

    async def drive(ctx):
        if before is not None:
            await before(ctx, bench)
        for row in rows:
            for slot, code in enumerate(row):
                ctx.set(bench.slot, slot)
                ctx.set(bench.code, int(code))
                ctx.set(bench.write, 1)
                await ctx.tick()
            ctx.set(bench.write, 0)
            ctx.set(bench.start, 1)
            await ctx.tick()
            ctx.set(bench.start, 0)
            taken = 1
            while ctx.get(bench.busy):
                await ctx.tick()
                taken += 1
                assert taken < 100_000, "the engine does not end"
            cycles.append(taken)
            scores.append([ctx.get(bench.engine.scores[o]) for o in range(shape.outputs)])

    simulator = Simulator(bench)
    simulator.add_clock(1e-6)
    simulator.add_testbench(drive)
    simulator.run()
    return scores, cycles


@pytest.mark.parametrize(
    ("trees", "splits", "outputs", "columns"),
    [
        (0, 0, 1, 1),
        (1, 0, 1, 1),
        (1, 6, 1, 1),
        (2, 6, 2, 1),
        (3, 9, 3, 3),
        (5, 7, 10, 10),
        (7, 8, 3, 1),
        (8, 5, 2, 2),
    ],
)
@pytest.mark.parametrize("seed", [0, *slow(1, 2)])
def test_engine_equals_the_trees(seed, trees, splits, outputs, columns):
    nodes = forest(seed, trees, splits, outputs, columns)
    shape = shape_for(nodes, outputs, columns)
    initial = [17 * (o + 1) for o in range(outputs)]
    image = tree_image(shape, nodes, initial, range(4), DIGEST)
    assert len(image) == shape.words_of(nodes)
    rows = np.random.default_rng(seed).integers(0, 8, size=(40, 4))
    scores, cycles = run(shape, image, rows)
    assert scores == golden(nodes, initial, rows).tolist()
    assert max(cycles) <= shape.cycles


def test_the_cycle_bound_is_reached():
    """A forest of chains, and a row that goes all the way down each."""
    nodes = [chain(depth) for depth in (5, 3, 5, 2, 4)]
    shape = shape_for(nodes, 1, 1)
    rows = np.array([[7, 7, 7, 7]])
    image = tree_image(shape, nodes, [0], range(4), DIGEST)
    scores, cycles = run(shape, image, rows)
    assert scores == golden(nodes, [0], rows).tolist()
    assert cycles == [shape.cycles]


def chain(depth):
    """Return a tree whose every left child is a leaf."""
    features = features_of(1)
    tree = random_tree(np.random.default_rng(0), features, (0,), 1)
    splits = range(depth)
    return dataclasses.replace(
        tree,
        feature=(0,) * depth,
        threshold=tuple(splits),
        missing_left=(False,) * depth,
        left=tuple(~n for n in splits),
        right=(*range(1, depth), ~depth),
        leaf_scores=tuple((n,) for n in range(depth + 1)),
        leaf_ids=tuple(range(depth + 1)),
    )


def test_lanes_share_the_work():
    nodes = forest(3, 20, 9, 3, 3)
    shape = shape_for(nodes, 3, 3, words=1024)
    order = deal_lanes(shape, nodes)
    assert sorted(order) == list(range(20))
    steps = lane_steps(shape, nodes)
    longest = max(shape.steps_of(node) for node in nodes)
    assert abs(steps[0] - steps[1]) <= longest
    assert sum(steps) == 3 + sum(shape.steps_of(node) for node in nodes)


async def load(ctx, bench, image, skip=()):
    memory = bench.memory
    for address, word in enumerate(image):
        if address in skip:
            continue
        ctx.set(memory.load, 1)
        ctx.set(memory.load_address, address)
        ctx.set(memory.load_data, word)
        await ctx.tick()
        assert not ctx.get(memory.loaded)
    ctx.set(memory.load, 0)


async def check(ctx, bench):
    """Run a check; return (loaded, digest, cycles)."""
    memory = bench.memory
    ctx.set(memory.check, 1)
    await ctx.tick()
    ctx.set(memory.check, 0)
    cycles = 0
    while ctx.get(memory.checking):
        assert not ctx.get(memory.loaded)
        await ctx.tick()
        cycles += 1
        assert cycles < 2 * bench.shape.words + 10
    return ctx.get(memory.loaded), ctx.get(memory.digest), cycles


def test_update_replaces_the_model():
    first, second = forest(1, 5, 6, 2, 2), forest(2, 7, 6, 2, 2)
    shape = shape_for([*first, *second], 2, 2)
    old = tree_image(shape, first, [1, 2], range(4), DIGEST)
    new = tree_image(shape, second, [5, 0], range(4), DIGEST + 1)
    rows = np.random.default_rng(5).integers(0, 8, size=(30, 4))

    async def update(ctx, bench):
        assert ctx.get(bench.memory.loaded) and ctx.get(bench.memory.digest) == DIGEST
        await load(ctx, bench, new)
        loaded, digest, cycles = await check(ctx, bench)
        assert loaded and digest == DIGEST + 1
        assert cycles <= len(new) + 5

    scores, _ = run(shape, old, rows, update)
    assert scores == golden(second, [5, 0], rows).tolist()


@pytest.mark.parametrize("seed", range(6))
def test_check_finds_every_kind_of_damage(seed):
    nodes = forest(4, 5, 6, 2, 2)
    shape = shape_for(nodes, 2, 2)
    image = tree_image(shape, nodes, [1, 2], range(4), DIGEST)
    random = np.random.default_rng(seed)

    async def damage(ctx, bench):
        assert (await check(ctx, bench))[0]
        for _ in range(12):
            place, bit = int(random.integers(len(image))), int(random.integers(32))
            broken = list(image)
            broken[place] ^= 1 << bit
            await load(ctx, bench, broken)
            assert not (await check(ctx, bench))[0], (place, bit)
        for count in (0, 1, 4, shape.words + 1, 0xFFFFFFFF):
            await load(ctx, bench, [image[0], count, *image[2:]])
            assert not (await check(ctx, bench))[0], count
        swapped = list(image)
        swapped[6], swapped[7] = swapped[7], swapped[6]
        if swapped != list(image):
            await load(ctx, bench, swapped)
            assert not (await check(ctx, bench))[0]
        await load(ctx, bench, image)
        assert (await check(ctx, bench))[:2] == (1, DIGEST)

    rows = np.random.default_rng(seed).integers(0, 8, size=(5, 4))
    scores, _ = run(shape, image, rows, damage)
    assert scores == golden(nodes, [1, 2], rows).tolist()


def test_what_an_engine_cannot_hold_is_refused():
    nodes = forest(4, 5, 6, 2, 2)
    shape = shape_for(nodes, 2, 2)
    with pytest.raises(DoesNotFit, match=r"need \d+ words, the engine has 16"):
        tree_image(dataclasses.replace(shape, words=16), nodes, [0, 0], range(4), DIGEST)
    with pytest.raises(DoesNotFit, match="cycles, the engine was built for"):
        short = dataclasses.replace(shape, cycles=shape.cycles - 1)
        tree_image(short, nodes, [0, 0], range(4), DIGEST)
    with pytest.raises(DoesNotFit, match="a leaf's score"):
        tree_image(dataclasses.replace(shape, leaf_bits=2), nodes, [0, 0], range(4), DIGEST)
    with pytest.raises(DoesNotFit, match="an initial score"):
        tree_image(shape, nodes, [-1, 0], range(4), DIGEST)
    with pytest.raises(DoesNotFit, match="word of 32 bits is too small"):
        dataclasses.replace(shape, words=1 << 16, features=1 << 12, code_bits=6)
