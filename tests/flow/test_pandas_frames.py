"""Frames: columns count by name where the model knows names, and a design says what it is."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier

import locgen
from locgen.errors import DataError

pandas = pytest.importorskip("pandas")

FRAME, LABELS = load_iris(return_X_y=True, as_frame=True)
REVERSED = FRAME[FRAME.columns[::-1]]


@pytest.fixture(scope="module")
def model():
    return RandomForestClassifier(5, max_depth=3, random_state=0).fit(FRAME, LABELS)


@pytest.fixture(scope="module")
def design(model):
    return locgen.compile(model, data=(FRAME, LABELS))


def test_columns_of_a_frame_count_by_name(model, design):
    assert np.array_equal(design.predict(REVERSED), design.predict(FRAME))
    assert np.array_equal(design.predict(FRAME), design.predict(FRAME.to_numpy()))
    turned = locgen.compile(model, data=(REVERSED, LABELS))
    assert turned.model == design.model
    assert turned.report.quantisation == design.report.quantisation


def test_blanks_count_as_the_underscores_that_lightgbm_writes(design):
    written = REVERSED.rename(columns=lambda name: name.replace(" ", "_"))
    assert np.array_equal(design.predict(written), design.predict(FRAME))


def test_a_frame_of_other_names_counts_by_position(design):
    assert np.array_equal(design.predict(pandas.DataFrame(FRAME.to_numpy())), design.predict(FRAME))


@pytest.mark.parametrize(
    "frame",
    [
        FRAME.rename(columns={"sepal length (cm)": "length"}),
        FRAME[[*FRAME.columns[:3], FRAME.columns[0]]],
        FRAME[FRAME.columns[:3]],
    ],
    ids=["another name", "a name twice", "a column missing"],
)
def test_some_names_alone_are_refused(design, frame):
    with pytest.raises(DataError, match="the columns that it was trained on"):
        design.predict(frame)


def test_complex_rows_are_refused(design):
    with pytest.raises(DataError, match="complex"):
        design.predict(FRAME.to_numpy() + 1j)


def test_a_design_says_what_it_is_in_a_line(design):
    assert repr(design) == (
        f"<Design {design.model.name}: RandomForestClassifier, 5 nodes, direct fabric, "
        f"{design.digest}>"
    )
