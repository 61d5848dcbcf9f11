"""Every family at the edges of training: one class, constant features, a single row, two rows."""

import warnings

import familykit
import numpy as np
import pytest

import locgen
from locgen.errors import BudgetError, LocgenError
from locgen.frontends import load

EDGES = {
    "constant": lambda x, y: (np.ones_like(x), y),
    "one class": lambda x, y: (x, np.full_like(y, y[0])),
    "one row": lambda x, y: (x[:1], y[:1]),
    "two rows": lambda x, y: (x[:2], y[:2]),
    "ties": lambda x, y: (np.repeat(x[:4], 10, axis=0), y[np.resize(np.arange(8), 40)]),
}


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("case", [c for c in familykit.CASES if "pipeline" not in c])
def test_what_trains_is_read_or_refused(case, edge):
    data, make = familykit.CASES[case]
    x_train, x_test, y_train, _ = familykit.rows(data)
    x, y = EDGES[edge](x_train, y_train)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            estimator = make().fit(x, y)
            theirs = np.asarray(estimator.predict(x_test))
        except Exception as error:
            assert edge in ("one class", "one row", "two rows"), error
            pytest.skip(f"the library does not train: {type(error).__name__}")
        try:
            loaded = load(estimator)
        except LocgenError as error:
            assert "\n" not in str(error) and ": " in str(error)
            return
    model = loaded.model
    decided = model.decide(model.scores(x_test))
    if model.task == "regression":
        assert np.allclose(decided.reshape(theirs.shape), theirs, rtol=1e-5, atol=1e-5)
        return
    clear = model.rule_of_decision.margin(model.scores(x_test)) > 1e-9  # else rounding decides
    assert np.array_equal(model.labels(decided)[clear], theirs[clear])
    if "isolation" in case:
        assert np.array_equal(model.labels(decided), theirs)
    if len(model.classes) > 1:
        try:
            golden = locgen.compile(loaded, "ice40").predict(x_test)
        except BudgetError:
            return  # nothing but ties, which no rounding keeps
        assert set(np.unique(golden)) <= set(model.classes)
