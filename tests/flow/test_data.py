"""Data files are read, split and refused as documented."""

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from locgen.errors import DataError
from locgen.flow.data import as_dataset, load_dataset
from locgen.frontends import read_estimator

X = np.random.default_rng(0).random((40, 3))
Y = (X[:, 0] > 0.5).astype(int)
LETTERS = np.array(["no", "yes"])[Y]


@pytest.fixture
def classifier():
    return read_estimator(DecisionTreeClassifier(max_depth=2).fit(X, Y))


@pytest.fixture
def letters():
    return read_estimator(DecisionTreeClassifier(max_depth=2).fit(X, LETTERS))


@pytest.fixture
def regressor():
    return read_estimator(DecisionTreeRegressor(max_depth=2).fit(X, X[:, :2]))


def write_csv(path, header, rows):
    path.write_text("\n".join([",".join(header), *(",".join(map(str, r)) for r in rows)]) + "\n")
    return path


def test_npz_with_a_split_is_taken_as_it_is(tmp_path, classifier):
    path = tmp_path / "d.npz"
    np.savez(path, X_train=X[:30], y_train=Y[:30], X_test=X[30:], y_test=Y[30:])
    data = load_dataset(path, classifier)
    assert np.array_equal(data.x_train, X[:30]) and np.array_equal(data.y_test, Y[30:])


def test_npz_without_a_split_is_split_alike_each_time(tmp_path, classifier):
    path = tmp_path / "d.npz"
    np.savez(path, X=X, y=Y)
    first, second = load_dataset(path, classifier), load_dataset(path, classifier)
    assert len(first.x_train) == 28 and len(first.x_test) == 12
    assert np.array_equal(first.x_test, second.x_test)


def test_csv_takes_the_last_column_or_the_named_one(tmp_path, letters):
    rows = [[*map(repr, map(float, x)), y] for x, y in zip(X, LETTERS, strict=True)]
    last = write_csv(tmp_path / "a.csv", ["a", "b", "c", "label"], rows)
    front = write_csv(tmp_path / "b.csv", ["label", "a", "b", "c"], [[r[3], *r[:3]] for r in rows])
    one, two = load_dataset(last, letters), load_dataset(front, letters, "label")
    assert np.array_equal(one.x_test, two.x_test) and np.array_equal(one.y_test, two.y_test)
    assert set(one.y_train) == {"no", "yes"}


def test_csv_columns_are_put_into_the_models_order(tmp_path, classifier):
    names = classifier.feature_names
    header = [names[2], names[0], names[1], "label"]
    rows = [[x[2], x[0], x[1], y] for x, y in zip(X.tolist(), Y, strict=True)]
    data = load_dataset(write_csv(tmp_path / "d.csv", header, rows), classifier)
    together = np.concatenate([data.x_train, data.x_test])
    assert {tuple(r) for r in together.tolist()} == {tuple(r) for r in X.tolist()}


def test_text_labels_become_the_models_classes(tmp_path, classifier):
    rows = [[*x, y] for x, y in zip(X.tolist(), Y, strict=True)]
    data = load_dataset(write_csv(tmp_path / "d.csv", ["a", "b", "c", "y"], rows), classifier)
    assert data.y_train.dtype.kind == "i"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y: (x[:, :2], y), "has 2 columns, the model was trained on 3"),
        (lambda x, y: (np.where(x == x[3, 1], np.nan, x), y), "holds nan at row"),
        (lambda x, y: (np.where(x == x[3, 1], np.inf, x), y), "holds inf at row"),
        (lambda x, y: (x, y[:5]), "one label a row"),
        (lambda x, y: (x, y + 5), "none of the model's classes"),
        (lambda x, y: (x.astype(str) + "?", y), "must hold numbers"),
    ],
)
def test_bad_rows_are_refused(classifier, change, message):
    with pytest.raises(DataError, match=message):
        as_dataset(change(X.copy(), Y.copy()), classifier)


def test_bad_targets_of_a_regressor_are_refused(regressor):
    with pytest.raises(DataError, match="of shape"):
        as_dataset((X, X[:, 0]), regressor)
    with pytest.raises(DataError, match="finite"):
        as_dataset((X, np.full((40, 2), np.nan)), regressor)


def test_unreadable_files_are_refused(tmp_path, classifier):
    cases = {
        "absent.npz": (None, "is no file"),
        "empty.npz": (b"", "no readable"),
        "cut.npz": (b"PK\x03\x04 cut off", "no readable"),
        "rows.txt": (b"1 2 3", "must end in .npz or .csv"),
        "head.csv": (b"a,b,c,y\n", "a header and at least one row"),
        "ragged.csv": (b"a,b,c,y\n1,2,3,0\n1,2\n", "row 3 has 2 fields, not 4"),
        "words.csv": (b"a,b,c,y\n1,two,3,0\n1,2,3,1\n", "must hold numbers"),
        "binary.csv": (b"\xff\xfe\x00,\n\n", "no readable CSV"),
    }
    for name, (content, message) in cases.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=message):
            load_dataset(tmp_path / name, classifier)
    write_csv(tmp_path / "l.csv", ["a", "b", "c", "y"], [[1, 2, 3, 0], [1, 2, 3, 1]])
    with pytest.raises(DataError, match="has no column 'z'; it has a, b, c, y"):
        load_dataset(tmp_path / "l.csv", classifier, "z")


def test_pickled_objects_in_npz_are_not_loaded(tmp_path, classifier):
    np.savez(tmp_path / "o.npz", X=np.array([[object()]]), y=Y)
    with pytest.raises(DataError, match="without pickled objects"):
        load_dataset(tmp_path / "o.npz", classifier)


def test_wrong_keys_are_refused(tmp_path, classifier):
    np.savez(tmp_path / "k.npz", features=X, labels=Y)
    with pytest.raises(DataError, match="X_train y_train X_test y_test, or X y"):
        load_dataset(tmp_path / "k.npz", classifier)
