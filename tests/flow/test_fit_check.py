"""Which boards and devices a model would fit, by estimate."""

import json
import pickle

import pytest
from sklearn.datasets import load_digits, load_iris
from sklearn.ensemble import RandomForestClassifier
from typer.testing import CliRunner

from locgen.boards import list_boards
from locgen.cli import app
from locgen.devices import devices


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for name, (loader, trees, depth) in {
        "small": (load_iris, 3, 3),
        "large": (load_digits, 60, 8),
    }.items():
        forest = RandomForestClassifier(trees, max_depth=depth, random_state=0)
        (folder / f"{name}.pkl").write_bytes(pickle.dumps(forest.fit(*loader(return_X_y=True))))
    return folder


def check(*words):
    result = CliRunner().invoke(app, ["fit-check", *map(str, words)])
    return result.exit_code, result.stdout


def test_a_small_model_fits_everywhere(models):
    code, text = check(models / "small.pkl", "--all-boards", "--json")
    fits = {fit["place"]: fit for fit in json.loads(text)}
    assert code == 0
    assert set(fits) == {b.name for b in list_boards()} | {d.name for d in devices()}
    assert all(fit["fits"] for fit in fits.values())
    for fit in fits.values():
        assert fit["margin"] == fit["available"] - fit["logic_cells"]
        assert fit["filled"] == pytest.approx(fit["logic_cells"] / fit["available"])
    assert fits["icestick"]["logic_cells"] > fits["hx1k"]["logic_cells"]  # the link


def test_a_large_model_fits_large_devices_alone(models):
    code, text = check(models / "large.pkl", "--all-boards", "--core", "hardwired", "--json")
    fits = {fit["place"]: fit["fits"] for fit in json.loads(text)}
    assert code == 0
    assert fits["85k"] and not fits["icestick"] and not fits["hx1k"]


def test_what_fits_nowhere_is_exit_code_4(models):
    code, text = check(models / "large.pkl", "--board", "icestick", "--core", "hardwired")
    assert code == 4 and "does not fit" in text
    code, text = check(models / "large.pkl", "--device", "hx1k", "--core", "engine")
    assert code in (1, 4)


def test_all_boards_and_one_board_contradict_each_other(models):
    assert check(models / "small.pkl", "--all-boards", "--board", "ulx3s")[0] == 2
