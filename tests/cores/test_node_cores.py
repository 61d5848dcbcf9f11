"""Table, linear and distance cores equal `evaluate`, for every input where the space is small."""

import itertools

import numpy as np
import pytest
from amaranth.sim import Simulator
from nodekit import METRICS, random_node

from locgen.cores import CORES, LinkSchedule

KINDS = ("table", "linear", *METRICS)
NO_MISSING = np.full(9, -1)


def all_codes(widths, most=600, seed=0):
    """Return all rows, or `most` random ones with both extremes."""
    if sum(widths) <= 9:
        return np.array(list(itertools.product(*(range(1 << w) for w in widths))), dtype=np.int64)
    random = np.random.default_rng(seed)
    rows = random.integers(0, [1 << w for w in widths], size=(most, len(widths)))
    rows[0], rows[1] = 0, [(1 << w) - 1 for w in widths]
    return rows


def pack(node, widths, row):
    word = offset = 0
    for feature in node.features:
        word |= int(row[feature]) << offset
        offset += widths[feature]
    return word


@pytest.mark.parametrize("widths", [(3, 4, 2), (6, 1, 0, 2), (9, 7, 5, 8)], ids=str)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_parallel_cores(kind, widths, seed):
    random = np.random.default_rng(seed)
    node = random_node(random, kind, widths, (0, 1) if seed else (0,))
    core = CORES[type(node)].parallel(node)
    rows = all_codes(widths)
    expected = node.evaluate(rows, NO_MISSING)

    async def bench(ctx):
        for row, scores in zip(rows, expected, strict=True):
            ctx.set(core.features.as_value(), pack(node, widths, row))
            await ctx.delay(1e-9)
            found = [ctx.get(core.scores[k]) for k in range(len(node.outputs))]
            assert found == scores.tolist()

    simulator = Simulator(core)
    simulator.add_testbench(bench)
    simulator.run()


def schedule_of(widths, node, outputs, down, up):
    """Return the schedule of a link that carries the features in order."""
    slots, beat = [], 0
    for width in widths:
        beats = -(-width // down)
        slots.append((beat, beats) if width else None)
        beat += beats
    digits = max(-(-(high - low).bit_length() // up) for low, high in node.ranges) + 1
    most = max(beat, digits * outputs)
    return LinkSchedule(tuple(slots), down, up, digits, outputs, most.bit_length()), max(beat, 1)


@pytest.mark.parametrize("widths", [(3, 4, 2), (6, 1, 0, 2), (9, 7, 5, 8)], ids=str)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("down, up", [(1, 1), (2, 2), (3, 3), (9, 17)])
def test_streams(kind, widths, down, up):
    """Inferences back to back, then with a pause: nothing of one is left in the next."""
    random = np.random.default_rng(down)
    node = random_node(random, kind, widths, (2, 0))
    schedule, down_beats = schedule_of(widths, node, 4, down, up)
    stream = CORES[type(node)].serial(node, schedule)
    rows = all_codes(widths, 20)[::-1][:25]
    expected = node.evaluate(rows, NO_MISSING)

    async def bench(ctx):
        for number, (row, scores) in enumerate(zip(rows, expected, strict=True)):
            ctx.set(stream.link.down, 1)
            for beat in range(down_beats):
                ctx.set(stream.link.index, beat)
                digit = 0
                for code, slot in zip(row, schedule.slots, strict=True):
                    if slot and slot[0] <= beat < sum(slot):
                        digit = int(code) >> (beat - slot[0]) * down & ((1 << down) - 1)
                ctx.set(stream.link.digit, digit)
                await ctx.tick()
            ctx.set(stream.link.down, 0)
            ctx.set(stream.link.up, 1)
            ctx.set(stream.link.digit, int(random.integers(1 << down)))
            found = [0] * schedule.outputs
            for beat in range(schedule.digits * schedule.outputs):
                ctx.set(stream.link.index, beat)
                output, k = divmod(beat, schedule.digits)
                found[output] |= ctx.get(stream.digit) << k * up
                await ctx.tick()
            ctx.set(stream.link.up, 0)
            ctx.set(stream.link.index, 0)
            if number % 3 == 0:
                await ctx.tick()
            wanted = [0] * schedule.outputs
            for output, score, (low, _) in zip(node.outputs, scores, node.ranges, strict=True):
                wanted[output] = int(score) - low
            assert found == wanted, number

    simulator = Simulator(stream)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
