"""`locgen inspect` says of every family what it became: nodes, cores, bits, evidence."""

import json

import familykit
import layeredkit
import numpy as np
import pytest
import unitkit

from locgen.flow.inspect import inspect_model

KITS = {"trees": familykit, "units": unitkit, "layers": layeredkit}
EVERY = [(kit, case) for kit, module in KITS.items() for case in module.CASES]
FEW = (
    ("trees", "ada-regressor"),
    ("trees", "pipeline-columns"),
    ("units", "front-columns"),
    ("units", "k-means"),
    ("units", "neighbours-within"),
    ("units", "lda"),
    ("layers", "mlp-relu"),
)
"""One of every kind of core, decision and quantiser."""


def _says_all(kit, case):
    estimator, arrays = KITS[kit].fitted(case)
    if case.startswith("isolation"):  # whose labels are its own
        arrays = (*arrays[:2], estimator.predict(arrays[0]), estimator.predict(arrays[1]))
    facts = inspect_model(estimator, data=arrays)
    json.dumps(facts)
    assert facts["nodes"] >= 1 and facts["core"] and facts["evidence"]
    cores = facts["core"].split(", ")
    assert len(facts["evidence"].split("; ")) >= len(cores)
    assert facts["input_bits"] == sum(facts["feature_bits"]) > 0
    assert facts["score_bits"] >= 1 and facts["outputs"] >= 1 and facts["decision"]
    assert set(facts["feature_kinds"]) <= {"rank", "affine", "identity"}
    casts = ("cast to float32", "cast to float64", "computes with its features")
    assert any(words in facts["comparison_rule"] for words in casts)
    assert facts["missing_values"] in ("accepted", "refused")
    assert (facts["missing_values"] == "accepted") >= np.isnan(arrays[0]).any()
    assert facts["tried"] and facts["widths_searched_on"]
    if "kernel" in cores or "dense" in cores:
        assert facts["units"] and "error at most" in facts["functions"]


@pytest.mark.parametrize("kit, case", FEW, ids=[case for _, case in FEW])
def test_says_what_it_became(kit, case):
    _says_all(kit, case)


@pytest.mark.slow
@pytest.mark.parametrize("kit", KITS)
def test_says_of_every_family_what_it_became(kit):
    for own, case in EVERY:
        if own == kit and (own, case) not in FEW:
            _says_all(own, case)
