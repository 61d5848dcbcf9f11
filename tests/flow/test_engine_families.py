"""Engines in the block RAM of other families: planned where it suffices, else refused."""

import pytest
from sklearn.datasets import load_digits, load_iris
from sklearn.ensemble import RandomForestClassifier

import locgen
from locgen.errors import DoesNotFit


@pytest.fixture(scope="module")
def digits():
    return RandomForestClassifier(100, max_depth=8, random_state=0).fit(
        *load_digits(return_X_y=True)
    )


@pytest.mark.slow
def test_a_small_engine_answers_as_golden_from_ecp5_block_ram(tmp_path):
    forest = RandomForestClassifier(5, max_depth=4, random_state=0).fit(*load_iris(return_X_y=True))
    design = locgen.compile(forest, target="ecp5", core="engine", pnr=False)
    built = design.build(tmp_path / "out")
    assert [(r.level, r.mismatches) for r in built.results] == [("rtl", 0), ("netlist", 0)]
    assert built.mapped.core.cells["DP16KD"] == built.core.bram >= 1
    assert built.activity is None and built.energy is None  # its memories are not simulated


def test_digits_in_engines_fit_an_ecp5_and_no_gw1nr_9c(digits):
    design = locgen.compile(digits, device="45k", core="engine")
    assert {shape.memory for shape in design.choice.plan.shapes} == {"block"}
    with pytest.raises(DoesNotFit, match=r"has 12800 for them \(26 block RAMs") as caught:
        locgen.compile(digits, target="gowin", core="engine")
    assert caught.value.exit_code == 4
