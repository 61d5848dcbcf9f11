"""What to do instead: the way out that every refusal of an estimator names."""

import difflib

__all__ = ["SUPPORTED", "is_known", "refusal", "refused_part"]

SUPPORTED = (
    "ARDRegression",
    "AdaBoostClassifier",
    "AdaBoostRegressor",
    "BaggingClassifier",
    "BaggingRegressor",
    "BayesianGaussianMixture",
    "BayesianRidge",
    "BernoulliNB",
    "CalibratedClassifierCV",
    "CategoricalNB",
    "ComplementNB",
    "DecisionTreeClassifier",
    "DecisionTreeRegressor",
    "ElasticNet",
    "ElasticNetCV",
    "EllipticEnvelope",
    "ExplainableBoostingClassifier",
    "ExplainableBoostingRegressor",
    "ExtraTreeClassifier",
    "ExtraTreeRegressor",
    "ExtraTreesClassifier",
    "ExtraTreesRegressor",
    "GaussianMixture",
    "GaussianNB",
    "GradientBoostingClassifier",
    "GradientBoostingRegressor",
    "HistGradientBoostingClassifier",
    "HistGradientBoostingRegressor",
    "HuberRegressor",
    "IsolationForest",
    "KMeans",
    "KNeighborsClassifier",
    "KNeighborsRegressor",
    "KernelRidge",
    "LGBMClassifier",
    "LGBMRanker",
    "LGBMRegressor",
    "Lars",
    "LarsCV",
    "Lasso",
    "LassoCV",
    "LassoLars",
    "LassoLarsCV",
    "LassoLarsIC",
    "LinearDiscriminantAnalysis",
    "LinearRegression",
    "LinearSVC",
    "LinearSVR",
    "LogisticRegression",
    "LogisticRegressionCV",
    "MLPClassifier",
    "MLPRegressor",
    "MiniBatchKMeans",
    "MixtureOfExpertsClassifier",
    "MixtureOfExpertsRegressor",
    "MultiOutputClassifier",
    "MultiOutputRegressor",
    "MultiTaskElasticNet",
    "MultiTaskElasticNetCV",
    "MultiTaskLasso",
    "MultiTaskLassoCV",
    "MultinomialNB",
    "NearestCentroid",
    "NuSVC",
    "NuSVR",
    "OneClassSVM",
    "OneVsOneClassifier",
    "OneVsRestClassifier",
    "OrthogonalMatchingPursuit",
    "OrthogonalMatchingPursuitCV",
    "OutputCodeClassifier",
    "PassiveAggressiveClassifier",
    "PassiveAggressiveRegressor",
    "Perceptron",
    "QuadraticDiscriminantAnalysis",
    "QuantileRegressor",
    "RadiusNeighborsClassifier",
    "RandomForestClassifier",
    "RandomForestRegressor",
    "Ridge",
    "RidgeCV",
    "RidgeClassifier",
    "RidgeClassifierCV",
    "SGDClassifier",
    "SGDOneClassSVM",
    "SGDRegressor",
    "SVC",
    "SVR",
    "StackingClassifier",
    "StackingRegressor",
    "TheilSenRegressor",
    "VotingClassifier",
    "VotingRegressor",
    "XGBClassifier",
    "XGBRFClassifier",
    "XGBRFRegressor",
    "XGBRanker",
    "XGBRegressor",
)

# Estimators that wrap the one that locgen wants, and where they keep it.
_WRAPPERS = {
    "FixedThresholdClassifier": "estimator_",
    "GridSearchCV": "best_estimator_",
    "HalvingGridSearchCV": "best_estimator_",
    "HalvingRandomSearchCV": "best_estimator_",
    "RandomizedSearchCV": "best_estimator_",
    "TransformedTargetRegressor": "regressor_",
    "TunedThresholdClassifierCV": "estimator_",
}
_TRANSFORMERS = tuple(
    f"sklearn.{package}."
    for package in (
        "cross_decomposition",
        "decomposition",
        "feature_extraction",
        "feature_selection",
        "impute",
        "kernel_approximation",
        "manifold",
        "preprocessing",
        "random_projection",
    )
)
_BOOSTED = ("AdaBoost", "CatBoost", "GradientBoost", "HistGradient", "LGBM", "XGB")
_CLASSIFIERS = ()
_REGRESSORS = ()


def is_known(name: str) -> bool:
    """Return whether `name` looks like an estimator that locgen does not build."""
    if not name.isidentifier() or name in SUPPORTED:
        return False
    return name.endswith(("Classifier", "ClassifierCV", "Regressor")) or (
        name in _WRAPPERS or name in _CLASSIFIERS or name in _REGRESSORS
    )


def refused_part(module: str, name: str) -> str | None:
    """Return one sentence that refuses a part of an estimator, None if it is no known kind of part.

    Parameters
    ----------
    module, name : of scikit-learn's class, as a pickle gives them
    """
    if not name.isidentifier():
        return None
    if module.startswith("sklearn._loss."):
        return (
            f"{name} is not supported, since its answer is a function of the trees' sum: train "
            "with the squared error, on the transformed target"
        )
    if module.startswith(_TRANSFORMERS) and name[0].isupper():
        return (
            f"{name} is not supported in front of a model: transform the rows beforehand, and save "
            "the model that was trained on what comes out"
        )
    if module == "sklearn.multioutput" and name.endswith("Chain"):
        return f"{name} is not supported: the nearest that locgen builds is MultiOutputClassifier"
    return None


def _nearest(name: str) -> str:
    """Return the supported estimator that serves best in place of `name`."""
    if name == "RadiusNeighborsRegressor":  # a mean of as many rows as there are: a division
        return "KNeighborsRegressor"
    close = difflib.get_close_matches(name, SUPPORTED, n=1, cutoff=0.9)
    if close:
        return close[0]
    regressor = name.endswith("Regressor") or name in _REGRESSORS
    kind = "Regressor" if regressor else "Classifier"
    return ("GradientBoosting" if name.startswith(_BOOSTED) else "RandomForest") + kind


def refusal(name: str) -> str:
    """Return one sentence that refuses the estimator class `name` and says what to use instead."""
    if name in _WRAPPERS:
        return f"{name} is not supported: save the estimator inside it, its .{_WRAPPERS[name]}"
    if name in SUPPORTED:
        regressor = name.endswith(("Regressor", "SVR", "Ridge", "Regression"))
        return (
            f"{name} is built on its own, not as a part of another model: save it alone, or use "
            f"RandomForest{'Regressor' if regressor else 'Classifier'} there"
        )
    return f"{name} is not supported: the nearest that locgen builds is {_nearest(name)}"
