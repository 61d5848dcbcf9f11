"""Families that compute with sizes at the edges of training, as `test_tree_edges` has them."""

import warnings

import familykit
import layeredkit
import numpy as np
import pytest
import unitkit
from sklearn.metrics import pairwise_distances
from sklearn.pipeline import Pipeline
from test_tree_edges import EDGES as TREE_EDGES

from locgen.errors import LocgenError
from locgen.frontends import load

EDGES = TREE_EDGES | {"few rows": lambda x, y: (x[:40], y[:40])}
"""With rows enough, at last, for what estimates a covariance or a category."""
KITS = {"units": unitkit, "layers": layeredkit}
FEW = (
    *(("units", case) for case in ("lda", "ridge-classifier-two", "perceptron", "Lasso")),
    *(("units", case) for case in ("bernoulli", "categorical", "front-columns", "qda")),
    *(("units", case) for case in ("mixture-diag", "elliptic", "products", "k-means")),
    *(("units", case) for case in ("neighbours", "neighbours-within", "neighbours-mean")),
    *(("layers", case) for case in ("svc-rbf", "svr", "oneclass", "ridge-rbf", "mlp-relu")),
)
"""One of every reader."""
REST = [(kit, c) for kit, module in KITS.items() for c in module.CASES if (kit, c) not in FEW]


def _clearly_near(estimator, x):
    """Return where it is clear which rows are near enough; of those equally far any is taken."""
    before, last = None, estimator
    if isinstance(estimator, Pipeline):
        before, last = estimator[:-1], estimator[-1]
    inner = x if before is None else before.transform(x)
    far = np.sort(pairwise_distances(inner, last._fit_X, metric=last.effective_metric_), axis=1)
    if getattr(last, "radius", None) is not None:
        gap = np.abs(far - last.radius).min(axis=1)
    else:
        beyond = np.pad(far, ((0, 0), (0, 1)), constant_values=np.inf)
        gap = beyond[:, last.n_neighbors] - far[:, last.n_neighbors - 1]
    return gap > 1e-7 * far.max()


def _read_or_refused(kit, case, edge):
    """Return whether there was a model to compare with the library's answers."""
    data, make = KITS[kit].CASES[case]
    x_train, x_test, y_train, _ = familykit.rows(data)
    x, y = EDGES[edge](x_train, y_train)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            estimator = make().fit(x, y)
            theirs = np.asarray(estimator.predict(x_test))
        except Exception:
            return False  # the library does not train, or does not answer
        try:
            loaded = load(estimator)
        except LocgenError as error:
            assert "\n" not in str(error) and ": " in str(error)
            return False
        usual = ~np.isnan(x_test).any(axis=1) | loaded.model.rule.missing
        if "neighbours" in case:
            usual[usual] = _clearly_near(estimator, x_test[usual])
            if not usual.any():
                return False  # all rows of the training set are alike
        x_test, theirs = x_test[usual], theirs[usual]
        model = loaded.model
        scores = model.scores(x_test)
        decided = model.decide(scores)
        size = np.abs(scores).max(initial=1.0)
        if model.task == "regression":
            assert np.allclose(decided.reshape(theirs.shape), theirs, rtol=1e-5, atol=1e-7 * size)
            return True
        clear = model.rule_of_decision.margin(scores) > 1e-7 * size  # else rounding decides
        assert np.array_equal(model.labels(decided)[clear], theirs[clear])
        return True


@pytest.mark.parametrize("kit, case", FEW, ids=[case for _, case in FEW])
def test_what_trains_is_read_or_refused(kit, case):
    assert sum(_read_or_refused(kit, case, edge) for edge in EDGES) > 0


@pytest.mark.slow
@pytest.mark.parametrize("edge", EDGES)
def test_what_trains_of_every_family_is_read_or_refused(edge):
    assert sum(_read_or_refused(kit, case, edge) for kit, case in REST) > 0
