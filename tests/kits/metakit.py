"""Ensembles over members of any family, small and trained on real data: one case a way of it."""

import warnings
from functools import cache

from familykit import rows
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
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC, NuSVC
from sklearn.tree import DecisionTreeClassifier


def scaled(member):
    return make_pipeline(StandardScaler(), member)


def logistic():
    return scaled(LogisticRegression(max_iter=1000))


def forest(trees=5):
    return RandomForestClassifier(trees, max_depth=3, random_state=0)


def tree(depth=3):
    return DecisionTreeClassifier(max_depth=depth, random_state=0)


def boosted():
    return GradientBoostingClassifier(n_estimators=4, max_depth=2, random_state=0)


def network():
    return MLPClassifier((4,), max_iter=500, random_state=0)


def three():
    return [("a", logistic()), ("b", GaussianNB()), ("c", forest())]


def regressors():
    return [
        ("a", Ridge()),
        ("b", RandomForestRegressor(5, max_depth=3, random_state=0)),
        ("c", scaled(SVR(C=50.0))),
    ]


VOTING = {
    "vote-soft": ("cancer", lambda: VotingClassifier(three(), voting="soft", weights=[2, 1, 1])),
    "vote-soft-several": ("wine", lambda: VotingClassifier(three(), voting="soft")),
    "vote-hard": (
        "cancer",
        lambda: VotingClassifier([*three(), ("d", scaled(NuSVC()))], weights=[1, 2, 1, 1]),
    ),
    "vote-hard-several": ("iris", lambda: VotingClassifier([*three(), ("d", scaled(SVC()))])),
    "vote-values": ("diabetes", lambda: VotingRegressor(regressors(), weights=[1, 2, 1])),
}
BAGGING = {
    "bag-logistic": ("cancer", lambda: BaggingClassifier(logistic(), 3, random_state=0)),
    "bag-svc": (
        "cancer",
        lambda: scaled(BaggingClassifier(SVC(), 3, max_features=0.7, random_state=0)),
    ),
    "bag-neighbours": (
        "iris",
        lambda: scaled(BaggingClassifier(KNeighborsClassifier(3), 2, random_state=0)),
    ),
    "bag-svr": ("diabetes", lambda: scaled(BaggingRegressor(SVR(C=50.0), 2, random_state=0))),
    "ada-logistic": (
        "wine",
        lambda: AdaBoostClassifier(LogisticRegression(max_iter=1000), n_estimators=3),
    ),
}
CLASSES = {
    "pairs-linear": ("wine", lambda: scaled(OneVsOneClassifier(LinearSVC()))),
    "pairs-kernel": ("iris", lambda: scaled(OneVsOneClassifier(SVC()))),
    "pairs-bayes": ("iris", lambda: OneVsOneClassifier(GaussianNB())),
    "pairs-forest": ("wine", lambda: OneVsOneClassifier(forest(3))),
    "pairs-boosted": ("wine", lambda: OneVsOneClassifier(boosted())),
    "pair": ("cancer", lambda: OneVsOneClassifier(logistic())),
    "rest-linear": ("wine", lambda: scaled(OneVsRestClassifier(LogisticRegression()))),
    "rest-kernel": ("iris", lambda: scaled(OneVsRestClassifier(SVC()))),
    "rest-bayes": ("iris", lambda: OneVsRestClassifier(GaussianNB())),
    "rest-network": ("iris", lambda: scaled(OneVsRestClassifier(network()))),
    "code": ("wine", lambda: scaled(OutputCodeClassifier(LinearSVC(), random_state=0))),
    "labels": ("wine-labels", lambda: MultiOutputClassifier(logistic())),
    "targets": ("diabetes-two", lambda: MultiOutputRegressor(scaled(SVR(C=50.0)))),
}
CALIBRATED = {
    "calibrated": ("cancer", lambda: CalibratedClassifierCV(scaled(LinearSVC()), cv=3)),
    "calibrated-forest": (
        "cancer",
        lambda: CalibratedClassifierCV(forest(), cv=3, method="isotonic"),
    ),
    "calibrated-bayes": ("cancer", lambda: CalibratedClassifierCV(GaussianNB(), cv=3)),
    "calibrated-one": ("cancer", lambda: CalibratedClassifierCV(scaled(SVC()), ensemble=False)),
    "calibrated-one-isotonic": (
        "cancer",
        lambda: CalibratedClassifierCV(GaussianNB(), ensemble=False, method="isotonic"),
    ),
    "calibrated-several": (
        "wine",
        lambda: CalibratedClassifierCV(scaled(LinearSVC()), ensemble=False),
    ),
}
STACKED = {
    "stack": ("cancer", lambda: StackingClassifier([*three(), ("d", scaled(SVC()))])),
    "stack-row": (
        "cancer",
        lambda: StackingClassifier(
            [("a", logistic()), ("c", forest())], final_estimator=logistic(), passthrough=True
        ),
    ),
    "stack-boosted": ("cancer", lambda: StackingClassifier([("a", boosted()), ("c", forest())])),
    "stack-several": (
        "wine",
        lambda: StackingClassifier([("a", logistic()), ("c", forest())]),
    ),
    "stack-scores": (
        "wine",
        lambda: StackingClassifier(
            [("a", logistic()), ("d", scaled(SVC()))], stack_method="decision_function"
        ),
    ),
    "stack-sums": (
        "wine",
        lambda: StackingClassifier(
            [("a", logistic()), ("d", scaled(SVC(decision_function_shape="ovo")))],
            stack_method="decision_function",
        ),
    ),
    "stack-tree": (
        "cancer",
        lambda: StackingClassifier(three(), final_estimator=tree(), passthrough=True),
    ),
    "stack-forest": (
        "iris",
        lambda: StackingClassifier(
            [("a", logistic()), ("c", boosted())],
            final_estimator=forest(3),
            stack_method="decision_function",
        ),
    ),
    "stack-labels": ("cancer", lambda: StackingClassifier(three(), stack_method="predict")),
    "stack-values": ("diabetes", lambda: StackingRegressor(regressors())),
    "stack-values-row": (
        "diabetes",
        lambda: scaled(StackingRegressor(regressors()[:2], LinearRegression(), passthrough=True)),
    ),
}
CASES = {**VOTING, **BAGGING, **CLASSES, **CALIBRATED, **STACKED}
QUICK = (
    "vote-soft",
    "vote-hard-several",
    "pairs-linear",
    "pairs-bayes",
    "calibrated-forest",
    "stack-several",
    "stack-tree",
)
"""Every kind of node behind scores, and votes over votes."""
VERILOG = (*QUICK, "vote-hard", "stack-labels")


@cache
def fitted(name):
    """Return the fitted estimator of a case, and its four arrays."""
    data, make = CASES[name]
    x_train, x_test, y_train, y_test = rows(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make().fit(x_train, y_train), (x_train, x_test, y_train, y_test)
