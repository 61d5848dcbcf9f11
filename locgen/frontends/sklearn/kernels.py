"""Readers of scikit-learn's kernel machines, and of linear models behind its kernel maps.

How each of them decides is written out beside its reader, as read in scikit-learn 1.9.1 and libsvm.
They take float64 as it comes. In front of them may stand what gives every feature a raw column of
its own, moved and scaled.
"""

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.kernel_ridge import KernelRidge
from sklearn.svm import SVC, SVR, NuSVC, NuSVR, OneClassSVM

from locgen.errors import ModelFileError, UnsupportedModel
from locgen.frontends.arrays import vector
from locgen.frontends.entries import Row
from locgen.frontends.kernel_layers import Kernel
from locgen.frontends.labels import class_labels
from locgen.frontends.pipeline import quiet
from locgen.frontends.placement import Placement, placement_of
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.reading import Oracle, Read, Reading, common_settings, product_of
from locgen.ir.decisions import Votes
from locgen.ir.float import FloatLayer, FloatLayers, FloatUnit
from locgen.ir.functions import Function
from locgen.ir.model import Model

__all__ = ["SINGLE", "VOTING", "machine", "nystroem", "rbf_sampler", "ridge"]

VOTING = Row(
    "arithmetic",
    "{}",
    "a `kernel` node; more than two classes vote in pairs, as libsvm does",
    "votes of pairs; two classes `>= 0`",
    "support vectors by weight, their distances",
)
SINGLE = Row("arithmetic", "{}", "a `kernel` node", "none; `OneClassSVM` `> 0`", "the same")

_KERNELS = ("linear", "poly", "rbf", "sigmoid", "laplacian")
_LAPLACIAN = ("KernelRidge", "Nystroem")
"""The estimators that may have the last of the kernels."""
_SAME = {"polynomial": "poly"}


def _kernel(last: BaseEstimator, gamma: float, degree: float, coef0: float) -> Kernel:
    """Return the kernel of an estimator, or refuse it by name."""
    owner, name = type(last).__name__, last.kernel
    known = _SAME.get(name, name) if isinstance(name, str) else None
    if known not in _KERNELS:
        shown = "a function" if callable(name) else repr(name)
        raise UnsupportedModel(
            f"{owner}(kernel={shown}) is not supported: train with one of "
            f"{', '.join(_KERNELS[: None if owner in _LAPLACIAN else -1])}"
        )
    if known == "poly" and not (float(degree).is_integer() and 1 <= degree <= 16):
        raise UnsupportedModel(
            f"{owner}(kernel='poly', degree={degree!r}) is not supported: take a whole number "
            "from 1 to 16"
        )
    numbers = [float(gamma), float(coef0)]
    if not np.isfinite(numbers).all():
        raise ModelFileError(f"{owner}'s gamma or coef0 is damaged: save the fitted model again")
    if known in ("rbf", "laplacian") and gamma < 0:
        raise UnsupportedModel(f"{owner} has gamma below 0: train with gamma of 0 or more")
    return Kernel(known, numbers[0], int(degree) if known == "poly" else 1, numbers[1])


def _reading(
    last: BaseEstimator,
    preprocessing: Preprocessing,
    place: Placement,
    node: FloatUnit,
    ranges: tuple[tuple[float, float] | None, ...],
    **settings: Any,
) -> Reading:
    library = quiet(last)
    settings = {"task": "classification", "classes": ()} | settings
    model = Model(
        trees=(),
        units=(node,),
        ranges=ranges,
        fills=place.fills,
        **settings,
        **common_settings(last, preprocessing, False, "float64"),
    )
    labels = library.predict if model.classes else None
    return Reading(model, Oracle(lambda x: _pairwise_scores(library, x), labels=labels))


def machine(
    last: SVC | NuSVC | SVR | NuSVR | OneClassSVM, preprocessing: Preprocessing, read: Read
) -> Reading:
    """Add up ``kernel(x, support_vectors_)`` times the dual coefficients, and the intercept.

    Regressors answer the sum; `OneClassSVM` 1 above 0, else -1. Of two classes the second wins at
    ``>= 0``: libsvm compares the sum of the opposite sign with ``> 0``. More classes vote in pairs.
    """
    place = placement_of(last, preprocessing).with_all_spans_or_none()
    kernel = _kernel(last, last._gamma, last.degree, last.coef0)
    stored, weights, intercept = _checked(last)
    settings: dict[str, Any] = {"task": "regression", "decision": "identity"}
    if isinstance(last, OneClassSVM):
        # Free support vectors lie on the border: libsvm stops where they are within tol of it.
        settings = {"classes": (-1, 1), "decision": ">", "margin": float(last.tol)}
    elif isinstance(last, SVC | NuSVC):
        classes = class_labels(last)
        settings = {"classes": classes, "decision": ">="}
        if len(classes) > 2:
            settings["decision"] = Votes.between_pairs(len(classes))
            weights = _pairs(weights.T, last._n_support)
            if last.break_ties:
                raise UnsupportedModel(
                    f"{type(last).__name__}(break_ties=True) divides by sums of scores: train with "
                    "break_ties=False"
                )
    node, constant = kernel.node(stored, weights, tuple(last.support_.tolist()), place)
    base = tuple((intercept + constant).tolist())
    ranges = place.ranges(stored.min(axis=0), stored.max(axis=0))
    return _reading(last, preprocessing, place, node, ranges, base=base, **settings)


def _checked(last: BaseEstimator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return support vectors, weights (vectors, rows) and intercepts of a machine.

    libsvm trusts the sizes that it is given, so every array is checked before it predicts.
    """
    name = type(last).__name__
    if getattr(last, "_sparse", True) or issparse(last.support_vectors_):
        raise UnsupportedModel(f"{name} was fitted on sparse rows: fit it on arrays")
    kinds = {"_impl": str, "_gamma": float, "coef0": float, "degree": int}
    expected = {
        SVC: "c_svc",
        NuSVC: "nu_svc",
        SVR: "epsilon_svr",
        NuSVR: "nu_svr",
        OneClassSVM: "one_class",
    }[type(last)]
    count = len(last.classes_) if isinstance(last, SVC | NuSVC) else 2
    rows, pairs = count - 1, count * (count - 1) // 2
    support = np.asarray(last.support_)
    stored = vector(last, "support_vectors_", len(support), last.n_features_in_)
    own = np.asarray(last._n_support)
    sound = (
        last._impl == expected
        and all(isinstance(getattr(last, key), kind | int) for key, kind in kinds.items())
        and count >= 2
        and support.dtype == np.int32
        and support.ndim == 1
        and own.dtype == np.int32
        and own.shape == (count,)
        and own.min() >= 0
        and (not isinstance(last, SVC | NuSVC) or own.sum() == len(support))
        and all(
            type(getattr(last, key)) is np.ndarray and getattr(last, key).dtype == np.float64
            for key in ("support_vectors_", "_dual_coef_", "_intercept_", "_probA", "_probB")
        )
        and last._probA.shape in ((0,), (pairs,))
        and last._probB.shape in ((0,), (pairs,))
    )
    if not sound:
        raise ModelFileError(f"{name}'s parts do not fit together: save the fitted model again")
    if not len(support):
        raise UnsupportedModel(f"{name} has no support vectors: it answers the same for every row")
    vector(last, "_dual_coef_", rows, len(support))
    vector(last, "_intercept_", pairs)
    duals = vector(last, "dual_coef_", rows, len(support))
    return stored, duals.T, vector(last, "intercept_", pairs)


def _pairs(duals: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return each vector's weight in each pair of classes, (vectors, pairs).

    A vector of class i has its weight against class j in row ``j - 1`` if i < j, else in row j.
    """
    owner = np.repeat(np.arange(len(counts)), counts)
    columns = []
    for first, second in combinations(range(len(counts)), 2):
        column = np.where(owner == first, duals[second - 1], 0.0)
        columns.append(np.where(owner == second, duals[first], column))
    return np.stack(columns, axis=1)


def ridge(last: KernelRidge, preprocessing: Preprocessing, read: Read) -> Reading:
    """Answer ``kernel(x, X_fit_) @ dual_coef_``."""
    if issparse(last.X_fit_):
        raise UnsupportedModel("KernelRidge was fitted on sparse rows: fit it on arrays")
    place = placement_of(last, preprocessing).with_all_spans_or_none()
    gamma = 1 / preprocessing.features if last.gamma is None else last.gamma
    kernel = _kernel(last, gamma, last.degree, last.coef0)
    count = len(last.X_fit_)
    stored = vector(last, "X_fit_", count, preprocessing.features)
    targets = np.shape(last.dual_coef_)[1:]
    weights = vector(last, "dual_coef_", count, *targets).reshape(count, -1)
    node, constant = kernel.node(stored, weights, tuple(range(count)), place)
    ranges = place.ranges(stored.min(axis=0), stored.max(axis=0))
    base = tuple(constant.tolist())
    return _reading(
        last, preprocessing, place, node, ranges, base=base, task="regression", decision="identity"
    )


def nystroem(
    mapper: Nystroem, last: BaseEstimator, preprocessing: Preprocessing, read: Read
) -> Reading:
    """Read a linear model of kernels between rows and the map's components."""
    if issparse(mapper.components_) or mapper.kernel_params:
        raise UnsupportedModel(
            "Nystroem with sparse rows or kernel_params is not supported: fit it on arrays, "
            "with gamma, degree and coef0"
        )
    place = placement_of(mapper, preprocessing).with_all_spans_or_none()
    behind, coefficients = _linear_behind(mapper, read(last).model)
    count = len(mapper.components_)
    gamma = 1 / preprocessing.features if mapper.gamma is None else mapper.gamma
    degree = 3 if mapper.degree is None else mapper.degree
    kernel = _kernel(mapper, gamma, degree, 1 if mapper.coef0 is None else mapper.coef0)
    stored = vector(mapper, "components_", count, preprocessing.features)
    matrix = vector(mapper, "normalization_", count, count)
    ids = tuple(np.asarray(mapper.component_indices_).tolist())
    if len(ids) != count:
        raise ModelFileError("Nystroem's parts do not fit together: save it again")
    node, constant = kernel.node(stored, matrix.T @ coefficients, ids, place)
    ranges = place.ranges(stored.min(axis=0), stored.max(axis=0))
    return _mapped(mapper, last, preprocessing, behind, node, constant, ranges)


def rbf_sampler(
    mapper: RBFSampler, last: BaseEstimator, preprocessing: Preprocessing, read: Read
) -> Reading:
    """Read a linear model of the map's random cosines."""
    place = placement_of(mapper, preprocessing).with_all_spans_or_none()
    behind, coefficients = _linear_behind(mapper, read(last).model)
    count, outputs = mapper.n_components, behind.outputs
    weights = vector(mapper, "random_weights_", preprocessing.features, count)
    bias = vector(mapper, "random_offset_", count) + place.offset @ weights
    layer = FloatLayer("dot", place.spread(weights.T * place.slope), bias, Function("cos"))
    factors = (2.0 / count) ** 0.5 * coefficients
    node = FloatLayers((layer,), factors, tuple(range(outputs)), tuple(range(count)), "dense")
    return _mapped(mapper, last, preprocessing, behind, node, np.zeros(outputs), place.spans)


def _linear_behind(mapper: BaseEstimator, behind: Model) -> tuple[Model, np.ndarray]:
    """Return the model behind a map and its coefficients (features, outputs); refuse others."""
    if behind.trees or any(node.dot_product is None for node in behind.units):
        raise UnsupportedModel(
            f"{type(mapper).__name__} in front of {behind.family} is not supported: put a linear "
            "model behind it, LogisticRegression or Ridge"
        )
    coefficients = np.zeros((len(behind.feature_names), behind.outputs))
    for node in behind.units:
        coefficients[:, list(node.outputs)] += product_of(node)
    return behind, coefficients


def _mapped(
    mapper: BaseEstimator,
    last: BaseEstimator,
    preprocessing: Preprocessing,
    behind: Model,
    node: FloatUnit,
    constant: np.ndarray,
    ranges: tuple[tuple[float, float] | None, ...],
) -> Reading:
    """Return `behind`, a model over what `mapper` makes of rows, as `node` over the raw columns."""
    model = replace(
        behind,
        feature_names=preprocessing.names,
        base=tuple((np.array(behind.base) + constant).tolist()),
        units=(node,),
        ranges=ranges,
    )
    library = quiet(last)
    scores = library.decision_function if hasattr(library, "decision_function") else library.predict
    oracle = Oracle(
        lambda x: scores(x).reshape(len(x), -1), labels=library.predict if model.classes else None
    )
    return Reading(model, oracle, preprocessing.then(mapper, (), preprocessing.neutral))


def _pairwise_scores(last: BaseEstimator, scaled: np.ndarray) -> np.ndarray:
    """Return a machine's raw scores (rows, outputs), of several classes those of each pair."""
    if isinstance(last, SVC | NuSVC):
        return last._decision_function(scaled).reshape(len(scaled), -1)
    raw = last.decision_function if isinstance(last, OneClassSVM) else last.predict
    return raw(scaled).reshape(len(scaled), -1)
