"""Trees without splits that make no difference: the same scores, and nothing left to leave out."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from modelkit import random_model


@settings(deadline=None, max_examples=80)
@given(seed=st.integers(0, 10_000), values=st.integers(1, 3), outputs=st.integers(1, 2))
def test_the_same_scores_from_fewer_splits(seed, values, outputs):
    random = np.random.default_rng(seed)
    model = random_model(seed, outputs=outputs, nodes=1, splits=14, missing=bool(seed % 2))
    node = model.nodes[0]
    rows = random.integers(values, size=(len(node.leaf_scores), len(node.outputs)))
    node = node.__class__(
        **{
            **{name: getattr(node, name) for name in node.__dataclass_fields__},
            "leaf_scores": tuple(map(tuple, rows.tolist())),
        }
    )
    reduced = node.reduced
    top = [1 << bits for bits in model.feature_bits]
    q = random.integers(0, top, size=(400, len(top)))
    codes = model.missing_codes
    assert np.array_equal(reduced.evaluate(q, codes), node.evaluate(q, codes))
    assert reduced.reduced == reduced
    assert set(reduced.leaf_ids) <= set(node.leaf_ids)
    if len(set(node.leaf_scores)) == 1:
        assert reduced.feature == ()
