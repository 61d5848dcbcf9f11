"""LightGBM's boosted trees and random forests as the float IR, as read in LightGBM 4.7.

It compares float64 with ``<=``; of a row it keeps what differs from zero by more than 1e-35. Each
split has a rule for what is missing: NaN goes where the split says (``NaN``); zeros and NaN do
(``Zero``); or NaN counts as 0.0 (``None``). A categorical split sends the categories that it lists
to the left, all others and NaN to the right.
"""

import math
import re
from collections.abc import Sequence
from typing import Any

import lightgbm
import numpy as np
from sklearn.base import BaseEstimator

from locgen.errors import ModelFileError, UnsupportedModel
from locgen.frontends.lightgbm.categories import FrameCategories
from locgen.frontends.memberships import union
from locgen.frontends.pipeline import quiet
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.raw_trees import CategorySplit, RawTree, check_tree, float_trees
from locgen.frontends.reading import Oracle, Read, Reading
from locgen.ir.model import Model, SplitRule

__all__ = ["open_booster", "read"]

_ZERO = float(np.float32(1e-35))  # what LightGBM takes for zero: kZeroThreshold
_HUGE = 1e300
_IDENTITY = (
    "regression",
    "regression_l1",
    "huber",
    "fair",
    "quantile",
    "mape",
    "lambdarank",
    "rank_xendcg",
)
# The sums of trees at which answers that are no sum are 1/2: LGBMClassifier compares with that.
_HALF = {
    "cross_entropy": 0.0,
    "cross_entropy_lambda": math.log(math.expm1(0.5)),
    **dict.fromkeys(("gamma", "poisson", "tweedie"), math.log(0.5)),
}


def open_booster(path: str) -> lightgbm.Booster:
    """Return the booster in a text file.

    Raises
    ------
    ModelFileError
        If LightGBM finds no model in it.
    """
    try:
        return lightgbm.Booster(model_file=path)
    except (lightgbm.basic.LightGBMError, ValueError, TypeError) as error:
        reason = re.sub(r"\s+", " ", str(error))[:120]
        raise ModelFileError(
            f"{path} is no LightGBM model ({ascii(reason)[1:-1]}): save it again with save_model"
        ) from error


def read(
    last: lightgbm.Booster | lightgbm.LGBMModel, preprocessing: Preprocessing, read: Read
) -> Reading:
    """Return what a booster, or scikit-learn's wrapper around one, adds up and decides.

    ``binary``: class 1 where the sum is above 0. ``multiclass``: argmax over the classes.
    Otherwise a regression whose answer is the sum. A classifier's wrapper compares the answer of
    any objective with 0.5. Random forests take the mean.
    """
    booster, classes, name = _booster(last)
    frames = FrameCategories.of(booster, name)
    if frames.values and preprocessing.steps:
        raise UnsupportedModel(
            f"{name} takes a DataFrame's categories from a pipeline: train it on their codes"
        )
    dump = booster.dump_model()
    features = int(dump["max_feature_idx"]) + 1
    if features != preprocessing.features:
        raise ModelFileError(
            f"{name} takes {features} features, but {preprocessing.features} stand before "
            "it: save the fitted model again"
        )
    outputs = int(dump["num_tree_per_iteration"])
    count = len(dump["tree_info"])
    if not count or count % outputs:
        raise ModelFileError(f"{name} has the wrong number of trees: save the fitted model again")
    objective, factor = _objective(str(dump.get("objective", "")), name, classes is not None)
    # A forest's predict takes the mean of the trees; what it calls raw scores is their sum.
    share = factor / (count // outputs) if dump.get("average_output") else factor
    raw = [
        _raw_tree(
            info["tree_structure"], features, share, index % outputs, preprocessing, name, frames
        )
        for index, info in enumerate(dump["tree_info"])
    ]
    common: dict[str, Any] = {
        "family": name,
        "library": f"LightGBM {lightgbm.__version__}",
        "feature_names": preprocessing.names,
        "rule": SplitRule(operator="<=", input_dtype="float64", missing=True),
        "trees": float_trees(preprocessing, raw, _at_most),
        "memberships": tuple(preprocessing.memberships.found),
    }
    settings = _decided(objective, outputs, classes, not isinstance(last, lightgbm.Booster), name)
    model = Model(**common, **settings)

    def predicted(x: np.ndarray, **kind: bool) -> np.ndarray:
        rows = frames.positions(x)
        return np.reshape(booster.predict(rows, num_threads=1, **kind), (len(x), -1))

    return Reading(
        model,
        Oracle(
            lambda x: share * predicted(x, raw_score=True) + np.array(model.base),
            leaves=lambda x: predicted(x, pred_leaf=True),
        ),
        predict=(lambda rows: quiet(last).predict(frames.framed(rows))) if frames.values else None,
        predicts_probabilities=isinstance(last, lightgbm.Booster),
        remark=_remark(booster),
    )


def _remark(booster: lightgbm.Booster) -> str:
    """Return what is to know about the trees that predict."""
    used, total = booster.best_iteration, booster.current_iteration()
    if not 0 < used < total:
        return ""
    return f"{total} rounds, {used} used: predict stops at best_iteration"


def _decided(
    objective: str, outputs: int, classes: Sequence[object] | None, wrapped: bool, name: str
) -> dict[str, Any]:
    """Return the members of `Model` that the objective and the wrapper's class decide.

    Parameters
    ----------
    classes : the labels of a classifier's wrapper
    wrapped : whether the model is scikit-learn's wrapper
    name : of the model, for refusals
    """
    base = {"base": (0.0,) * outputs}
    counts_classes = objective in ("binary", "multiclass", "multiclassova")
    if not counts_classes and classes is not None:
        if len(classes) != 2 or outputs != 1:
            raise UnsupportedModel(
                f"{name} with objective={objective!r} has no answer for {len(classes)} classes: "
                "train with objective='multiclass'"
            )
        kind, *more = objective.split()
        half = math.sqrt(0.5) if "sqrt" in more else _HALF.get(kind, 0.5)
        compared = {"base": (-half,), "classes": tuple(classes), "decision": ">"}
        return compared | {"task": "classification", "probability": "none"}
    if not counts_classes:
        return base | {"task": "regression", "classes": (), "decision": "identity"}
    if wrapped and classes is None:
        raise UnsupportedModel(
            f"{name} with objective={objective!r} answers probabilities, which locgen does not "
            "build for a regressor: train LGBMClassifier, or objective='regression'"
        )
    two = objective == "binary"
    probability = {"binary": "sigmoid", "multiclass": "softmax"}.get(objective, "none")
    return base | {
        "task": "classification",
        "classes": tuple(classes or range(2 if two else outputs)),
        "decision": ">" if two else "argmax",
        "probability": probability,
    }


def _at_most(value: np.ndarray, threshold: np.ndarray) -> np.ndarray:
    """Return LightGBM's comparison: what lies next to zero is zero, what is huge is `_HUGE`."""
    value = np.where(np.abs(value) <= _ZERO, 0.0, np.clip(value, -_HUGE, _HUGE))
    return value <= threshold


def _booster(last: BaseEstimator) -> tuple[lightgbm.Booster, Sequence[object] | None, str]:
    """Return the booster, for a classifier's wrapper the labels, and what refusals call it."""
    if isinstance(last, lightgbm.Booster):
        return last, None, "LightGBM model"
    name = type(last).__name__
    if type(last) not in (lightgbm.LGBMClassifier, lightgbm.LGBMRegressor, lightgbm.LGBMRanker):
        raise UnsupportedModel(
            f"{name} is not supported: the nearest that locgen builds is "
            "LGBMClassifier or LGBMRegressor"
        )
    labels = None
    if isinstance(last, lightgbm.LGBMClassifier):
        labels = np.asarray(last.classes_).tolist()
        if callable(last._objective):
            raise UnsupportedModel(
                f"{name} with an objective of its own answers raw scores, no labels: train with "
                "objective='binary' or 'multiclass'"
            )
    if getattr(last, "pred_early_stop", False):
        raise UnsupportedModel(
            f"{name}(pred_early_stop=True) leaves out trees, which ones depends on the row: set "
            "pred_early_stop=False"
        )
    return last.booster_, labels, name


def _objective(text: str, name: str, compared: bool) -> tuple[str, float]:
    """Return the objective and the factor that its sigmoid has.

    Parameters
    ----------
    compared : whether its answer is compared with 0.5, so that any that rises with the sum will do
    """
    kind, *settings = text.split() or ["regression"]
    values = dict(part.split(":", 1) for part in settings if ":" in part)
    if kind in ("binary", "multiclassova"):
        return kind, float(values.get("sigmoid", 1))
    if kind == "multiclass":
        return kind, 1.0
    if kind in _IDENTITY and "sqrt" not in settings:
        return kind, 1.0
    if compared and (kind in _IDENTITY or kind in _HALF):
        return text, 1.0
    raise UnsupportedModel(
        f"{name} with objective={text!r} does not answer the sum of its trees: train with "
        "'regression' (on a transformed target), or LGBMClassifier where classes are enough"
    )


def _raw_tree(
    root: dict,
    features: int,
    share: float,
    output: int,
    preprocessing: Preprocessing,
    name: str,
    frames: FrameCategories,
) -> RawTree:
    nodes, order = [root], 0
    left, right = [], []
    while order < len(nodes):  # parents stand before children
        node = nodes[order]
        order += 1
        if "leaf_value" in node:
            if "leaf_coeff" in node:
                raise UnsupportedModel(
                    f"{name} with linear_tree=True has a linear model in each leaf: train with "
                    "linear_tree=False"
                )
            left.append(-1)
            right.append(-1)
            continue
        left.append(len(nodes))
        right.append(len(nodes) + 1)
        nodes += [node["left_child"], node["right_child"]]
    feature = np.array([int(node.get("split_feature", 0)) for node in nodes])
    check_tree(np.array(left), np.array(right), feature, features, name)
    threshold, missing_left = np.zeros(len(nodes)), np.zeros(len(nodes), dtype=bool)
    categories = {}
    for number, node in enumerate(nodes):
        if "leaf_value" in node:
            continue
        default_left = bool(node["default_left"])
        if node["decision_type"] == "==":
            column = preprocessing.raw_column(int(feature[number]), name)
            listed = [int(part) for part in str(node["threshold"]).split("||") if part]
            split = frames.split(int(feature[number]), column, listed)
            categories[number] = split or _category_split(column, listed)
            continue
        threshold[number] = float(node["threshold"])
        if node["missing_type"] == "Zero":
            column = preprocessing.raw_column(int(feature[number]), name)
            categories[number] = _zero_split(column, threshold[number], default_left)
        elif node["missing_type"] == "NaN":
            missing_left[number] = default_left
        else:
            missing_left[number] = threshold[number] >= 0
    return RawTree(
        left=np.array(left),
        right=np.array(right),
        feature=feature,
        threshold=threshold,
        missing_left=missing_left,
        values=np.array([[float(node.get("leaf_value", 0.0)) * share] for node in nodes]),
        outputs=(output,),
        ids=np.array([int(node.get("leaf_index", 0)) for node in nodes]),
        categories=categories,
    )


def _category_split(column: int, categories: Sequence[int]) -> CategorySplit:
    """Return the split that sends the listed categories left: values cut off towards zero."""
    listed = np.array(sorted(categories), dtype=np.float64)
    listed = listed[listed >= 0]
    low = np.where(listed == 0, -1.0, np.nextafter(listed, -np.inf))
    shown = ", ".join(f"{value:g}" for value in listed[:6])
    return CategorySplit(
        column=column,
        edges=union(low, np.nextafter(listed + 1, -np.inf)),
        inside_left=True,
        missing_left=False,
        shown=f"{{{shown}{', ...' if len(listed) > 6 else ''}}}",
    )


def _zero_split(column: int, threshold: float, default_left: bool) -> CategorySplit:
    """Return the split whose zeros and NaN go where `default_left` says."""
    least, most = np.nextafter(-_ZERO, -np.inf), _ZERO
    if default_left:  # right are those above the threshold, less what counts as zero
        right = [(threshold, least), (max(threshold, most), np.inf)]
    else:
        right = [(threshold, np.inf)] if threshold <= least else [(least, most)]
        if threshold > least:
            right.append((max(threshold, most), np.inf))
    kept = [(a, b) for a, b in right if a < b]
    side = "left" if default_left else "right"
    return CategorySplit(
        column=column,
        edges=union(np.array([a for a, _ in kept]), np.array([b for _, b in kept])),
        inside_left=False,
        missing_left=default_left,
        shown=f"(above {threshold:g}, zeros {side})",
    )
