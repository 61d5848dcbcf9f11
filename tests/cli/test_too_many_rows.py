"""Nearest neighbours that a device cannot hold: exit code 4, and the condensing that helps."""

import re
import warnings

import joblib
import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.neighbors import KNeighborsClassifier
from typer.testing import CliRunner

from locgen.cli import app

DEVICE = ["--target", "ice40", "--device", "hx1k-tq144"]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Return the paths of a model of 900 rows and of its data."""
    folder = tmp_path_factory.mktemp("rows")
    x, y = make_blobs(1000, n_features=8, centers=3, cluster_std=4.0, random_state=0)
    model, data = folder / "rows.joblib", folder / "rows.npz"
    joblib.dump(KNeighborsClassifier(3).fit(x[:900], y[:900]), model)
    np.savez(data, X_train=x[:900], y_train=y[:900], X_test=x[900:], y_test=y[900:])
    return model, data


def _build(saved, out, *more):
    model, data = saved
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return CliRunner().invoke(
            app, ["build", str(model), *DEVICE, "--data", str(data), "--out", str(out), *more]
        )


@pytest.mark.slow
def test_says_how_many_would_fit_and_how_to_get_there(saved, tmp_path):
    result = _build(saved, tmp_path / "out")
    assert result.exit_code == 4
    text = " ".join(result.stderr.split())
    room, rows = re.search(r"would fit: about (\d+) rows instead of (\d+)", text).groups()
    way, left = re.search(r"or --condense (\w+) \((\d+) rows\)", text).groups()
    assert int(left) <= int(room) < int(rows) == 900
    assert way == "condensed" and "--device up5k" in text


@pytest.mark.slow
def test_the_condensing_it_names_builds(saved, tmp_path):
    """The command that the refusal names, run as it stands: up to the bitstream."""
    text = " ".join(_build(saved, tmp_path / "out").stderr.split())
    way, left = re.search(r"or (--condense \w+) \((\d+) rows\)", text).groups()
    result = _build(saved, tmp_path / "out", *way.split(), "--json")
    assert result.exit_code == 0, result.stderr
    assert list((tmp_path / "out").glob("*.bin"))
    inspected = CliRunner().invoke(
        app, ["inspect", str(saved[0]), *way.split(), "--data", str(saved[1])]
    )
    assert f"{left} of 900 stored rows" in " ".join(inspected.stdout.split())
