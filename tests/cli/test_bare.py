"""What works on a machine that has Python and locgen, and nothing else."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

import locgen
from locgen.flow.folder import open_folder, verify_folder

ROOT = Path(locgen.__file__).parents[1]


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """Return a function that runs a build without any program on PATH, and its folder."""
    folder = tmp_path_factory.mktemp("bare")
    tree = DecisionTreeClassifier(max_depth=3, random_state=0).fit(*load_iris(return_X_y=True))
    (folder / "iris.pkl").write_bytes(pickle.dumps(tree))
    (folder / "empty").mkdir()

    def run(*options):
        environment = {
            "HOME": os.environ.get("HOME", str(folder)),  # where WASM tools lie compiled
            "PATH": str(folder / "empty"),
            "PYTHONPATH": str(ROOT),
            "LOCGEN_CACHE": str(folder / "cache"),
        }
        words = ["build", "iris.pkl", *options, "--out", "-".join(options).strip("-")]
        done = subprocess.run(
            [sys.executable, "-m", "locgen", *words],
            cwd=folder, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done, folder / words[-1]

    return run


def test_the_fixture_hides_the_compiler(bare, tmp_path):
    for name in ("g++", "make", "yosys", "nextpnr-ice40", "perl"):
        assert not (tmp_path / name).exists()


@pytest.mark.slow
@pytest.mark.parametrize("options", [("--target", "verilog"), ("--no-pnr",)])
def test_a_build_ends_and_says_what_was_not_verified(bare, options):
    done, out = bare(*options)
    assert done.returncode == 0, done.stderr
    assert "NOT VERIFIED" in done.stdout and "apt-get install g++" in done.stdout
    assert "hardware equals golden" not in done.stdout
    report = json.loads((out / "report.json").read_text())
    assert report["verification"] == []
    assert "apt-get install g++" in report["unverified"]
    assert "module core" in (out / "iris.v").read_text()
    again = verify_folder(open_folder(out), "verilator")  # with the compiler that is here
    assert [each.level for each in again] == ["rtl", "netlist"][: 1 + (options == ("--no-pnr",))]
    if options == ("--no-pnr",):
        assert report["energy"]["toggles_per_inference"] > 0
        assert report["core"]["logic_cells"] > 0
    else:
        assert "toplevel: core" in (out / "iris.core").read_text()
        assert report["core"] is None


@pytest.mark.slow
def test_a_bitstream_is_never_unverified(bare):
    done, out = bare("--target", "ice40")
    assert done.returncode == 3
    assert "apt-get install g++" in done.stderr
    assert not (out / "report.json").exists()
