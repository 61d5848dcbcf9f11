"""Tree cores against TreeNode.evaluate, for every pattern of comparison bits and every row."""

import numpy as np
import pytest
from amaranth.sim import Simulator
from modelkit import random_tree

from locgen.cores import CORES, LinkSchedule, signed_shape
from locgen.ir import RankFeature, TreeNode
from locgen.noc import index_bits


def settle(design, bench):
    simulator = Simulator(design)
    simulator.add_testbench(bench)
    simulator.run()


def small_tree(seed, outputs=(0,), scores=(-9, 20), missing=True):
    random = np.random.default_rng(seed)
    features = [RankFeature("a", (0.0, 1.0), missing), RankFeature("b", (0.0,), missing)]
    return random_tree(random, features, outputs, int(random.integers(0, 6)), scores, missing)


def leaf_of(node, bits):
    """Return the leaf that a pattern of comparison bits leads to, those that no row gives too."""
    position = 0 if node.feature else ~0
    while position >= 0:
        left = bits >> node.split_comparison[position] & 1
        position = (node.left if left else node.right)[position]
    return ~position


def patterns(node):
    """Return {comparison bits: leaf}, and check them with `evaluate` where a row gives them."""
    found = {bits: leaf_of(node, bits) for bits in range(1 << len(node.comparisons))}
    codes = np.array([3, 3])
    for row in np.ndindex(4, 4):
        bits = 0
        for n, (f, t, missing_left) in enumerate(node.comparisons):
            bits |= (row[f] <= t or (missing_left and row[f] == 3)) << n
        assert node.leaf_index(np.array([row]), codes)[0] == found[bits]
    return found


@pytest.mark.parametrize("outputs", [(0,), (0, 1, 2), (2, 0)])
@pytest.mark.parametrize("scores", [(-9, 20), (0, 16), (-8, -1), (5, 6)])
@pytest.mark.parametrize("seed", range(6))
def test_tree_core(seed, outputs, scores):
    node = small_tree(seed, outputs, scores)
    core = CORES[TreeNode].parallel(node)

    async def bench(ctx):
        for bits, leaf in patterns(node).items():
            ctx.set(core.bits, bits)
            got = [ctx.get(core.scores[n]) for n in range(len(outputs))]
            assert got == list(node.leaf_scores[leaf])

    settle(core, bench)


@pytest.mark.parametrize("width", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("outputs", [(0,), (0, 1, 2), (2, 0)])
@pytest.mark.parametrize("seed", range(4))
def test_tree_stream(seed, outputs, width):
    node = small_tree(seed, outputs)
    bits_of_score = max(max(high - low for low, high in node.ranges).bit_length(), 1)
    digits = -(-bits_of_score // width)
    beats = 4 * digits
    schedule = LinkSchedule((), 1, width, digits, 4, index_bits(1, beats))
    stream = CORES[TreeNode].serial(node, schedule)
    mask = (1 << width) - 1

    async def bench(ctx):
        for bits, leaf in patterns(node).items():
            ctx.set(stream.bits, bits)
            sent = [0] * 4
            for beat in range(beats):
                ctx.set(stream.link.index, beat)
                digit = ctx.get(stream.digit)
                assert digit == stream.words(leaf)[beat] <= mask
                sent[beat // digits] |= digit << beat % digits * width
            for output in range(4):
                if output in outputs:
                    column = outputs.index(output)
                    score = node.leaf_scores[leaf][column] - node.ranges[column][0]
                    assert sent[output] == score
                else:
                    assert sent[output] == 0

    settle(stream, bench)


@pytest.mark.parametrize("low", range(-9, 10))
def test_signed_shape_is_the_narrowest(low):
    for high in range(low, 10):
        shape = signed_shape(low, high)

        def holds(width, signed, high=high):
            least, most = (
                (-(1 << width - 1), (1 << width - 1) - 1) if signed else (0, (1 << width) - 1)
            )
            return least <= low and high <= most

        assert holds(shape.width, shape.signed)
        assert shape.signed == (low < 0)
        assert shape.width == 1 or not holds(shape.width - 1, shape.signed)
