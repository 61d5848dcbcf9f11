"""Kernel machines, networks and kernel maps as hardware: the emitted Verilog equals golden."""

import joblib
import layeredkit
import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge

import locgen
from locgen.errors import ConfigurationError, DoesNotFit
from locgen.flow.build import verify_rtl
from locgen.flow.inspect import inspect_model
from locgen.report.schema import Report


def compiled(case, **options):
    estimator, arrays = layeredkit.fitted(case)
    return locgen.compile(estimator, "ice40", data=arrays, **options)


def designed(case):
    return compiled(case, fabric="tree", explain=case in ("svc-rbf", "mlp-two-layers"))


@pytest.mark.slow
@pytest.mark.parametrize("case", layeredkit.CASES)
def test_every_family_becomes_gates(case):
    result = verify_rtl(designed(case))
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


def test_more_vectors_than_the_block_ram_holds(tmp_path):
    x = np.random.default_rng(0).uniform(size=(300, 100))
    y = x[:, 0] * x[:, 1]
    model = KernelRidge(kernel="rbf", gamma=0.01).fit(x, y)
    widths = {"feature_bits": 8, "score_bits": 8, "max_accuracy_drop": 100.0, "fabric": "tree"}
    design = locgen.compile(model, "ice40", data=(x[:50], y[:50]), **widths)
    with pytest.raises(DoesNotFit, match=r"block RAMs of 4 kbit, up5k has 30; .*Nystroem") as found:
        design.build(tmp_path)
    assert found.value.exit_code == 4
    assert not list(tmp_path.rglob("*.v"))


@pytest.mark.slow
def test_the_netlist_equals_golden(tmp_path):
    """One multiplier with memories, mapped: every vector through the cells."""
    compiled("svc-bare", score_bits=6, max_accuracy_drop=5.0, effort="low").build(tmp_path)
    report = Report.model_validate_json((tmp_path / "report.json").read_text())
    assert [(v.level, v.mismatches) for v in report.verification] == [("rtl", 0), ("netlist", 0)]
    assert all(v.vectors >= 1000 for v in report.verification)
    assert report.utilisation.bram >= 1


def test_inspect_says_what_each_table_stands_for(tmp_path):
    estimator, (x_train, x_test, y_train, y_test) = layeredkit.fitted("svc-bare")
    joblib.dump(estimator, tmp_path / "svc.joblib")
    rows = {"X_train": x_train, "y_train": y_train, "X_test": x_test, "y_test": y_test}
    np.savez(tmp_path / "iris.npz", **rows)
    facts = inspect_model(tmp_path / "svc.joblib", tmp_path / "iris.npz")
    assert facts["core"] == "kernel" and facts["units"] == [len(estimator.support_)]
    assert "exp(-z), z from" in facts["functions"] and "error at most" in facts["functions"]
