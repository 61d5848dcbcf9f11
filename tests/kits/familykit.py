"""Every family of tree ensembles, small and trained on real data: one case a way of making one."""

import warnings
from functools import cache

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
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
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    KBinsDiscretizer,
    MaxAbsScaler,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor


@cache
def rows(name):
    """Return X_train, X_test, y_train, y_test of a data set; see the branches for what it is."""
    base, _, variant = name.partition("-")
    x, y = {
        "iris": load_iris,
        "wine": load_wine,
        "cancer": load_breast_cancer,
        "diabetes": load_diabetes,
    }[base](return_X_y=True)
    random = np.random.default_rng(0)
    if base == "cancer":
        x = x[:, :10]
    if variant == "missing":
        x = np.where(random.random(x.shape) < 0.1, np.nan, x)
    if variant == "codes":  # two columns of small integers, whose order means nothing
        code = np.argsort(random.permutation(9))[
            np.digitize(x[:, 0], np.quantile(x[:, 0], [0.1 * k for k in range(1, 9)]))
        ]
        other = random.permutation(5)[
            np.digitize(x[:, 2], np.quantile(x[:, 2], [0.2, 0.4, 0.6, 0.8]))
        ]
        x = np.column_stack([code, x[:, 1], other, x[:, 3:6]]).astype(np.float64)
    if variant == "labels":  # two labels a row, of three classes and of two
        y = np.column_stack([y, x[:, 1] > np.median(x[:, 1])]).astype(np.int64)
    if variant == "two":
        y = np.column_stack([y, np.sqrt(y) * 10])
    return train_test_split(x, y, test_size=0.3, random_state=0)


def _xgb(name, **settings):
    def make():
        import xgboost

        return getattr(xgboost, name)(n_jobs=1, random_state=0, **settings)

    return make


def _lgbm(name, **settings):
    def make():
        import lightgbm

        return getattr(lightgbm, name)(
            n_jobs=1, random_state=0, verbosity=-1, min_child_samples=5, **settings
        )

    return make


_TREE = {"max_depth": 3, "random_state": 0}
_CODES = ["c", "q", "c", "q", "q", "q"]
CASES = {
    "hist-binary": ("cancer", lambda: HistGradientBoostingClassifier(max_iter=8, max_depth=3)),
    "hist-multi": ("wine", lambda: HistGradientBoostingClassifier(max_iter=4, max_depth=3)),
    "hist-regressor": ("diabetes", lambda: HistGradientBoostingRegressor(max_iter=8, max_depth=3)),
    "hist-missing": (
        "cancer-missing",
        lambda: HistGradientBoostingClassifier(max_iter=6, max_depth=3),
    ),
    "hist-categorical": (
        "wine-codes",
        lambda: HistGradientBoostingClassifier(
            max_iter=6, max_depth=3, categorical_features=[0, 2], min_samples_leaf=5
        ),
    ),
    "hist-scaled": (
        "cancer",
        lambda: make_pipeline(
            StandardScaler(), HistGradientBoostingClassifier(max_iter=5, max_depth=3)
        ),
    ),
    "ada-binary": ("cancer", lambda: AdaBoostClassifier(n_estimators=8, random_state=0)),
    "ada-multi": (
        "wine",
        lambda: AdaBoostClassifier(DecisionTreeClassifier(**_TREE), n_estimators=6, random_state=0),
    ),
    "ada-hard-forest": (
        "wine",
        lambda: AdaBoostClassifier(
            RandomForestClassifier(3, **_TREE), n_estimators=4, random_state=0
        ),
    ),
    "ada-regressor": (
        "diabetes",
        lambda: AdaBoostRegressor(
            DecisionTreeRegressor(**_TREE), n_estimators=9, loss="square", random_state=0
        ),
    ),
    "bagging-classifier": (
        "wine",
        lambda: BaggingClassifier(
            DecisionTreeClassifier(**_TREE), n_estimators=6, max_features=0.6, random_state=0
        ),
    ),
    "bagging-forest": (
        "iris",
        lambda: BaggingClassifier(
            RandomForestClassifier(3, max_depth=3), n_estimators=3, random_state=0
        ),
    ),
    "bagging-regressor": (
        "diabetes",
        lambda: BaggingRegressor(
            DecisionTreeRegressor(**_TREE), n_estimators=6, max_features=0.7, random_state=0
        ),
    ),
    "isolation": (
        "cancer",
        lambda: IsolationForest(n_estimators=12, max_samples=64, random_state=0),
    ),
    "isolation-contaminated": (
        "wine",
        lambda: IsolationForest(
            n_estimators=12, max_samples=64, max_features=0.6, contamination=0.1, random_state=0
        ),
    ),
    "tree-entropy": ("wine", lambda: DecisionTreeClassifier(criterion="entropy", **_TREE)),
    "tree-log-loss": ("iris", lambda: DecisionTreeClassifier(criterion="log_loss", **_TREE)),
    "tree-absolute": (
        "diabetes",
        lambda: DecisionTreeRegressor(criterion="absolute_error", **_TREE),
    ),
    "tree-poisson": ("diabetes", lambda: DecisionTreeRegressor(criterion="poisson", **_TREE)),
    "voting-soft": (
        "wine",
        lambda: VotingClassifier(
            [
                ("forest", RandomForestClassifier(5, **_TREE)),
                ("tree", DecisionTreeClassifier(**_TREE)),
                ("extra", make_pipeline(StandardScaler(), ExtraTreesClassifier(4, **_TREE))),
            ],
            voting="soft",
            weights=[2, 1, 1],
        ),
    ),
    "voting-hard": (
        "iris",
        lambda: VotingClassifier(
            [
                (f"tree{depth}", DecisionTreeClassifier(max_depth=depth, random_state=depth))
                for depth in (1, 2, 3)
            ],
            weights=[1, 2, 2],
        ),
    ),
    "voting-hard-mixed": (
        "wine",
        lambda: VotingClassifier(
            [
                ("forest", RandomForestClassifier(4, **_TREE)),
                ("boosted", GradientBoostingClassifier(n_estimators=3, max_depth=2)),
                ("scaled", make_pipeline(StandardScaler(), DecisionTreeClassifier(**_TREE))),
            ],
            weights=[2, 1.5, 1],
        ),
    ),
    "voting-hard-binary": (
        "cancer",
        lambda: VotingClassifier(
            [
                ("forest", RandomForestClassifier(4, **_TREE)),
                ("boosted", GradientBoostingClassifier(n_estimators=4, max_depth=2)),
                ("hist", HistGradientBoostingClassifier(max_iter=3, max_depth=2)),
            ],
        ),
    ),
    "voting-regressor": (
        "diabetes",
        lambda: VotingRegressor(
            [
                ("forest", RandomForestRegressor(4, **_TREE)),
                ("boosted", GradientBoostingRegressor(n_estimators=5, max_depth=2)),
            ],
            weights=[1, 3],
        ),
    ),
    "rest-forest": ("wine", lambda: OneVsRestClassifier(RandomForestClassifier(3, **_TREE))),
    "rest-boosted": (
        "iris",
        lambda: OneVsRestClassifier(GradientBoostingClassifier(n_estimators=3, max_depth=2)),
    ),
    "rest-binary": ("cancer", lambda: OneVsRestClassifier(RandomForestClassifier(3, **_TREE))),
    "multi-output": (
        "diabetes-two",
        lambda: MultiOutputRegressor(GradientBoostingRegressor(n_estimators=4, max_depth=2)),
    ),
    "multi-label": (
        "wine-labels",
        lambda: MultiOutputClassifier(GradientBoostingClassifier(n_estimators=3, max_depth=2)),
    ),
    "multi-label-forest": ("wine-labels", lambda: RandomForestClassifier(5, **_TREE)),
    "pipeline-imputed": (
        "cancer-missing",
        lambda: make_pipeline(
            SimpleImputer(strategy="median", add_indicator=True),
            SelectKBest(k=8),
            RandomForestClassifier(6, **_TREE),
        ),
    ),
    "pipeline-binned": (
        "wine",
        lambda: make_pipeline(
            VarianceThreshold(),
            KBinsDiscretizer(4, encode="onehot"),
            RandomForestClassifier(6, **_TREE),
        ),
    ),
    "pipeline-ordinal-bins": (
        "wine",
        lambda: make_pipeline(
            MaxAbsScaler(),
            KBinsDiscretizer(6, encode="ordinal"),
            GradientBoostingClassifier(n_estimators=3, max_depth=2),
        ),
    ),
    "pipeline-columns": (
        "wine-codes",
        lambda: make_pipeline(
            ColumnTransformer(
                [
                    ("one", OneHotEncoder(handle_unknown="ignore"), [0]),
                    ("two", OrdinalEncoder(), [2]),
                    ("flag", make_pipeline(StandardScaler(), Binarizer()), [1]),
                ],
                remainder="passthrough",
            ),
            RandomForestClassifier(8, **_TREE),
        ),
    ),
    "xgb-binary": ("cancer", _xgb("XGBClassifier", n_estimators=8, max_depth=3)),
    "xgb-multi": ("wine", _xgb("XGBClassifier", n_estimators=4, max_depth=3)),
    "xgb-regressor": ("diabetes", _xgb("XGBRegressor", n_estimators=8, max_depth=3)),
    "xgb-forest": ("wine", _xgb("XGBRFClassifier", n_estimators=6, max_depth=3)),
    "xgb-dart": (
        "cancer",
        _xgb("XGBClassifier", n_estimators=8, max_depth=3, booster="dart", rate_drop=0.3),
    ),
    "xgb-missing": ("cancer-missing", _xgb("XGBClassifier", n_estimators=6, max_depth=3)),
    "xgb-categorical": (
        "wine-codes",
        _xgb(
            "XGBClassifier",
            n_estimators=5,
            max_depth=3,
            tree_method="hist",
            enable_categorical=True,
            feature_types=_CODES,
        ),
    ),
    "xgb-hinge": (
        "cancer",
        _xgb("XGBClassifier", n_estimators=5, max_depth=2, objective="binary:hinge"),
    ),
    "lgbm-binary": ("cancer", _lgbm("LGBMClassifier", n_estimators=8, max_depth=3)),
    "lgbm-multi": ("wine", _lgbm("LGBMClassifier", n_estimators=4, max_depth=3)),
    "lgbm-regressor": ("diabetes", _lgbm("LGBMRegressor", n_estimators=8, max_depth=3)),
    "lgbm-forest": (
        "wine",
        _lgbm(
            "LGBMClassifier",
            n_estimators=5,
            max_depth=3,
            boosting_type="rf",
            subsample=0.7,
            subsample_freq=1,
        ),
    ),
    "lgbm-dart": (
        "cancer",
        _lgbm("LGBMClassifier", n_estimators=8, max_depth=3, boosting_type="dart"),
    ),
    "lgbm-missing": ("cancer-missing", _lgbm("LGBMClassifier", n_estimators=6, max_depth=3)),
    "lgbm-zero": (
        "wine-codes",
        _lgbm("LGBMClassifier", n_estimators=5, max_depth=3, zero_as_missing=True),
    ),
    "lgbm-categorical": (
        "wine-codes",
        _lgbm(
            "LGBMClassifier",
            n_estimators=5,
            max_depth=3,
            categorical_feature=[0, 2],
            min_data_per_group=5,
            cat_smooth=1.0,
        ),
    ),
    "lgbm-ova": (
        "wine",
        _lgbm("LGBMClassifier", n_estimators=3, max_depth=3, objective="multiclassova"),
    ),
    "pipeline-xgb": (
        "wine",
        lambda: make_pipeline(
            StandardScaler(), _xgb("XGBClassifier", n_estimators=3, max_depth=3)()
        ),
    ),
    "pipeline-lgbm": (
        "diabetes",
        lambda: make_pipeline(
            StandardScaler(), _lgbm("LGBMRegressor", n_estimators=5, max_depth=3)()
        ),
    ),
}


@cache
def fitted(name):
    """Return the fitted estimator of a case, and its four arrays."""
    data, make = CASES[name]
    x_train, x_test, y_train, y_test = rows(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator = make()
        if "lgbm-categorical" in name:
            estimator.fit(x_train, y_train, categorical_feature=[0, 2])
        else:
            estimator.fit(x_train, y_train)
    return estimator, (x_train, x_test, y_train, y_test)
