"""The terminal's ten lines."""

import pytest
from reportkit import direct_report, make_report, null_report, regression_report

from locgen.report.terminal import summary_lines

NAMES = [
    "model",
    "quantisation",
    "fabric",
    "fit",
    "timing",
    "throughput",
    "energy",
    "verification",
    "bitstream",
    "report",
]


def summary(report, bitstream="build/x.bin"):
    lines = summary_lines(report, bitstream, "build/report.html")
    assert [line.split()[0] for line in lines] == NAMES
    assert len({len(line) - len(line.split(maxsplit=1)[1]) for line in lines}) == 1
    assert all(line.isascii() and "\n" not in line and "None" not in line for line in lines)
    return {name: line.split(maxsplit=1)[1] for name, line in zip(NAMES, lines, strict=True)}


def test_a_whole_build():
    assert summary(make_report()) == {
        "model": "breast_cancer: RandomForestClassifier (scikit-learn 1.9.1), 20 nodes, "
        "30 features, 1 output",
        "quantisation": "87 feature bits, 9-bit scores; accuracy float 95.6 %, golden 96.5 %, "
        "1 of 114 changed",
        "fabric": "tree, 20 sites, 1-bit links; latency 111 cycles, one inference every 98 cycles",
        "fit": "1,432 of 5,280 logic cells (27.1 %) on icebreaker (ice40 up5k-sg48); "
        "model alone 1,017",
        "timing": "Fmax 31.87 MHz against a clock of 12 MHz: met",
        "throughput": "core 122,449 inferences/s, over the link 3,061; latency 9.25 us",
        "energy": "7.23 nJ per inference at full speed (+- 50 %), 83 % of it clock and static",
        "verification": "RTL 2,138 vectors, Netlist 2,139 vectors; hardware equals golden",
        "bitstream": "build/x.bin",
        "report": "build/report.html",
    }


def test_nothing_measured():
    lines = summary(null_report(), None)
    assert lines["quantisation"].endswith("accuracy not measured: needs --data")
    assert lines["fit"].startswith("estimate 1,180 logic cells")
    assert lines["verification"] == "not measured: no tool has run yet"
    assert lines["bitstream"] == "none: no tool has run yet"


def test_bad_news():
    wrong = [{"level": "netlist", "simulator": "icarus", "vectors": 9, "mismatches": 1}]
    report = make_report(
        verification=wrong, utilisation={"logic_cells": 6000}, timing={"fmax_mhz": 9.5}
    )
    lines = summary(report)
    assert "1 MISMATCH in 9 vectors; HARDWARE DIFFERS FROM GOLDEN" in lines["verification"]
    assert lines["fit"].startswith("DOES NOT FIT: 6,000 of 5,280")
    assert lines["timing"].endswith("NOT MET")


def test_other_kinds():
    assert summary(regression_report())["quantisation"].endswith("R2 float 0.4711, golden 0.4689")
    assert summary(direct_report())["fabric"].endswith("one inference every cycle")
    assert "full-word links" in summary(make_report(fabric={"link_width": "full"}))["fabric"]
    uncalibrated = make_report(energy={"calibrated": False})
    assert summary(uncalibrated)["energy"].endswith("; not calibrated")
    nothing = [{"level": "rtl", "simulator": "icarus", "vectors": 0, "mismatches": 0}]
    assert summary(make_report(verification=nothing))["verification"].endswith(
        "nothing was compared"
    )


@pytest.mark.parametrize(
    ("section", "name"),
    [
        ("throughput", "latency_ns"),
        ("throughput", "core_per_second"),
        ("throughput", "link_per_second"),
        ("energy", "clock_uw"),
        ("energy", "uncertainty_percent"),
        ("timing", "fmax_mhz"),
        ("target", "clock_mhz"),
        ("target", "board"),
        ("utilisation", "logic_cells"),
        ("utilisation", "logic_cells_available"),
        ("quantisation", "float_accuracy"),
        ("quantisation", "changed_decisions"),
        ("core", "logic_cells"),
    ],
)
def test_single_nulls(section, name):
    summary(make_report(**{section: {name: None}}))


def test_names_cannot_break_the_lines():
    lines = summary_lines(make_report(model={"name": "two\nlines\tand tabs"}), "x", "y")
    assert len(lines) == 10
    assert lines[0].startswith("model         two lines and tabs: ")
