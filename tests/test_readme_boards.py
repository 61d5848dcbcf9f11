"""The README's commands for boards, run as they stand there: a fake programmer, a virtual board."""

import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

README = Path(__file__).resolve().parent.parent / "README.md"
VERBS = ("flash", "run", "explain", "simulate", "update", "boards")


def commands() -> dict[str, str]:
    """Return the README's line for each verb that has to do with a board, without its comment."""
    text = README.read_text("utf-8").partition("## The commands")[2].partition("\n## ")[0]
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    found = {}
    for line in lines:
        for choice in re.sub(r"locgen (\w+(?: \| \w+)+)$", r"\1", line).split(" | "):
            words = choice.removeprefix("locgen ").split()
            if words and words[0] in VERBS:
                found[words[0]] = choice.removeprefix("locgen ")
    return found


def test_every_verb_of_boards_is_in_the_readme():
    assert set(commands()) == set(VERBS)


def ran(line: str, **values: object) -> subprocess.CompletedProcess:
    """Run a line of the README with its capitals filled in."""
    return subprocess.run(filled(line, **values), capture_output=True, text=True)


def filled(line: str, **values: object) -> list[str]:
    words = line.replace("[", "").replace("]", "").split()
    return [sys.executable, "-m", "locgen", *(str(values.get(word, word)) for word in words)]


@pytest.mark.slow
def test_they_work(tmp_path, monkeypatch):
    x, y = load_iris(return_X_y=True)
    split = train_test_split(x, y, test_size=0.3, random_state=0)
    names = ("X_train", "X_test", "y_train", "y_test")
    np.savez(tmp_path / "data.npz", **dict(zip(names, split, strict=True)))
    for name, seed in (("model", 0), ("other", 5)):
        forest = RandomForestClassifier(3, max_depth=3, random_state=seed).fit(split[0], split[2])
        (tmp_path / f"{name}.pkl").write_bytes(pickle.dumps(forest))
    folder, data, port = tmp_path / "build", tmp_path / "data.npz", tmp_path / "port"
    made = ran(
        "build MODEL --core engine --board icebreaker --data FILE --out DIR --no-pnr",
        MODEL=tmp_path / "model.pkl",
        FILE=data,
        DIR=folder,
    )
    assert made.returncode == 0, made.stderr
    lines = commands()
    lines["explain"] = lines["explain"].partition(" [")[0]  # --port needs a build with --explain
    (folder / "model.bin").write_bytes(b"the bitstream")  # what stands here is not routed

    programmer = tmp_path / "iceprog"
    programmer.write_text(f'#!/bin/sh\ncp "$1" {tmp_path}/flashed.bin\n')
    programmer.chmod(0o755)
    monkeypatch.setenv("ICEPROG", str(programmer))
    done = ran(lines["flash"], DIR=folder)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "flashed.bin").read_bytes() == (folder / "model.bin").read_bytes()
    assert "icebreaker" in ran(lines["boards"]).stdout

    with subprocess.Popen(
        [*filled(lines["simulate"], DIR=folder), "--link", str(port)], stdout=subprocess.PIPE
    ) as board:
        try:
            assert board.stdout.readline().decode().strip() == str(port)
            values = {"DIR": folder, "FILE": data, "P": port, "MODEL": tmp_path / "other.pkl"}
            done = ran(lines["run"], **values)
            assert done.returncode == 0, done.stderr
            assert len(done.stdout.split()) == len(split[1])
            assert "0 of 45 differ from golden" in done.stderr
            done = ran(lines["explain"], **values)
            assert done.returncode == 0 and "row 44: " in done.stdout, done.stderr
            done = ran(lines["update"], **values)
            assert done.returncode == 0, done.stderr
            done = ran(lines["run"], **values)  # against the new model, now the one on the board
            assert done.returncode == 0, done.stderr
            assert "0 of 45 differ from golden" in done.stderr
        finally:
            board.terminate()
        board.wait()
    assert board.returncode == 0
    assert not os.path.lexists(port)
