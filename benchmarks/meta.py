"""Ensembles over members of any family: float, golden, what differs, on two data sets each.

The searches see the training rows alone; the bars are for the test rows, on the split of every
benchmark. Estimated logic cells are those of the chosen fabric on the UP5K, without the link.
"""

import argparse
import warnings
from collections import Counter
from collections.abc import Callable

import numpy as np
from measure import markdown, out_argument, write_result
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    BaggingRegressor,
    GradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import r2_score
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC
from sklearn.tree import DecisionTreeClassifier
from trees import rows_of

import locgen
from locgen.ir import Cascade

BAR_POINTS, BAR_R2 = 1.0, 0.02
Make = Callable[[], BaseEstimator]
SEEDED = {"random_state": 0}


def scaled(member: BaseEstimator) -> BaseEstimator:
    """Return a pipeline of a StandardScaler and `member`."""
    return make_pipeline(StandardScaler(), member)


def logistic() -> BaseEstimator:
    """Return a logistic regression behind a scaler."""
    return scaled(LogisticRegression(max_iter=2000))


def forest() -> BaseEstimator:
    """Return a small forest."""
    return RandomForestClassifier(8, max_depth=4, **SEEDED)


def boosted() -> BaseEstimator:
    """Return small gradient boosting."""
    return GradientBoostingClassifier(n_estimators=8, max_depth=2, **SEEDED)


def members() -> list[tuple[str, BaseEstimator]]:
    """Return a linear model, naive Bayes and a forest."""
    return [("linear", logistic()), ("bayes", GaussianNB()), ("forest", forest())]


def kernel() -> tuple[str, BaseEstimator]:
    """Return a kernel machine as one more member."""
    return ("kernel", scaled(SVC()))


def values() -> list[tuple[str, BaseEstimator]]:
    """Return a linear model, a forest and a kernel machine of values."""
    return [
        ("linear", Ridge()),
        ("forest", RandomForestRegressor(8, max_depth=4, **SEEDED)),
        ("kernel", scaled(SVR(C=50.0))),
    ]


CLASSES: dict[str, Make] = {
    "Voting soft: linear, bayes, forest": lambda: VotingClassifier(members(), voting="soft"),
    "Voting hard: linear, bayes, forest, SVC": lambda: VotingClassifier([*members(), kernel()]),
    "Bagging of LogisticRegression": lambda: BaggingClassifier(logistic(), 4, **SEEDED),
    "Bagging of SVC": lambda: scaled(BaggingClassifier(SVC(), 3, **SEEDED)),
    "AdaBoost of LogisticRegression": lambda: scaled(
        AdaBoostClassifier(LogisticRegression(), n_estimators=3)
    ),
    "OneVsOne of LinearSVC": lambda: scaled(OneVsOneClassifier(LinearSVC())),
    "OneVsOne of SVC": lambda: scaled(OneVsOneClassifier(SVC())),
    "OneVsOne of GradientBoosting": lambda: OneVsOneClassifier(boosted()),
    "OneVsRest of LogisticRegression": lambda: scaled(OneVsRestClassifier(LogisticRegression())),
    "OneVsRest of SVC": lambda: scaled(OneVsRestClassifier(SVC())),
    "OutputCode of LinearSVC": lambda: scaled(OutputCodeClassifier(LinearSVC(), **SEEDED)),
    "Calibrated LinearSVC, sigmoid": lambda: scaled(
        CalibratedClassifierCV(LinearSVC(), ensemble=False)
    ),
    "Stacking: linear, bayes, forest": lambda: StackingClassifier(members()),
    "Stacking: linear, SVC, decision values": lambda: StackingClassifier(
        [("linear", logistic()), kernel()], stack_method="decision_function"
    ),
    "Stacking with the row": lambda: scaled(
        StackingClassifier(
            [("linear", LogisticRegression()), ("forest", forest())],
            LogisticRegression(max_iter=2000),
            passthrough=True,
        )
    ),
    "Stacking before a tree": lambda: StackingClassifier(
        [("linear", logistic()), ("boosted", boosted())],
        DecisionTreeClassifier(max_depth=4, **SEEDED),
        stack_method="decision_function",
    ),
}
MORE: dict[str, Make] = {
    name: CLASSES[name]
    for name in ("AdaBoost of LogisticRegression", "Calibrated LinearSVC, sigmoid")
}
"""On more rows too: of 45 or 54 a single one is worth two points."""
TWO: dict[str, Make] = {
    "Calibrated LinearSVC, sigmoid, 5 folds": lambda: CalibratedClassifierCV(scaled(LinearSVC())),
    "Calibrated forest, isotonic, 5 folds": lambda: CalibratedClassifierCV(
        forest(), method="isotonic"
    ),
    "Calibrated GaussianNB, isotonic": lambda: CalibratedClassifierCV(
        GaussianNB(), method="isotonic", ensemble=False
    ),
    "Bagging of SVC": CLASSES["Bagging of SVC"],
    "Stacking of labels": lambda: StackingClassifier(members(), stack_method="predict"),
}
LABELS: dict[str, Make] = {
    "MultiOutput of LogisticRegression": lambda: MultiOutputClassifier(logistic()),
}
VALUES: dict[str, tuple[str, Make]] = {
    "VotingRegressor: linear, forest, SVR": ("plain", lambda: VotingRegressor(values())),
    "BaggingRegressor of SVR": (
        "plain",
        lambda: scaled(BaggingRegressor(SVR(C=50.0), 3, **SEEDED)),
    ),
    "StackingRegressor: linear, forest, SVR": ("plain", lambda: StackingRegressor(values())),
    "MultiOutputRegressor of SVR": (
        "two targets",
        lambda: MultiOutputRegressor(scaled(SVR(C=50.0))),
    ),
}


def two_classes(data: str) -> tuple[np.ndarray, ...]:
    """Return rows of two classes: those of `data`, or of several classes the first and the rest."""
    x_train, x_test, y_train, y_test = rows_of(data, "plain")
    if len(np.unique(y_train)) > 2:
        y_train, y_test = ((y == 1).astype(int) for y in (y_train, y_test))
    return x_train, x_test, y_train, y_test


def two_labels(data: str) -> tuple[np.ndarray, ...]:
    """Return rows with two labels each: the class, and whether the first column is large."""
    x_train, x_test, y_train, y_test = rows_of(data, "plain")
    border = np.median(x_train[:, 0])
    labels = [
        np.column_stack([y, x[:, 0] > border]).astype(int)
        for x, y in ((x_train, y_train), (x_test, y_test))
    ]
    return x_train, x_test, *labels


def measure(family: str, make: Make, data: str, rows: tuple[np.ndarray, ...]) -> dict[str, object]:
    """Return the figures of one estimator on one data set."""
    x_train, x_test, y_train, y_test = rows
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator = make().fit(x_train, y_train)
        theirs = estimator.predict(x_test)
        design = locgen.compile(estimator, "ice40", data=rows)
    ours = design.predict(x_test)
    model = design.model
    regression = model.task == "regression"

    def right(said: np.ndarray) -> float:
        if regression:
            return float(r2_score(y_test, said))
        return float(np.mean((said == y_test).reshape(len(said), -1).all(axis=1)))

    changed = "-"
    if not regression:
        differs = (theirs != ours).reshape(len(ours), -1).any(axis=1)
        changed = f"{np.count_nonzero(differs)} of {len(y_test)}"
    behind = model.decision.nodes if isinstance(model.decision, Cascade) else ()
    before, after = right(theirs), right(ours)
    return {
        "family": family,
        "data": data,
        "float": round(before, 4),
        "golden": round(after, 4),
        "lost": round(before - after, 4),
        "changed": changed,
        "nodes": kinds(model.nodes),
        "behind": kinds(behind) or model.decision.kind,
        "input_bits": sum(model.feature_bits),
        "score_bits": model.score_bits,
        "cells": design.estimate.logic_cells,
        "fabric": design.plan.kind,
    }


def kinds(nodes: tuple[object, ...]) -> str:
    """Return how many nodes there are of each kind."""
    counts = Counter(node.kind for node in nodes)
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))


def main() -> None:
    """Measure, print and write ``meta.md`` and ``meta.json``."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    out_argument(parser)
    arguments = parser.parse_args()
    work = [
        (family, make, data, rows(data))
        for cases, sets, rows in (
            (CLASSES, ("wine", "iris"), lambda data: rows_of(data, "plain")),
            (MORE, ("breast_cancer", "digits"), lambda data: rows_of(data, "plain")),
            (TWO, ("wine", "breast_cancer"), two_classes),
            (LABELS, ("wine", "breast_cancer"), two_labels),
        )
        for family, make in cases.items()
        for data in sets
    ]
    work += [
        (family, make, data, rows_of(data, kind))
        for family, (kind, make) in VALUES.items()
        for data in ("diabetes", "friedman")
    ]
    rows = []
    for case in work:
        rows.append(measure(*case))
        print(rows[-1], flush=True)
    write(rows, arguments.out)


def write(rows: list[dict[str, object]], out: object) -> None:
    """Write a table of what has been measured."""
    points = 100 * max((row["lost"] for row in rows if row["changed"] != "-"), default=0.0)
    r2 = max((row["lost"] for row in rows if row["changed"] == "-"), default=0.0)
    missed = [
        f"{row['family']} on {row['data']} ({row['lost']:g})"
        for row in rows
        if row["lost"] > (BAR_R2 if row["changed"] == "-" else BAR_POINTS / 100)
    ]
    head = ["family", "data", "float", "golden", "lost", "changed", "nodes", "behind the scores"]
    head += ["input bits", "bits a score", "cells, estimated", "fabric"]
    text = "# Ensembles over members of any family\n\n"
    text += markdown(head, (row.values() for row in rows))
    text += f"\nMost lost: {points:.2f} points of accuracy (bar {BAR_POINTS:g}), {r2:.4f} of R2 "
    text += f"(bar {BAR_R2:g}). Bars missed: {'; '.join(missed) or 'none'}.\n"
    write_result(out, "meta", text, {"rows": rows})


if __name__ == "__main__":
    main()
