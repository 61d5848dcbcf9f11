"""Plans as JSON: what is written is read back equal, what is damaged is refused."""

import json

import pytest
from modelkit import random_model

from locgen.errors import ModelFileError
from locgen.plan import MemoryBudget, plan_direct, plan_engines, plan_tree, with_ports
from locgen.plan.serialise import plan_from_json, plan_to_json

SPRAM = MemoryBudget(block_rams=0, sprams=4)


def engine_plan(seed, width=1, sites=1, budget=None, core="engine", explain=False):
    model = with_ports(random_model(seed, nodes=12, outputs=3, features=4, splits=6))
    budget = budget or MemoryBudget(block_rams=60, sprams=0)
    return plan_engines(model, width, sites, budget, core, explain)


PLANS = {
    **{f"links {width}": engine_plan(1, width) for width in (1, 2, 4, 8, "full")},
    "three engines": engine_plan(2, 4, 3),
    "SPRAM": engine_plan(3, 1, 2, SPRAM),
    "evidence": engine_plan(5, 2, 2, explain=True),
    "gates": plan_tree(random_model(6, nodes=9), 2, 4),
    "direct": plan_direct(random_model(7, nodes=9), None, fast=True, explain=True),
}


@pytest.mark.parametrize("name", PLANS)
def test_plans_survive(name):
    plan = PLANS[name]
    text = plan_to_json(plan)
    again = plan_from_json(text, "plan.locgen.json")
    assert again == plan and repr(again) == repr(plan)
    assert (again.latency_cycles, again.interval_cycles) == (
        plan.latency_cycles, plan.interval_cycles,
    )  # fmt: skip
    assert again.shapes == plan.shapes
    assert plan_to_json(again) == text
    assert plan_from_json(text.encode(), "plan.locgen.json") == plan


@pytest.mark.parametrize("name", ["links 1", "three engines", "evidence"])
def test_every_key_is_needed_in_full(name):
    """Without a key, or with one of another type, a plan is none: also in what lies inside."""
    facts = json.loads(plan_to_json(PLANS[name]))
    places = [(facts, key) for key in sorted(facts)]
    places += [(inner, key) for inner in (facts["slots"][0], facts["engines"][0]) for key in inner]
    for where, key in places:
        kept = where.pop(key)
        with pytest.raises(ModelFileError, match=r"plan\.locgen\.json is no valid plan"):
            plan_from_json(json.dumps(facts), "plan.locgen.json")
        for wrong in ({}, "7", 1.5, None, [["x"]]):
            if isinstance(wrong, float) and isinstance(kept, float):
                continue
            where[key] = wrong
            with pytest.raises(ModelFileError, match="build again"):
                plan_from_json(json.dumps(facts), "plan.locgen.json")
        where[key] = kept
    assert plan_from_json(json.dumps(facts), "plan.locgen.json") == PLANS[name]


@pytest.mark.parametrize("where", [(), ("slots", 0), ("engines", 0)])
def test_unknown_keys_are_refused(where):
    facts = json.loads(plan_to_json(PLANS["links 1"]))
    inner = facts
    for step in where:
        inner = inner[step]
    inner["spares"] = 1
    with pytest.raises(ModelFileError, match="no valid plan"):
        plan_from_json(json.dumps(facts), "plan.locgen.json")


def test_damaged_text_is_refused_and_names_its_file():
    text = plan_to_json(PLANS["links 1"])
    for damaged in ("", "{", text[:-3], "[]", "null", text.replace('"', "'"), "\x00" + text):
        with pytest.raises(ModelFileError, match=r"^here\.json is no valid plan of locgen"):
            plan_from_json(damaged, "here.json")
    with pytest.raises(ModelFileError, match="build again"):
        plan_from_json(b"\xff\xfe" + text.encode(), "here.json")


def test_engines_that_no_word_can_address_are_refused():
    facts = json.loads(plan_to_json(PLANS["links 1"]))
    facts["engines"][0]["words"] = 1 << 40
    with pytest.raises(ModelFileError, match="build again"):
        plan_from_json(json.dumps(facts), "plan.locgen.json")
