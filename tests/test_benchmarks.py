"""Every script of `benchmarks` starts, and says what it is for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "benchmarks"
SCRIPTS = sorted(
    path
    for path in FOLDER.rglob("*.py")
    if all(word in path.read_text() for word in ("ArgumentParser(", "__main__"))
)


@pytest.mark.slow
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_it_starts(path):
    paths = os.pathsep.join([str(FOLDER.parent), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, path, "--help"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": paths},
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split("\n\n")) > 1


def test_there_are_scripts():
    assert len(SCRIPTS) > 15
