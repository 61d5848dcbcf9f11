"""Every operation of the combining tree against its integer reference, to the cycle."""

import gc

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.sim import Simulator
from hypothesis import given, settings
from hypothesis import strategies as st

from locgen.ir.reduction import Candidate, Reduction
from locgen.noc import (
    AddStage,
    CombineTree,
    DelayStage,
    ExtremeStage,
    OrStage,
    SerialExtremeStage,
    candidate_value,
)
from locgen.noc import combine as combine_module

EXTREMES = ["min", "max"]
SERIAL = [(1, 1), (1, 4), (2, 3), (3, 2), (4, 2), (8, 2)]


def run(design, bench):
    """Simulate; the companion has a register for a design that may have none."""
    m = Module()
    m.submodules.design = design
    idle = Signal()
    m.d.sync += idle.eq(~idle)
    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize("stages", [1, 2])
@pytest.mark.parametrize("operation", EXTREMES)
def test_extreme_stop_for_all_pairs(operation, stages):
    stop = ExtremeStage(operation, 4, stages)
    pairs = np.array(np.meshgrid(range(16), range(16))).reshape(2, -1).T
    expected = Reduction(operation, 4).evaluate(pairs).tolist()

    async def bench(ctx):
        received = []
        for a, b in [*pairs.tolist(), *[(0, 0)] * (stages - 1)]:
            ctx.set(stop.a, a)
            ctx.set(stop.b, b)
            await ctx.tick()
            received.append(ctx.get(stop.o))
        assert received[stages - 1 :] == expected

    run(stop, bench)


@pytest.mark.parametrize("width, digits", [(1, 1), (1, 4), (2, 2), (4, 1), (3, 2)])
@pytest.mark.parametrize("operation", EXTREMES)
def test_serial_extreme_stop_for_all_pairs(operation, width, digits):
    """Numbers follow one another, or noise comes between them: a late decision would show."""
    stop = SerialExtremeStage(operation, width)
    random = np.random.default_rng(0)
    bits = width * digits
    reduction = Reduction(operation, bits)
    pairs = np.array(np.meshgrid(range(1 << bits), range(1 << bits))).reshape(2, -1).T
    random.shuffle(pairs)
    sent = reduction.digits(pairs, width)
    expected = reduction.digits(reduction.evaluate(pairs), width)

    async def bench(ctx):
        for number, (a, b) in enumerate(sent.tolist()):
            received = []
            for beat in range(digits):
                ctx.set(stop.a, a[beat])
                ctx.set(stop.b, b[beat])
                ctx.set(stop.end, int(beat == digits - 1))
                await ctx.tick()
                received.append(ctx.get(stop.o))
            assert received == expected[number].tolist()
            if number % 5 == 0:
                ctx.set(stop.a, int(random.integers(1 << width)))
                ctx.set(stop.b, int(random.integers(1 << width)))
                await ctx.tick()

    run(stop, bench)


def test_or_stop_for_all_pairs():
    stop = OrStage(3)

    async def bench(ctx):
        for a in range(8):
            for b in range(8):
                ctx.set(stop.a, a)
                ctx.set(stop.b, b)
                await ctx.tick()
                assert ctx.get(stop.o) == a | b

    run(stop, bench)


@pytest.mark.parametrize("cycles", [1, 2, 3])
def test_delay_stop_of_several_cycles(cycles):
    stop = DelayStage(4, cycles)
    words = np.random.default_rng(0).integers(16, size=30).tolist()

    async def bench(ctx):
        received = []
        for word in words:
            ctx.set(stop.i, word)
            await ctx.tick()
            received.append(ctx.get(stop.o))
        assert received[cycles - 1 :] == words[: len(words) - cycles + 1]

    run(stop, bench)


@pytest.mark.parametrize("operation", EXTREMES)
def test_candidates_in_gates_are_those_of_the_reference(operation):
    candidate = Candidate(operation, 3, 2)
    m = Module()
    key, index, number = Signal(3), Signal(2), Signal(5)
    m.d.comb += number.eq(candidate_value(candidate, key, index))

    async def bench(ctx):
        for k in range(8):
            for i in range(4):
                ctx.set(key, k)
                ctx.set(index, i)
                assert ctx.get(number) == candidate.number(k, i)

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()


def check_tree(tree, reduction, rows, width, gap):
    """Send rows (rows, inputs) of numbers with `gap` idle cycles between and compare all beats."""
    sent = reduction.digits(rows, width).transpose(0, 2, 1)  # (rows, digits, inputs)
    expected = reduction.digits(reduction.evaluate(rows), width)
    digits = sent.shape[1]
    mask = (1 << width) - 1
    idle = [reduction.identity & mask] * rows.shape[1]
    beats, results = [], []
    for row, result in zip(sent.tolist(), expected.tolist(), strict=True):
        beats += [(row[k], int(k == digits - 1)) for k in range(digits)] + [(idle, 1)] * gap
        results += result + [idle[0]] * gap
    latency = tree.latency_cycles

    async def bench(ctx):
        received = []
        for links, end in [*beats, *[(idle, 1)] * latency]:
            ctx.set(tree.i, links)
            if "end" in tree.signature.members:
                ctx.set(tree.end, end)
            if latency == 0:
                received.append(ctx.get(tree.o))
            await ctx.tick()
            if latency:
                received.append(ctx.get(tree.o))
        skip = max(latency - 1, 0)
        assert received[skip : skip + len(results)] == results

    run(tree, bench)


@settings(deadline=None, max_examples=80, derandomize=True)
@given(
    operation=st.sampled_from(["add", "or", *EXTREMES]), shape=st.sampled_from(SERIAL),
    inputs=st.integers(1, 13), extra=st.integers(0, 2), gap=st.integers(0, 2),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_tree(operation, shape, inputs, extra, gap, seed):
    width, digits = shape
    reduction = Reduction(operation, width * digits)
    levels = (inputs - 1).bit_length() + extra
    tree = CombineTree(inputs, width, levels, digits > 1, operation)
    random = np.random.default_rng(seed)
    largest = (1 << width * digits) - 1
    if operation == "add":  # differences of sorted cuts: the sum is at most the largest
        cuts = np.sort(random.integers(0, largest + 1, size=(6, inputs)), axis=1)
        rows = np.diff(np.concatenate([np.zeros((6, 1), int), cuts], axis=1), axis=1)
    else:
        few = random.choice(random.integers(0, largest + 1, size=3), size=(6, inputs))
        rows = np.where(random.random((6, inputs)) < 0.5, few, few ^ random.integers(2, size=1))
        rows &= largest
    check_tree(tree, reduction, rows, width, gap)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    largest=st.lists(st.integers(0, 300), min_size=1, max_size=13), extra=st.integers(0, 1),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_sums_that_take_the_bits_they_need(largest, extra, seed):
    """All at their largest, one alone, and anything between."""
    inputs, width = len(largest), max(sum(largest).bit_length(), 1)
    levels = (inputs - 1).bit_length() + extra
    tree = CombineTree(inputs, width, levels, False, largest=largest)
    rows = np.random.default_rng(seed).integers(0, np.array(largest) + 1, size=(6, inputs))
    rows = np.concatenate([[largest], rows, np.diag(largest)])
    check_tree(tree, Reduction("add", width), rows, width, 0)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(st.lists(st.integers(0, 4000), min_size=1, max_size=40))
def test_every_link_meets_one_other(largest):
    pairs = combine_module._matches(tuple(largest))
    assert sorted(n for pair in pairs for n in pair) == list(range(len(largest)))
    assert all(len(pair) == 2 for pair in pairs[: len(largest) // 2])


@pytest.mark.parametrize("inputs", [2, 3, 6])
@pytest.mark.parametrize("operation", EXTREMES)
def test_tree_of_two_stages(operation, inputs):
    tree = CombineTree(inputs, 12, 3, False, operation, stages=2)
    assert tree.latency_cycles == 6
    rows = np.random.default_rng(inputs).integers(1 << 12, size=(40, inputs))
    check_tree(tree, Reduction(operation, 12), rows, 12, 0)


@settings(deadline=None, max_examples=40, derandomize=True)
@given(
    operation=st.sampled_from(EXTREMES), width=st.sampled_from([1, 2, 4, 7]),
    inputs=st.integers(2, 9), seed=st.integers(0, 99),
)  # fmt: skip
def test_best_key_and_lowest_index(operation, width, inputs, seed):
    """Few different keys, indices in any order: the tree finds NumPy's own argmin or argmax."""
    random = np.random.default_rng(seed)
    candidate = Candidate(operation, 3, 4)
    keys = random.integers(0, 3, size=(8, inputs))
    order = random.permutation(inputs)
    numbers = candidate.number(keys[:, order], order)
    best = keys.argmin(axis=1) if operation == "min" else keys.argmax(axis=1)
    assert (candidate.index(candidate.reduction.evaluate(numbers)) == best).all()
    tree = CombineTree(inputs, width, (inputs - 1).bit_length(), width < 7, operation)
    check_tree(tree, candidate.reduction, numbers, width, 0)


@pytest.mark.parametrize("width, digits", [(1, 5), (4, 2), (8, 1)])
@pytest.mark.parametrize("operation", ["add", "or", *EXTREMES])
def test_gather_in_slots(operation, width, digits):
    """Each slot belongs to one link; all the others send the identity."""
    reduction = Reduction(operation, width * digits)
    inputs = 5
    random = np.random.default_rng(0)
    words = random.integers(1 << width * digits, size=40)
    rows = np.full((40, inputs), reduction.identity)
    rows[np.arange(40), random.integers(inputs, size=40)] = words
    assert (reduction.evaluate(rows) == words).all()
    check_tree(CombineTree(inputs, width, 3, digits > 1, operation), reduction, rows, width, 0)


@pytest.mark.filterwarnings("ignore:.*created but never used")
def test_refusals():
    with pytest.raises(ValueError, match="operation must be one of add, or, min, max, not 'sub'"):
        CombineTree(2, 1, 1, True, "sub")
    with pytest.raises(ValueError, match="not 2 for add of one digit"):
        CombineTree(2, 8, 1, False, "add", stages=2)
    with pytest.raises(ValueError, match="not 2 for min of several digits"):
        CombineTree(2, 8, 1, True, "min", stages=2)
    with pytest.raises(ValueError, match="stages must be 1 or 2, not 3"):
        ExtremeStage("min", 4, 3)
    with pytest.raises(ValueError, match="largest must be 2 numbers of at most 8 bits"):
        CombineTree(2, 8, 1, False, largest=(1, 256))
    with pytest.raises(ValueError, match="for sums of one digit alone"):
        CombineTree(2, 8, 1, True, largest=(1, 2))
    with pytest.raises(ValueError, match="sum_bits must be None for numbers of several digits"):
        AddStage(2, True, 2)
    gc.collect()  # Amaranth warns when the half-made components go
