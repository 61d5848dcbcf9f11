"""The table of all that locgen reads: estimators, preprocessing steps and maps into kernels.

One entry each: the class as a pickle names it, its reader, what else its pickles hold, the extra
that installs its library, its row in docs/models.md. Dispatch, the unpickler's list, refusals and
the documentation are derived from it.
"""

from locgen.frontends.entries import Estimator, KernelMap, Row, Step, estimators, lazy
from locgen.frontends.interpret import boosting
from locgen.frontends.locgen_models import clauses, mixtures
from locgen.frontends.sklearn import (
    calibration,
    discrete_steps,
    ensembles,
    hist_gradient,
    isolation,
    kernels,
    linear_models,
    multiclass,
    naive_bayes,
    neighbours,
    networks,
    prototypes,
    quadratic_forms,
    scalers,
    stacking,
    steps,
    trees,
    voting,
)

__all__ = [
    "ESTIMATORS",
    "ESTIMATORS_BY_CLASS",
    "KERNEL_MAPS",
    "KERNEL_MAPS_BY_CLASS",
    "STEPS",
    "STEPS_BY_CLASS",
    "WRAPPERS",
]

_LOSS_NAMES = (
    *("AbsoluteError", "ExponentialLoss", "HalfBinomialLoss", "HalfMultinomialLoss"),
    *("HalfSquaredError", "HuberLoss", "PinballLoss"),
)
_LOSSES = (
    ("sklearn._loss.loss", *_LOSS_NAMES),
    ("sklearn._loss._loss", "__pyx_unpickle_CyHalfMultinomialLoss"),
    ("sklearn._loss._loss", *(f"Cy{name}" for name in _LOSS_NAMES)),
    ("sklearn._loss.link", "HalfLogitLink", "IdentityLink", "Interval", "LogitLink"),
    ("sklearn._loss.link", "MultinomialLogit"),
)
_LABELS = (("sklearn.preprocessing._label", "LabelBinarizer", "LabelEncoder"),)
_DUMMIES = (("sklearn.dummy", "DummyClassifier", "DummyRegressor"),)
_BINNED = (
    ("sklearn.ensemble._hist_gradient_boosting.binning", "_BinMapper"),
    ("sklearn.ensemble._hist_gradient_boosting.predictor", "TreePredictor"),
)
_SGD_LOSSES = (
    ("sklearn.linear_model._sgd_fast", "EpsilonInsensitive", "Hinge", "ModifiedHuber"),
    ("sklearn.linear_model._sgd_fast", "SquaredEpsilonInsensitive", "SquaredHinge"),
)
_OPTIMIZERS = (
    *_LABELS,
    ("sklearn.neural_network._stochastic_optimizers", "AdamOptimizer", "SGDOptimizer"),
)
_BUNCH = (*_LABELS, ("sklearn.utils._bunch", "Bunch"))
_CONSTANT = (*_LABELS, ("sklearn.multiclass", "_ConstantPredictor"))
_CALIBRATORS = (
    ("sklearn.calibration", "_CalibratedClassifier", "_SigmoidCalibration"),
    ("sklearn.calibration", "_TemperatureScaling"),
    ("sklearn.isotonic", "IsotonicRegression"),
)
_SCORERS = (
    ("sklearn.feature_selection._univariate_selection", "chi2", "f_classif", "f_regression"),
)
_SPLINES = (
    ("scipy._lib.array_api_compat.numpy._aliases", "asarray"),
    ("scipy.interpolate._bsplines", "BSpline"),
)

_XGBOOST = Row(
    "trees",
    "{}, boosters",
    "its value (DART: times the tree's weight), on top of the base scores",
    "`> 0`, argmax, none",
    "float32 `<`, NaN, categories",
)
_LIGHTGBM = Row(
    "trees",
    "{}, boosters; `gbdt`, `dart`, `rf`",
    "its value (rf: its share of the mean)",
    "`> 0`, argmax, none",
    "float64 `<=`, NaN or zero as missing, categories",
)
_ONNX = (
    Row(
        "trees",
        "ONNX-ML `TreeEnsembleClassifier`, `TreeEnsembleRegressor`, `TreeEnsemble`",
        "its weights",
        "as the graph says",
        "float32, float64 or whole numbers, all branch modes but member",
    ),
    Row(
        "arithmetic",
        "ONNX-ML `LinearClassifier`, `LinearRegressor`, and `MatMul` by a constant",
        "`linear` nodes, what stands before them folded in",
        "`> 0`, argmax, none",
        "the sums",
    ),
    Row(
        "arithmetic",
        "ONNX-ML `SVMClassifier`, `SVMRegressor`",
        "as `SVC`, `SVR` and `OneClassSVM`; linear ones `linear` nodes",
        "votes of pairs, `>= 0`, `> 0`, none",
        "as theirs",
    ),
)
_read_xgboost = lazy("locgen.frontends.xgboost.trees", "read")
_read_lightgbm = lazy("locgen.frontends.lightgbm.trees", "read")

ESTIMATORS: tuple[Estimator, ...] = (
    *estimators(
        "sklearn.tree._classes",
        "DecisionTreeClassifier ExtraTreeClassifier",
        trees.classifier,
        trees.CLASSIFIERS,
    ),
    *estimators(
        "sklearn.ensemble._forest",
        "RandomForestClassifier ExtraTreesClassifier",
        trees.classifier,
        trees.CLASSIFIERS,
    ),
    *estimators(
        "sklearn.tree._classes",
        "DecisionTreeRegressor ExtraTreeRegressor",
        trees.regressor,
        trees.REGRESSORS,
    ),
    *estimators(
        "sklearn.ensemble._forest",
        "RandomForestRegressor ExtraTreesRegressor",
        trees.regressor,
        trees.REGRESSORS,
    ),
    *estimators(
        "sklearn.ensemble._gb",
        "GradientBoostingClassifier GradientBoostingRegressor",
        trees.boosted,
        trees.BOOSTED,
        parts=_LOSSES + _DUMMIES,
    ),
    *estimators(
        "sklearn.ensemble._hist_gradient_boosting.gradient_boosting",
        "HistGradientBoostingClassifier HistGradientBoostingRegressor",
        hist_gradient.read,
        hist_gradient.ROW,
        parts=_LOSSES + _BINNED,
    ),
    *estimators(
        "sklearn.ensemble._weight_boosting",
        "AdaBoostClassifier",
        ensembles.ada_boost,
        *ensembles.ADA_BOOST,
        voting.HARD,
    ),
    *estimators(
        "sklearn.ensemble._weight_boosting",
        "AdaBoostRegressor",
        voting.ada_boost_regressor,
        voting.MEDIAN,
    ),
    *estimators(
        "sklearn.ensemble._bagging",
        "BaggingClassifier",
        ensembles.bagging_classifier,
        ensembles.BAGGED,
        ensembles.SOFT,
        voting.HARD,
    ),
    *estimators(
        "sklearn.ensemble._bagging",
        "BaggingRegressor",
        ensembles.bagging_regressor,
        ensembles.BAGGED,
        ensembles.AVERAGED,
    ),
    *estimators("sklearn.ensemble._iforest", "IsolationForest", isolation.read, isolation.ROW),
    *estimators(
        "sklearn.ensemble._voting",
        "VotingClassifier",
        ensembles.voting_classifier,
        ensembles.VOTED,
        ensembles.SOFT,
        voting.HARD,
        parts=_BUNCH,
    ),
    *estimators(
        "sklearn.ensemble._voting",
        "VotingRegressor",
        ensembles.voting_regressor,
        ensembles.MEAN,
        ensembles.AVERAGED,
        parts=_BUNCH,
    ),
    *estimators(
        "sklearn.multiclass",
        "OneVsRestClassifier",
        multiclass.one_vs_rest,
        multiclass.REST,
        voting.SIDE_BY_SIDE,
        parts=_CONSTANT,
    ),
    *estimators(
        "sklearn.multiclass", "OneVsOneClassifier", multiclass.one_vs_one, multiclass.PAIRS
    ),
    *estimators(
        "sklearn.multiclass",
        "OutputCodeClassifier",
        multiclass.output_code,
        multiclass.CODES,
        parts=_CONSTANT,
    ),
    *estimators(
        "sklearn.multioutput",
        "MultiOutputClassifier",
        voting.multi_output,
        voting.LABELS,
        voting.SIDE_BY_SIDE,
        nearest_of=("ClassifierChain",),
    ),
    *estimators(
        "sklearn.multioutput",
        "MultiOutputRegressor",
        ensembles.multi_output,
        ensembles.TARGETS,
        ensembles.AVERAGED,
    ),
    *estimators(
        "sklearn.calibration",
        "CalibratedClassifierCV",
        calibration.read,
        *calibration.ROWS,
        parts=_CALIBRATORS,
    ),
    *estimators(
        "sklearn.ensemble._stacking",
        "StackingClassifier",
        stacking.read,
        stacking.ROW,
        parts=_BUNCH,
    ),
    *estimators(
        "sklearn.ensemble._stacking",
        "StackingRegressor",
        stacking.read,
        ensembles.AVERAGED,
        parts=_BUNCH,
    ),
    *estimators(
        "sklearn.linear_model._logistic",
        "LogisticRegression LogisticRegressionCV",
        linear_models.logistic,
        linear_models.CLASSIFIERS,
    ),
    *estimators(
        "sklearn.discriminant_analysis",
        "LinearDiscriminantAnalysis",
        linear_models.logistic,
        linear_models.CLASSIFIERS,
    ),
    *estimators(
        "sklearn.svm._classes", "LinearSVC", linear_models.classifier, linear_models.CLASSIFIERS
    ),
    *estimators(
        "sklearn.linear_model._ridge",
        "RidgeClassifier RidgeClassifierCV",
        linear_models.classifier,
        linear_models.CLASSIFIERS,
        parts=_LABELS,
    ),
    *estimators(
        "sklearn.linear_model._stochastic_gradient",
        "SGDClassifier",
        linear_models.classifier,
        linear_models.CLASSIFIERS,
        parts=_SGD_LOSSES,
    ),
    *estimators(
        "sklearn.linear_model._perceptron",
        "Perceptron",
        linear_models.classifier,
        linear_models.CLASSIFIERS,
        parts=_SGD_LOSSES,
    ),
    *estimators(
        "sklearn.linear_model._passive_aggressive",
        "PassiveAggressiveClassifier",
        linear_models.classifier,
        linear_models.CLASSIFIERS,
        parts=_SGD_LOSSES,
    ),
    *estimators(
        "sklearn.linear_model._base",
        "LinearRegression",
        linear_models.regressor,
        linear_models.REGRESSORS,
    ),
    *estimators(
        "sklearn.linear_model._ridge",
        "Ridge RidgeCV",
        linear_models.regressor,
        linear_models.REGRESSORS,
    ),
    *estimators(
        "sklearn.linear_model._coordinate_descent",
        "Lasso LassoCV ElasticNet ElasticNetCV MultiTaskLasso MultiTaskLassoCV MultiTaskElasticNet "
        "MultiTaskElasticNetCV",
        linear_models.regressor,
        linear_models.REGRESSORS,
    ),
    *estimators(
        "sklearn.linear_model._least_angle",
        "Lars LarsCV LassoLars LassoLarsCV LassoLarsIC",
        linear_models.regressor,
        linear_models.REGRESSORS,
    ),
    *estimators(
        "sklearn.linear_model._omp",
        "OrthogonalMatchingPursuit OrthogonalMatchingPursuitCV",
        linear_models.regressor,
        linear_models.REGRESSORS,
    ),
    *estimators(
        "sklearn.linear_model._bayes",
        "BayesianRidge ARDRegression",
        linear_models.regressor,
        linear_models.REGRESSORS,
    ),
    *estimators(
        "sklearn.linear_model._huber",
        "HuberRegressor",
        linear_models.regressor,
        linear_models.REGRESSORS,
    ),
    *estimators(
        "sklearn.linear_model._quantile",
        "QuantileRegressor",
        linear_models.regressor,
        linear_models.REGRESSORS,
    ),
    *estimators(
        "sklearn.linear_model._theil_sen",
        "TheilSenRegressor",
        linear_models.regressor,
        linear_models.REGRESSORS,
    ),
    *estimators(
        "sklearn.svm._classes", "LinearSVR", linear_models.regressor, linear_models.REGRESSORS
    ),
    *estimators(
        "sklearn.linear_model._stochastic_gradient",
        "SGDRegressor",
        linear_models.regressor,
        linear_models.REGRESSORS,
        parts=_SGD_LOSSES,
    ),
    *estimators(
        "sklearn.linear_model._passive_aggressive",
        "PassiveAggressiveRegressor",
        linear_models.regressor,
        linear_models.REGRESSORS,
        parts=_SGD_LOSSES,
    ),
    *estimators(
        "sklearn.linear_model._stochastic_gradient",
        "SGDOneClassSVM",
        linear_models.one_class,
        linear_models.ONE_CLASS,
        parts=_SGD_LOSSES,
    ),
    *estimators("sklearn.naive_bayes", "GaussianNB", naive_bayes.gaussian, naive_bayes.GAUSSIAN),
    *estimators("sklearn.naive_bayes", "BernoulliNB", naive_bayes.bernoulli, naive_bayes.BERNOULLI),
    *estimators(
        "sklearn.naive_bayes", "CategoricalNB", naive_bayes.categorical, naive_bayes.CATEGORICAL
    ),
    *estimators(
        "sklearn.naive_bayes", "MultinomialNB", naive_bayes.multinomial, naive_bayes.COUNTS
    ),
    *estimators("sklearn.naive_bayes", "ComplementNB", naive_bayes.complement, naive_bayes.COUNTS),
    *estimators(
        "sklearn.discriminant_analysis",
        "QuadraticDiscriminantAnalysis",
        quadratic_forms.discriminant,
        quadratic_forms.DISCRIMINANT,
    ),
    *estimators(
        "sklearn.mixture._gaussian_mixture",
        "GaussianMixture",
        quadratic_forms.mixture,
        *quadratic_forms.MIXTURES,
    ),
    *estimators(
        "sklearn.mixture._bayesian_mixture",
        "BayesianGaussianMixture",
        quadratic_forms.mixture,
        *quadratic_forms.MIXTURES,
    ),
    *estimators(
        "sklearn.covariance._elliptic_envelope",
        "EllipticEnvelope",
        quadratic_forms.envelope,
        quadratic_forms.ENVELOPE,
    ),
    *estimators(
        "sklearn.cluster._kmeans",
        "KMeans MiniBatchKMeans",
        prototypes.clusters,
        prototypes.CLUSTERS,
    ),
    *estimators(
        "sklearn.neighbors._classification",
        "KNeighborsClassifier",
        neighbours.classifier,
        neighbours.NEAREST,
    ),
    *estimators(
        "sklearn.neighbors._regression",
        "KNeighborsRegressor",
        neighbours.regressor,
        neighbours.NEAREST,
        nearest_of=("RadiusNeighborsRegressor",),
    ),
    *estimators(
        "sklearn.neighbors._classification",
        "RadiusNeighborsClassifier",
        neighbours.within_radius,
        neighbours.RADIUS,
    ),
    *estimators(
        "sklearn.neighbors._nearest_centroid",
        "NearestCentroid",
        prototypes.centroid,
        prototypes.CENTROID,
    ),
    *estimators(
        "sklearn.svm._classes", "SVC NuSVC", kernels.machine, kernels.VOTING, scalers_only=True
    ),
    *estimators(
        "sklearn.svm._classes",
        "SVR NuSVR OneClassSVM",
        kernels.machine,
        kernels.SINGLE,
        scalers_only=True,
    ),
    *estimators(
        "sklearn.kernel_ridge", "KernelRidge", kernels.ridge, kernels.SINGLE, scalers_only=True
    ),
    *estimators(
        "sklearn.neural_network._multilayer_perceptron",
        "MLPClassifier MLPRegressor",
        networks.read,
        networks.ROW,
        parts=_OPTIMIZERS,
        scalers_only=True,
    ),
    *estimators(
        "xgboost.sklearn",
        "XGBClassifier XGBRegressor XGBRFClassifier XGBRFRegressor XGBRanker",
        _read_xgboost,
        _XGBOOST,
        extra="xgboost",
    ),
    *estimators("xgboost.core", "Booster", _read_xgboost, extra="xgboost", listed=False),
    *estimators(
        "lightgbm.sklearn",
        "LGBMClassifier LGBMRegressor LGBMRanker",
        _read_lightgbm,
        _LIGHTGBM,
        extra="lightgbm",
    ),
    *estimators("lightgbm.basic", "Booster", _read_lightgbm, extra="lightgbm", listed=False),
    *estimators(
        "interpret.glassbox._ebm._ebm",
        "ExplainableBoostingClassifier ExplainableBoostingRegressor",
        boosting.read,
        boosting.ROW,
        extra="interpret",
        member=False,
    ),
    *estimators(
        "locgen.models.mixture",
        "MixtureOfExpertsClassifier MixtureOfExpertsRegressor",
        mixtures.read,
        member=False,
        scalers_only=True,
    ),
    *estimators(
        "locgen.frontends.locgen_models.clauses",
        "RuleSet",
        clauses.read,
        member=False,
        pickled=False,
        listed=False,
    ),
    *estimators(
        "locgen.frontends.onnx.model",
        "OnnxModel",
        lazy("locgen.frontends.onnx.reader", "read"),
        *_ONNX,
        extra="onnx",
        pickled=False,
        listed=False,
    ),
)
STEPS: tuple[Step, ...] = (
    Step("sklearn.preprocessing._data", "StandardScaler", scalers.standard),
    Step("sklearn.preprocessing._data", "MinMaxScaler", scalers.min_max),
    Step("sklearn.preprocessing._data", "RobustScaler", scalers.robust),
    Step("sklearn.preprocessing._data", "MaxAbsScaler", scalers.max_abs),
    Step("sklearn.preprocessing._data", "Binarizer", discrete_steps.binarised),
    Step("sklearn.preprocessing._function_transformer", "FunctionTransformer", steps.unchanged),
    Step(
        "sklearn.feature_selection._univariate_selection",
        "SelectKBest",
        steps.selected,
        parts=_SCORERS,
    ),
    Step(
        "sklearn.feature_selection._univariate_selection",
        "SelectPercentile",
        steps.selected,
        parts=_SCORERS,
    ),
    Step("sklearn.feature_selection._variance_threshold", "VarianceThreshold", steps.selected),
    Step(
        "sklearn.impute._base",
        "SimpleImputer",
        steps.imputed,
        parts=(("sklearn.impute._base", "MissingIndicator"),),
    ),
    Step("sklearn.preprocessing._discretization", "KBinsDiscretizer", discrete_steps.binned),
    Step("sklearn.preprocessing._encoders", "OneHotEncoder", discrete_steps.one_hot),
    Step("sklearn.preprocessing._encoders", "OrdinalEncoder", discrete_steps.ordinal),
    Step(
        "sklearn.compose._column_transformer",
        "ColumnTransformer",
        steps.columns,
        parts=(("sklearn.compose._column_transformer", "_RemainderColsList"),),
    ),
    Step("sklearn.pipeline", "Pipeline", steps.nested),
    Step("sklearn.preprocessing._polynomial", "SplineTransformer", steps.splined, parts=_SPLINES),
    Step("sklearn.preprocessing._polynomial", "PolynomialFeatures", steps.multiplied),
)
"""The transformers that may stand before a model."""
KERNEL_MAPS: tuple[KernelMap, ...] = (
    KernelMap("sklearn.kernel_approximation", "Nystroem", kernels.nystroem),
    KernelMap("sklearn.kernel_approximation", "RBFSampler", kernels.rbf_sampler),
)
"""The transformers that may stand between scalers and a linear model."""
WRAPPERS = {
    "FixedThresholdClassifier": "estimator_",
    "GridSearchCV": "best_estimator_",
    "HalvingGridSearchCV": "best_estimator_",
    "HalvingRandomSearchCV": "best_estimator_",
    "RandomizedSearchCV": "best_estimator_",
    "TransformedTargetRegressor": "regressor_",
    "TunedThresholdClassifierCV": "estimator_",
}
"""Estimators that wrap the one that locgen builds, and the attribute that holds it."""

ESTIMATORS_BY_CLASS = {entry.pair: entry for entry in ESTIMATORS}
STEPS_BY_CLASS = {entry.pair: entry for entry in STEPS}
KERNEL_MAPS_BY_CLASS = {entry.pair: entry for entry in KERNEL_MAPS}
