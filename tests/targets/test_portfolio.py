"""Which of several recipes is kept, and what the report says of them."""

from dataclasses import replace

import pytest
from reportkit import make_report

from locgen.flow.report_hardware import synthesis_section
from locgen.report.html import render_html
from locgen.report.pictures import Pictures
from locgen.report.schema import CoreUsage
from locgen.targets.netlist import Attempt, Netlist, Utilisation
from locgen.targets.portfolio import Recipe, fewest
from locgen.targets.target import Mapped

RECIPES = tuple(map(Recipe, "abcd"))


def tried(tmp_path, sizes, recipes=RECIPES):
    """Return the attempts and what was kept; measured counts how often sizes were asked."""
    measured = []

    def attempt(recipe, work):
        (work / "core.json").write_text(recipe.name)
        return recipe

    def size(made, work):
        measured.append(made.name)
        assert (work / "core.json").read_text() == made.name
        return sizes[made.name]

    attempts = fewest(recipes, tmp_path, ("core.json",), attempt, size)
    return attempts, (tmp_path / "core.json").read_text(), measured


@pytest.mark.parametrize(
    ("sizes", "best"),
    [((5, 3, 4, 9), "b"), ((5, 6, 7, 8), "a"), ((9, 8, 7, 6), "d"), ((4, 3, 3, 5), "b")],
)
def test_the_smallest_is_kept_and_of_equal_ones_the_first(tmp_path, sizes, best):
    attempts, kept, measured = tried(tmp_path, dict(zip("abcd", sizes, strict=True)))
    assert kept == best
    assert measured == list("abcd")
    assert attempts == tuple(
        Attempt(name, size, name == best) for name, size in zip("abcd", sizes, strict=True)
    )
    assert [path.name for path in tmp_path.iterdir()] == ["core.json"]


def test_a_single_one_is_not_measured(tmp_path):
    attempts, kept, measured = tried(tmp_path, {}, RECIPES[:1])
    assert (attempts, kept, measured) == ((Attempt("a", None, True),), "a", [])


def netlist(tmp_path, *attempts):
    paths = {name: tmp_path / name for name in ("json", "verilog", "rtlil")}
    return Netlist("core", **paths, cells={}, ports=(), attempts=attempts)


def usage(**counts):
    return CoreUsage(**dict.fromkeys(CoreUsage.model_fields) | counts)


def test_the_report_says_what_was_tried(tmp_path):
    core = netlist(tmp_path, Attempt("long", 40, False), Attempt("short", 38, True))
    mapped = Mapped(core, None, Utilisation())
    section = synthesis_section(mapped, "high", usage(logic_cells=38))
    assert section.unit == "logic_cells" and section.effort == "high"
    assert [(a.recipe, a.size, a.kept) for a in section.tried] == [
        ("long", 40, False),
        ("short", 38, True),
    ]
    page = render_html(make_report(synthesis=section.model_dump()), Pictures())
    assert "Synthesis recipes, high effort" in page
    for words in ("long", "short", "40", "38", "kept"):
        assert f">{words}</td>" in page or f">{words}</th>" in page
    assert "Synthesis recipes" not in render_html(make_report(), Pictures())


def test_a_single_recipe_has_the_size_of_the_core(tmp_path):
    alone = Mapped(netlist(tmp_path, Attempt("plain", None, True)), None, Utilisation())
    for unit in ("logic_cells", "lut6", "area_um2"):
        section = synthesis_section(alone, "low", usage(**{unit: 12.5 if unit[0] == "a" else 12}))
        assert section.unit == unit
        assert section.tried[0].size == (12.5 if unit[0] == "a" else 12)
    nothing = replace(alone, core=netlist(tmp_path))
    assert synthesis_section(nothing, "low", usage(logic_cells=12)) is None
