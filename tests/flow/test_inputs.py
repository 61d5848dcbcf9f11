"""Rows to ask a board about, from the files that users have."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

import locgen
from locgen.errors import DataError
from locgen.flow.inputs import load_rows

X, Y = load_iris(return_X_y=True)
MODEL = locgen.compile(DecisionTreeClassifier(max_depth=2).fit(X, Y)).model
NAMES = [feature.name for feature in MODEL.features]


def csv(path, header, rows):
    lines = [",".join(header), *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_npz_gives_its_test_rows(tmp_path):
    np.savez(tmp_path / "a.npz", X_train=X[:5], y_train=Y[:5], X_test=X[5:9], y_test=Y[5:9])
    np.savez(tmp_path / "b.npz", X=X[:7])
    np.savez(tmp_path / "c.npz", z=X)
    assert (load_rows(tmp_path / "a.npz", MODEL) == X[5:9]).all()
    assert (load_rows(tmp_path / "b.npz", MODEL) == X[:7]).all()
    with pytest.raises(DataError, match="must hold X_test or X"):
        load_rows(tmp_path / "c.npz", MODEL)


def test_csv_with_and_without_labels(tmp_path):
    labelled = [[*row, label] for row, label in zip(X[:6], Y[:6], strict=True)]
    path = csv(tmp_path / "a.csv", ["a", "b", "c", "d", "kind"], labelled)
    assert (load_rows(path, MODEL) == X[:6]).all()
    path = csv(tmp_path / "b.csv", ["a", "b", "c", "d"], X[:6])
    assert (load_rows(path, MODEL) == X[:6]).all()
    path = csv(
        tmp_path / "c.csv", ["kind", "a", "b", "c", "d"], [[r[-1], *r[:-1]] for r in labelled]
    )
    assert (load_rows(path, MODEL, "kind") == X[:6]).all()
    path = csv(tmp_path / "d.csv", NAMES[::-1], X[:6, ::-1])
    assert (load_rows(path, MODEL) == X[:6]).all()
    with pytest.raises(DataError, match="has no column 'other'"):
        load_rows(path, MODEL, "other")
    path = csv(tmp_path / "e.csv", ["a", "b", "c"], X[:6, :3])
    with pytest.raises(DataError, match="has 3 columns, the model was trained on 4"):
        load_rows(path, MODEL)


def test_files_that_are_refused(tmp_path):
    with pytest.raises(DataError, match="is no file"):
        load_rows(tmp_path / "none.npz", MODEL)
    (tmp_path / "a.txt").write_text("1")
    with pytest.raises(DataError, match=r"must end in \.npz or \.csv"):
        load_rows(tmp_path / "a.txt", MODEL)
    np.savez(tmp_path / "nan.npz", X=np.full((2, 4), np.inf))
    with pytest.raises(DataError, match=r"nan.npz holds inf at row 0"):
        load_rows(tmp_path / "nan.npz", MODEL)
