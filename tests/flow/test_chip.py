"""Chips from the command's options to the build folder: area, timing, power, tile, project."""

import json
import os
import shutil
import subprocess
import sysconfig
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from asickit import OSU018, needs_osu018
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

import locgen
from locgen.errors import ConfigurationError, DoesNotFit, UsageError
from locgen.flow.chip import check_tile, whole_area
from locgen.flow.folder import open_folder, verify_folder
from locgen.flow.modules import chip_module
from locgen.report.schema import Report
from locgen.report.terminal import summary_lines
from locgen.targets.asic.libraries import find_library
from locgen.verify.pins import make_rows, pins_params
from locgen.verify.vectors import Vectors

BUILT_IN = Path(locgen.__file__).parent / "devices" / "cells" / "sky130_fd_sc_hd_area.lib"


@pytest.fixture(scope="module")
def data():
    x, y = load_breast_cancer(return_X_y=True)
    return x[:400], x[400:], y[:400], y[400:]


@pytest.fixture(scope="module")
def forest(data):
    return RandomForestClassifier(3, max_depth=3, random_state=0).fit(data[0], data[2])


def report_of(out):
    return Report.model_validate_json((out / "report.json").read_text())


def test_what_chips_cannot_is_refused(forest, data):
    with pytest.raises(DoesNotFit, match="no RAM macro among standard cells; take"):
        locgen.compile(forest, target="asic", core="engine")
    with pytest.raises(DoesNotFit, match="no RAM macro"):
        locgen.compile(forest, target="tinytapeout", core="engine")
    with pytest.raises(UsageError, match="asic takes --top stream or pins"):
        locgen.compile(forest, target="asic", top="uart")
    with pytest.raises(UsageError, match="asic has no devices"):
        locgen.compile(forest, target="asic", device="up5k")
    with pytest.raises(UsageError, match="asic takes no --shuttle"):
        locgen.compile(forest, target="asic", shuttle="gf")
    with pytest.raises(UsageError, match="ice40 takes no --liberty"):
        locgen.compile(forest, target="ice40", liberty=BUILT_IN)


def test_what_pins_cannot_is_refused(forest, data):
    with pytest.raises(ConfigurationError, match="--top pins gives decision and scores alone"):
        locgen.compile(forest, target="ice40", top="pins", explain=True)
    with pytest.raises(DoesNotFit, match="pins have no way to load their memories"):
        locgen.compile(forest, target="ice40", top="pins", core="engine")
    with pytest.raises(UsageError, match="leave --board or --top pins out"):
        locgen.compile(forest, board="icebreaker", top="pins")


def test_rows_of_the_pins_are_the_bytes_that_the_page_says(forest):
    design = locgen.compile(forest, target="asic", top="pins")
    model = design.model
    q = np.array([[bits and (1 << bits) - 1 for bits in model.feature_bits]], dtype=np.int64)
    decision, scores = model.answered(q)
    (row,) = make_rows(model, Vectors(q, ("all ones",), decision, scores))
    width = sum(model.feature_bits)
    assert row.request == ((1 << width) - 1).to_bytes(-(-width // 8), "little")
    assert row.response[0] == decision[0]
    assert int.from_bytes(row.response[1:], "little", signed=True) == scores[0, 0]
    assert len(row.response) == pins_params(model).answer_bytes


def placed(forest, cells, **options):
    """Return a design for a tile, and a mapped one that consists of sky130's `cells`."""
    design = locgen.compile(forest, target="tinytapeout", **options)
    found = find_library(BUILT_IN)
    mapped = SimpleNamespace(top=SimpleNamespace(cells=cells), chip=SimpleNamespace(library=found))
    return design, mapped


def test_a_tile_without_its_library_is_estimated_from_sky130(forest):
    nand = "sky130_fd_sc_hd__nand2_1"
    areas = {}
    for shuttle in ("sky", "ihp", "gf"):
        design, mapped = placed(forest, {nand: 100}, shuttle=shuttle)
        found, um2, scaled = whole_area(design, mapped)
        areas[shuttle] = um2
        assert (found.name, scaled) == (shuttle, shuttle != "sky")
    assert areas["sky"] == pytest.approx(100 * 3.7536)
    assert areas["ihp"] == pytest.approx(2.0 * areas["sky"])
    assert areas["gf"] == pytest.approx(3.23 * areas["sky"])
    design, mapped = placed(forest, {nand: 100}, shuttle="gf", liberty=BUILT_IN)
    assert whole_area(design, mapped)[1:] == (pytest.approx(areas["sky"]), False)


def test_what_no_tile_holds_is_refused_before_it_is_simulated(forest):
    nand = "sky130_fd_sc_hd__nand2_1"
    design, mapped = placed(forest, {nand: 11_000})
    check_tile(design, mapped)
    design, mapped = placed(forest, {nand: 12_000})
    with pytest.raises(DoesNotFit, match="about 2 trees instead of 3, or --answer decision") as no:
        check_tile(design, mapped)
    assert no.value.exit_code == 4


KINDS = {"DFFPOSX1": frozenset({"D", "CLK"}), "INVX1": frozenset({"A"}), "AND2X1": frozenset("AB")}


@pytest.mark.parametrize(
    ("cell", "direct", "module"),
    [
        ("score_0[1]_DFFPOSX1_Q", True, "trees"),
        ("score_0[1]_DFFPOSX1_Q_D_INVX1_Y_A_AND2X1_Y", True, "trees"),
        ("score_0[1]_INVX1_A_Y_AND2X1_B", True, "adders"),
        ("compare_3_AND2X1_B", True, "trees"),
        ("o__payload_AND2X1_Y", True, "decide"),
        ("rst_INVX1_A", True, "shared"),
        ("i__payload_INVX1_A", True, "compare"),
        ("bits$24[0]_DFFPOSX1_Q_D_INVX1_Y", True, "compare"),
        ("bits$24[0]_AND2X1_A", True, "trees"),
        ("site_3.total_AND2X1_B", False, "site_3"),
        ("o__payload_INVX1_Y", False, "root"),
    ],
)
def test_cells_belong_to_the_unit_whose_signals_they_drive(cell, direct, module):
    assert chip_module(cell, direct, KINDS) == module


@pytest.mark.slow
@needs_osu018
def test_a_chip_is_built_verified_and_measured(forest, data, tmp_path):
    design = locgen.compile(forest, target="asic", data=data)
    built = design.build(tmp_path / "chip")
    report = report_of(built.out)
    assert [(one.level, one.mismatches) for one in report.verification] == [
        ("rtl", 0),
        ("netlist", 0),
    ]
    chip, core, energy = report.chip, report.core, report.energy
    assert (chip.library, chip.corner) == ("osu018_stdcells", "typical, 1.8 V, 25 C")
    assert len(chip.sha256) == 64
    assert chip.origin == "qflow-tech-osu018"
    assert sum(chip.area_um2_by_module.values()) == pytest.approx(core.area_um2)
    assert core.gate_equivalents == pytest.approx(core.area_um2 / 24, abs=0.1)
    assert core.ff == chip.flip_flops
    assert report.timing.corner.startswith(chip.corner)
    assert report.target.clock_mhz == pytest.approx(report.timing.fmax_mhz, rel=1e-3)
    # Two ways to the same power at full speed: by inference and clock, and by kind.
    per_second = report.throughput.core_per_second
    whole = energy.dynamic_nj_per_inference * 1e-9 * per_second + energy.clock_uw * 1e-6
    assert (energy.internal_uw + energy.switching_uw) * 1e-6 == pytest.approx(whole, rel=2e-3)
    assert energy.leakage_uw == energy.static_uw > 0
    assert any("lower bound" in claim for claim in chip.claims)
    settings = json.loads((built.out / "librelane" / "config.json").read_text())
    assert settings["VERILOG_FILES"] == [f"dir::../{report.model.name}.v"]
    assert (built.out / f"{report.model.name}.sdc").is_file()
    page = (built.out / "report.html").read_text()
    for text in (chip.sha256, "gate equivalents", "Leakage", "Where the area goes"):
        assert text in page
    lines = "\n".join(summary_lines(report, None, "report.html"))
    assert "gate equivalents" in lines and "before layout" in lines
    assert "init" not in (built.out / f"{report.model.name}.v").read_text()
    assert len(verify_folder(open_folder(built.out), "verilator")) == 2


@pytest.mark.slow
@needs_osu018
def test_a_clock_that_is_missed_is_refused(forest, data, tmp_path):
    design = locgen.compile(forest, target="asic", data=data, clock=100_000.0)
    with pytest.raises(DoesNotFit, match="short of 100000 MHz"):
        design.build(tmp_path / "chip")


def project_test(project):
    """Return what runs the project's own test, ``make`` with words and variables of one's own."""
    if shutil.which("iverilog") is None:
        pytest.skip("needs Icarus to run the project's test: apt-get install iverilog")
    scripts = sysconfig.get_path("scripts")
    environment = os.environ | {"PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    for name in ("PYTEST_CURRENT_TEST", "PYTHONPATH"):
        environment.pop(name, None)

    def run(*words, **variables):
        return subprocess.run(
            ["make", *words],
            cwd=project / "test",
            env=environment | variables,
            capture_output=True,
            text=True,
        )

    return run


@pytest.mark.slow
def test_a_tile_s_project_runs_its_own_test(forest, data, tmp_path):
    design = locgen.compile(forest, target="tinytapeout", data=data, answer="decision")
    built = design.build(tmp_path / "Mül ler a$HOME'q" / "tile")  # which make would take apart
    report = report_of(built.out)
    chip = report.chip
    assert (chip.tile, chip.shuttle, chip.tile_estimated) == ("1x1", "sky", False)
    assert chip.corner is None and report.timing is None
    assert report.energy.dynamic_nj_per_inference is None
    assert report.energy.toggles_per_inference > 0
    assert 0 < chip.tile_filled <= 0.6
    assert any("needs a Liberty file" in claim for claim in chip.claims)
    project = built.out / "project"
    names = {str(path.relative_to(project)) for path in project.rglob("*") if path.is_file()}
    assert names >= {
        *("info.yaml", "README.md", "LICENSE", "src/project.v", "src/config.json"),
        *("docs/info.md", "test/Makefile", "test/tb.v", "test/test.py", "test/requirements.txt"),
    }
    verilog = (project / "src" / "project.v").read_text()
    ports = ("ui_in", "uo_out", "uio_in", "uio_out", "uio_oe", "ena", "clk", "rst_n")
    head = verilog[verilog.index(f"module {'tt_um_' + report.model.name}") :].partition(";")[0]
    assert sorted(head.partition("(")[2].strip(" )").replace(",", " ").split()) == sorted(ports)
    info = (project / "docs" / "info.md").read_text()
    assert "## How it works" in info and "## How to test" in info
    run = project_test(project)
    done = run()
    assert "PASS=1 FAIL=0" in done.stdout, done.stdout[-3000:] + done.stderr[-2000:]
    rows = json.loads((project / "test" / "rows.json").read_text())
    rows[-1]["response"] = f"{int(rows[-1]['response'], 16) ^ 1:02x}"
    (project / "test" / "rows.json").write_text(json.dumps(rows))
    assert "PASS=0 FAIL=1" in run().stdout


@pytest.mark.slow
@needs_osu018
def test_a_tile_s_project_runs_its_test_on_gates(forest, data, tmp_path):
    """`make GATES=yes`, with a netlist that has supply pins as a hardened one, and Debian's models.

    The PDK's own models are not here: osu018's stand where the Makefile looks for them.
    """
    design = locgen.compile(
        forest, target="tinytapeout", data=data, answer="decision", liberty=OSU018, effort="low"
    )
    built = design.build(tmp_path / "tile")
    project, name = built.out / "project", f"tt_um_{report_of(built.out).model.name}"
    run = project_test(project)
    models = tmp_path / "pdk" / "sky130A" / "libs.ref" / "sky130_fd_sc_hd" / "verilog"
    models.mkdir(parents=True)
    (models / "primitives.v").write_text("")
    (models / "sky130_fd_sc_hd.v").write_text(OSU018.with_suffix(".v").read_text())
    text = (built.out / "netlist" / "top_netlist.v").read_text()
    assert text.count("module top(") == 1
    pins = "ui_in, uo_out, uio_in, uio_out, uio_oe, ena, clk, rst_n"
    ports = ", ".join(f".{pin}({pin})" for pin in pins.split(", "))
    netlist = project / "test" / "gate_level_netlist.v"
    wrapper = (
        f"module {name} (input VPWR, VGND, ena, clk, rst_n, input [7:0] ui_in, uio_in, "
        f"output [7:0] uo_out, uio_out, uio_oe);\n  mapped mapped ({ports});\nendmodule\n"
    )
    netlist.write_text(text.replace("module top(", "module mapped(") + wrapper)
    done = run("GATES=yes", PDK_ROOT=str(tmp_path / "pdk"))
    assert "PASS=1 FAIL=0" in done.stdout, done.stdout[-3000:] + done.stderr[-2000:]
    inverted = wrapper.replace(".uo_out(uo_out)", ".uo_out(other)").replace(
        "  mapped mapped", "  wire [7:0] other;\n  assign uo_out = ~other;\n  mapped mapped"
    )
    netlist.write_text(text.replace("module top(", "module mapped(") + inverted)
    assert "PASS=0 FAIL=1" in run("GATES=yes", PDK_ROOT=str(tmp_path / "pdk")).stdout


@pytest.mark.slow
def test_a_model_too_large_for_every_tile_is_refused_with_ways_out(data, tmp_path):
    forest = RandomForestClassifier(120, max_depth=8, random_state=0).fit(data[0], data[2])
    design = locgen.compile(forest, target="tinytapeout", score_bits=8, effort="low")
    with pytest.raises(DoesNotFit, match=r"2x2 of sky, has room for .* trees instead of 120"):
        design.build(tmp_path / "tile")


@pytest.mark.slow
def test_pins_on_an_fpga_are_verified_at_both_levels(forest, data, tmp_path):
    built = locgen.compile(forest, target="ice40", top="pins", data=data).build(tmp_path / "pins")
    assert [one.frames for one in built.results] == [24, 24]
    assert built.routed.fmax_mhz > 12


@pytest.mark.slow
@needs_osu018
def test_a_network_with_evidence_is_measured_too(data, tmp_path):
    tree = DecisionTreeClassifier(max_depth=2, random_state=0).fit(data[0], data[2])
    design = locgen.compile(tree, target="asic", fabric="tree", explain=True, effort="low")
    report = report_of(design.build(tmp_path / "chip").out)
    assert [one.mismatches for one in report.verification] == [0, 0]
    assert report.timing is not None
    assert report.energy.toggles_per_inference > 0
    assert report.energy.dynamic_nj_per_inference > 0
    assert "root" in report.chip.area_um2_by_module
