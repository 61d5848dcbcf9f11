"""The page: says the report's numbers, escapes, renders whatever is missing."""

import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from itertools import product
from typing import get_args

import pytest
from reportkit import (
    direct_pictures,
    direct_report,
    make_report,
    null_report,
    regression_report,
    tree_pictures,
)

from locgen.ir.decisions import DECISIONS, Decision
from locgen.report.html import render_html
from locgen.report.pictures import Pictures
from locgen.verify.levels import LEVELS

VOID = {"meta", "br", "link", "img", "hr", "input"}


class Balance(HTMLParser):
    """Fails where a tag is closed that is not open."""

    def __init__(self, page):
        super().__init__()
        self.open, self.ids = [], []
        self.feed(page)
        self.close()
        assert self.open == []
        assert len(self.ids) == len(set(self.ids))

    def handle_starttag(self, tag, attributes):
        self.ids += [value for key, value in attributes if key == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.ids += [value for key, value in attributes if key == "id"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def words(page):
    """Return the text of a page without styles, one space between words."""
    page = re.sub(r"<style>.*?</style>", " ", page, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def cases():
    ten = tuple(f"class {n}" for n in range(10))
    return {
        "tree": (make_report(), tree_pictures()),
        "direct": (direct_report(), direct_pictures()),
        "ten": (make_report(model={"outputs": 10}), tree_pictures(64, labels=ten)),
        "regression": (regression_report(), direct_pictures(scatter=True)),
        "nulls": (null_report(), Pictures()),
        "nulls direct": (
            null_report(fabric={"kind": "direct", "link_width": None, "sites": None}),
            Pictures(),
        ),
    }


@pytest.mark.parametrize("name", cases())
def test_a_page_is_balanced_offline_and_the_same_twice(name):
    page = render_html(*cases()[name])
    Balance(page)
    assert page == render_html(*cases()[name])
    assert page.endswith("</html>\n")
    assert "<script" not in page and "url(" not in page and "@import" not in page
    assert not re.search(r"""\b(src|href)\s*=\s*["']?(?!#)""", page)
    outside = re.findall(r"https?://[^\s\"'<]+", page)
    assert set(outside) <= {"http://www.w3.org/2000/svg"}
    assert "prefers-color-scheme:dark" in page and "@media print" in page


def test_the_numbers_of_the_report_appear():
    text = words(render_html(*cases()["tree"]))
    for expected in (
        "breast_cancer → icebreaker (ice40 up5k-sg48)",
        "Fits: 1,432 of 5,280 logic cells",
        "27.1 % of 5,280 available",
        "model alone 1,017, the rest link and pins",
        "31.87 MHz",
        "clock 12 MHz: met, 2.66 times",
        "critical path 31.4 ns (nextpnr's worst case)",
        "9.25 µs",
        "111 cycles, 9,250 ns",
        "a new answer every 98 cycles",
        "Inferences per second 122,449",
        "over the serial link 3,061",
        "Energy per inference 7.23 nJ",
        "toggles 1.23 nJ clock 5.14 nJ static 849 pJ",
        "± 50 %, at full speed",
        "104 µJ a second at one inference per second, nearly all static",
        "Accuracy, golden 96.49 %",
        "library 95.61 %: +0.88 points",
        "1 of 114 test decisions changed",
        "Verified against golden: no mismatch in 4,277 comparisons",
        "RTL the emitted Verilog, simulated verilator 5.048 2,138 0",
        "Netlist the netlist after synthesis, simulated verilator 5.048 2,139 0",
        "Changed decisions 1 of 114 rows",
        "Training rows 455 Test rows 114",
        "1,960 bits cross the borders of sites per inference",
        "links are 1 bit wide",
        "Logic cells, model alone 1,180 1,017 +16 %",
        "Fmax, MHz 24.5 31.87 -23 %",
        "Flip-flops 388 611",
        "6,170 toggles per inference",
        "trust it within ± 50 %",
        "zero-delay simulation of the core's netlist on 448 rows",
        "nextpnr-ice40 0.11.1",
        "0123456789abcdef",
        "2 framed cells differ between the two",
    ):
        assert expected in text, expected


def test_energy_shares_are_what_the_bar_draws():
    page = render_html(*cases()["tree"])
    shares = re.findall(r'class="b-(\w+)" style="width:([\d.]+)%"', page)
    energy = [(css, float(width)) for css, width in shares][-3:]
    # 630 uW and 104 uW at 122,449 inferences/s are 5.145 and 0.849 nJ beside 1.234 nJ.
    assert energy == [("up", 17.07), ("down", 71.18), ("link", 11.75)]


def test_failures_are_said_plainly():
    wrong = [{"level": "rtl", "simulator": "verilator", "vectors": 10, "mismatches": 3}]
    report = make_report(
        verification=wrong, utilisation={"logic_cells": 6000}, timing={"fmax_mhz": 9.5}
    )
    text = words(render_html(report, Pictures()))
    assert "Does not fit: 6,000 of 5,280 logic cells" in text
    assert "113.6 % of 5,280 available" in text
    assert "Misses its clock of 12 MHz" in text and "NOT MET" in text
    assert "Hardware differs from golden: 3 mismatches in 10 comparisons" in text
    assert "Fits:" not in text and "Verified" not in text


def test_a_level_that_compared_nothing_is_no_evidence(monkeypatch):
    nothing = [{"level": "rtl", "simulator": "verilator", "vectors": 0, "mismatches": 0}]
    text = words(render_html(make_report(verification=nothing), Pictures()))
    assert "Verified" not in text
    monkeypatch.setitem(LEVELS, "rtl", replace(LEVELS["rtl"], is_proof=True))
    assert "Verified" in words(render_html(make_report(verification=nothing), Pictures()))


def test_what_is_missing_says_why():
    text = words(render_html(*cases()["nulls"]))
    assert "Accuracy, golden not measured: needs --data" in text
    assert "Inferences per second not measured: needs a clock: --clock" in text
    assert "The floor plan not measured: no tool has run yet" in text
    assert "None" not in text and "nan" not in text.lower().split()
    unrouted = make_report(utilisation=None, timing=None)
    text = words(render_html(unrouted, tree_pictures(placed=False)))
    assert "The floor plan not measured: needs place and route (no --no-pnr)" in text
    assert "Logic cells 1,017 model alone" in text
    coefficients = dict.fromkeys(
        ("dynamic_nj_per_inference", "clock_uw", "at_one_per_second_uj", "uncertainty_percent")
    )
    report = make_report(energy=coefficients | {"calibrated": False})
    text = words(render_html(report, Pictures()))
    assert "Energy per inference not measured: no measured coefficients for this device" in text
    assert "this top has no serial link" in words(
        render_html(make_report(throughput={"link_per_second": None}), Pictures())
    )


def test_regression_speaks_of_r2():
    text = words(render_html(*cases()["regression"]))
    assert "R² on test rows, library 0.4711" in text
    assert "R² on test rows, golden 0.4689" in text
    assert "300 values of test rows; the largest difference is" in text
    assert "Confusion" not in text and "Accuracy" not in text


@pytest.mark.parametrize(
    "gone",
    list(product((False, True), repeat=5)),
    ids=lambda gone: "".join("x" if g else "." for g in gone),
)
def test_every_combination_of_missing_sections_renders(gone):
    names = ("utilisation", "core", "timing", "throughput", "energy")
    changes = {name: None for name, absent in zip(names, gone, strict=True) if absent}
    for report in (make_report(**changes), make_report(**changes, verification=[])):
        assert "None" not in words(render_html(report, Pictures()))


SECTIONS = ("quantisation", "target", "utilisation", "core", "timing", "throughput", "energy")


def nullable():
    for section in (*SECTIONS, "estimate"):
        fields = type(getattr(make_report(), section)).model_fields
        for name, field in fields.items():
            if "None" in str(field.annotation):
                yield section, name


@pytest.mark.parametrize(("section", "name"), list(nullable()))
def test_every_single_null_renders(section, name):
    for make in (make_report, regression_report):
        page = render_html(make(**{section: {name: None}}), Pictures())
        assert "None" not in words(page)


def test_hostile_names_and_labels_are_escaped():
    evil = "<script>alert(1)</script>"
    quote = "\"'><img src=x onerror=y>&\x00"
    report = make_report(
        model={"name": evil, "family": quote, "library": evil},
        target={"board": evil},
        timing={"corner": quote},
        energy={"activity_source": evil},
        verification=[{"level": "rtl", "simulator": evil, "vectors": 1, "mismatches": 0}],
        tools={evil: quote},
    )
    page = render_html(report, tree_pictures(labels=(evil, quote)))
    Balance(page)
    assert "<script" not in page and "<img" not in page and "\x00" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_extra_tables():
    report = make_report(
        evidence={"bits": 1234, "cycles": 56, "logic_cells": None},
        core={"area_um2": 4321.5, "gate_equivalents": 987.0},
    )
    text = words(render_html(report, Pictures()))
    assert "What gathering evidence costs" in text and "1,234" in text
    assert "Area, um² 4,322" in text and "Gate equivalents 987" in text


def test_every_kind_of_decision_has_a_name():
    names = {decision.description for decision in DECISIONS.values()}
    assert "" not in names and len(names) == len(DECISIONS)
    assert set(DECISIONS.values()) == set(get_args(get_args(Decision)[0]))
