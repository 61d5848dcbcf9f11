"""The table of all that locgen reads: estimators, preprocessing steps and maps into kernels.

One entry each: the class as a pickle names it, its reader, what else its pickles hold, the extra
that installs its library, its row in docs/models.md. Dispatch, the unpickler's list, refusals and
the documentation are derived from it.
"""

from locgen.frontends.entries import Estimator, KernelMap, Row, Step, estimators, lazy
from locgen.frontends.interpret import boosting
from locgen.frontends.locgen_models import clauses, mixtures
from locgen.frontends.sklearn import (
    averaging,
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
    "CHANGES",
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
    "`> 0`, argmax, none; classifiers of a regression objective `> 0.5`",
    "float32 `<`, NaN, categories",
)
_LIGHTGBM = Row(
    "trees",
    "{}, boosters; `gbdt`, `dart`, `rf`",
    "its value (rf: its share of the mean)",
    "`> 0`, argmax, none; classifiers of a regression objective `> 0.5`",
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
    # reader, rows of docs/models.md, classes by module
    *estimators(
        trees.classifier,
        trees.CLASSIFIERS,
        "sklearn.tree._classes: DecisionTreeClassifier ExtraTreeClassifier",
        "sklearn.ensemble._forest: RandomForestClassifier ExtraTreesClassifier",
    ),
    *estimators(
        trees.regressor,
        trees.REGRESSORS,
        "sklearn.tree._classes: DecisionTreeRegressor ExtraTreeRegressor",
        "sklearn.ensemble._forest: RandomForestRegressor ExtraTreesRegressor",
    ),
    *estimators(
        trees.boosted,
        trees.BOOSTED,
        "sklearn.ensemble._gb: GradientBoostingClassifier GradientBoostingRegressor",
        parts=_LOSSES + _DUMMIES,
    ),
    *estimators(
        hist_gradient.read,
        hist_gradient.ROW,
        "sklearn.ensemble._hist_gradient_boosting.gradient_boosting: "
        "HistGradientBoostingClassifier HistGradientBoostingRegressor",
        parts=_LOSSES + _BINNED,
    ),
    *estimators(
        ensembles.ada_boost,
        (*ensembles.ADA_BOOST, voting.HARD),
        "sklearn.ensemble._weight_boosting: AdaBoostClassifier",
    ),
    *estimators(
        voting.ada_boost_regressor,
        voting.MEDIAN,
        "sklearn.ensemble._weight_boosting: AdaBoostRegressor",
    ),
    *estimators(
        ensembles.bagging_classifier,
        (averaging.BAGGED, ensembles.SOFT, voting.HARD),
        "sklearn.ensemble._bagging: BaggingClassifier",
    ),
    *estimators(
        averaging.bagging_regressor,
        (averaging.BAGGED, averaging.AVERAGED),
        "sklearn.ensemble._bagging: BaggingRegressor",
    ),
    *estimators(isolation.read, isolation.ROW, "sklearn.ensemble._iforest: IsolationForest"),
    *estimators(
        ensembles.voting_classifier,
        (ensembles.VOTED, ensembles.SOFT, voting.HARD),
        "sklearn.ensemble._voting: VotingClassifier",
        parts=_BUNCH,
    ),
    *estimators(
        averaging.voting_regressor,
        (averaging.MEAN, averaging.AVERAGED),
        "sklearn.ensemble._voting: VotingRegressor",
        parts=_BUNCH,
    ),
    *estimators(
        multiclass.one_vs_rest,
        (multiclass.REST, voting.SIDE_BY_SIDE),
        "sklearn.multiclass: OneVsRestClassifier",
        parts=_CONSTANT,
    ),
    *estimators(multiclass.one_vs_one, multiclass.PAIRS, "sklearn.multiclass: OneVsOneClassifier"),
    *estimators(
        multiclass.output_code,
        multiclass.CODES,
        "sklearn.multiclass: OutputCodeClassifier",
        parts=_CONSTANT,
    ),
    *estimators(
        voting.multi_output,
        (voting.LABELS, voting.SIDE_BY_SIDE),
        "sklearn.multioutput: MultiOutputClassifier",
        nearest_of=("ClassifierChain",),
    ),
    *estimators(
        averaging.multi_output,
        (averaging.TARGETS, averaging.AVERAGED),
        "sklearn.multioutput: MultiOutputRegressor",
    ),
    *estimators(
        calibration.read,
        calibration.ROWS,
        "sklearn.calibration: CalibratedClassifierCV",
        parts=_CALIBRATORS,
    ),
    *estimators(
        stacking.read, stacking.ROW, "sklearn.ensemble._stacking: StackingClassifier", parts=_BUNCH
    ),
    *estimators(
        stacking.read,
        averaging.AVERAGED,
        "sklearn.ensemble._stacking: StackingRegressor",
        parts=_BUNCH,
    ),
    *estimators(
        linear_models.logistic,
        linear_models.CLASSIFIERS,
        "sklearn.linear_model._logistic: LogisticRegression LogisticRegressionCV",
        "sklearn.discriminant_analysis: LinearDiscriminantAnalysis",
    ),
    *estimators(
        linear_models.classifier, linear_models.CLASSIFIERS, "sklearn.svm._classes: LinearSVC"
    ),
    *estimators(
        linear_models.classifier,
        linear_models.CLASSIFIERS,
        "sklearn.linear_model._ridge: RidgeClassifier RidgeClassifierCV",
        parts=_LABELS,
    ),
    *estimators(
        linear_models.classifier,
        linear_models.CLASSIFIERS,
        "sklearn.linear_model._stochastic_gradient: SGDClassifier",
        "sklearn.linear_model._perceptron: Perceptron",
        "sklearn.linear_model._passive_aggressive: PassiveAggressiveClassifier",
        parts=_SGD_LOSSES,
    ),
    *estimators(
        linear_models.regressor,
        linear_models.REGRESSORS,
        "sklearn.linear_model._base: LinearRegression",
        "sklearn.linear_model._ridge: Ridge RidgeCV",
        "sklearn.linear_model._coordinate_descent: Lasso LassoCV ElasticNet ElasticNetCV",
        "sklearn.linear_model._coordinate_descent: MultiTaskLasso MultiTaskLassoCV",
        "sklearn.linear_model._coordinate_descent: MultiTaskElasticNet MultiTaskElasticNetCV",
        "sklearn.linear_model._least_angle: Lars LarsCV LassoLars LassoLarsCV LassoLarsIC",
        "sklearn.linear_model._omp: OrthogonalMatchingPursuit OrthogonalMatchingPursuitCV",
        "sklearn.linear_model._bayes: BayesianRidge ARDRegression",
        "sklearn.linear_model._huber: HuberRegressor",
        "sklearn.linear_model._quantile: QuantileRegressor",
        "sklearn.linear_model._theil_sen: TheilSenRegressor",
        "sklearn.svm._classes: LinearSVR",
    ),
    *estimators(
        linear_models.regressor,
        linear_models.REGRESSORS,
        "sklearn.linear_model._stochastic_gradient: SGDRegressor",
        "sklearn.linear_model._passive_aggressive: PassiveAggressiveRegressor",
        parts=_SGD_LOSSES,
    ),
    *estimators(
        linear_models.one_class,
        linear_models.ONE_CLASS,
        "sklearn.linear_model._stochastic_gradient: SGDOneClassSVM",
        parts=_SGD_LOSSES,
    ),
    *estimators(naive_bayes.gaussian, naive_bayes.GAUSSIAN, "sklearn.naive_bayes: GaussianNB"),
    *estimators(naive_bayes.bernoulli, naive_bayes.BERNOULLI, "sklearn.naive_bayes: BernoulliNB"),
    *estimators(
        naive_bayes.categorical, naive_bayes.CATEGORICAL, "sklearn.naive_bayes: CategoricalNB"
    ),
    *estimators(naive_bayes.multinomial, naive_bayes.COUNTS, "sklearn.naive_bayes: MultinomialNB"),
    *estimators(naive_bayes.complement, naive_bayes.COUNTS, "sklearn.naive_bayes: ComplementNB"),
    *estimators(
        quadratic_forms.discriminant,
        quadratic_forms.DISCRIMINANT,
        "sklearn.discriminant_analysis: QuadraticDiscriminantAnalysis",
    ),
    *estimators(
        quadratic_forms.mixture,
        quadratic_forms.MIXTURES,
        "sklearn.mixture._gaussian_mixture: GaussianMixture",
        "sklearn.mixture._bayesian_mixture: BayesianGaussianMixture",
    ),
    *estimators(
        quadratic_forms.envelope,
        quadratic_forms.ENVELOPE,
        "sklearn.covariance._elliptic_envelope: EllipticEnvelope",
    ),
    *estimators(
        prototypes.clusters, prototypes.CLUSTERS, "sklearn.cluster._kmeans: KMeans MiniBatchKMeans"
    ),
    *estimators(
        neighbours.classifier,
        neighbours.NEAREST,
        "sklearn.neighbors._classification: KNeighborsClassifier",
    ),
    *estimators(
        neighbours.regressor,
        neighbours.NEAREST,
        "sklearn.neighbors._regression: KNeighborsRegressor",
        nearest_of=("RadiusNeighborsRegressor",),
    ),
    *estimators(
        neighbours.within_radius,
        neighbours.RADIUS,
        "sklearn.neighbors._classification: RadiusNeighborsClassifier",
    ),
    *estimators(
        prototypes.centroid,
        prototypes.CENTROID,
        "sklearn.neighbors._nearest_centroid: NearestCentroid",
    ),
    *estimators(
        kernels.machine, kernels.VOTING, "sklearn.svm._classes: SVC NuSVC", takes="scalers"
    ),
    *estimators(
        kernels.machine,
        kernels.SINGLE,
        "sklearn.svm._classes: SVR NuSVR OneClassSVM",
        takes="scalers",
    ),
    *estimators(
        kernels.ridge, kernels.SINGLE, "sklearn.kernel_ridge: KernelRidge", takes="scalers"
    ),
    *estimators(
        networks.read,
        networks.ROW,
        "sklearn.neural_network._multilayer_perceptron: MLPClassifier MLPRegressor",
        parts=_OPTIMIZERS,
        takes="scalers",
    ),
    *estimators(
        _read_xgboost,
        _XGBOOST,
        "xgboost.sklearn: XGBClassifier XGBRegressor XGBRFClassifier XGBRFRegressor XGBRanker",
        extra="xgboost",
    ),
    *estimators(_read_xgboost, (), "xgboost.core: Booster", extra="xgboost", listed=False),
    *estimators(
        _read_lightgbm,
        _LIGHTGBM,
        "lightgbm.sklearn: LGBMClassifier LGBMRegressor LGBMRanker",
        extra="lightgbm",
    ),
    *estimators(_read_lightgbm, (), "lightgbm.basic: Booster", extra="lightgbm", listed=False),
    *estimators(
        boosting.read,
        boosting.ROW,
        "interpret.glassbox._ebm._ebm: ExplainableBoostingClassifier ExplainableBoostingRegressor",
        extra="interpret",
        member=False,
        takes="nothing",
    ),
    *estimators(
        mixtures.read,
        (),
        "locgen.models.mixture: MixtureOfExpertsClassifier MixtureOfExpertsRegressor",
        member=False,
        takes="scalers",
    ),
    *estimators(
        clauses.read,
        (),
        "locgen.frontends.locgen_models.clauses: RuleSet",
        member=False,
        pickled=False,
        listed=False,
    ),
    *estimators(
        lazy("locgen.frontends.onnx.reader", "read"),
        _ONNX,
        "locgen.frontends.onnx.model: OnnxModel",
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
    "FrozenEstimator": "estimator",
    "GridSearchCV": "best_estimator_",
    "HalvingGridSearchCV": "best_estimator_",
    "HalvingRandomSearchCV": "best_estimator_",
    "RandomizedSearchCV": "best_estimator_",
}
"""Estimators that answer what the one inside them answers, and the attribute that holds it."""

_THRESHOLDS = (
    "compares a probability with a threshold of its own, where the classifier inside it takes the "
    "likelier class: train that classifier with class_weight, so that the likelier class is right"
)
CHANGES = {
    "FixedThresholdClassifier": _THRESHOLDS,
    "TransformedTargetRegressor": (
        "answers a function of what the regressor inside it answers: train that regressor on the "
        "transformed target, and transform the answers where they are used"
    ),
    "TunedThresholdClassifierCV": _THRESHOLDS,
}
"""Estimators that answer something else than the one inside them, and how."""

ESTIMATORS_BY_CLASS = {entry.pair: entry for entry in ESTIMATORS}
STEPS_BY_CLASS = {entry.pair: entry for entry in STEPS}
KERNEL_MAPS_BY_CLASS = {entry.pair: entry for entry in KERNEL_MAPS}
