"""Every family that computes with sizes on two data sets each: float, golden, what differs.

The searches see the training rows alone; the bars are for the test rows. Trees are measured by
trees.py, and nodes of two layers by their own benchmark where they are kernels or networks.
Models without labels (clusters, mixtures, outliers) are measured against their own answers.
"""

import argparse
import warnings
from collections.abc import Callable
from functools import partial
from importlib import import_module

import numpy as np
from measure import markdown, out_argument, write_result
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.compose import make_column_transformer
from sklearn.covariance import EllipticEnvelope
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge, SGDOneClassSVM
from sklearn.metrics import r2_score
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    NearestCentroid,
    RadiusNeighborsClassifier,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    KBinsDiscretizer,
    MinMaxScaler,
    OneHotEncoder,
    PolynomialFeatures,
    SplineTransformer,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier
from trees import rows_of

import locgen
from locgen.frontends.locgen_models.clauses import Clause, RuleSet
from locgen.frontends.registry import ESTIMATORS
from locgen.frontends.sklearn import linear_models

BAR_POINTS, BAR_R2 = 1.0, 0.02
Make = Callable[[], BaseEstimator]
_SEEDED = {"random_state": 0}


def scaled(kind: type[BaseEstimator], **settings: object) -> Make:
    """Return what makes a pipeline of a StandardScaler and an estimator."""
    if "random_state" in kind().get_params():
        settings = _SEEDED | settings
    if "max_iter" in kind().get_params() and not kind.__name__.startswith(("SGD", "Orthogonal")):
        settings = {"max_iter": 2000} | settings
    return lambda: make_pipeline(StandardScaler(), kind(**settings))


BINS = partial(KBinsDiscretizer, 6, quantile_method="averaged_inverted_cdf")
CONDENSED = {", edited": "edited", ", condensed": "condensed"}
"""What of nearest neighbours is condensed, by the row's name."""
RULES = ("decision list", "weighted clauses")
"""Trained as trees, whose paths become clauses: rules come from nowhere else here."""


def read_by(*readers: object) -> list[type]:
    """Return the estimators that one of the `readers` reads, by name."""
    entries = [entry for entry in ESTIMATORS if entry.reader in readers]
    entries.sort(key=lambda entry: entry.name)
    return [getattr(import_module(entry.module), entry.name) for entry in entries]


CLASSES: dict[str, tuple[str, Make]] = {
    **{
        kind.__name__: ("plain", scaled(kind))
        for kind in read_by(linear_models.classifier, linear_models.logistic)
    },
    "GaussianNB": ("plain", GaussianNB),
    "BernoulliNB": ("plain", scaled(BernoulliNB)),
    "CategoricalNB": (
        "plain",
        lambda: make_pipeline(BINS(encode="ordinal"), CategoricalNB(min_categories=6)),
    ),
    "MultinomialNB": ("plain", lambda: make_pipeline(MinMaxScaler(), MultinomialNB())),
    "ComplementNB": ("plain", lambda: make_pipeline(MinMaxScaler(), ComplementNB())),
    "NearestCentroid": ("plain", scaled(NearestCentroid)),
    **{
        f"KNeighborsClassifier{words}": ("plain", scaled(KNeighborsClassifier))
        for words in ("", *CONDENSED)
    },
    "RadiusNeighborsClassifier": (
        "plain",
        scaled(RadiusNeighborsClassifier, radius=4.0, outlier_label="most_frequent"),
    ),
    "decision list": ("plain", lambda: DecisionTreeClassifier(max_depth=4, random_state=0)),
    "weighted clauses": ("plain", lambda: RandomForestClassifier(9, max_depth=3, random_state=0)),
    "QuadraticDiscriminantAnalysis": (
        "plain",
        scaled(QuadraticDiscriminantAnalysis, reg_param=0.1),
    ),
    "bins, LogisticRegression": (
        "plain",
        lambda: make_pipeline(BINS(), LogisticRegression(max_iter=2000)),
    ),
    "one-hot, LogisticRegression": (
        "coded",
        lambda: make_pipeline(
            make_column_transformer(
                (OneHotEncoder(handle_unknown="ignore"), [0, 2]), remainder=StandardScaler()
            ),
            LogisticRegression(max_iter=2000),
        ),
    ),
    "imputed LogisticRegression": (
        "missing",
        lambda: make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression(max_iter=2000)),
    ),
    "products, LogisticRegression": (
        "plain",
        lambda: make_pipeline(
            StandardScaler(), PolynomialFeatures(2), LogisticRegression(C=0.1, max_iter=2000)
        ),
    ),
}
OWN: dict[str, tuple[str, Make]] = {
    "KMeans": ("outliers", scaled(KMeans, n_clusters=5, n_init=3)),
    "MiniBatchKMeans": ("outliers", scaled(MiniBatchKMeans, n_clusters=5, n_init=3)),
    **{
        f"GaussianMixture, {kind}": (
            "outliers",
            scaled(GaussianMixture, n_components=3, covariance_type=kind, reg_covar=1e-2),
        )
        for kind in ("full", "tied", "diag", "spherical")
    },
    "BayesianGaussianMixture": (
        "outliers",
        scaled(BayesianGaussianMixture, n_components=3, reg_covar=1e-2),
    ),
    "EllipticEnvelope": ("outliers", scaled(EllipticEnvelope)),
    "SGDOneClassSVM": ("outliers", scaled(SGDOneClassSVM)),
}
TARGETS: dict[str, tuple[str, Make]] = {
    "KNeighborsRegressor": ("plain", scaled(KNeighborsRegressor)),
    **{
        kind.__name__: ("two targets" if "Multi" in kind.__name__ else "plain", scaled(kind))
        for kind in read_by(linear_models.regressor)
    },
    "splines, Ridge": ("plain", lambda: make_pipeline(SplineTransformer(), Ridge())),
    "products, Ridge": (
        "plain",
        lambda: make_pipeline(StandardScaler(), PolynomialFeatures(2), Ridge(10.0)),
    ),
}


def clauses_of(estimator: BaseEstimator) -> RuleSet:
    """Return the paths of a tree as a decision list, or those of a forest as weighted clauses."""
    trees = getattr(estimator, "estimators_", [estimator])
    names = tuple(f"x{number}" for number in range(estimator.n_features_in_))
    classes = tuple(estimator.classes_.tolist())
    clauses = []
    for tree in (each.tree_ for each in trees):
        waiting: list[tuple[int, tuple[tuple[str, str, float], ...]]] = [(0, ())]
        while waiting:
            node, path = waiting.pop()
            if tree.children_left[node] < 0:
                answer = classes[int(np.argmax(tree.value[node][0]))]
                clauses.append(Clause(path, answer))
                continue
            split = names[tree.feature[node]], float(tree.threshold[node])
            waiting.append((tree.children_right[node], (*path, (split[0], ">", split[1]))))
            waiting.append((tree.children_left[node], (*path, (split[0], "<=", split[1]))))
    several = len(trees) > 1
    kind, default = ("sum", None) if several else ("first", classes[0])
    return RuleSet(names, classes, tuple(clauses), kind, default)


def measure(family: str, kind: str, make: Make, data: str) -> dict[str, object]:
    """Return the figures of one estimator on one data set."""
    x_train, x_test, y_train, y_test = rows_of(data, kind)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator = make().fit(x_train, y_train)
        theirs = estimator.predict(x_test)
        if kind == "outliers":  # no labels but its own
            y_train, y_test = estimator.predict(x_train), theirs
        arrays = (x_train, x_test, y_train, y_test)
        if family in RULES:
            estimator = clauses_of(estimator)
            theirs = estimator.predict(x_test)
        condense = next((how for end, how in CONDENSED.items() if family.endswith(end)), "none")
        design = locgen.compile(estimator, data=arrays, condense=condense)
    ours = design.predict(x_test)
    regression = design.model.task == "regression"
    score = r2_score if regression else lambda truth, said: np.mean(truth == said)
    before, after = float(score(y_test, theirs)), float(score(y_test, ours))
    changed = "-" if regression else f"{np.count_nonzero(theirs != ours)} of {len(y_test)}"
    return {
        "family": family,
        "data": data,
        "float": round(before, 4),
        "golden": round(after, 4),
        "lost": round(before - after, 4),
        "changed": changed,
        "nodes": ", ".join(sorted({node.kind for node in design.model.nodes})),
        "input_bits": sum(design.model.feature_bits),
        "score_bits": design.model.score_bits,
    }


def main() -> None:
    """Measure, print and write ``units.md`` and ``units.json``."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    out_argument(parser)
    arguments = parser.parse_args()
    rows = []
    mixtures = {family: case for family, case in OWN.items() if family.startswith("Gaussian")}
    for cases, sets in (
        (CLASSES, ("wine", "breast_cancer")),
        (OWN, ("wine", "iris")),
        (mixtures, ("breast_cancer",)),
        (TARGETS, ("diabetes", "friedman")),
    ):
        for family, (kind, make) in cases.items():
            for data in sets:
                rows.append(measure(family, kind, make, data))
                print(rows[-1], flush=True)
    head = ["family", "data", "float", "golden", "lost", "changed", "nodes", "input bits"]
    automatic = [row for row in rows if not row["family"].endswith(tuple(CONDENSED))]
    counted = [row for row in automatic if row["changed"] != "-"]
    points = 100 * max(row["lost"] for row in counted)
    r2 = max(row["lost"] for row in automatic if row["changed"] == "-")
    missed = [
        f"{row['family']} on {row['data']} ({row['lost']:g})"
        for row in automatic
        if row["lost"] > (BAR_R2 if row["changed"] == "-" else BAR_POINTS / 100)
    ]
    text = "# Families that compute with sizes\n\n"
    text += markdown([*head, "bits a score"], (row.values() for row in rows))
    text += f"\nMost lost: {points:.2f} points of accuracy (bar {BAR_POINTS:g}), {r2:.4f} of R2 "
    text += f"(bar {BAR_R2:g}). Bars missed: {'; '.join(missed) or 'none'}.\n"
    text += (
        "Condensing is asked for, and its rows show what it costs; the bars are for the widths.\n"
    )
    write_result(arguments.out, "units", text, {"rows": rows})


if __name__ == "__main__":
    main()
