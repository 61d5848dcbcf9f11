"""Toggles by expert."""

import numpy as np
import pytest
from gatekit import random_mixture
from modelkit import random_model

from locgen.energy import Activity, expert_activity
from locgen.passes import prepare
from locgen.plan import plan_tree


def test_cells_belong_to_the_expert_they_are_named_after():
    model = random_mixture(0, experts=12, top_k=2, nodes_each=(1, 1))
    plan = plan_tree(prepare(model, "tree"), 1, None)
    by_cell = {
        "expert_1.site_3.compare_SB_LUT4_O": 2.0,
        "expert_11.gate.is_open_SB_DFFE_Q": 3.0,
        "expert_1.index_SB_DFF_Q": 0.5,
        "gate.tree_0.scores_SB_LUT4_O": 4.0,
        "index_SB_DFF_Q": 5.0,
        "expert_1": 1.0,
    }
    mask = np.zeros((4, 12), dtype=bool)
    mask[:, [0, 1]] = True
    found = expert_activity(Activity(4, 1.0, 15.5, by_cell), plan, mask)
    assert found.by_expert[1] == 2.5 and found.by_expert[11] == 3.0
    assert sum(found.by_expert) == 5.5 and found.shared == 10.0 and found.total == 15.5
    assert found.open_share == (1.0, 1.0, *[0.0] * 10)
    assert (found.active, found.experts) == (2, 12)


def test_a_plan_without_experts_is_refused():
    plan = plan_tree(random_model(0), 1, None)
    with pytest.raises(ValueError, match="a model with a gate"):
        expert_activity(Activity(1, 1.0, 0.0, {}), plan, np.zeros((1, 0), dtype=bool))
