"""XGBoost's gradient boosted trees and random forests as the float IR, as read in XGBoost 3.2.

It casts features to float32 and goes left on ``<``; a missing value goes where the split says. A
categorical split sends the categories that it lists to the right, all others to the left. Sums are
float32 there and float64 here.
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xgboost
from scipy.sparse import issparse
from sklearn.base import BaseEstimator

from locgen.errors import ModelFileError, UnsupportedModel
from locgen.frontends.memberships import union
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.raw_trees import CategorySplit, RawTree, check_tree, float_trees
from locgen.frontends.reading import Oracle, Read, Reading
from locgen.frontends.xgboost.objectives import Wrapper, compared_with, decided
from locgen.ir.model import Model, SplitRule
from locgen.quantise.bisect import largest_true

__all__ = ["open_booster", "read"]

_TOLERANCE = 1e-5  # of the largest score: the library adds up float32
_CATEGORICAL = 1
_LARGEST_CATEGORY = 1 << 24


def open_booster(path: str) -> xgboost.Booster:
    """Return the booster in a .json or .ubj file.

    Raises
    ------
    ModelFileError
        If XGBoost finds no model in it.
    """
    try:
        return xgboost.Booster(model_file=path)
    except (xgboost.core.XGBoostError, ValueError, TypeError) as error:
        reason = re.sub(r"\s+", " ", str(error).split("Stack trace")[0])[:120]
        raise ModelFileError(
            f"{path} is no XGBoost model ({ascii(reason)[1:-1]}): save it again with save_model"
        ) from error


def read(
    last: xgboost.Booster | xgboost.XGBModel, preprocessing: Preprocessing, read: Read
) -> Reading:
    """Return what a booster, or scikit-learn's wrapper around one, adds up and decides.

    ``binary:logistic``: class 1 where the sum is above 0. ``multi:*``: argmax over the classes.
    Otherwise a regression whose answer is the sum. What a sparse row leaves out is missing.
    """
    booster, classes = _booster(last)
    wrapper = _wrapper(last)
    if preprocessing.is_sparse:
        preprocessing = preprocessing.without_zeros()
    name = type(last).__name__ if classes is not None or booster is not last else "XGBoost model"
    learner = _learner(booster, name)
    ensemble, weights = _ensemble(learner, name)
    features = int(learner["learner_model_param"]["num_feature"])
    if features != preprocessing.features:
        raise ModelFileError(
            f"{name} takes {features} features, but {preprocessing.features} stand before "
            "it: save the fitted model again"
        )
    groups = max(int(learner["learner_model_param"]["num_class"]), 1)
    targets = int(learner["learner_model_param"].get("num_target", 1))
    outputs = groups * targets
    rounds = _rounds(booster, ensemble, name) if wrapper else (0, len(ensemble["trees"]))
    trees = [
        _raw_tree(tree, features, weights[index], ensemble["tree_info"][index], preprocessing, name)
        for index, tree in enumerate(ensemble["trees"][: rounds[1]])
    ]
    common: dict[str, Any] = {
        "family": name,
        "library": f"XGBoost {xgboost.__version__}",
        "feature_names": preprocessing.names,
        "rule": SplitRule(operator="<", input_dtype="float32", missing=True),
        "trees": float_trees(preprocessing, trees, _below),
        "memberships": tuple(preprocessing.memberships.found),
    }
    settings = decided(learner, outputs, classes, name, wrapper)
    model = Model(**common, **settings)
    shift = compared_with(learner["objective"]["name"], wrapper)
    predict = _predictor(booster, rounds[0])
    total, used = len(ensemble["trees"]), len(trees)
    return Reading(
        model,
        Oracle(
            lambda x: predict(x, output_margin=True).reshape(len(x), -1) - shift,
            leaves=lambda x: predict(x, pred_leaf=True).reshape(len(x), -1),
            tolerance=_TOLERANCE,
        ),
        preprocessing,
        predict=None if wrapper else _predictor(booster, 0),
        predicts_probabilities=settings.get("probability") in ("sigmoid", "softmax")
        and not wrapper,
        remark=_remark(booster, total, used),
    )


def _below(value: np.ndarray, threshold: np.ndarray) -> np.ndarray:
    """Return XGBoost's comparison."""
    with np.errstate(over="ignore"):
        return value.astype(np.float32) < threshold.astype(np.float32)


def _booster(last: BaseEstimator) -> tuple[xgboost.Booster, Sequence[object] | None]:
    """Return the booster and, for a classifier's wrapper, the labels."""
    if isinstance(last, xgboost.Booster):
        return last, None
    known = (
        xgboost.XGBClassifier,
        xgboost.XGBRegressor,
        xgboost.XGBRFClassifier,
        xgboost.XGBRFRegressor,
        xgboost.XGBRanker,
    )
    if type(last) not in known:
        raise UnsupportedModel(
            f"{type(last).__name__} is not supported: the nearest that locgen builds is "
            "XGBClassifier or XGBRegressor"
        )
    if last.missing is not None and not np.isnan(last.missing):
        raise UnsupportedModel(
            f"{type(last).__name__}(missing={last.missing!r}) takes a number for a missing value: "
            "train with missing=nan and NaN in the data"
        )
    labels = np.asarray(last.classes_).tolist() if hasattr(last, "n_classes_") else None
    return last.get_booster(), labels


def _learner(booster: xgboost.Booster, name: str) -> dict:
    try:
        return json.loads(bytes(booster.save_raw("json")))["learner"]
    except (ValueError, KeyError, xgboost.core.XGBoostError) as error:
        raise ModelFileError(f"{name} holds no model: save the fitted model again") from error


def _ensemble(learner: dict, name: str) -> tuple[dict, list[float]]:
    """Return the trees' part of the model and a weight for each tree (DART drops out)."""
    booster = learner["gradient_booster"]
    if booster["name"] == "gblinear":
        raise UnsupportedModel(
            f"{name} with booster='gblinear' is a linear model: train LogisticRegression, or use "
            "booster='gbtree'"
        )
    weights = booster.get("weight_drop")
    model = booster["gbtree"]["model"] if booster["name"] == "dart" else booster["model"]
    if model.get("cats", {}).get("enc"):
        raise UnsupportedModel(
            f"{name} was trained on a DataFrame of named categories: train on their codes, with "
            "feature_types=['c', ...] and enable_categorical=True"
        )
    count = len(model["trees"])
    weights = [1.0] * count if weights is None else [float(weight) for weight in weights]
    if len(weights) != count or len(model["tree_info"]) != count or not count:
        raise ModelFileError(f"{name} has the wrong number of trees: save the fitted model again")
    return model, weights


def _wrapper(last: BaseEstimator) -> Wrapper:
    """Return what scikit-learn's wrapper is, None for a bare booster."""
    if isinstance(last, xgboost.Booster):
        return None
    return "classifier" if isinstance(last, xgboost.XGBClassifier) else "regressor"


def _rounds(booster: xgboost.Booster, ensemble: dict, name: str) -> tuple[int, int]:
    """Return how many rounds a wrapper predicts with (0: all), and their trees.

    After early stopping these are the rounds up to the best.
    """
    best = booster.attr("best_iteration")
    pointers = ensemble.get("iteration_indptr")
    if best is None:
        return 0, len(ensemble["trees"])
    rounds = int(best) + 1
    if rounds > booster.num_boosted_rounds():
        raise ModelFileError(
            f"{name} has best_iteration={best}, but {booster.num_boosted_rounds()} rounds: fit it "
            "again"
        )
    if pointers is None:  # before XGBoost 2: as many trees a round throughout
        per_round = len(ensemble["trees"]) // booster.num_boosted_rounds()
        return rounds, rounds * per_round
    return rounds, int(pointers[rounds])


def _remark(booster: xgboost.Booster, total: int, used: int) -> str:
    """Return what is to know about the trees that predict."""
    best = booster.attr("best_iteration")
    if used < total:
        return f"{total} trees, {used} used: predict stops at best_iteration"
    if best is not None and int(best) + 1 < booster.num_boosted_rounds():
        return f"{total} trees, all used: a bare booster predicts beyond best_iteration"
    return ""


def _predictor(booster: xgboost.Booster, rounds: int) -> Callable[..., np.ndarray]:
    def predict(x: Any, **what: bool) -> np.ndarray:
        matrix = xgboost.DMatrix(
            x if issparse(x) else np.asarray(x, dtype=np.float64),
            missing=np.nan,
            feature_names=booster.feature_names,
            feature_types=booster.feature_types,
            enable_categorical=True,
            nthread=1,
        )
        return booster.predict(matrix, iteration_range=(0, rounds), **what)

    return predict


def _raw_tree(
    tree: dict, features: int, weight: float, output: int, preprocessing: Preprocessing, name: str
) -> RawTree:
    """Return one tree without the nodes that pruning has left behind."""
    if int(tree["tree_param"].get("size_leaf_vector", 1)) > 1:
        raise UnsupportedModel(
            f"{name} with multi_strategy='multi_output_tree' is not supported: train with "
            "'one_output_per_tree'"
        )
    left_all, right_all = tree["left_children"], tree["right_children"]
    order, number = [0], {0: 0}
    for node in order:
        for child in (left_all[node], right_all[node]):
            if child != -1:
                if child in number or not 0 < child < len(left_all):
                    raise ModelFileError(
                        f"{name} has damaged node arrays: save the fitted model again"
                    )
                number[child] = len(order)
                order.append(child)
    picked = np.array(order)
    left = np.array([number.get(left_all[node], -1) for node in order])
    right = np.array([number.get(right_all[node], -1) for node in order])
    feature = np.array(tree["split_indices"], dtype=np.int64)[picked]
    check_tree(left, right, feature, features, name)
    condition = np.array(tree["split_conditions"], dtype=np.float32).astype(np.float64)[picked]
    missing_left = np.array(tree["default_left"], dtype=np.int64)[picked] != 0
    kinds = np.array(tree.get("split_type") or np.zeros(len(left_all)), dtype=np.int64)[picked]
    categories = {}
    for split in np.flatnonzero((kinds == _CATEGORICAL) & (left != -1)):
        at = tree["categories_nodes"].index(order[split])
        start = tree["categories_segments"][at]
        listed = np.sort(tree["categories"][start : start + tree["categories_sizes"][at]])
        if preprocessing.zeros_missing:
            raise UnsupportedModel(
                f"{name} has a categorical split, and sparse rows leave its category 0 out, which "
                "is missing to XGBoost then: train and predict on dense rows"
            )
        column = preprocessing.raw_column(int(feature[split]), name)
        categories[int(split)] = _category_split(column, listed, bool(missing_left[split]))
    return RawTree(
        left=left,
        right=right,
        feature=feature,
        threshold=condition,
        missing_left=missing_left,
        values=(condition * weight)[:, None],
        outputs=(int(output),),
        ids=picked,
        categories=categories,
    )


def _category_split(column: int, listed: np.ndarray, missing_left: bool) -> CategorySplit:
    """Return the split that sends the categories `listed` right: floors of float32 values."""
    listed = listed[(listed >= 0) & (listed < _LARGEST_CATEGORY)]
    limits = np.concatenate([listed, listed + 1]).astype(np.float32)
    ends = largest_true(lambda x: _below(x, limits), len(limits))
    shown = ", ".join(str(int(value)) for value in listed[:6])
    return CategorySplit(
        column=column,
        edges=union(ends[: len(listed)], ends[len(listed) :]),
        inside_left=False,
        missing_left=missing_left,
        shown=f"{{{shown}{', ...' if len(listed) > 6 else ''}}}",
    )
