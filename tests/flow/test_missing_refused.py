"""`--missing refuse`: no code for NaN, one bit less, the same answers for every number."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import train_test_split

import locgen
from locgen.errors import DataError


@pytest.fixture(scope="module")
def trained():
    x, y = load_digits(return_X_y=True)
    data = train_test_split(np.minimum(x, 15), y, test_size=0.3, random_state=0)
    model = HistGradientBoostingClassifier(max_iter=3, max_leaf_nodes=5, random_state=0)
    return model.fit(data[0], data[2]), data


def test_a_code_less_and_the_same_answers(trained):
    model, data = trained
    options = {"data": data, "feature_kind": "identity", "score_bits": 4}
    takes = locgen.compile(model, **options)
    refuses = locgen.compile(model, missing="refuse", **options)
    assert max(takes.model.feature_bits) == 5 and max(refuses.model.feature_bits) == 4
    assert all(code == -1 for code in refuses.model.missing_codes)
    x = np.random.default_rng(0).integers(0, 16, size=(2000, 64)).astype(float)
    assert (takes.predict(x) == refuses.predict(x)).all()


def test_nan_is_refused(trained):
    model, data = trained
    design = locgen.compile(model, missing="refuse")
    row = data[1][:1].copy()
    locgen.compile(model).predict(np.full_like(row, np.nan))
    row[0, 20] = np.nan
    with pytest.raises(DataError, match="holds nan"):
        design.predict(row)
    with pytest.raises(DataError, match="holds nan"):
        locgen.compile(model, missing="refuse", data=(np.concatenate([data[1], row]), [0] * 541))


def test_engines_take_the_model_then(trained):
    model, _ = trained
    with pytest.raises(locgen.errors.ConfigurationError, match="--missing refuse"):
        locgen.compile(model, core="engine", device="hx8k")
    design = locgen.compile(model, core="engine", device="hx8k", missing="refuse")
    assert design.plan.shapes
