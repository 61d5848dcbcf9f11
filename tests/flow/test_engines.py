"""Designs with engines: when they are chosen, what is refused, and whole builds."""

import json
import pickle
import shutil
import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split
from typer.testing import CliRunner

import locgen
from locgen.boards import load_board
from locgen.cli import app
from locgen.errors import ConfigurationError
from locgen.flow.folder import open_folder
from locgen.flow.memory import boot_flash, memory_image
from locgen.flow.update import design_of_folder, replace_model
from locgen.models import MixtureOfExpertsClassifier
from locgen.report.schema import Report
from locgen.targets.flash import image_bytes


def split(bunch):
    """Split as benchmarks/models.py does."""
    return train_test_split(
        bunch.data, bunch.target, test_size=0.3, random_state=0, stratify=bunch.target
    )


IRIS, CANCER, DIGITS = (split(load()) for load in (load_iris, load_breast_cancer, load_digits))


def forest(data, trees, depth, seed=0):
    return RandomForestClassifier(trees, max_depth=depth, random_state=seed).fit(data[0], data[2])


@pytest.fixture(scope="module")
def small():
    return forest(IRIS, 4, 3)


@pytest.fixture(scope="module")
def large():
    """Return a forest that is too large for the gates of an UP5K, but not for its memories."""
    return forest(DIGITS, 40, 8)


def shapes(design):
    return design.plan.shapes


def test_small_models_stay_in_gates_unless_engines_are_asked_for(small):
    for core in ("auto", "hardwired"):
        design = locgen.compile(small, core=core)
        assert design.plan.core == "hardwired" and shapes(design) == ()
        assert memory_image(design) == ()
    design = locgen.compile(small, core="engine")
    assert design.plan.core == design.report.fabric.core == "engine"
    (shape,) = shapes(design)
    assert shape.memory == "block" and len(memory_image(design)) <= shape.words
    two = locgen.compile(small, core="engine", sites=2)
    assert len(shapes(two)) == two.report.fabric.sites == 2


def test_auto_takes_engines_where_gates_do_not_fit_and_memory_does(large):
    design = locgen.compile(large)
    assert design.plan.core == "engine" and design.chosen.reason == "too large for gates"
    assert {shape.memory for shape in shapes(design)} == {"spram"}
    assert design.estimate.logic_cells < design.target.device.capacity.logic_cells
    assert locgen.compile(large, fabric="tree").plan.core == "engine"
    board = locgen.compile(large, board="icebreaker")
    assert board.plan.core == "engine"
    assert boot_flash(board) == load_board("icebreaker").flash


def test_auto_fills_the_memory_and_leaves_the_rest_in_gates(large):
    design = locgen.compile(large, device="hx8k")
    gates = locgen.compile(large, device="hx8k", core="hardwired")
    plan, capacity = design.plan, design.target.device.capacity
    assert plan.core == "mixed"
    assert {s.memory for s in shapes(design)} == {"block"}
    assert design.estimate.logic_cells < gates.estimate.logic_cells
    assert sum(shape.words for shape in shapes(design)) * 32 <= capacity.bram * 4096
    with pytest.raises(ConfigurationError, match="has its model in gates"):
        replace_model(design, large)


def test_auto_does_not_take_engines_that_are_larger_than_the_gates():
    """Neither fits; an engine for ten outputs alone is larger than a HX1K."""
    model = forest(DIGITS, 10, 5)
    design = locgen.compile(model, device="hx1k")
    assert design.estimate.logic_cells > design.target.device.capacity.logic_cells
    assert design.plan.core == "hardwired"
    engine = locgen.compile(model, device="hx1k", core="engine")
    assert engine.estimate.logic_cells > design.estimate.logic_cells


def test_hardwired_never_takes_engines(large):
    for fabric in ("auto", "tree", "direct"):
        design = locgen.compile(large, core="hardwired", fabric=fabric)
        assert design.plan.core == "hardwired" and shapes(design) == ()
    # Neither do the direct fabric or its stages.
    assert shapes(locgen.compile(large, fabric="direct")) == ()
    assert shapes(locgen.compile(large, stages=3)) == ()


def test_golden_does_not_depend_on_where_the_trees_are(small, large):
    for model, data in ((small, IRIS), (large, DIGITS)):
        engine = locgen.compile(model, data=data, core="engine")
        gates = locgen.compile(model, data=data, core="hardwired")
        assert np.array_equal(engine.predict(data[1]), gates.predict(data[1]))
        assert np.array_equal(engine.decision_function(data[1]), gates.decision_function(data[1]))
        assert engine.digest != gates.digest


def with_gaps():
    x = np.where(np.random.default_rng(0).random(IRIS[0].shape) < 0.2, np.nan, IRIS[0])
    return RandomForestClassifier(4, max_depth=3, random_state=0).fit(x, IRIS[2])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fabric": "direct"}, "--core engine needs --fabric tree and no --stages"),
        ({"stages": 2}, "--core engine needs --fabric tree and no --stages"),
        ({"sites": 5}, "--sites 5 is outside 1 to 4"),
    ],
)
def test_options_that_engines_do_not_have_are_refused(small, options, message):
    with pytest.raises(ConfigurationError, match=message) as caught:
        locgen.compile(small, core="engine", **options)
    assert caught.value.exit_code == 1


def test_models_that_engines_do_not_know_are_refused():
    with pytest.raises(
        ConfigurationError, match="no code for missing values: add --missing refuse"
    ):
        locgen.compile(with_gaps(), core="engine")
    experts = MixtureOfExpertsClassifier(2, gate_depth=2, random_state=0).fit(IRIS[0], IRIS[2])
    with pytest.raises(ConfigurationError, match="opens some: use --core hardwired"):
        locgen.compile(experts, data=IRIS, core="engine")
    assert locgen.compile(with_gaps()).plan.core == "hardwired"


def refused(code, message, tmp_path, model, *arguments):
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(model))
    words = ["build", path, "--out", tmp_path / "out", *arguments]
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == code, result.output
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1 and message in lines[0], result.stderr
    assert not (tmp_path / "out" / "report.json").exists()
    return lines[0]


def test_a_model_too_large_even_for_memories_says_the_sizes(tmp_path, large):
    for device, brams in (("lp1k", 16), ("hx8k", 32)):
        line = refused(4, "words of memory for its engines", tmp_path, large,
                       "--core", "engine", "--device", device)  # fmt: skip
        assert f"({brams} block RAMs, 0 SPRAMs)" in line
        assert " needs " in line and "the device has " in line
        assert line.endswith("train fewer or smaller trees, or take --device up5k")
    line = refused(4, "logic cells by estimate", tmp_path, large, "--device", "lp1k")
    assert line.endswith("or --device up5k (its engines' memories)")
    line = refused(4, "words of memory", tmp_path, large, "--core", "engine", "--board", "icestick")
    assert line.endswith("or take --board icebreaker")


def test_a_model_too_large_for_every_memory_names_no_device(tmp_path):
    line = refused(4, "4 SPRAMs", tmp_path, forest(DIGITS, 170, 10), "--core", "engine")
    assert line.endswith("train fewer or smaller trees")


def test_spram_behind_a_uart_needs_a_flash(tmp_path, large):
    words = ("--core", "engine", "--device", "up5k", "--top", "uart")
    refused(1, "without a board there is no flash", tmp_path, large, *words)
    design = locgen.compile(large, core="engine", top="stream")
    assert boot_flash(design) is None


def levels(out):
    report = Report.model_validate_json((out / "report.json").read_bytes())
    return report, [(level.level, level.mismatches) for level in report.verification]


@pytest.fixture(scope="module")
def block_build(tmp_path_factory):
    design = locgen.compile(
        forest(IRIS, 4, 3), data=IRIS, core="engine", board="icebreaker", pnr=False, effort="low"
    )
    out = tmp_path_factory.mktemp("block") / "out"
    return design, design.build(out), out


@pytest.mark.slow
def test_a_board_build_with_block_memory_is_complete_and_verified(block_build):
    design, built, out = block_build
    report, verified = levels(out)
    assert verified == [("rtl", 0), ("netlist", 0)]
    assert report.fabric.core == "engine"
    assert report.core.bram > 0 and report.core.spram == 0
    assert report.fabric.interval_cycles == design.plan.interval_cycles
    assert built.bitstream is None
    assert json.loads((out / "testbench" / "memory.json").read_text()) == list(memory_image(design))
    labels = [frame["label"] for frame in json.loads((out / "testbench/frames.json").read_text())]
    for label in ("spoil words", "predict without a model", "check of the whole model",
                  "hello with the model", "predict after damaged writes"):  # fmt: skip
        assert any(said.startswith(label) for said in labels), label
    assert all(result.frames == len(labels) for result in built.results)
    again = design_of_folder(open_folder(out))
    assert again.digest == design.digest and again.plan == design.plan
    assert memory_image(again) == memory_image(design)


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["memory", "frames"])
def test_the_test_bench_finds_a_wrong_model(block_build, tmp_path, damage):
    """A leaf's score changed in the image that is loaded, or another answer in an exchange."""
    copy = tmp_path / "testbench"
    shutil.copytree(block_build[2] / "testbench", copy)
    if damage == "memory":
        words = json.loads((copy / "memory.json").read_text())
        words[-2] ^= 1
        (copy / "memory.json").write_text(json.dumps(words))
    else:
        frames = json.loads((copy / "frames.json").read_text())
        number = next(n for n, f in enumerate(frames) if f["label"] == "check of the whole model")
        frames[number]["response"] = frames[number - 1]["response"]
        (copy / "frames.json").write_text(json.dumps(frames))
    done = subprocess.run(
        [sys.executable, "run.py", "--level", "rtl"], cwd=copy, capture_output=True, text=True
    )
    assert done.returncode == 5, done.stdout + done.stderr


@pytest.mark.slow
def test_a_hundred_trees_of_depth_eight_run_on_an_up5k(tmp_path):
    """The digits forest of issue 3, from SPRAM that the board's flash fills."""
    model = forest(DIGITS, 100, 8)
    design = locgen.compile(model, data=DIGITS, board="icebreaker")
    plan, flash = design.plan, load_board("icebreaker").flash
    assert plan.core == "engine" and {s.memory for s in plan.shapes} == {"spram"}
    assert 24e6 / plan.interval_cycles > 10_000
    out = tmp_path / "out"
    built = design.build(out)
    report, verified = levels(out)
    assert verified == [("rtl", 0), ("netlist", 0)]
    assert all(level.vectors >= 1000 for level in report.verification)
    assert report.fabric.interval_cycles == plan.interval_cycles
    assert report.core.spram == 4 and report.utilisation.spram == 4
    assert report.throughput.link_per_second < report.throughput.core_per_second
    joined = built.bitstream.read_bytes()
    image = image_bytes(memory_image(design))
    assert joined[flash.offset :] == image
    assert len(joined) == flash.offset + len(image)
    changed = np.mean(design.predict(DIGITS[1]) != model.predict(DIGITS[1]))
    assert changed < 0.01
