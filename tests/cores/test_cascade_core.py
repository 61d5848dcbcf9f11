"""Nodes behind scores: the gates against `evaluate`, for every input."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from amaranth import *
from amaranth.sim import Simulator

from locgen.cores import decision_steps
from locgen.ir import (
    Argmax,
    Cascade,
    Function,
    Group,
    Layer,
    LayeredNode,
    LinearNode,
    SoftmaxNode,
    Threshold,
    TreeNode,
    Votes,
)
from locgen.quantise.functiontable import softmax_tables, table_of

BITS = 4
STUMP = TreeNode((0,), (7,), (False,), (-1,), (-2,), ((40, 0), (0, 40)), (0, 1), (0, 1))
SUMS = LinearNode((0, 1), (BITS, BITS), ((-1, 1), (2, -3)), (0, 5), (0, 1))


def hidden():
    table = table_of(Function("logistic"), (-4.0, 4.0), 0.5, 3, 6)
    layer = Layer(
        "dot",
        ((1, -2), (3, 1)),
        (-table.start - 3, -table.start - 9),
        table.shift,
        tuple(table.values.tolist()),
        tuple(table.slopes.tolist()) if table.fraction else (),
        table.fraction,
    )
    weights = ((3, -2), (-4, 1))
    return LayeredNode((0, 1), (BITS, BITS), (layer,), weights, (0, 0), (0, 1), (0, 1))


def shares(count=2):
    tables = softmax_tables(0.3, count, 3, 5)
    every = tuple(range(count))
    weights = tuple(tuple(int(n == k) * 9 - n for k in range(2)) for n in every)
    return SoftmaxNode(
        every,
        (BITS,) * count,
        tables.power,
        tables.reciprocal,
        tables.drop,
        weights,
        (0, 3),
        (0, 1),
        tables.error,
    )


def cascade(*nodes, decision=None, scores=2, shift=0):
    bias = (0, -1) if decision is None else (-2,)
    own = decision or Argmax(2)
    width = BITS + shift
    return Cascade(
        (-(1 << width - 1),) * scores, (shift,) * scores, (BITS,) * scores, nodes, bias, own
    )


ONE = replace(SUMS, weights=((-1,), (2,)), bias=(0,), outputs=(0,))
CASES = {
    "votes before sums": cascade(STUMP, SUMS),
    "a threshold": cascade(ONE, decision=Threshold(">")),
    "hidden units": cascade(hidden(), SUMS),
    "a softmax": cascade(shares()),
    "coarse codes": cascade(STUMP, shares(), shift=1),
    "a softmax of three": cascade(shares(3), scores=3),
    "votes of votes": Votes(
        (
            Group((0, 1, 2), Votes.between_pairs(3)),
            Group((1,), Threshold(">")),
        ),
        ((2, 0, 1), (0, 1)),
        (2, 1),
        3,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_gates_decide_as_evaluate_does(case):
    decision = CASES[case]
    width = 3 if isinstance(decision, Votes) else BITS + decision.shifts[0]
    values = range(-(1 << width - 1), 1 << width - 1)
    scores = np.array(list(itertools.product(values, repeat=decision.outputs)))
    steps = decision_steps(decision, width)
    m = Module()
    for number, step in enumerate(steps):
        m.submodules[f"step_{number}"] = step
    pairs = itertools.pairwise(steps)
    m.d.comb += [Value.cast(after.i).eq(before.o) for before, after in pairs]
    wrong = []

    async def bench(ctx):
        for row, expected in zip(scores, decision.evaluate(scores), strict=True):
            word = sum((int(s) & (1 << width) - 1) << n * width for n, s in enumerate(row))
            ctx.set(Value.cast(steps[0].i), word)
            found = ctx.get(steps[-1].o)
            if found != expected:
                wrong.append((row.tolist(), found, int(expected)))

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()
    assert not wrong and len(steps[-1].o) == decision.bits


def test_a_softmax_is_as_near_as_it_says():
    """Every row of codes of three scores against the real softmax."""
    for bits, code in ((4, 0.3), (5, 0.7), (3, 2.0)):
        for width in (4, 6, 9):
            tables = softmax_tables(code, 3, width // 2 + 3, width)
            node = SoftmaxNode(
                (0, 1, 2),
                (bits,) * 3,
                tables.power,
                tables.reciprocal,
                tables.drop,
                ((1,), (1,), (1,)),
                (0,),
                (0,),
                tables.error,
            )
            q = np.array(list(itertools.product(range(1 << bits), repeat=3)))
            power = np.exp(code * (q - q.max(axis=1, keepdims=True)))
            real = power / power.sum(axis=1, keepdims=True)
            assert np.abs(node.shares(q) * tables.step - real).max() <= tables.error


def test_what_does_not_fit_together_is_refused():
    good = CASES["votes before sums"]
    with pytest.raises(ValueError, match="width of its features"):
        replace(good, bits_of=(BITS + 1, BITS))
    with pytest.raises(ValueError, match="every sum"):
        replace(good, bias=(0, 0, 0))
    with pytest.raises(ValueError, match="over the sums"):
        replace(good, decision=Threshold(">"))
    with pytest.raises(ValueError, match="a low, shift and bits"):
        replace(good, shifts=(0,))
    good.check_scores(((-8, 7), (-8, 7)), (0.0, 0.0))
    with pytest.raises(ValueError, match="hold every score"):
        good.check_scores(((-8, 8), (-8, 7)), (0.0, 0.0))
