"""Cells are attributed to the part of the design whose signals they drive."""

import pytest

from locgen.flow.modules import core_module, placed_module


@pytest.mark.parametrize(
    ("cell", "module"),
    [
        ("site_3.compare.feature_1_at_most_0_SB_DFFESR_Q", "site_3"),
        ("root.total_SB_DFFESR_Q_7", "root"),
        ("combine.add_0_1.carry_SB_DFFSR_Q_D_SB_LUT4_O", "combine"),
        ("tree_4.scores_2_SB_LUT4_O", "trees"),
        ("compare_12_SB_DFFSR_Q_D_SB_LUT4_O", "compare"),
        ("compare_12_SB_LUT4_I2_O_SB_LUT4_O", "trees"),
        ("score_3_0_SB_DFFSR_Q_D_SB_LUT4_O_I2_SB_LUT4_I1", "trees"),
        ("score_3_0_SB_CARRY_I0", "adders"),
        ("sum_0_1$12_SB_DFFSR_Q_D_SB_LUT4_O", "adders"),
        ("sum_4_0_SB_LUT4_I3", "decide"),
        ("o__payload_SB_LUT4_O", "decide"),
        ("$nextpnr_ICESTORM_LC_3", "shared"),
        ("i__valid_SB_LUT4_I2", "shared"),
    ],
)
def test_module_of_a_cell(cell, module):
    assert core_module(cell, True) == module
    assert placed_module(f"core.{cell}", True, "link") == module


def test_what_is_not_the_core_is_outside():
    assert placed_module("receiver.shift_SB_DFF_Q", True, "link") == "link"
    assert placed_module("scan_out_SB_DFF_Q", False, "wrapper") == "wrapper"


def test_the_tree_fabrics_answer_belongs_to_its_root():
    assert core_module("o__payload_SB_DFF_Q", False) == "root"
    assert core_module("i__valid_SB_LUT4_I2", False) == "shared"
