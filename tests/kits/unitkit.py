"""Every family that computes with sizes, small and trained on real data: one case a way of it."""

import warnings
from functools import cache

import numpy as np
import pytest
from familykit import rows
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.compose import make_column_transformer
from sklearn.covariance import EllipticEnvelope
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    ARDRegression,
    BayesianRidge,
    ElasticNet,
    ElasticNetCV,
    HuberRegressor,
    Lars,
    LarsCV,
    Lasso,
    LassoCV,
    LassoLars,
    LassoLarsCV,
    LassoLarsIC,
    LogisticRegression,
    LogisticRegressionCV,
    MultiTaskElasticNet,
    MultiTaskElasticNetCV,
    MultiTaskLasso,
    MultiTaskLassoCV,
    OrthogonalMatchingPursuit,
    OrthogonalMatchingPursuitCV,
    PassiveAggressiveClassifier,
    PassiveAggressiveRegressor,
    Perceptron,
    QuantileRegressor,
    Ridge,
    RidgeClassifier,
    RidgeClassifierCV,
    RidgeCV,
    SGDClassifier,
    SGDOneClassSVM,
    SGDRegressor,
    TheilSenRegressor,
)
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    RadiusNeighborsClassifier,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    SplineTransformer,
    StandardScaler,
)
from sklearn.svm import LinearSVC, LinearSVR


def _scaled(make):
    return lambda: make_pipeline(StandardScaler(), make())


_BINS = {"quantile_method": "averaged_inverted_cdf"}
SGD_LOSSES = (
    "hinge",
    "log_loss",
    "modified_huber",
    "squared_hinge",
    "perceptron",
    "squared_error",
    "huber",
    "epsilon_insensitive",
    "squared_epsilon_insensitive",
)
LINEAR = {
    "lda": ("iris", LinearDiscriminantAnalysis),
    "lda-two": ("cancer", _scaled(lambda: LinearDiscriminantAnalysis(solver="lsqr"))),
    "linear-svc": ("iris", _scaled(LinearSVC)),
    "logistic-cv": ("iris", _scaled(lambda: LogisticRegressionCV(Cs=3, max_iter=200))),
    "passive-aggressive": ("cancer", _scaled(PassiveAggressiveClassifier)),
    "perceptron": ("iris", _scaled(Perceptron)),
    "ridge-classifier": ("iris", RidgeClassifier),
    "ridge-classifier-two": ("cancer", _scaled(RidgeClassifier)),
    "ridge-classifier-cv": ("cancer", _scaled(RidgeClassifierCV)),
    "sgd-one-class": ("iris", _scaled(lambda: SGDOneClassSVM(random_state=0))),
    **{
        f"sgd-{loss}": ("iris", _scaled(lambda loss=loss: SGDClassifier(loss=loss, random_state=0)))
        for loss in SGD_LOSSES
    },
    **{
        f"sgd-two-{loss}": (
            "cancer",
            _scaled(lambda loss=loss: SGDClassifier(loss=loss, random_state=0)),
        )
        for loss in ("hinge", "log_loss")
    },
}
REGRESSION = {
    kind.__name__: ("diabetes-two" if "Multi" in kind.__name__ else "diabetes", _scaled(kind))
    for kind in (
        ARDRegression,
        BayesianRidge,
        ElasticNet,
        ElasticNetCV,
        HuberRegressor,
        LarsCV,
        Lasso,
        LassoCV,
        LassoLars,
        LassoLarsCV,
        LassoLarsIC,
        LinearSVR,
        MultiTaskElasticNet,
        MultiTaskElasticNetCV,
        MultiTaskLasso,
        MultiTaskLassoCV,
        OrthogonalMatchingPursuit,
        OrthogonalMatchingPursuitCV,
        PassiveAggressiveRegressor,
        RidgeCV,
        SGDRegressor,
        TheilSenRegressor,
    )
} | {
    "Lars": ("diabetes", _scaled(lambda: Lars(n_nonzero_coefs=5))),
    "QuantileRegressor": ("diabetes", _scaled(lambda: QuantileRegressor(alpha=0.01))),
    "two-targets": ("diabetes-two", lambda: make_pipeline(StandardScaler(), Ridge())),
}
BAYES = {
    "bernoulli": ("wine", lambda: make_pipeline(StandardScaler(), BernoulliNB())),
    "bernoulli-bare": ("cancer", lambda: BernoulliNB(binarize=0.1)),
    "bernoulli-numbers": (
        "wine",
        lambda: make_pipeline(MinMaxScaler(clip=True), BernoulliNB(binarize=None)),
    ),
    "multinomial": ("wine-codes", lambda: make_pipeline(MinMaxScaler(), MultinomialNB())),
    "complement": ("wine-codes", lambda: ComplementNB(norm=True)),
    "categorical": (
        "wine",
        lambda: make_pipeline(KBinsDiscretizer(4, encode="ordinal", **_BINS), CategoricalNB()),
    ),
    "categorical-bare": (
        "wine-codes",
        lambda: make_pipeline(
            make_column_transformer(("passthrough", [0, 2])), CategoricalNB(min_categories=9)
        ),
    ),
}
FRONTS = {
    "front-bins": (
        "wine",
        lambda: make_pipeline(KBinsDiscretizer(4, **_BINS), LogisticRegression(max_iter=200)),
    ),
    "front-ordinal-scaled": (
        "wine",
        lambda: make_pipeline(
            KBinsDiscretizer(4, encode="ordinal", **_BINS), StandardScaler(), LinearSVC()
        ),
    ),
    "front-clipped": (
        "iris",
        lambda: make_pipeline(MinMaxScaler(clip=True), LogisticRegression()),
    ),
    "front-splines": ("diabetes", lambda: make_pipeline(SplineTransformer(4, degree=2), Ridge())),
    "front-splines-classes": (
        "iris",
        lambda: make_pipeline(
            MaxAbsScaler(), SplineTransformer(4, extrapolation="linear"), LogisticRegression()
        ),
    ),
    "front-imputed": (
        "cancer-missing",
        lambda: make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()),
    ),
    "front-indicated": (
        "cancer-missing",
        lambda: make_pipeline(
            SimpleImputer(strategy="median", add_indicator=True), StandardScaler(), LinearSVC()
        ),
    ),
    "front-imputed-bayes": (
        "cancer-missing",
        lambda: make_pipeline(SimpleImputer(), GaussianNB()),
    ),
    "front-imputed-bins": (
        "cancer-missing",
        lambda: make_pipeline(SimpleImputer(), KBinsDiscretizer(3, **_BINS), RidgeClassifier()),
    ),
    "front-columns": (
        "wine-codes",
        lambda: make_pipeline(
            make_column_transformer(
                (OneHotEncoder(handle_unknown="ignore"), [0]),
                (OrdinalEncoder(), [2]),
                (make_pipeline(StandardScaler(), Binarizer()), [1]),
                remainder=StandardScaler(),
            ),
            LogisticRegression(max_iter=200),
        ),
    ),
    "front-one-hot-strict": (
        "wine-codes",
        lambda: make_pipeline(
            make_column_transformer((OneHotEncoder(), [0, 2])), LogisticRegression(max_iter=200)
        ),
    ),
}
FORMS = {
    "qda": ("iris", QuadraticDiscriminantAnalysis),
    "qda-two": (
        "cancer",
        _scaled(lambda: QuadraticDiscriminantAnalysis(reg_param=0.1)),
    ),
    **{
        f"mixture-{kind}": (
            "iris",
            _scaled(lambda kind=kind: GaussianMixture(3, covariance_type=kind, random_state=0)),
        )
        for kind in ("full", "tied", "diag", "spherical")
    },
    "mixture-bayesian": (
        "iris",
        lambda: BayesianGaussianMixture(n_components=3, random_state=0),
    ),
    "elliptic": ("iris", lambda: EllipticEnvelope(random_state=0)),
    "products": (
        "iris",
        lambda: make_pipeline(StandardScaler(), PolynomialFeatures(2), LogisticRegression()),
    ),
    "products-rescaled": (
        "diabetes-two",
        lambda: make_pipeline(
            StandardScaler(),
            PolynomialFeatures(2, include_bias=False, interaction_only=True),
            StandardScaler(),
            Ridge(10.0),
        ),
    ),
    "powers": (
        "iris",
        lambda: make_pipeline(
            make_column_transformer((PolynomialFeatures(3), [2])), LogisticRegression()
        ),
    ),
}
PROTOTYPES = {
    "neighbours": ("iris", lambda: KNeighborsClassifier(3)),
    "neighbours-scaled": (
        "cancer",
        _scaled(lambda: KNeighborsClassifier(5, metric="manhattan", algorithm="ball_tree")),
    ),
    "neighbours-one": ("cancer", _scaled(lambda: KNeighborsClassifier(1))),
    "neighbours-within": (
        "iris",
        _scaled(lambda: RadiusNeighborsClassifier(0.8, outlier_label="most_frequent")),
    ),
    "neighbours-mean": ("diabetes", _scaled(lambda: KNeighborsRegressor(7))),
    "neighbours-means": ("diabetes-two", _scaled(lambda: KNeighborsRegressor(4, p=1))),
    "k-means": ("iris", lambda: KMeans(4, random_state=0, n_init=1)),
    "k-means-batches": (
        "wine-codes",
        _scaled(lambda: MiniBatchKMeans(3, random_state=0, n_init=1)),
    ),
    "k-means-imputed": (
        "cancer-missing",
        lambda: make_pipeline(
            SimpleImputer(), StandardScaler(), KMeans(3, random_state=0, n_init=1)
        ),
    ),
}
OWN_LABELS = ("one-class", "mixture", "elliptic", "k-means")
"""Cases whose answers have nothing to do with the labels of the data."""
CASES = {**LINEAR, **REGRESSION, **BAYES, **FRONTS, **FORMS, **PROTOTYPES}
_LONG = {
    "products", "elliptic", "mixture-full", "mixture-bayesian", "mixture-spherical", "qda",
    "qda-two", "products-rescaled", "neighbours-means", "neighbours-scaled", "neighbours-one",
    "bernoulli-numbers", "front-splines-classes", "front-clipped", "front-indicated",
}  # fmt: skip
PARAMETERS = [
    pytest.param(number, case, id=case, marks=[pytest.mark.slow] * (case in _LONG))
    for number, case in enumerate(CASES)
]
"""Number and name of each case; those that take long are slow tests."""

VERILOG = (
    "front-columns",
    "front-imputed",
    "front-indicated",
    "front-splines",
    "front-one-hot-strict",
    "bernoulli",
    "bernoulli-numbers",
    "categorical",
    "complement",
    "multinomial",
    "qda",
    "mixture-diag",
    "elliptic",
    "products",
    "k-means",
    "neighbours",
    "lda",
    "linear-svc",
    "logistic-cv",
    "perceptron",
    "ridge-classifier",
    "sgd-one-class",
    "sgd-two-log_loss",
    "ElasticNet",
    "HuberRegressor",
    "Lasso",
    "LinearSVR",
    "MultiTaskLasso",
    "SGDRegressor",
)
"""Every kind of decision, node and quantiser; the others differ in their numbers alone."""


@cache
def fitted(name):
    """Return the fitted estimator of a case, and its four arrays."""
    data, make = CASES[name]
    x_train, x_test, y_train, y_test = rows(data)
    if name == "multinomial":
        x_test = np.clip(x_test, x_train.min(axis=0), x_train.max(axis=0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator = make().fit(x_train, y_train)
        if any(part in name for part in OWN_LABELS):
            y_train, y_test = (estimator.predict(x) for x in (x_train, x_test))
    return estimator, (x_train, x_test, y_train, y_test)
