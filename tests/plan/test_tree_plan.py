"""The tree plan: every node on one site, every stop fed, every sum fits, every beat in its slot."""

import cProfile
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modelkit import random_model

from locgen.errors import ConfigurationError
from locgen.plan import estimate_plan, plan_tree
from locgen.plan.tree import _SITES_PER_STAGE

WIDTHS = [1, 2, 4, 8, "full"]


@settings(deadline=None, max_examples=60, derandomize=True)
@given(
    seed=st.integers(0, 1000), nodes=st.integers(1, 40), outputs=st.integers(1, 12),
    width=st.sampled_from(WIDTHS), share=st.floats(0, 1), missing=st.booleans(),
)  # fmt: skip
def test_invariants(seed, nodes, outputs, width, share, missing):
    model = random_model(seed, nodes=nodes, outputs=outputs, splits=2, missing=missing, cuts=9)
    sites = max(round(share * nodes), 1)
    plan = plan_tree(model, width, sites)

    assert sorted(n for site in plan.sites for n in site) == list(range(nodes))
    assert len(plan.sites) == sites and all(plan.sites)
    assert sorted(s for stop in plan.stops for s in stop) == list(range(sites))
    assert all(1 <= len(stop) <= _SITES_PER_STAGE for stop in plan.stops)

    if width == "full":
        assert plan.digits == 1
    else:
        assert plan.down_width == plan.up_width == width
    beat = 0
    for slot in plan.slots:  # one after the other, in feature order, just wide enough
        bits = model.feature_bits[slot.feature]
        assert slot.start == beat
        assert (slot.beats - 1) * plan.down_width < bits <= slot.beats * plan.down_width
        beat += slot.beats
    assert [s.feature for s in plan.slots] == [f for f, b in enumerate(model.feature_bits) if b]
    assert plan.down_beats == max(beat, 1)

    sums = [0] * outputs
    for node in model.nodes:
        for output, (low, high) in zip(node.outputs, node.ranges, strict=True):
            sums[output] += high - low
    assert max(sums) < 1 << plan.digits * plan.up_width
    assert plan.digits == 1 or max(sums) >= 1 << (plan.digits - 1) * plan.up_width
    assert plan.up_beats == plan.digits * outputs

    most = max(len(site) for site in plan.sites)
    assert most <= 1 << plan.local_levels and (
        plan.local_levels == 0 or most > 1 << plan.local_levels - 1
    )
    assert sites <= 1 << plan.combine_levels
    assert plan.interval_cycles == plan.down_beats + plan.up_beats
    assert estimate_plan(model, plan).logic_cells > 0


@pytest.mark.parametrize("sites", [1, 16, 17, 64, 65, 256, 257, 1100])
def test_fan_out_of_the_broadcast_tree(sites):
    model = random_model(0, nodes=sites, splits=0, features=1)
    plan = plan_tree(model, 1, None)
    levels = [1, *plan.inner_stops, len(plan.stops)]
    for above, below in itertools.pairwise(levels):
        fed = [number * above // below for number in range(below)]
        assert set(fed) == set(range(above))
        assert max(fed.count(stop) for stop in fed) <= 4
    assert plan.broadcast_levels == len(levels) - 1


@pytest.mark.parametrize("sites", [0, -1, 4])
def test_more_sites_than_nodes(sites):
    with pytest.raises(ConfigurationError, match=f"--sites {sites} is outside 1 to 3"):
        plan_tree(random_model(0, nodes=3), 1, sites)


def test_heavy_nodes_are_spread():
    model = random_model(8, nodes=12, splits=9)
    weight = [len(n.comparisons) + len(n.leaf_scores) for n in model.nodes]
    for sites in (2, 3, 5):
        loads = [sum(weight[n] for n in site) for site in plan_tree(model, 1, sites).sites]
        assert max(loads) - min(loads) <= max(weight)


def test_nodes_go_to_the_lightest_site_and_of_equals_to_the_first():
    model = random_model(5, nodes=30, splits=6)
    weight = [len(n.comparisons) + len(n.leaf_scores) for n in model.nodes]
    heaviest_first = sorted(range(30), key=lambda n: (-weight[n], n))
    for count in range(1, 30):
        sites, load = [[] for _ in range(count)], [0] * count
        for node in heaviest_first:
            site = load.index(min(load))
            sites[site].append(node)
            load[site] += weight[node]
        assert plan_tree(model, 1, count).sites == tuple(tuple(sorted(site)) for site in sites)


@pytest.mark.parametrize("share", [1, 2])
def test_planning_grows_no_faster_than_n_log_n(share):
    """Counted in calls, which are the same on every machine; seconds: benchmarks/wide.py."""
    calls = []
    for nodes in (128, 1024):
        model = random_model(3, nodes=nodes, splits=2)
        profile = cProfile.Profile()
        profile.enable()
        plan = plan_tree(model, 1, nodes // share)
        estimate_plan(model, plan)
        profile.disable()
        calls.append(sum(entry.callcount for entry in profile.getstats()))
    assert calls[1] / calls[0] < 8 * 10 / 7
