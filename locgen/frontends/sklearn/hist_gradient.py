"""scikit-learn's histogram gradient boosting as the float IR, as read in scikit-learn 1.9.1.

It compares float64 with ``<=`` and takes missing values. Categorical features come first in its
trees, as the codes of its own encoder; a value that no training row had counts as missing.
"""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingRegressor

from locgen.errors import ModelFileError, UnsupportedModel
from locgen.frontends.arrays import is_text
from locgen.frontends.entries import Row
from locgen.frontends.labels import class_labels
from locgen.frontends.memberships import union
from locgen.frontends.pipeline import quiet
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.raw_trees import CategorySplit, RawTree, check_tree, float_trees
from locgen.frontends.reading import Fitted, Oracle, Read, Reading, common_settings
from locgen.ir.model import Model

__all__ = ["ROW", "read"]

ROW = Row("trees", "{}", "its value", "`> 0`, argmax, none", "float64 `<=`, NaN, categories")

_WORDS = 8  # of 32 bits: a category's code is below 256
_FIELDS = ("left", "right", "feature_idx", "num_threshold", "missing_go_to_left", "is_leaf")


def read(last: BaseEstimator, preprocessing: Preprocessing, read: Read) -> Reading:
    """Add one tree's value for each stage and output to the baseline.

    Binary: class 1 at raw ``> 0``; several classes: argmax of one output each.
    """
    name = type(last).__name__
    if last.n_features_in_ != preprocessing.features:
        raise ModelFileError(
            f"{name} takes {last.n_features_in_} features, but "
            f"{preprocessing.features} stand before it: save the fitted model again"
        )
    regression = isinstance(last, HistGradientBoostingRegressor)
    if regression and last.loss in ("poisson", "gamma"):
        raise UnsupportedModel(
            f"{name}(loss={last.loss!r}) answers the exponential of its trees' sum: train on the "
            "logarithm of the target with loss='squared_error'"
        )
    base = np.atleast_1d(np.asarray(last._baseline_prediction, dtype=np.float64)).reshape(-1)
    columns, known = _columns(last, preprocessing)
    if known and np.shape(last._bin_mapper.is_categorical_) != (preprocessing.features,):
        raise ModelFileError(f"{name} has damaged categories: save the fitted model again")
    raw = []
    for stage in last._predictors:
        if len(stage) != len(base):
            raise ModelFileError(f"{name} has the wrong number of trees: save the model again")
        for output, predictor in enumerate(stage):
            raw.append(_raw_tree(predictor, preprocessing, columns, known, output, name))
    picked = preprocessing.selected(columns)
    trees = float_trees(picked, raw, lambda value, threshold: value <= threshold)
    common = common_settings(last, preprocessing, True, "float64")
    library = quiet(last)
    if regression:
        model = Model(
            task="regression",
            classes=(),
            trees=trees,
            base=tuple(base.tolist()),
            decision="identity",
            **common,
        )
        return Reading(model, Oracle(lambda x: library.predict(x).reshape(len(x), -1)))
    model = Model(
        task="classification",
        classes=class_labels(last),
        trees=trees,
        base=tuple(base.tolist()),
        decision=">" if len(base) == 1 else "argmax",
        probability="sigmoid" if len(base) == 1 else "softmax",
        **common,
    )
    return Reading(
        model,
        Oracle(
            lambda x: library.decision_function(x).reshape(len(x), -1),
            probabilities=library.predict_proba,
            labels=library.predict,
        ),
    )


def _columns(
    last: BaseEstimator, preprocessing: Preprocessing
) -> tuple[list[int], dict[int, np.ndarray]]:
    """Return the model's feature behind each of the trees' columns, and categories by column."""
    mask = getattr(last, "is_categorical_", None)
    if mask is None:
        return list(range(preprocessing.features)), {}
    mask = np.asarray(mask, dtype=bool)
    columns = [int(c) for c in (*np.flatnonzero(mask), *np.flatnonzero(~mask))]
    encoder = last._preprocessor.named_transformers_["encoder"]
    known = {}
    for position, categories in enumerate(encoder.categories_):
        if is_text(categories):
            raise UnsupportedModel(
                f"{type(last).__name__} was trained on text categories ({categories[0]!r}, ...): "
                "locgen's rows are numbers; encode text beforehand and train on the codes"
            )
        known[position] = np.asarray(categories, dtype=np.float64)
    return columns, known


def _raw_tree(
    predictor: Fitted,
    preprocessing: Preprocessing,
    columns: list[int],
    known: dict[int, np.ndarray],
    output: int,
    name: str,
) -> RawTree:
    nodes = getattr(predictor, "nodes", None)
    if not isinstance(nodes, np.ndarray) or not set(_FIELDS) <= set(nodes.dtype.names or ()):
        raise ModelFileError(f"{name} holds a member that is no tree: save the model again")
    leaf = nodes["is_leaf"].astype(bool)
    left = np.where(leaf, -1, nodes["left"].astype(np.int64))
    right = np.where(leaf, -1, nodes["right"].astype(np.int64))
    feature = nodes["feature_idx"].astype(np.int64)
    check_tree(left, right, feature, len(columns), name)
    categories = {}
    words = predictor.raw_left_cat_bitsets
    if words.ndim != 2 or words.dtype != np.uint32 or words.shape[1] != _WORDS:
        raise ModelFileError(f"{name} has damaged categories: save the fitted model again")
    for node in np.flatnonzero(~leaf & nodes["is_categorical"].astype(bool)):
        own = words[nodes["bitset_idx"][node]]
        column = preprocessing.raw_column(columns[feature[node]], name)
        values = known[int(feature[node])]
        codes = np.flatnonzero(~np.isnan(values))
        goes_left = (own[codes // 32] >> (codes % 32).astype(np.uint32)) & 1 == 1
        # What no training row had is missing; so list those that go where missing does not.
        missing_left = bool(nodes["missing_go_to_left"][node])
        listed = values[codes[goes_left != missing_left]]
        edges = union(np.nextafter(listed, -np.inf), listed)
        shown = ", ".join(f"{value:g}" for value in listed[:6])
        shown += ", ..." if len(listed) > 6 else ""
        categories[int(node)] = CategorySplit(
            column, edges, not missing_left, missing_left, f"{{{shown}}}"
        )
    return RawTree(
        left=left,
        right=right,
        feature=feature,
        threshold=nodes["num_threshold"].astype(np.float64),
        missing_left=nodes["missing_go_to_left"].astype(bool),
        values=nodes["value"].astype(np.float64)[:, None],
        outputs=(output,),
        ids=np.arange(len(nodes)),
        categories=categories,
    )
