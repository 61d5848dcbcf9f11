"""A second reference beside each library: treelite reads the same trained models on its own.

It knows neither scalers, single trees nor most ensembles, and does not cast its input to float32 as
scikit-learn does: that is done here.
"""

import familykit
import numpy as np
import pytest
import treelite
import treelite.gtil
import treelite.sklearn
from sklearn.ensemble import ExtraTreesRegressor, RandomForestClassifier

from locgen.frontends import model_check, read_estimator

READ = {
    "XGB": lambda estimator: treelite.frontend.from_xgboost(estimator.get_booster()),
    "LGBM": lambda estimator: treelite.frontend.from_lightgbm(estimator.booster_),
    "": treelite.sklearn.import_model,
}
CASES = [
    case
    for case in (*familykit.CASES, "forest", "extra-trees")
    if case.startswith(("hist-", "xgb-", "lgbm-", "forest", "extra-trees", "multi-label-f"))
    and case != "hist-scaled"
]
# Fractions of a category, and zeros of 1e-35, are not treelite's own rules.
ON_DATA_ALONE = ("hist-categorical", "lgbm-zero")


def second_opinion(estimator, x):
    """Return treelite's raw scores (rows, outputs), targets one after the other."""
    name = type(estimator).__name__
    read = next(read for prefix, read in READ.items() if name.startswith(prefix))
    found = treelite.gtil.predict(read(estimator), x, pred_margin=True)
    classes = getattr(estimator, "classes_", None)
    if isinstance(classes, list):  # several targets, padded to the classes of the widest
        return np.hstack([found[:, n, : len(each)] for n, each in enumerate(classes)])
    return found.reshape(len(x), -1)


def fitted(case):
    if case in familykit.CASES:
        return familykit.fitted(case)
    if case == "forest":
        arrays = familykit.rows("wine")
        return RandomForestClassifier(7, random_state=0).fit(arrays[0], arrays[2]), arrays
    arrays = familykit.rows("diabetes-two")
    return ExtraTreesRegressor(5, max_depth=5, random_state=0).fit(arrays[0], arrays[2]), arrays


@pytest.mark.parametrize("case", CASES)
def test_treelite_adds_up_the_same(case):
    estimator, (_, x_test, _, _) = fitted(case)
    model = read_estimator(estimator)
    tables = [x_test] if case in ON_DATA_ALONE else [x_test, model_check.tree_probe_rows(model)]
    for x in tables:
        cast = x.astype(np.float32).astype(np.float64)
        given = cast if model.rule.input_dtype == "float32" else x
        ours = model.scores(x)
        theirs = second_opinion(estimator, given)
        if model.probability == "mean" or "label" in case:
            theirs = theirs * len(estimator.estimators_)
        size = np.abs(ours).max()
        assert theirs.shape == ours.shape
        assert np.abs(theirs - ours).max() <= 1e-6 * size
