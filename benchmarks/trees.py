"""Accuracy of every family of tree ensembles: float, golden, and the decisions that differ.

Each estimator on two data sets at the automatic widths: classifiers on digits and segment (UCI,
from the folder ``shared``; without it on digits alone), regressors on diabetes and Friedman's first
function (1,000 rows, noise 1). Golden is what the gates equal; cells are estimates of the direct
fabric. Missing: one value in ten of the training and test rows is taken out. Coded: two columns of
each data set are replaced by a code of their octile. Two labels: the class,
and whether its number is odd; both must be right.
"""

import argparse
import os
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from measure import markdown, out_argument, write_result
from models import bundled
from sklearn.base import BaseEstimator
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes, make_friedman1
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import locgen
from locgen.quantise.evaluator import right_share

SHARED = Path(os.environ.get("LOCGEN_SHARED", Path(__file__).parents[2] / "shared"))
BAR_POINTS, BAR_R2 = 0.5, 0.01
"""What golden may lose on the test rows: percentage points, and R2."""

Make = Callable[[], BaseEstimator]


def boosted(package: str, name: str, **settings: object) -> Make:
    """Return a way of making an estimator of XGBoost or LightGBM."""

    def make() -> BaseEstimator:
        module = __import__(package)
        more = {"verbosity": -1} if package == "lightgbm" else {}
        return getattr(module, name)(n_jobs=1, random_state=0, **more, **settings)

    return make


TREE = {"max_depth": 5, "random_state": 0}
SMALL = {"n_estimators": 20, "max_depth": 3}
CLASSIFIERS: dict[str, tuple[str, Make]] = {
    "DecisionTree (entropy)": (
        "plain",
        lambda: DecisionTreeClassifier(criterion="entropy", **TREE),
    ),
    "HistGradientBoosting": (
        "plain",
        lambda: HistGradientBoostingClassifier(max_iter=20, max_depth=4),
    ),
    "HistGradientBoosting, missing": (
        "missing",
        lambda: HistGradientBoostingClassifier(max_iter=20, max_depth=4),
    ),
    "HistGradientBoosting, categories": (
        "coded",
        lambda: HistGradientBoostingClassifier(
            max_iter=20, max_depth=4, categorical_features=[0, 2]
        ),
    ),
    "AdaBoost": (
        "plain",
        lambda: AdaBoostClassifier(DecisionTreeClassifier(max_depth=3), random_state=0),
    ),
    "Bagging": (
        "plain",
        lambda: BaggingClassifier(
            DecisionTreeClassifier(max_depth=6), 20, max_features=0.5, random_state=0
        ),
    ),
    "IsolationForest": ("outliers", lambda: IsolationForest(n_estimators=50, random_state=0)),
    "Voting (soft)": (
        "plain",
        lambda: VotingClassifier(
            [
                ("forest", RandomForestClassifier(20, **TREE)),
                ("extra", ExtraTreesClassifier(20, **TREE)),
            ],
            voting="soft",
        ),
    ),
    "Voting (hard)": (
        "plain",
        lambda: VotingClassifier(
            [
                (f"tree{n}", DecisionTreeClassifier(max_depth=6, max_features=0.5, random_state=n))
                for n in range(9)
            ]
        ),
    ),
    "Voting (hard) of forests and boosting": (
        "plain",
        lambda: VotingClassifier(
            [
                ("forest", RandomForestClassifier(10, **TREE)),
                ("extra", ExtraTreesClassifier(10, **TREE)),
                ("hist", HistGradientBoostingClassifier(max_iter=10, max_depth=3)),
            ]
        ),
    ),
    "AdaBoost of forests": (
        "plain",
        lambda: AdaBoostClassifier(
            RandomForestClassifier(4, **TREE), n_estimators=8, random_state=0
        ),
    ),
    "MultiOutput of boosting": (
        "two labels",
        lambda: MultiOutputClassifier(
            GradientBoostingClassifier(n_estimators=10, max_depth=3, random_state=0)
        ),
    ),
    "RandomForest of two labels": ("two labels", lambda: RandomForestClassifier(20, **TREE)),
    "OneVsRest of forests": (
        "plain",
        lambda: OneVsRestClassifier(RandomForestClassifier(8, **TREE)),
    ),
    "OneVsRest of boosting": (
        "plain",
        lambda: OneVsRestClassifier(
            GradientBoostingClassifier(n_estimators=10, max_depth=3, random_state=0)
        ),
    ),
    "imputed, selected forest": (
        "missing",
        lambda: make_pipeline(
            SimpleImputer(), SelectKBest(k=10), RandomForestClassifier(20, **TREE)
        ),
    ),
    "binned forest": (
        "plain",
        lambda: make_pipeline(
            KBinsDiscretizer(8, quantile_method="averaged_inverted_cdf"),
            RandomForestClassifier(20, **TREE),
        ),
    ),
    "one-hot forest": (
        "coded",
        lambda: make_pipeline(
            make_column_transformer(
                (OneHotEncoder(handle_unknown="ignore"), [0, 2]), remainder="passthrough"
            ),
            RandomForestClassifier(20, **TREE),
        ),
    ),
    "XGBoost": ("plain", boosted("xgboost", "XGBClassifier", **SMALL)),
    "XGBoost, missing": ("missing", boosted("xgboost", "XGBClassifier", **SMALL)),
    "XGBoost DART": ("plain", boosted("xgboost", "XGBClassifier", booster="dart", **SMALL)),
    "XGBoost forest": ("plain", boosted("xgboost", "XGBRFClassifier", **SMALL)),
    "LightGBM": ("plain", boosted("lightgbm", "LGBMClassifier", **SMALL)),
    "LightGBM, missing": ("missing", boosted("lightgbm", "LGBMClassifier", **SMALL)),
    "LightGBM DART": (
        "plain",
        boosted("lightgbm", "LGBMClassifier", boosting_type="dart", **SMALL),
    ),
    "LightGBM forest": (
        "plain",
        boosted(
            "lightgbm",
            "LGBMClassifier",
            boosting_type="rf",
            subsample=0.7,
            subsample_freq=1,
            **SMALL,
        ),
    ),
}
REGRESSORS: dict[str, tuple[str, Make]] = {
    "DecisionTree (absolute error)": (
        "plain",
        lambda: DecisionTreeRegressor(criterion="absolute_error", **TREE),
    ),
    "HistGradientBoosting": ("plain", lambda: HistGradientBoostingRegressor(max_iter=20)),
    "AdaBoost": (
        "plain",
        lambda: AdaBoostRegressor(
            DecisionTreeRegressor(max_depth=5), n_estimators=20, random_state=0
        ),
    ),
    "Bagging": (
        "plain",
        lambda: BaggingRegressor(DecisionTreeRegressor(max_depth=6), 20, random_state=0),
    ),
    "Voting": (
        "plain",
        lambda: VotingRegressor(
            [
                ("forest", RandomForestRegressor(20, **TREE)),
                ("boosted", GradientBoostingRegressor(n_estimators=20, random_state=0)),
            ]
        ),
    ),
    "MultiOutput": (
        "two targets",
        lambda: MultiOutputRegressor(GradientBoostingRegressor(n_estimators=20, random_state=0)),
    ),
    "XGBoost": ("plain", boosted("xgboost", "XGBRegressor", **SMALL)),
    "XGBoost forest": ("plain", boosted("xgboost", "XGBRFRegressor", **SMALL)),
    "LightGBM": ("plain", boosted("lightgbm", "LGBMRegressor", **SMALL)),
}


def rows_of(data: str, kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return X_train, X_test, y_train, y_test of a data set, changed as `kind` says."""
    if data == "diabetes":
        arrays = train_test_split(*load_diabetes(return_X_y=True), test_size=0.3, random_state=0)
    elif data == "friedman":
        x, y = make_friedman1(1000, noise=1.0, random_state=0)
        arrays = train_test_split(x, y, test_size=0.3, random_state=0)
    elif data == "segment":
        file = np.load(SHARED / "data" / "segment.npz")
        arrays = [file[key] for key in ("X_train", "X_test", "y_train", "y_test")]
    else:
        arrays = bundled(data)
    x_train, x_test, y_train, y_test = (np.array(part) for part in arrays)
    random = np.random.default_rng(0)
    if kind == "missing":
        x_train, x_test = (
            np.where(random.random(x.shape) < 0.1, np.nan, x) for x in (x_train, x_test)
        )
    if kind == "coded":
        for column in (0, 2):
            limits = np.unique(np.quantile(x_train[:, column], np.arange(1, 8) / 8))
            codes = random.permutation(len(limits) + 1)
            for x in (x_train, x_test):
                x[:, column] = codes[np.digitize(x[:, column], limits)]
    if kind == "two targets":
        y_train, y_test = (np.column_stack([y, np.abs(y) ** 0.5]) for y in (y_train, y_test))
    if kind == "two labels":
        y_train, y_test = (np.column_stack([y, y % 2]) for y in (y_train, y_test))
    return x_train, x_test, y_train, y_test


def measure(family: str, kind: str, make: Make, data: str) -> dict[str, object]:
    """Return the figures of one estimator on one data set."""
    x_train, x_test, y_train, y_test = rows_of(data, kind)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator = make().fit(x_train, y_train)
        theirs = estimator.predict(x_test)
        if kind == "outliers":  # no labels but its own
            y_train, y_test = estimator.predict(x_train), theirs
    design = locgen.compile(estimator, data=(x_train, x_test, y_train, y_test))
    ours = design.predict(x_test)
    regression = design.model.task == "regression"
    score = r2_score if regression else right_share
    before, after = float(score(y_test, theirs)), float(score(y_test, ours))
    differ = round(len(y_test) * (1 - right_share(theirs, ours)))
    changed = "-" if regression else f"{differ} of {len(y_test)}"
    return {
        "family": family,
        "data": data,
        "float": round(before, 4),
        "golden": round(after, 4),
        "lost": round(before - after, 4),
        "changed": changed,
        "trees": len(design.model.nodes),
        "input_bits": sum(design.model.feature_bits),
        "leaf_bits": design.quantisation.trials[-1].score_bits,
        "cells": design.estimate.logic_cells,
    }


def main() -> None:
    """Measure, print and write ``trees.md`` and ``trees.json``."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    out_argument(parser)
    arguments = parser.parse_args()
    rows = []
    for cases, sets in (
        (CLASSIFIERS, ("digits", "segment")),
        (REGRESSORS, ("diabetes", "friedman")),
    ):
        for family, (kind, make) in cases.items():
            for data in sets:
                if data == "segment" and not (SHARED / "data").is_dir():
                    continue
                rows.append(measure(family, kind, make, data))
                print(rows[-1], flush=True)
    head = ["family", "data", "float", "golden", "lost", "changed", "trees", "input bits"]
    head += ["bits a leaf", "cells, about"]
    counted = [row["lost"] for row in rows if row["changed"] != "-"]
    points, r2 = 100 * max(counted), max(row["lost"] for row in rows if row["changed"] == "-")
    text = "# Families of trees\n\n" + markdown(head, (row.values() for row in rows))
    text += f"\nMost lost: {points:.2f} points of accuracy (bar {BAR_POINTS:g}: "
    text += f"{'met' if points <= BAR_POINTS else 'MISSED'}), {r2:.4f} of R2 (bar {BAR_R2:g}: "
    text += f"{'met' if r2 <= BAR_R2 else 'MISSED'}). Cells are estimates of the cheaper fabric.\n"
    write_result(arguments.out, "trees", text, {"rows": rows})


if __name__ == "__main__":
    main()
