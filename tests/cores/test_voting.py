"""Decisions over groups of scores: the gates against `evaluate`, for every input."""

import itertools

import numpy as np
import pytest
from amaranth import *
from amaranth.sim import Simulator

from locgen.cores import decision_steps
from locgen.ir import Argmax, Group, Median, MultiOutput, Threshold, Votes

GROUPS = (Group((2, 0), Argmax(2)), Group((1,), Threshold(">")), Group((3,), Threshold(">=")))
CASES = {
    "votes": (Votes(GROUPS, ((2, 0), (1, 2), (0, 1)), (3, 2, 2), 3), 2),
    "one vote": (Votes((Group((1, 0), Argmax(2)),), ((1, 0),), (1,), 2), 3),
    "argmax of one": (MultiOutput((Group((0,), Argmax(1)), Group((1, 2), Argmax(2)))), 3),
    "several": (MultiOutput(GROUPS), 2),
    "median": (Median((3, 1, 2), 3), 3),
    "even median": (Median((1, 1, 1, 1), 2), 2),
    "median of one": (Median((5,), 3), 3),
    "median without a vote": (Median((0, 2, 1), 2), 2),
    "one bit": (Median((2, 1, 1), 1), 1),
}


@pytest.mark.parametrize("case", CASES)
def test_the_gates_decide_as_evaluate_does(case):
    decision, width = CASES[case]
    unsigned = isinstance(decision, Median)
    low = 0 if unsigned else -(1 << width - 1)
    values = range(low, low + (1 << width))
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
