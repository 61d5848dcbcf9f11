"""Whole builds behind every bus: golden's answers over it, refusals of what it cannot carry."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.model_selection import train_test_split

import locgen
from locgen.errors import ConfigurationError, Mismatch, UsageError
from locgen.flow.bench import emit
from locgen.verify.simulate import run_testbench
from locgen.verify.virtual_board import virtual_board

pytestmark = pytest.mark.xdist_group("tops")  # all ask what one fixture builds
X, Y = load_iris(return_X_y=True)
SPLIT = train_test_split(X, Y, test_size=0.3, random_state=0)
FOREST = RandomForestClassifier(3, max_depth=3, random_state=0).fit(SPLIT[0], SPLIT[2])


def compiled(top, **options):
    return locgen.compile(FOREST, data=SPLIT, top=top, pnr=False, effort="low", **options)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Return a build folder for each bus, verified at RTL and netlist level by the build."""
    made = {}
    for top in ("wishbone", "axilite", "axistream", "spi"):
        out = tmp_path_factory.mktemp(top) / "iris"
        built = compiled(top, fabric="tree" if top == "axilite" else "direct").build(out)
        assert [(r.level, r.mismatches) for r in built.results] == [("rtl", 0), ("netlist", 0)]
        assert all(r.frames > 30 for r in built.results)
        made[top] = out
    return made


@pytest.mark.slow
@pytest.mark.parametrize("top", ["axilite", "axistream"])
def test_cocotbext_axi_agrees(folders, top, tmp_path):
    """Another implementation of the bus than ours, with pauses on every channel."""
    pytest.importorskip("cocotbext.axi")
    bench = tmp_path / "bench"
    shutil.copytree(folders[top] / "testbench", bench)
    shutil.copyfile(Path(__file__).parents[1] / "top" / "axi_bench.py", bench / "test_bus.py")
    result = run_testbench(bench, "rtl")
    assert result.frames == result.vectors >= 128


@pytest.mark.slow
@pytest.mark.parametrize("top", ["wishbone", "axistream", "spi"])
def test_wrong_answers_are_found(folders, top, tmp_path):
    """The vectors of the bus are compared, not only those of the core."""
    bench = tmp_path / "bench"
    shutil.copytree(folders[top] / "testbench", bench)
    text = (bench / "top.v").read_text()
    start = text.index("  core core (")
    at = text.index(".o__payload(", start) + len(".o__payload(")
    end = text.index(")", at)
    name = text[at:end].strip()
    width = 8 * 8
    changed = text[:at] + "changed" + text[end:]
    place = changed.index("  core core (")
    wires = f"  wire [{width - 1}:0] changed;\n  assign {name} = changed ^ 1;\n"
    (bench / "top.v").write_text(changed[:place] + wires + changed[place:])
    with pytest.raises(Mismatch, match="disagree"):
        run_testbench(bench, "rtl")


@pytest.mark.slow
def test_reports_headers_and_the_virtual_board(folders):
    report = json.loads((folders["spi"] / "report.json").read_text())
    assert report["target"]["top"] == "spi"
    assert (folders["spi"] / "host" / "locgen_link.h").is_file()
    assert (folders["wishbone"] / "host" / "locgen_model.h").is_file()
    assert not (folders["wishbone"] / "host" / "locgen_link.h").exists()
    with (
        pytest.raises(ConfigurationError, match="--top wishbone, which has no serial port"),
        virtual_board(folders["wishbone"]),
    ):
        pass
    with pytest.raises(ConfigurationError, match="--top spi, which has no serial port"):
        locgen.Board(folders["spi"], "/dev/null")


@pytest.mark.slow
def test_engines_are_loaded_over_a_bus(tmp_path):
    built = compiled("wishbone", core="engine", device="up5k").build(tmp_path / "out")
    assert [r.mismatches for r in built.results] == [0, 0]


@pytest.mark.slow
def test_a_regression_over_a_stream(tmp_path):
    y = X @ np.array([1.0, -2.0, 3.0, 0.5])
    model = GradientBoostingRegressor(n_estimators=4, max_depth=2, random_state=0).fit(X, y)
    design = locgen.compile(model, data=(X, y), top="axistream", fabric="tree", target="verilog")
    assert [r.mismatches for r in design.build(tmp_path / "out").results] == [0]


def test_what_a_bus_cannot_carry():
    with pytest.raises(UsageError, match="leave --board out for wishbone"):
        compiled("wishbone", board="icebreaker")
    for top in ("wishbone", "axilite", "axistream"):
        with pytest.raises(ConfigurationError, match=f"no way for evidence on {top}"):
            emit(compiled(top, explain=True))
    with pytest.raises(ConfigurationError, match="not with a link or bus"):
        compiled("axilite", answer="decision")
    with pytest.raises(UsageError, match="top"):
        compiled("pcie")


@pytest.mark.parametrize("top", ["stream", "uart", "spi", "wishbone", "axilite", "axistream"])
def test_tops_are_told_apart_by_their_digest(top):
    others = {"stream", "uart", "spi", "wishbone", "axilite", "axistream"} - {top}
    assert compiled(top).digest not in {compiled(other).digest for other in others}
