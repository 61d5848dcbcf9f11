"""Activity by expert on the terminal and on the page; nothing for other models."""

import pytest
from reportkit import experts_report, make_report, null_report, tree_pictures

from locgen.report.html import render_html
from locgen.report.schema import Report
from locgen.report.tables import make_tables
from locgen.report.terminal import summary_lines


def lines(report):
    return {line.split()[0]: line for line in summary_lines(report, None, "report.html")}


def test_the_terminal_has_a_line_for_mixtures_alone():
    words = lines(experts_report())["experts"]
    assert "1 of 3 experts open (linear gate), 2 of 114 test routes changed" in words
    assert "600 toggles per inference in experts (100 to 300 each), 400 in gate" in words
    assert "experts" not in lines(make_report())
    assert len(lines(experts_report())) == len(lines(make_report())) + 1 == 11


@pytest.mark.parametrize(
    "gone, reason",
    [("toggles_per_inference", "on the direct fabric all experts compute")],
)
def test_what_was_not_measured_says_why(gone, reason):
    report = experts_report(**{gone: None, "changed_routes": None})
    words = lines(report)["experts"]
    assert reason in words and "changed" not in words
    assert reason in render_html(report, tree_pictures())
    unbuilt = null_report(experts=experts_report(**{gone: None}).experts.model_dump())
    assert "no tool has run yet" in lines(unbuilt)["experts"]


def test_the_page_has_a_row_an_expert():
    (table,) = [t for t in make_tables(experts_report()) if t[0] == "experts"]
    _, heading, head, rows = table
    assert heading.endswith("2 of 114 test routes changed") and len(head) == 4
    assert rows[0] == ("Expert 0", "50.0 %", "300", "30.0 %")
    assert [row[0] for row in rows[3:]] == ["Gate and network", "All"]
    assert rows[-1][2] == "1,000" and rows[3][3] == "40.0 %"
    page = render_html(experts_report(), tree_pictures())
    assert 'id="experts"' in page and "Expert 2" in page
    assert 'id="experts"' not in render_html(make_report(), tree_pictures())


def test_a_report_from_before_still_reads():
    facts = make_report().model_dump(by_alias=True)
    assert facts.pop("experts") is None
    assert Report(**facts).experts is None
