"""Merged and unmerged models decide alike, and a merged one is left as it is."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from modelkit import random_float_model, random_rows

from locgen.passes import Context, merge, refuse_missing


@given(seed=st.integers(0, 1 << 16), outputs=st.integers(1, 4), missing=st.booleans())
@settings(max_examples=80, deadline=None)
def test_merging_keeps_the_decisions(seed, outputs, missing):
    model = random_float_model(seed, outputs=outputs, missing=missing)
    merged = merge.run(model, Context()).model
    rows = random_rows(model, 64)
    assert np.array_equal(merged.decide(merged.scores(rows)), model.decide(model.scores(rows)))
    assert merge.run(merged, Context()).model is merged
    assert merged is model or (model.outputs, merged.outputs) == (2, 1)


@given(seed=st.integers(0, 1 << 16), refuse=st.booleans())
@settings(max_examples=20, deadline=None)
def test_refusing_missing_values_changes_no_other_answer(seed, refuse):
    model = random_float_model(seed, missing=True)
    context = Context(refuse_missing=refuse)
    changed = refuse_missing.run(model, context).model
    assert changed.rule.missing is not refuse
    assert refuse_missing.run(changed, context).model.rule == changed.rule
    rows = random_rows(model, 64)
    rows = rows[~np.isnan(rows).any(axis=1)]
    assert np.array_equal(changed.scores(rows), model.scores(rows))
