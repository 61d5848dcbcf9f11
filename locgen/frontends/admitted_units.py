"""The names that files of models that compute with sizes may use, see `admitted`.

All of them are classes and functions that are taken as they are: what they make of a hostile state
is wrong at worst, for their attributes are plain arrays and numbers, which the readers check.
"""

__all__ = ["UNIT_NAMES", "UNIT_STAND_INS"]


class NoTree:
    """Stands in for a search tree, whose compiled code would trust the sizes that a file claims.

    `frontends.neighbours` searches through all rows instead, which answers the same.
    """

    def __setstate__(self, state: object) -> None:
        """Take no notice of what the file says."""


def _new(kind: type) -> NoTree:
    """Return a tree that is none, whatever class the file asks for."""
    return NoTree()


UNIT_STAND_INS: dict[tuple[str, str], object] = {
    **{
        (f"sklearn.neighbors._{module}", name): target
        for module, tree in (("kd_tree", "KDTree"), ("ball_tree", "BallTree"))
        for name, target in (("newObj", _new), (tree, NoTree))
    },
    **{
        (f"sklearn.neighbors._{module}", name): NoTree
        for module, names in (
            ("kd_tree", ("KDTree64", "KDTree32")),
            ("ball_tree", ("BallTree64", "BallTree32")),
        )
        for name in names
    },
    ("sklearn.metrics._dist_metrics", "newObj"): _new,
    **{
        ("sklearn.metrics._dist_metrics", f"{name}Distance{suffix}"): NoTree
        for name in ("Euclidean", "Manhattan", "Chebyshev", "Minkowski", "SEuclidean")
        for suffix in ("", "64", "32")
    },
}

UNIT_NAMES: dict[str, tuple[str, ...]] = {
    "scipy._lib.array_api_compat.numpy._aliases": ("asarray",),
    "scipy.interpolate._bsplines": ("BSpline",),  # made anew from its arrays before it is called
    "sklearn.calibration": (
        "CalibratedClassifierCV",
        "_CalibratedClassifier",
        "_SigmoidCalibration",
        "_TemperatureScaling",
    ),
    "sklearn.cluster._kmeans": ("KMeans", "MiniBatchKMeans"),
    "sklearn.covariance._elliptic_envelope": ("EllipticEnvelope",),
    "sklearn.discriminant_analysis": (
        "LinearDiscriminantAnalysis",
        "QuadraticDiscriminantAnalysis",
    ),
    "sklearn.ensemble._stacking": ("StackingClassifier", "StackingRegressor"),
    "sklearn.isotonic": ("IsotonicRegression",),
    "sklearn.linear_model._bayes": ("ARDRegression", "BayesianRidge"),
    "sklearn.linear_model._coordinate_descent": (
        "ElasticNet",
        "ElasticNetCV",
        "Lasso",
        "LassoCV",
        "MultiTaskElasticNet",
        "MultiTaskElasticNetCV",
        "MultiTaskLasso",
        "MultiTaskLassoCV",
    ),
    "sklearn.linear_model._huber": ("HuberRegressor",),
    "sklearn.linear_model._least_angle": (
        "Lars",
        "LarsCV",
        "LassoLars",
        "LassoLarsCV",
        "LassoLarsIC",
    ),
    "sklearn.linear_model._logistic": ("LogisticRegressionCV",),
    "sklearn.linear_model._omp": ("OrthogonalMatchingPursuit", "OrthogonalMatchingPursuitCV"),
    "sklearn.linear_model._passive_aggressive": (
        "PassiveAggressiveClassifier",
        "PassiveAggressiveRegressor",
    ),
    "sklearn.linear_model._perceptron": ("Perceptron",),
    "sklearn.linear_model._quantile": ("QuantileRegressor",),
    "sklearn.linear_model._ridge": ("RidgeCV", "RidgeClassifier", "RidgeClassifierCV"),
    "sklearn.linear_model._sgd_fast": (
        "EpsilonInsensitive",
        "Hinge",
        "ModifiedHuber",
        "SquaredEpsilonInsensitive",
        "SquaredHinge",
    ),
    "sklearn.linear_model._stochastic_gradient": (
        "SGDClassifier",
        "SGDOneClassSVM",
        "SGDRegressor",
    ),
    "sklearn.linear_model._theil_sen": ("TheilSenRegressor",),
    "sklearn.mixture._bayesian_mixture": ("BayesianGaussianMixture",),
    "sklearn.mixture._gaussian_mixture": ("GaussianMixture",),
    "sklearn.multiclass": ("OneVsOneClassifier", "OutputCodeClassifier"),
    "sklearn.neighbors._classification": ("KNeighborsClassifier", "RadiusNeighborsClassifier"),
    "sklearn.neighbors._regression": ("KNeighborsRegressor",),
    "sklearn.naive_bayes": ("BernoulliNB", "CategoricalNB", "ComplementNB", "MultinomialNB"),
    "sklearn.preprocessing._polynomial": ("PolynomialFeatures", "SplineTransformer"),
    "sklearn.svm._classes": ("LinearSVC", "LinearSVR"),
}
