"""The table of the levels of verification is complete, and everything derives from it."""

import typing

from locgen.report.schema import Verification
from locgen.verify.levels import LEVELS, LevelName, level_options, levels_for


def test_the_table_holds_every_level():
    assert tuple(LEVELS) == typing.get_args(LevelName)
    assert Verification.model_fields["level"].annotation is LevelName
    assert all(level.title and level.scope and callable(level.run) for level in LEVELS.values())


def test_levels_are_chosen_by_option_and_by_what_was_built():
    assert level_options() == ["simulation", "virtual_board", "all"]
    assert levels_for(True) == levels_for(True, "simulation") == ["rtl", "netlist"]
    assert levels_for(False) == ["rtl"]
    assert levels_for(True, "virtual_board") == ["virtual_board"]
    assert levels_for(True, "all") == list(LEVELS)
