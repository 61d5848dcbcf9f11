"""Tables as people have them: separators, headers, indices, blanks, names in another order."""

import csv
import itertools
import sys

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeClassifier
from typer.testing import CliRunner

import locgen
from locgen.cli import app
from locgen.errors import DataError, ToolNotFound
from locgen.flow.data import as_dataset, load_dataset
from locgen.flow.inputs import load_rows
from locgen.frontends import load

RNG = np.random.default_rng(3)
FRAME = pd.DataFrame(
    {
        "flow rate": RNG.normal(size=60) / 3,
        "step": RNG.integers(0, 9, 60),
        "größe": 10 ** RNG.uniform(-30, 30, 60),
        "open": RNG.random(60) > 0.5,
    }
)
KIND = pd.Series(np.array(["north", "south"])[(FRAME["flow rate"] > 0).astype(int)], name="kind")
LABELLED = FRAME.assign(kind=KIND)


def fitted(x, y=KIND, **options):
    return load(DecisionTreeClassifier(max_depth=3, random_state=0, **options).fit(x, y))


NAMED = fitted(FRAME)
NAMELESS = fitted(FRAME.to_numpy(dtype=float))
MISSING = load(HistGradientBoostingClassifier(max_iter=2).fit(FRAME, KIND))
VERBS = ["build", "inspect", "estimate", "fit-check", "run", "explain", "update", "convert"]
MODEL = locgen.compile(NAMED).model


def read(path, loaded=NAMED, label=None, na=None):
    """Return all rows of a file in the order of the first feature, and their labels."""
    data = load_dataset(path, loaded.model, label, na, loaded.named)
    rows = np.concatenate([data.x_train, data.x_test])
    labels = np.concatenate([data.y_train, data.y_test])
    order = np.argsort(rows[:, 0])
    return rows[order], labels[order]


def same(path, *options, **named):
    """Check that every row and label of `LABELLED` is read, bit for bit."""
    rows, labels = read(path, *options, **named)
    order = np.argsort(FRAME["flow rate"])
    wanted = FRAME.to_numpy(dtype=float)[order]
    return np.array_equal(rows, wanted) and np.array_equal(labels, KIND[order])


ENCODINGS = ["utf-8", "utf-8-sig", "utf-16"]
WAYS = list(itertools.product(",;\t", [True, False], [True, False], ENCODINGS))


@pytest.mark.parametrize(("separator", "header", "index", "encoding"), WAYS)
def test_what_pandas_writes_is_read_bit_for_bit(tmp_path, separator, header, index, encoding):
    path = tmp_path / "rows.csv"
    options = {"sep": separator, "header": header, "index": index and header}
    LABELLED.to_csv(path, encoding=encoding, lineterminator="\r\n" if index else "\n", **options)
    assert same(path) and same(path, NAMELESS)
    assert np.array_equal(load_rows(path, MODEL), FRAME.to_numpy(dtype=float))
    FRAME.to_csv(path, encoding=encoding, **options)
    assert np.array_equal(load_rows(path, MODEL), FRAME.to_numpy(dtype=float))


@pytest.mark.parametrize("index", [FRAME.index * 7 - 20, FRAME.index.astype(str) + "th"])
def test_any_index_without_a_name_is_left_out_also_when_written_twice(tmp_path, index):
    LABELLED.set_axis(index).to_csv(tmp_path / "once.csv")
    pd.read_csv(tmp_path / "once.csv").to_csv(tmp_path / "twice.csv", index=False)
    assert same(tmp_path / "once.csv") and same(tmp_path / "twice.csv")


def test_columns_are_matched_by_name_wherever_the_label_stands(tmp_path):
    for order in itertools.islice(itertools.permutations(LABELLED.columns), 0, None, 11):
        LABELLED[list(order)].to_csv(tmp_path / "rows.csv", index=False)
        assert same(tmp_path / "rows.csv") and same(tmp_path / "rows.csv", label="kind")


@pytest.mark.parametrize(
    ("renamed", "message"),
    [
        ({"step": "steps"}, r"missing 'step'; unknown 'steps'"),
        ({"step": "open", "open": "step2"}, r"missing 'step'; unknown 'step2'"),
        ({"step": "open"}, r"missing 'step'; given twice 'open'|two columns 'open'"),
        ({"kind": "open"}, r"two columns 'open'"),
        (
            dict(zip(FRAME, "abcd", strict=True)),
            r"missing 'flow rate', .*unknown 'a', 'b', 'c'",
        ),
        ({"step": "open", "open": "step"}, None),
        ({"flow rate": "flow_rate"}, None),
    ],
)
def test_names_that_differ_are_refused_by_name(tmp_path, renamed, message):
    path = tmp_path / "rows.csv"
    frame = LABELLED.rename(columns=renamed)
    frame.to_csv(path, index=False)
    ways = [
        lambda: read(path),
        lambda: load_rows(path, MODEL),
        lambda: as_dataset((frame.iloc[:, :4], KIND), NAMED.model, named=True),
    ][: 2 if "kind" in renamed else 3]
    for way in ways:
        if message is None:
            way()
        else:
            with pytest.raises(DataError, match=message):
                way()


def test_names_that_training_saw_count_even_if_they_look_made_up(tmp_path):
    numbers = FRAME.set_axis(["x0", "x1", "x2", "x3"], axis=1)
    seen, made_up = fitted(numbers), fitted(numbers.to_numpy(dtype=float))
    assert (
        seen.named and not made_up.named and seen.model.feature_names == made_up.model.feature_names
    )
    path = tmp_path / "rows.csv"
    LABELLED.to_csv(path, index=False)
    assert same(path, made_up)
    with pytest.raises(DataError, match=r"missing 'x0', .*unknown 'flow rate'"):
        read(path, seen)
    with pytest.raises(DataError, match=r"missing 'x0'"):
        locgen.compile(seen).predict(FRAME)
    assert len(locgen.compile(made_up).predict(FRAME)) == 60


def test_a_first_row_is_never_lost_or_made_up(tmp_path):
    counts = pd.DataFrame(np.arange(12.0).reshape(4, 3) / 2)
    loaded = load(HistGradientBoostingClassifier(max_iter=1).fit(counts.to_numpy(), [0, 3, 0, 3]))
    path = tmp_path / "rows.csv"
    cases = {
        "0,1,2,3\n0.5,1,2,0\n1.5,1,2,3\n": 2,  # names above decimal points
        "0,1,2,y\n5,1,2,0\n1,1,2,3\n": 2,
        ",0,1,2,y\n0,5,1,2,0\n1,1,1,2,3\n": 2,
        "0,1,2,0\n5,1,2,0\n1,1,2,3\n": 3,
        "1,1,2,3\n5,1,2,0\n1,1,2,3\n": 3,
        "-1e3,.5,2,3\n5,1,2,0\n1,1,2,3\n": 3,
        "a,b,c,d\n5,1,2,0\n1,1,2,3\n": 2,
        "True,false,2,3\nFalse,,1,0\nTrue,True,2,3\n": 3,
    }
    for text, rows in cases.items():
        path.write_text(text)
        assert len(read(path, loaded)[0]) == rows, text
    one = fitted(FRAME[["step"]].to_numpy())
    for text in (",7\n0,4\n1,5\n", ",7\n0,4.5\n1,5.5\n"):
        path.write_text(text)
        with pytest.raises(DataError, match="may be names or a row"):
            load_rows(path, locgen.compile(one).model)
    path.write_text(",7,y\n0,4,north\n1,5,south\n")
    with pytest.raises(DataError, match="may be names or a row"):
        read(path, one)
    numeral = fitted(FRAME[["step"]].rename(columns={"step": "7"}))
    path.write_text("7,kind\n4.5,north\n5.5,south\n")
    assert len(read(path, numeral)[0]) == 2
    path.write_text("nan,1,2,3\n5,1,2,0\n1,1,2,3\n")
    with pytest.raises(DataError, match="row 1 has 'nan'"):
        read(path, loaded)
    for first in ("0,1,2,3", "1,2,3,area", "?,1,2,3", "2019,2020,area,y"):
        path.write_text(f"{first}\n5,1,2,0\n1,1,2,3\n")
        with pytest.raises(DataError, match=r"starts with .*, which may be names or a row"):
            read(path, loaded)


def test_cells_are_named_by_the_row_of_the_file_and_the_column(tmp_path):
    path = tmp_path / "rows.csv"
    text = LABELLED.astype(object)
    text.iloc[7, 1] = ""
    text.iloc[3, 4] = 'quoted\nover, two "lines"'
    text.to_csv(path, index=False)
    lines = path.read_text().splitlines()
    path.write_text("\n\n" + "\n".join(lines))
    broken = next(n for n, line in enumerate(lines, 3) if ",," in line)
    with pytest.raises(DataError, match=rf"holds nan at row {broken}, column 1 'step'"):
        read(path)
    with pytest.raises(DataError, match=rf"rows.csv holds nan at row {broken}, column 1 'step'"):
        load_rows(path, MODEL)
    with pytest.raises(DataError, match=r"labels hold 'quoted.* at row 7, which is none"):
        read(path, MISSING)
    text.iloc[7, 1], text.iloc[3, 4] = "n/a", "south"
    text.to_csv(path, index=False)
    with pytest.raises(DataError, match=r"'step' must hold numbers, row 9 has 'n/a'.*--na n/a"):
        read(path, MISSING)
    text.iloc[7, 1], text.iloc[8, 4] = 4, ""
    text.to_csv(path, index=False)
    with pytest.raises(DataError, match="labels lack one at row 10"):
        read(path)
    path.write_text("\n".join(line.replace(",", ";").replace(".", ",") for line in lines))
    with pytest.raises(DataError, match=r"row 2 has '.*': write it with a decimal point"):
        read(path)


def test_only_blanks_are_missing_unless_said_otherwise(tmp_path):
    path = tmp_path / "rows.csv"
    text = LABELLED.astype(object)
    text.iloc[0, 1], text.iloc[1, 0], text.iloc[2, 3], text.iloc[3, 2] = "", "  ", "", "-999"
    text.to_csv(path, index=False)
    assert np.isnan(read(path, MISSING)[0]).sum() == 3
    assert np.isnan(read(path, MISSING, na="-999")[0]).sum() == 4
    for word in ("NaN", "nan", "NA", "null", "None", "?"):
        text.iloc[3, 2] = word
        text.to_csv(path, index=False)
        with pytest.raises(DataError, match="must hold numbers"):
            read(path, MISSING)
        assert np.isnan(read(path, MISSING, na=["x", word])[0]).sum() == 4
    assert np.isnan(load_rows(path, locgen.compile(MISSING).model, na="?")).sum() == 4


def test_damaged_files_are_refused_in_a_line(tmp_path):
    head = "flow rate,step,größe,open,kind\n"
    cases = {
        "": "at least one row",
        "\n\n  \n": "at least one row",
        head: "at least one row",
        head + "1,2,3,1,north\n1,2,3,1\n": "row 3 has 4 fields, not 5",
        head + "\n1,2,3,1,north\n\n1,2,3,1,north,6\n": "row 5 has 6 fields, not 5",
        head + '1,2,3,1,"north\n1,2,3,1,north\n': "no readable CSV|fields, not 5",
        head + "1,2,3,1,nor\0th\n1,2,3,1,south\n": "no readable CSV|none of the model's classes",
        "step,größe,open,kind\n1,1,1,south\n": "missing 'flow rate'",
        head.replace(",", "|") + "1|2|3|1|north\n": "divide them by commas, semicolons or tabs",
        head.replace("kind", "kind,note") + "1,2,3,1,north,x\n": "unknown 'kind', 'note'",
        head.replace(",kind", "") + "1,2,3,1\n1,2,3,1\n": "no column of labels",
    }
    for text, message in cases.items():
        (tmp_path / "rows.csv").write_text(text, "utf-8")
        with pytest.raises(DataError, match=message):
            read(tmp_path / "rows.csv")
    (tmp_path / "rows.csv").write_bytes(head.encode("latin-1"))
    with pytest.raises(DataError, match="no readable CSV"):
        read(tmp_path / "rows.csv")


def test_parquet_is_read_or_says_what_it_needs(tmp_path, monkeypatch):
    path = tmp_path / "rows.parquet"
    path.write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "fastparquet", None)
    with pytest.raises(ToolNotFound, match=r'pip install "locgen\[parquet\]"'):
        read(path)
    monkeypatch.undo()
    pytest.importorskip("pyarrow")
    LABELLED[LABELLED.columns[::-1]].set_axis(LABELLED.index * 3).to_parquet(path)
    assert same(path)
    assert np.array_equal(load_rows(path, MODEL), FRAME.to_numpy(dtype=float))
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match="no readable Parquet"):
        read(path)


def test_frames_stay_available_in_the_models_order_with_their_types(tmp_path):
    typed = FRAME.astype({"step": "Int64", "open": "boolean"}).iloc[:, ::-1]
    for rows in ((typed, KIND), (typed[:40], typed[40:], KIND[:40], KIND[40:])):
        data = as_dataset(rows, NAMED.model, named=True)
        for frame, x in ((data.frame_train, data.x_train), (data.frame_test, data.x_test)):
            assert list(frame.columns) == list(FRAME.columns)
            assert frame.dtypes.to_dict() == typed.dtypes.to_dict()
            assert np.array_equal(frame.to_numpy(dtype=float), x)
            assert np.array_equal(FRAME.loc[frame.index].to_numpy(dtype=float), x)
        again = as_dataset(data, NAMED.model, named=True)
        assert again.frame_test.equals(data.frame_test) and np.array_equal(
            again.x_test, data.x_test
        )
    LABELLED[["step", "open", "kind", "größe", "flow rate"]].to_csv(tmp_path / "rows.csv")
    data = load_dataset(tmp_path / "rows.csv", NAMED.model)
    assert data.frame_train.dtypes.astype(str).to_list() == ["float64", "int64", "float64", "bool"]
    assert np.array_equal(NAMED.estimator.predict(data.frame_test), data.y_test)
    LABELLED.to_csv(tmp_path / "rows.csv")
    assert load_dataset(tmp_path / "rows.csv", NAMELESS.model).frame_train is None
    assert as_dataset((FRAME.to_numpy(), KIND), NAMED.model).frame_train is None


def test_values_of_frames_become_floats():
    frame = pd.DataFrame(
        {
            "flow rate": pd.array([1.5, None, 2.5], dtype="Float64"),
            "step": pd.Categorical([30, None, 10]),
            "größe": [True, None, 3],
            "open": pd.array([True, None, False], dtype="boolean"),
        }
    )
    data = as_dataset((frame, frame, KIND[:3], KIND[:3]), MISSING.model)
    wanted = [[1.5, 30, 1, 1], [np.nan] * 4, [2.5, 10, 3, 0]]
    assert np.array_equal(data.x_train, wanted, equal_nan=True)
    for bad in (pd.to_datetime(["2020"] * 3), ["a", "b", "c"], [1j, 2j, 3j]):
        with pytest.raises(DataError, match="must hold numbers only in column 'step'"):
            as_dataset((frame.assign(step=bad), KIND[:3]), MISSING.model)


def test_frames_of_other_libraries_count_by_name():
    class Frame:
        columns = tuple(FRAME.columns[::-1])

        def __getitem__(self, name):
            return FRAME[name].to_numpy()

    design = locgen.compile(NAMED, data=(Frame(), KIND))
    assert np.array_equal(design.predict(Frame()), design.predict(FRAME))


def test_sparse_rows_are_zeros_where_nothing_stands():
    dense = np.where(RNG.random((80, 5)) > 0.7, RNG.normal(size=(80, 5)), 0.0)
    y = (dense.sum(axis=1) > 0).astype(int)
    forest = RandomForestClassifier(4, max_depth=4, random_state=0)
    for form in (sparse.csr_matrix, sparse.csc_array, sparse.coo_array):
        design = locgen.compile(forest.fit(form(dense), y), data=(form(dense), y))
        wanted = locgen.compile(forest, data=(dense, y)).data.x_train
        assert np.array_equal(design.data.x_train, wanted)
        assert np.array_equal(design.predict(form(dense)), design.predict(dense))


@pytest.mark.parametrize("nothing", [np.nan, None, pd.NA, "missing"])
def test_labels_that_are_missing_are_refused_in_a_line(nothing):
    flags = fitted(FRAME, KIND == "north")
    counts = fitted(FRAME, (KIND == "north").astype(int))
    line = load(LinearRegression().fit(FRAME, FRAME["step"]))
    for loaded, labels in (
        (NAMED, KIND),
        (flags, KIND == "north"),
        (counts, (KIND == "north").astype(int)),
        (line, FRAME["step"]),
    ):
        y = labels.astype(object)
        y[11] = nothing
        for rows in ((FRAME, y), (FRAME, FRAME, y, y)):
            with pytest.raises(DataError, match=r"labels.* row 11\b") as caught:
                as_dataset(rows, loaded.model)
            assert "\n" not in str(caught.value)


def test_every_command_takes_the_text_of_what_is_missing(tmp_path):
    joblib.dump(MISSING.estimator, tmp_path / "m.joblib")
    text = LABELLED.astype(object)
    text.iloc[5, 1] = "-"
    text.to_csv(tmp_path / "rows.TSV", sep="\t")
    verb = ["inspect", str(tmp_path / "m.joblib"), "--data", str(tmp_path / "rows.TSV")]
    refused = CliRunner().invoke(app, verb)
    assert refused.exit_code == 1
    assert "row 7 has '-'" in refused.stderr.replace("\n", " ")
    assert CliRunner().invoke(app, [*verb, "--na", "?", "--na", "-"]).exit_code == 0
    shown = {verb: CliRunner().invoke(app, [verb, "--help"]).stdout for verb in VERBS}
    assert [verb for verb, text in shown.items() if "--na" not in text] == []


def test_a_long_file_is_read_quickly(tmp_path):
    with (tmp_path / "rows.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*FRAME, "kind"])
        row = [0.1, 7, 1e-300, 1, "north"]
        writer.writerows(row for _ in range(20_000))
    rows, _ = read(tmp_path / "rows.csv")
    assert (rows == row[:4]).all() and len(rows) == 20_000
