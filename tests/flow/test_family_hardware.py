"""Every family of tree ensembles as hardware: the emitted Verilog equals golden every cycle."""

import familykit
import numpy as np
import pytest

import locgen
from locgen.errors import ConfigurationError, DataError
from locgen.flow.build import verify_rtl

QUICK = ("lgbm-categorical", "xgb-missing")  # memberships, and codes for missing values


def designed(case, fabric=None):
    estimator, arrays = familykit.fitted(case)
    if "isolation" in case:
        arrays = (*arrays[:2], *(estimator.predict(x) for x in arrays[:2]))
    number = list(familykit.CASES).index(case)
    alone = case == "ada-regressor"  # a median takes all trees side by side
    fabric = fabric or ("direct" if alone else ("direct", "tree")[number % 2])
    return locgen.compile(estimator, "ice40", data=arrays, fabric=fabric)


def check(design):
    result = verify_rtl(design)
    assert result.mismatches == 0
    assert result.vectors >= min(1000, 2 ** sum(design.model.feature_bits))


@pytest.mark.parametrize("case", QUICK)
def test_special_splits_become_gates(case):
    check(designed(case, "direct"))


@pytest.mark.slow
@pytest.mark.parametrize("case", familykit.CASES)
def test_every_family_becomes_gates(case):
    design = designed(case)
    check(design)
    evidence = design.explain(familykit.fitted(case)[1][1])
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
