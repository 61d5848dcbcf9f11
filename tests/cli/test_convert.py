"""`locgen convert`: the integers of a model in a file of their own."""

import errno
import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from typer.testing import CliRunner

import locgen
from locgen.cli import app

X, Y = load_iris(return_X_y=True)


@pytest.fixture
def folder(tmp_path):
    forest = RandomForestClassifier(4, max_depth=3, random_state=0).fit(X, Y)
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(forest))
    np.savez(tmp_path / "data.npz", X=X, y=Y)
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_file_answers_as_the_design_does(folder):
    made, data = folder / "own" / "small.locgen.json", folder / "data.npz"
    said = run("convert", folder / "model.pkl", made, "--data", data, "--json")
    assert said.exit_code == 0
    facts = json.loads(said.stdout)
    read = locgen.compile(made)
    first = locgen.compile(folder / "model.pkl", data=data)
    assert np.array_equal(read.predict(X), first.predict(X))
    assert facts["nodes"] == 4 and facts["feature_bits"] == sum(first.model.feature_bits)
    again = folder / "again.locgen.json"
    run("convert", folder / "model.pkl", again, "--data", data)
    assert again.read_bytes() == made.read_bytes()
    assert run("convert", made, again).exit_code == 0
    assert again.read_bytes() == made.read_bytes()


def test_another_name_is_refused_and_nothing_written(folder):
    said = run("convert", folder / "model.pkl", folder / "small.json")
    assert said.exit_code == 2 and "must end in .locgen.json" in said.stderr
    assert not (folder / "small.json").exists()


def test_a_full_disk_is_one_line_and_leaves_nothing(folder, monkeypatch):
    write = Path.write_text

    def refuse(path, text, *options):
        write(path, text[:10], *options)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    before = sorted(folder.iterdir())
    monkeypatch.setattr(Path, "write_text", refuse)
    said = run("convert", folder / "model.pkl", folder / "small.locgen.json")
    assert said.exit_code == 1 and len(said.stderr.strip().splitlines()) <= 2
    assert "No space left on device" in said.stderr and "Traceback" not in said.stderr
    assert sorted(folder.iterdir()) == before
