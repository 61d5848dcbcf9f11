"""Every family of tree ensembles as hardware: the emitted Verilog equals golden every cycle."""

import familykit
import numpy as np
import pytest
from batchkit import in_batches

import locgen
from locgen.errors import ConfigurationError, DataError

QUICK = ("lgbm-categorical", "xgb-missing")  # memberships, and codes for missing values


def designed(case, fabric=None):
    estimator, arrays = familykit.fitted(case)
    if "isolation" in case:
        arrays = (*arrays[:2], *(estimator.predict(x) for x in arrays[:2]))
    number = list(familykit.CASES).index(case)
    alone = case == "ada-regressor"  # a median takes all trees side by side
    fabric = fabric or ("direct" if alone else ("direct", "tree")[number % 2])
    return locgen.compile(estimator, "ice40", data=arrays, fabric=fabric)


def check(found):
    whole = 2 ** sum(found.design.model.feature_bits)
    assert (found.mismatches, found.first_mismatch) == (0, None)
    assert found.vectors >= min(1000, whole)


@pytest.mark.parametrize("case", in_batches("special-splits", QUICK, 2))
def test_special_splits_become_gates(case, batches, request):
    check(batches.check(request.node, lambda case: designed(case, "direct")))


@pytest.mark.slow
@pytest.mark.parametrize("case", in_batches("families", familykit.CASES, 9))
def test_every_family_becomes_gates(case, batches, request):
    found = batches.check(request.node, designed)
    check(found)
    evidence = found.design.explain(familykit.fitted(case)[1][1])
    assert (evidence.scores == evidence.bias + evidence.contributions.sum(axis=1)).all()
    assert (evidence.leaf_ids >= 0).all()


def test_a_median_needs_all_trees_side_by_side():
    estimator, arrays = familykit.fitted("ada-regressor")
    assert locgen.compile(estimator, data=arrays).plan.kind == "direct"
    for options in ({"fabric": "tree"}, {"core": "engine"}, {"sites": 2}):
        with pytest.raises(ConfigurationError, match="a weighted median compares all trees"):
            locgen.compile(estimator, data=arrays, **options)


def test_several_labels_in_a_csv(tmp_path):
    """Two labels a row: from the last columns, from those named, and refused if one is missing."""
    estimator, (x_train, _, y_train, _) = familykit.fitted("multi-label-forest")
    names = [f"x{n}" for n in range(x_train.shape[1])]
    table = np.column_stack([x_train, y_train])
    header = ",".join([*names, "kind", "strong"])
    np.savetxt(tmp_path / "rows.csv", table, delimiter=",", header=header, comments="")
    given = locgen.compile(estimator, data=tmp_path / "rows.csv")
    named = locgen.compile(estimator, data=tmp_path / "rows.csv", label="kind, strong")
    assert given.data.y_test.shape[1] == 2 and np.array_equal(given.data.y_test, named.data.y_test)
    facts = given.report.quantisation
    share = np.mean((estimator.predict(given.data.x_test) == given.data.y_test).all(axis=1))
    assert facts.float_accuracy == share and facts.changed_decisions <= 2
    with pytest.raises(DataError, match="answers 2 labels, --label names 1"):
        locgen.compile(estimator, data=tmp_path / "rows.csv", label="kind")
