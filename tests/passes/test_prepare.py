"""Models as the fabrics take them: answers, node numbers and plans stay as they are."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from gatekit import random_mixture, random_node_mixture
from hypothesis import given, settings
from hypothesis import strategies as st
from modelkit import random_codes, random_model
from nodekit import random_nodes_model

from locgen import passes
from locgen.errors import ConfigurationError
from locgen.ir import Argmax, Identity, Threshold
from locgen.passes import Context, answer_decision, prepare
from locgen.plan import plan_direct

KINDS = [("tree",), ("table",), ("linear",), ("l1", "l2"), ("tree", "linear", "hamming", "linf")]
DECISIONS = [None, Threshold(">="), Argmax(1), Identity()]


def ungated(seed, kinds, outputs, alone):
    """Return a random model without a gate, and with `alone` without scores at its ports."""
    model = random_nodes_model(seed, kinds, outputs)
    return replace(model, answer="decision") if alone and model.decision.bits else model


def same(prepared, model, rows=64):
    """Compare golden's answers and evidence."""
    codes = random_codes(model, rows)
    decisions, scores = model.evaluate(codes)
    found, others = prepared.evaluate(codes)
    assert decisions is None or np.array_equal(found, decisions)
    if model.score_ports:
        assert np.array_equal(others, scores)
    raw = prepared.raw(others) - model.raw(scores)
    assert np.allclose(raw, raw[:, :1], atol=1e-9)
    for number, node in enumerate(model.nodes):
        ours = prepared.nodes[number]
        missing = model.missing_codes
        assert np.array_equal(ours.evidence(codes, missing), node.evidence(codes, missing))


@given(
    seed=st.integers(0, 1 << 16),
    kinds=st.sampled_from(KINDS),
    outputs=st.integers(1, 4),
    alone=st.booleans(),
    fabric=st.sampled_from(["direct", "tree"]),
)
@settings(max_examples=120, deadline=None)
def test_each_pass_keeps_golden_and_is_idempotent(seed, kinds, outputs, alone, fabric):
    model, context = ungated(seed, kinds, outputs, alone), Context(fabric=fabric)
    for run in passes.HARDWARE_PASSES:
        changed = run(model, context).model
        same(changed, model)
        assert run(changed, context).model == changed
        model = changed
    assert prepare(model, fabric) == model


@pytest.mark.parametrize("decision", DECISIONS, ids=str)
@pytest.mark.parametrize("alone", [False, True])
def test_nothing_is_left_for_the_direct_fabric_to_add(decision, alone):
    for seed in range(8):
        model = random_model(seed, outputs=1 if decision else 3, decision=decision)
        if alone and model.decision.bits:
            model = replace(model, answer="decision")
        prepared = prepare(model, "direct")
        same(prepared, model)
        if model.answer == "decision":
            assert all(low >= 0 for node in prepared.nodes for low, _ in node.ranges)
        if model.answer == "scores" or not model.decision.scales[0].absolute:
            assert not any(prepared.bias)


@given(
    seed=st.integers(0, 1 << 16),
    top_k=st.integers(1, 3),
    outputs=st.integers(1, 3),
    gate=st.sampled_from(["mask", "scores", "linear", "l2", "tree"]),
    kinds=st.sampled_from(KINDS),
    fabric=st.sampled_from(["direct", "tree"]),
)
@settings(max_examples=120, deadline=None)
def test_mixtures_keep_golden(seed, top_k, outputs, gate, kinds, fabric):
    if gate in ("mask", "scores"):
        model = random_mixture(seed, top_k=top_k, outputs=outputs, gate=gate)
    else:
        model = random_node_mixture(seed, kinds, gate, 3, top_k, outputs)
    try:
        prepared = prepare(model, fabric)
    except ConfigurationError:
        assert fabric == "tree" and any(node.widened(9, 0) is None for node in model.nodes)
        return
    same(prepared, model)
    assert prepare(prepared, fabric) == prepared
    if fabric == "tree":
        assert all(low >= 0 for node in prepared.nodes for low, _ in node.ranges)
    else:
        assert all(0 <= bias < top_k for bias in prepared.bias)
        for explain, stages in itertools.product((False, True), (1, None)):
            plan = plan_direct(model, stages, False, explain)
            assert plan_direct(prepared, stages, False, explain) == plan


def test_passes_run_in_this_order():
    names = [
        [run.__module__.rpartition(".")[2] for run in listed]
        for listed in (
            passes.FLOAT_PASSES,
            passes.REDUCING_PASSES,
            passes.INTEGER_PASSES,
            passes.HARDWARE_PASSES,
        )
    ]
    assert names == [
        ["refuse_missing", "condense", "merge"],
        ["prune", "rebin"],
        ["answer_decision"],
        ["normalise_offsets", "fold_biases"],
    ]


@pytest.mark.parametrize("answer", ["scores", "decision"])
def test_what_answers_a_value_has_no_decision_to_answer_alone(answer):
    for seed, decision in enumerate(DECISIONS):
        model = random_model(seed, outputs=1 if decision else 3, decision=decision)
        if answer == "decision" and not model.decision.bits:
            with pytest.raises(ConfigurationError, match="needs a classifier"):
                answer_decision.run(model, Context(answer=answer))
            continue
        once = answer_decision.run(model, Context(answer=answer)).model
        assert once.answer == answer
        assert answer_decision.run(once, Context(answer=answer)).model == once
        codes = random_codes(model, 32)
        for ours, theirs in zip(once.evaluate(codes), model.evaluate(codes), strict=True):
            assert np.array_equal(ours, theirs)
