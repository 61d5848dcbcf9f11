"""Kernel machines, networks and kernel maps as hardware: the emitted Verilog equals golden."""

import layeredkit
import numpy as np
import pytest

import locgen
from locgen.errors import ConfigurationError
from locgen.flow.rtl import verify_rtl

SMALLEST = {"svc-bare": "tree", "mlp-two-layers": "tree", "svc-poly": "direct"}


def compiled(case, **options):
    estimator, arrays = layeredkit.fitted(case)
    return locgen.compile(estimator, "ice40", data=arrays, **options)


@pytest.mark.slow
@pytest.mark.parametrize("case", layeredkit.CASES)
def test_every_family_becomes_gates(case):
    design = compiled(case, fabric="tree", explain=case in ("svc-rbf", "mlp-two-layers"))
    result = verify_rtl(design)
    assert result.mismatches == 0 and result.vectors >= 1000


def test_answers_come_with_the_vectors_that_weigh_most():
    estimator, arrays = layeredkit.fitted("svc-bare")
    design = compiled("svc-bare")
    why = design.explain(arrays[1])
    told = why.evidence[0]
    assert np.isin(told["unit"], estimator.support_).all()
    nearest = told["distance"][np.arange(len(told["unit"])), 0]
    assert (nearest <= told["distance"].max(axis=1)).all()
    total = told["share"].sum(axis=1) + np.array(design.model.nodes[0].bias)
    assert np.array_equal(total + np.array(design.model.bias), why.scores)


def test_engines_of_trees_refuse_it():
    with pytest.raises(ConfigurationError, match="--core hardwired"):
        compiled("svc-bare", core="engine")
