"""Random models and simulations that several tests share."""

import numpy as np
from amaranth.sim import Simulator

from locgen.ir import (
    Argmax,
    FloatTree,
    Identity,
    Model,
    QuantisedModel,
    RankFeature,
    SplitRule,
    Threshold,
    TreeNode,
)


def random_tree(random, features, outputs, splits, score_range=(-9, 20), missing=False):
    """Return a random tree over `features`, a list of RankFeature."""
    usable = [i for i, f in enumerate(features) if f.bits]
    count = splits if usable else 0
    feature, threshold, missing_left, children = [], [], [], []
    slots, leaves = [], 0
    for split in range(count):
        if slots:
            parent, side = slots.pop(random.integers(len(slots)))
            children[parent][side] = split
        index = int(random.choice(usable))
        feature.append(index)
        spare = features[index].missing  # -1 and the largest code split off missing values alone
        threshold.append(int(random.integers(-spare, len(features[index].cuts) + spare)))
        missing_left.append(bool(missing and random.integers(2)))
        children.append([None, None])
        slots += [(split, 0), (split, 1)]
    for parent, side in slots:
        children[parent][side] = ~leaves
        leaves += 1
    leaves = leaves or 1
    scores = random.integers(*score_range, size=(leaves, len(outputs)))
    return TreeNode(
        tuple(feature),
        tuple(threshold),
        tuple(missing_left),
        tuple(c[0] for c in children),
        tuple(c[1] for c in children),
        tuple(tuple(int(s) for s in row) for row in scores),
        tuple(range(leaves)),
        tuple(outputs),
    )


def random_model(
    seed, features=5, nodes=4, outputs=1, splits=5, cuts=6, decision=None, missing=False
):
    """Return a random integer model; each output gets a share of the nodes or all of them."""
    random = np.random.default_rng(seed)
    quantisers = tuple(
        RankFeature(f"x{i}", tuple(map(float, range(int(random.integers(0, cuts + 1))))), missing)
        for i in range(features)
    )
    together = bool(random.integers(2)) or nodes < outputs
    members = []
    for number in range(nodes):
        mine = range(outputs) if together else (number % outputs,)
        count = int(random.integers(0, splits + 1))
        members.append(random_tree(random, quantisers, mine, count, missing=missing))
    if decision is None:
        decision = Argmax(outputs) if outputs > 1 else Threshold(">")
    return QuantisedModel(
        name="random",
        family="test",
        library="test",
        task="regression" if isinstance(decision, Identity) else "classification",
        rule=SplitRule("<=", "float64", missing),
        features=quantisers,
        nodes=tuple(members),
        bias=tuple(int(b) for b in random.integers(-40, 10, size=outputs)),
        decision=decision,
        classes=tuple(range(max(outputs, 2))),
        score_scale=(1.0,) * outputs,
        score_offset=(0.0,) * outputs,
        probability="none",
        members=1,
    )


def random_codes(model, rows, seed=0):
    """Return `rows` random quantised rows of `model`."""
    random = np.random.default_rng(seed)
    columns = [random.integers(0, 1 << bits, size=rows) for bits in model.feature_bits]
    return np.stack(columns, axis=1)


def pack(model, row):
    """Return the input payload of one quantised row."""
    word = offset = 0
    for value, bits in zip(row, model.feature_bits, strict=True):
        word |= int(value) << offset
        offset += bits
    return word


def simulate_fabric(fabric, model, rows, gap=0):
    """Run `rows` through a fabric; return [(decision or None, scores, start, end cycle)].

    Start is the cycle in which the fabric first sees the row while it is at rest.
    """
    simulator = Simulator(fabric)
    simulator.add_clock(1e-6)
    answers, starts = [], []

    async def drive(ctx):
        for row in rows:
            ctx.set(fabric.i.payload.as_value(), pack(model, row))
            ctx.set(fabric.i.valid, 1)
            starts.append(cycle[0])
            while True:
                _, _, ready = await ctx.tick().sample(fabric.i.ready)
                if ready:
                    break
            if gap:
                ctx.set(fabric.i.valid, 0)
                for _ in range(gap):
                    await ctx.tick()

    cycle = [0]

    async def check(ctx):
        while len(answers) < len(rows):
            _, _, valid, payload = await ctx.tick().sample(fabric.o.valid, fabric.o.payload)
            if valid:
                decision = payload.decision if model.decision.bits else None
                scores = [payload.scores[n] for n in range(model.score_ports)]
                answers.append((decision, scores, cycle[0]))
            cycle[0] += 1
            assert cycle[0] < 100_000, "the fabric does not answer"

    simulator.add_testbench(check)
    simulator.add_testbench(drive, background=True)
    simulator.run()
    return [(d, s, start, end) for (d, s, end), start in zip(answers, starts, strict=True)]


def random_float_tree(random, features, outputs, splits, values, infinite=False, missing=False):
    """Return a random float tree with cuts at integers and a half, integers, and +-inf at times."""
    children = [[None, None] for _ in range(splits)]
    slots, leaves = [], 0
    for split in range(splits):
        if slots:
            parent, side = slots.pop(random.integers(len(slots)))
            children[parent][side] = split
        slots += [(split, 0), (split, 1)]
    for parent, side in slots:
        children[parent][side] = ~leaves
        leaves += 1
    leaves = leaves or 1
    cuts = random.integers(-4, 16, size=splits) / 2.0
    if infinite:
        cuts = np.where(
            random.random(splits) < 0.15, random.choice([-np.inf, np.inf], splits), cuts
        )
    children = np.array(children, dtype=int).reshape(splits, 2)
    return FloatTree(
        random.integers(features, size=splits),
        cuts,
        (random.random(splits) < 0.5) & missing,
        children[:, 0],
        children[:, 1],
        values(random, (leaves, len(outputs))),
        random.permutation(leaves) + 100,
        tuple(outputs),
    )


def random_float_model(
    seed, outputs=1, decision=None, halves=False, shared=None, base=None, trees=None, features=5,
    infinite=False, missing=False, scale=1.0,
):  # fmt: skip
    """Return a random float model.

    Leaves hold multiples of a half if `halves`, so that sums are exact and ties common, and a last
    tree with a range of 31.5 makes 6 score bits exact as well; else any numbers. `shared` says
    whether each tree scores all outputs or one in turn.
    """
    random = np.random.default_rng(seed)

    def values(random, shape):
        if not halves:
            return random.normal(size=shape) * scale
        return random.integers(0, 8, size=shape) / 2.0

    together = bool(random.integers(2)) if shared is None else shared
    if trees is None:
        trees = tuple(
            random_float_tree(
                random, features, range(outputs) if together else (number % outputs,),
                int(random.integers(0, 7)), values, infinite, missing,
            )
            for number in range(2 * outputs)
        )  # fmt: skip
        if halves:
            wide = np.zeros((2, outputs))
            wide[1, -1] = 31.5
            trees += (
                FloatTree(
                    np.array([0]), np.array([3.0]), np.array([False]), np.array([~0]),
                    np.array([~1]), wide, np.array([1, 2]), tuple(range(outputs)),
                ),
            )  # fmt: skip
    if base is None:
        base = random.integers(-4, 5, size=outputs) / 2.0
    base = tuple(float(b) for b in np.broadcast_to(base, outputs))
    decision = decision or ("argmax" if outputs > 1 else ">")
    regression = decision == "identity"
    return Model(
        "test", "test", "regression" if regression else "classification",
        tuple(f"x{i}" for i in range(features)),
        () if regression else tuple(range(max(outputs, 2))),
        tuple(trees), base, decision, SplitRule("<=", "float64", missing),
    )  # fmt: skip


def random_rows(model, rows, seed=0):
    """Return float rows on, just beside and between the cuts, with NaN where the model takes it."""
    random = np.random.default_rng(seed)
    x = random.integers(-6, 18, size=(rows, len(model.feature_names))) / 2.0
    beside = np.nextafter(x, random.choice([-np.inf, np.inf], x.shape))
    x = np.where(random.random(x.shape) < 0.5, beside, x)
    return np.where((random.random(x.shape) < 0.2) & model.rule.missing, np.nan, x)
