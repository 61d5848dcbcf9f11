"""Every family of tree ensembles as hardware: the emitted Verilog equals golden every cycle."""

import familykit
import pytest

import locgen
from locgen.flow.rtl import verify_rtl

QUICK = ("lgbm-categorical", "xgb-missing")  # memberships, and codes for missing values


def verified(case, fabric):
    estimator, arrays = familykit.fitted(case)
    if "isolation" in case:
        arrays = (*arrays[:2], *(estimator.predict(x) for x in arrays[:2]))
    design = locgen.compile(estimator, "ice40", data=arrays, fabric=fabric)
    result = verify_rtl(design)
    whole = 2 ** sum(design.model.feature_bits)
    assert result.mismatches == 0 and result.vectors >= min(1000, whole)
    return design


@pytest.mark.parametrize("case", QUICK)
def test_special_splits_become_gates(case):
    verified(case, "direct")


@pytest.mark.slow
@pytest.mark.parametrize("number, case", list(enumerate(familykit.CASES)), ids=familykit.CASES)
def test_every_family_becomes_gates(number, case):
    design = verified(case, ("direct", "tree")[number % 2])
    evidence = design.explain(familykit.fitted(case)[1][1])
    assert (evidence.scores == evidence.bias + evidence.contributions.sum(axis=1)).all()
    assert (evidence.leaf_ids >= 0).all()
