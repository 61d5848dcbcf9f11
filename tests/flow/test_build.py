"""Whole builds: what lies in the folder, what is measured, what is refused."""

import dataclasses
import errno
import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import locgen
from locgen.errors import ConfigurationError, DoesNotFit, Mismatch
from locgen.flow import bench, build_stages
from locgen.flow import build as flow_build
from locgen.flow.folder import open_folder, verify_folder
from locgen.report.schema import Report
from locgen.verify import simulate


def split(bunch):
    return train_test_split(bunch.data, bunch.target, test_size=0.3, random_state=0)


@pytest.fixture(scope="module")
def small():
    data = split(load_iris())
    tree = DecisionTreeClassifier(max_depth=3, random_state=0).fit(data[0], data[2])
    return locgen.compile(tree, data=data, pnr=False)


@pytest.fixture(scope="module")
def forest_build(tmp_path_factory):
    """Build a forest on the tree network, with the link of a board, routed."""
    data = split(load_breast_cancer())
    forest = RandomForestClassifier(8, max_depth=4, random_state=0).fit(data[0], data[2])
    design = locgen.compile(forest, data=data, board="icebreaker", fabric="tree")
    out = tmp_path_factory.mktemp("forest") / "out"
    return design, design.build(out), out


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "logs" not in path.relative_to(folder).parts
    }


def test_board_build_is_complete_and_verified(forest_build):
    design, built, out = forest_build
    report = Report.model_validate_json((out / "report.json").read_bytes())
    assert [(v.level, v.mismatches) for v in report.verification] == [("rtl", 0), ("netlist", 0)]
    assert all(v.vectors >= 1000 for v in report.verification)
    assert report.digest == design.digest
    assert built.bitstream == out / "randomforestclassifier.bin"
    assert built.bitstream.stat().st_size > 50_000
    assert report.timing.fmax_mhz >= report.target.clock_mhz == 12
    assert 0 < report.core.logic_cells < report.utilisation.logic_cells < 5280
    assert report.energy.calibrated and report.energy.toggles_per_inference > 0
    assert report.throughput.link_per_second < report.throughput.core_per_second
    for netlist in (built.mapped.core, built.mapped.top):
        assert netlist.json.is_file() and netlist.verilog.is_file() and netlist.rtlil.is_file()
    for name in ("report.html", "README.md", "model.locgen.json", "testbench/run.py", "logs"):
        assert (out / name).exists()
    assert "module core" in (out / "randomforestclassifier.v").read_text()


def test_every_site_shows_in_the_pictures(forest_build):
    design, built, _ = forest_build
    from locgen.flow.report_pictures import make_pictures

    pictures = make_pictures(design, built)
    assert [site.number for site in pictures.sites] == list(range(8))
    assert all(site.logic_cells > 0 for site in pictures.sites)
    assert {cell.module for cell in pictures.cells} >= {"site_0", "site_7", "link"}


@pytest.mark.slow
def test_test_bench_runs_by_itself_elsewhere(forest_build, tmp_path):
    copy = tmp_path / "elsewhere"
    shutil.copytree(forest_build[2] / "testbench", copy)
    done = subprocess.run(
        [sys.executable, "run.py", "--level", "rtl"], cwd=copy, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_verify_finds_a_changed_netlist_and_changed_vectors(forest_build, tmp_path):
    copy = tmp_path / "changed"
    shutil.copytree(forest_build[2], copy)
    vectors = json.loads((copy / "testbench" / "vectors.json").read_text())
    vectors["outputs"][7] = f"{int(vectors['outputs'][7], 16) ^ 1:x}"
    (copy / "testbench" / "vectors.json").write_text(json.dumps(vectors))
    with pytest.raises(Mismatch, match="vector 7"):
        verify_folder(open_folder(copy), "verilator")


def test_same_input_same_bytes(small, tmp_path):
    fresh = dataclasses.replace(small, options=small.options.model_copy(update={"cache": False}))
    small.build(tmp_path / "one" / "a")
    fresh.build(tmp_path / "two" / "b")
    first, second = contents(tmp_path / "one" / "a"), contents(tmp_path / "two" / "b")
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []
    for name, content in first.items():
        assert str(tmp_path).encode() not in content, name


@pytest.fixture
def full_disk(monkeypatch):
    """Return what makes every later write of a file whose name ends so fail."""
    write = Path.write_text

    def fill(ending):
        def refuse(path, text, *options, **named):
            if path.name.endswith(ending):
                write(path, text[: len(text) // 2], *options, **named)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            return write(path, text, *options, **named)

        monkeypatch.setattr(Path, "write_text", refuse)

    return fill


@pytest.mark.parametrize("ending", ["plan.locgen.json", "report.json"])
def test_a_full_disk_leaves_the_earlier_build(small, tmp_path, full_disk, ending):
    out = tmp_path / "out"
    out.mkdir()
    (out / "report.json").write_text("{}")
    full_disk(ending)
    with pytest.raises(ConfigurationError, match=r"cannot be written: No space left.*make room"):
        small.build(out)
    assert {path.name for path in out.iterdir()} == {"report.json", "logs"}
    assert (out / "report.json").read_text() == "{}"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_that_cannot_be_moved_leaves_the_earlier_build(tmp_path, monkeypatch):
    work, out = tmp_path / "work", tmp_path / "out"
    for folder, text in ((work, "new"), (out, "old")):
        folder.mkdir()
        for name in ("a.v", "report.json"):
            (folder / name).write_text(text)
    rename = Path.rename

    def refuse(path, target):
        if path == work / "report.json":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OSError):
        flow_build._move(work, out)
    assert {path.name: path.read_text() for path in out.iterdir()} == {
        "a.v": "old",
        "report.json": "old",
    }


def test_a_build_below_a_folder_whose_name_is_not_plain(small, tmp_path):
    out = tmp_path / "Mül ler a$HOME'q" / "ö $PATH"
    built = small.build(out)
    assert [(v.level, v.mismatches) for v in built.results] == [("rtl", 0), ("netlist", 0)]
    assert built.mapped.core.verilog.is_file() and (out / "report.json").is_file()


def test_regression_behind_a_scaler_without_a_board(tmp_path):
    data = split(load_diabetes())
    model = make_pipeline(StandardScaler(), GradientBoostingRegressor(n_estimators=6, max_depth=2))
    model.fit(data[0], data[2])
    built = locgen.compile(model, data=data, stages=2).build(tmp_path / "out")
    report = Report.model_validate_json((tmp_path / "out" / "report.json").read_bytes())
    assert report.quantisation.changed_decisions is None
    assert report.quantisation.quantised_r2 is not None
    assert report.fabric.latency_cycles == 2
    assert report.target.clock_mhz == pytest.approx(report.timing.fmax_mhz, abs=0.01)
    assert built.bitstream.is_file()


def test_a_wrong_leaf_is_a_mismatch(small, tmp_path, monkeypatch):
    real = bench.fabric_of

    def broken(design):
        node = design.model.nodes[0]
        rows = [list(row) for row in node.leaf_scores]
        rows[-1][0] += 1
        wrong = dataclasses.replace(node, leaf_scores=tuple(tuple(r) for r in rows))
        model = dataclasses.replace(design.model, nodes=(wrong, *design.model.nodes[1:]))
        chosen = dataclasses.replace(design.chosen, model=model)
        return real(dataclasses.replace(design, chosen=chosen))

    monkeypatch.setattr(bench, "fabric_of", broken)
    with pytest.raises(Mismatch, match=r"expected .*, got") as caught:
        small.build(tmp_path / "out")
    assert caught.value.exit_code == 5
    last = small.model.nodes[0].leaf_ids[-1]
    assert f"suspect: node 0, leaf {last} " in str(caught.value)
    assert not (tmp_path / "out" / "report.json").exists()


def test_a_wrong_latency_in_the_plan_fails_the_build(small, tmp_path):
    plan = dataclasses.replace(small.plan, registers=(True, *small.plan.registers[1:]))
    flags = small.plan.registers
    assert plan.registers != flags or sum(flags) > 1

    class Late(type(plan)):
        @property
        def latency_cycles(self):
            return super().latency_cycles + 1

    late = Late(**{f.name: getattr(small.plan, f.name) for f in dataclasses.fields(plan)})
    design = dataclasses.replace(small, chosen=dataclasses.replace(small.chosen, plan=late))
    with pytest.raises(Mismatch, match="latency"):
        design.build(tmp_path / "out")


def test_a_failed_build_leaves_the_earlier_one(small, tmp_path, monkeypatch):
    out = tmp_path / "out"
    small.build(out)
    before = contents(out)

    def fail(*arguments, **named):
        raise Mismatch("made up")

    monkeypatch.setattr(simulate, "run_testbench", fail)
    with pytest.raises(Mismatch, match="made up"):
        small.build(out)
    assert contents(out) == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_foreign_folder_is_not_touched(small, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match="no build folder of locgen"):
        small.build(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_a_board_too_small_says_what_would_fit(tmp_path):
    data = split(load_digits())
    forest = RandomForestClassifier(10, max_depth=5, random_state=0).fit(data[0], data[2])
    design = locgen.compile(forest, board="icestick", fabric="direct")
    with pytest.raises(DoesNotFit, match=r"icestick has 1280 \(\d+ too few\); would fit: ") as e:
        design.build(tmp_path / "out")
    assert "trees instead of 10" in str(e.value) and "--board ice" in str(e.value)
    assert e.value.exit_code == 4


def test_what_is_far_too_large_is_refused_before_any_tool_runs(tmp_path, monkeypatch):
    data = split(load_digits())
    forest = RandomForestClassifier(40, max_depth=8, random_state=0).fit(data[0], data[2])
    monkeypatch.setattr(build_stages, "emit", None)
    with pytest.raises(DoesNotFit, match=r"needs \d+ logic cells by estimate, up5k has 5280"):
        locgen.compile(forest, core="hardwired").build(tmp_path / "out")


def test_damaged_build_folders_are_refused(forest_build, tmp_path):
    with pytest.raises(ConfigurationError, match=r"report\.json is missing"):
        open_folder(tmp_path)
    copy = tmp_path / "copy"
    shutil.copytree(forest_build[2], copy, ignore=shutil.ignore_patterns("testbench"))
    (copy / "report.json").write_text((copy / "report.json").read_text()[:100])
    with pytest.raises(ConfigurationError, match="is damaged"):
        open_folder(copy)


@pytest.mark.slow
def test_ten_classes_at_both_levels_on_either_fabric(tmp_path):
    data = split(load_digits())
    forest = RandomForestClassifier(6, max_depth=4, random_state=0).fit(data[0], data[2])
    model = tmp_path / "digits.pkl"
    model.write_bytes(pickle.dumps(forest))
    for number, options in enumerate(
        [{"fabric": "direct"}, {"fabric": "tree", "link_width": "full", "sites": 3}]
    ):
        design = locgen.compile(model, data=data, **options)
        built = design.build(tmp_path / str(number))
        assert all(result.mismatches == 0 for result in built.results)
        assert np.mean(design.predict(data[1]) != forest.predict(data[1])) < 0.01
