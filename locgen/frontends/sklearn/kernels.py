"""scikit-learn's kernel machines as the float IR: stored vectors, a function of each, weights.

How each of them decides is written out beside its reader, as read in scikit-learn 1.9.1 and in its
libsvm. They take float64 as it comes. Scalers in front are folded, see `affine`.
"""

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import sklearn
from scipy.sparse import issparse
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.kernel_ridge import KernelRidge
from sklearn.svm import SVC, SVR, NuSVC, NuSVR, OneClassSVM

from locgen.errors import ModelFileError, UnsupportedModel
from locgen.frontends import affine, pipeline
from locgen.frontends.affine import AffineMap, vector
from locgen.frontends.labels import class_labels
from locgen.ir.decisions import Votes
from locgen.ir.float import FloatLayer, FloatLayers, FloatLinear, FloatUnit
from locgen.ir.functions import Function
from locgen.ir.model import Model, SplitRule

__all__ = [
    "KERNELS",
    "MACHINES",
    "MAPS",
    "expand_map",
    "kernel_machine",
    "pairwise_scores",
    "read_kernels",
    "reads",
]

MACHINES = (SVC, NuSVC, SVR, NuSVR, OneClassSVM, KernelRidge)
MAPS = (Nystroem, RBFSampler)
"""Transformers that may stand between scalers and a linear model."""
KERNELS = ("linear", "poly", "rbf", "sigmoid", "laplacian")
_LAPLACIAN = ("KernelRidge", "Nystroem")
"""What may have the last of the kernels."""
_SAME = {"polynomial": "poly"}


@dataclass(frozen=True)
class _Kernel:
    """A kernel of scikit-learn with its parameters.

    Members
    -------
    name : one of `KERNELS`
    gamma, degree, coef0 : as scikit-learn takes them
    """

    name: str
    gamma: float
    degree: int
    coef0: float

    @classmethod
    def of(
        cls, owner: str, name: object, gamma: object, degree: object, coef0: object
    ) -> "_Kernel":
        """Return the kernel, or refuse it by name."""
        known = _SAME.get(name, name) if isinstance(name, str) else None
        if known not in KERNELS:
            said = "a function" if callable(name) else repr(name)
            raise UnsupportedModel(
                f"{owner}(kernel={said}) is not supported: train with one of "
                f"{', '.join(KERNELS[: None if owner in _LAPLACIAN else -1])}"
            )
        if known == "poly" and not (float(degree).is_integer() and 1 <= degree <= 16):
            raise UnsupportedModel(
                f"{owner}(kernel='poly', degree={degree!r}) is not supported: take a whole number "
                "from 1 to 16"
            )
        numbers = [float(gamma), float(coef0)]
        if not np.isfinite(numbers).all():
            raise ModelFileError(
                f"{owner}'s gamma or coef0 is damaged: save the fitted model again"
            )
        if known in ("rbf", "laplacian") and gamma < 0:
            raise UnsupportedModel(f"{owner} has gamma below 0: train with gamma of 0 or more")
        return cls(known, numbers[0], int(degree) if known == "poly" else 1, numbers[1])

    def layer(self, stored: np.ndarray, scaling: AffineMap) -> FloatLayer:
        """Return the kernel between raw rows and `stored` vectors (units, features), scaled."""
        nothing = np.zeros(len(stored))
        if self.name in ("rbf", "laplacian"):
            return FloatLayer(
                "l2" if self.name == "rbf" else "l1",
                scaling.raw(stored),
                nothing,
                Function("exp"),
                scale=np.abs(scaling.slope),
                factor=self.gamma,
            )
        gamma, coef0 = (1.0, 0.0) if self.name == "linear" else (self.gamma, self.coef0)
        function = Function(
            {"linear": "identity", "poly": "power", "sigmoid": "tanh"}[self.name], self.degree
        )
        return FloatLayer(
            "dot",
            gamma * stored * scaling.slope,
            gamma * (stored @ scaling.offset) + coef0,
            function,
        )

    def unit(
        self,
        stored: np.ndarray,
        weights: np.ndarray,
        ids: tuple[int, ...],
        scaling: AffineMap,
    ) -> tuple[FloatUnit, np.ndarray]:
        """Return ``kernel(x, stored) @ weights`` and what is constant of it, (outputs,).

        A linear kernel comes to one dot product an output.
        """
        outputs = tuple(range(weights.shape[1]))
        layer = self.layer(stored, scaling)
        if self.name == "linear":
            return FloatLinear(layer.matrix.T @ weights, outputs), layer.bias @ weights
        unit = FloatLayers((layer,), weights, outputs, ids, "kernel")
        return unit, np.zeros(len(outputs))


def reads(last: object) -> bool:
    """Return whether `read_kernels` reads this very class."""
    return type(last) in MACHINES


def read_kernels(last: object, scalers: tuple[object, ...]) -> Model:
    """Return the float IR of a fitted kernel machine behind `scalers`, not yet compared.

    Raises
    ------
    UnsupportedModel
        If it or a scaler is not fitted, or it computes something that locgen does not build.
    ModelFileError
        If its parts do not fit together.
    """
    for step in (*scalers, last):
        pipeline.check_fitted(step)
    features = getattr(last, "n_features_in_", 0)  # its other arrays are checked against it
    names = pipeline.feature_names((*scalers, last), features)
    return kernel_machine(last, affine.fold(scalers, features), names)


def kernel_machine(last: object, scaling: AffineMap, names: tuple[str, ...]) -> Model:
    """Return the float IR of a fitted kernel machine of which `scaling` is all that is in front.

    Errors are those of `read_kernels`.

    Parameters
    ----------
    names : of the features
    """
    return (_ridge if type(last) is KernelRidge else _machine)(last, scaling, names)


def _model(
    last: object,
    names: tuple[str, ...],
    unit: FloatUnit,
    base: np.ndarray,
    ranges: tuple[tuple[float, float] | None, ...],
    decision: str | Votes,
    classes: tuple[str | int | float | bool, ...] = (),
) -> Model:
    return Model(
        family=type(last).__name__,
        library=f"scikit-learn {sklearn.__version__}",
        task="regression" if decision == "identity" else "classification",
        feature_names=names,
        classes=classes,
        trees=(),
        base=tuple(base.tolist()),
        decision=decision,
        rule=SplitRule(operator="<=", input_dtype="float64", missing=False),
        units=(unit,),
        ranges=ranges,
    )


def _machine(
    last: SVC | NuSVC | SVR | NuSVR | OneClassSVM, scaling: AffineMap, names: tuple[str, ...]
) -> Model:
    """Add up ``kernel(x, support_vectors_)`` times the dual coefficients, and the intercept.

    Regressors answer the sum; `OneClassSVM` 1 above 0, else -1. Of two classes the second wins at
    ``>= 0``: libsvm compares the sum of the opposite sign with ``> 0``. More classes vote in pairs.
    """
    name = type(last).__name__
    kernel = _Kernel.of(name, last.kernel, last._gamma, last.degree, last.coef0)
    stored, duals, intercept = _checked(last)
    classes: tuple[str | int | float | bool, ...] = ()
    weights = duals.T
    decision: str | Votes = "identity"
    if isinstance(last, OneClassSVM):
        classes, decision = (-1, 1), ">"
    elif isinstance(last, SVC | NuSVC):
        classes = class_labels(last)
        decision = ">=" if len(classes) == 2 else Votes.between_pairs(len(classes))
        if len(classes) > 2 and last.break_ties:
            raise UnsupportedModel(
                f"{name}(break_ties=True) divides by sums of scores: train with break_ties=False"
            )
        if len(classes) > 2:
            weights = _pairs(duals, last._n_support)
    unit, constant = kernel.unit(stored, weights, tuple(last.support_.tolist()), scaling)
    ranges = scaling.ranges(stored.min(axis=0), stored.max(axis=0))
    model = _model(last, names, unit, intercept + constant, ranges, decision, classes)
    # Free support vectors lie on the border: libsvm stops where they are within tol of it.
    return replace(model, margin=float(last.tol)) if decision == ">" else model


def _checked(last: object) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return support vectors, dual coefficients and intercepts of a machine.

    libsvm trusts the sizes that it is given, so every array is checked before it is asked.
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
    return stored, duals, vector(last, "intercept_", pairs)


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


def _ridge(last: KernelRidge, scaling: AffineMap, names: tuple[str, ...]) -> Model:
    """Answer ``kernel(x, X_fit_) @ dual_coef_``."""
    features = last.n_features_in_
    if issparse(last.X_fit_):
        raise UnsupportedModel("KernelRidge was fitted on sparse rows: fit it on arrays")
    gamma = 1 / features if last.gamma is None else last.gamma
    kernel = _Kernel.of("KernelRidge", last.kernel, gamma, last.degree, last.coef0)
    count = len(last.X_fit_)
    stored = vector(last, "X_fit_", count, features)
    duals = np.asarray(last.dual_coef_)
    targets = duals.shape[1:] if duals.ndim == 2 else ()
    weights = vector(last, "dual_coef_", count, *targets).reshape(count, -1)
    unit, constant = kernel.unit(stored, weights, tuple(range(count)), scaling)
    ranges = scaling.ranges(stored.min(axis=0), stored.max(axis=0))
    return _model(last, names, unit, constant, ranges, "identity")


def expand_map(mapper: Nystroem | RBFSampler, scalers: tuple[object, ...], behind: Model) -> Model:
    """Return `behind`, a model over what `mapper` makes of scaled rows, as one over raw rows.

    Raises
    ------
    UnsupportedModel
        If it is not a linear one.
    """
    name, features = type(mapper).__name__, mapper.n_features_in_
    if not all(isinstance(unit, FloatLinear) for unit in behind.units) or behind.trees:
        raise UnsupportedModel(
            f"{name} in front of {behind.family} is not supported: put a linear model behind it, "
            "LogisticRegression or Ridge"
        )
    coefficients = np.zeros((len(behind.feature_names), behind.outputs))
    for unit in behind.units:
        coefficients[:, list(unit.outputs)] += unit.coefficients
    scaling = affine.fold(scalers, features)
    outputs = tuple(range(behind.outputs))
    known: tuple[np.ndarray, np.ndarray] | tuple[()] = ()
    if isinstance(mapper, RBFSampler):
        count = mapper.n_components
        weights = vector(mapper, "random_weights_", features, count)
        bias = vector(mapper, "random_offset_", count) + scaling.offset @ weights
        layer = FloatLayer("dot", weights.T * scaling.slope, bias, Function("cos"))
        unit: FloatUnit = FloatLayers(
            (layer,), (2.0 / count) ** 0.5 * coefficients, outputs, tuple(range(count)), "dense"
        )
        constant = np.zeros(len(outputs))
    else:
        if issparse(mapper.components_) or mapper.kernel_params:
            raise UnsupportedModel(
                "Nystroem with sparse rows or kernel_params is not supported: fit it on arrays, "
                "with gamma, degree and coef0"
            )
        gamma = 1 / features if mapper.gamma is None else mapper.gamma
        degree = 3 if mapper.degree is None else mapper.degree
        coef0 = 1 if mapper.coef0 is None else mapper.coef0
        kernel = _Kernel.of(name, mapper.kernel, gamma, degree, coef0)
        count = len(mapper.components_)
        stored = vector(mapper, "components_", count, features)
        matrix = vector(mapper, "normalization_", count, count)
        ids = tuple(np.asarray(mapper.component_indices_).tolist())
        if len(ids) != count:
            raise ModelFileError("Nystroem's parts do not fit together: save it again")
        unit, constant = kernel.unit(stored, matrix.T @ coefficients, ids, scaling)
        known = stored.min(axis=0), stored.max(axis=0)
    return Model(
        family=behind.family,
        library=behind.library,
        task=behind.task,
        feature_names=pipeline.feature_names((*scalers, mapper), features),
        classes=behind.classes,
        trees=(),
        base=tuple((np.array(behind.base) + constant).tolist()),
        decision=behind.decision,
        rule=behind.rule,
        probability=behind.probability,
        units=(unit,),
        ranges=scaling.ranges(*known),
    )


def pairwise_scores(last: object, scaled: np.ndarray) -> np.ndarray:
    """Return a machine's raw scores (rows, outputs), of several classes those of each pair."""
    if isinstance(last, SVC | NuSVC):
        return last._decision_function(scaled).reshape(len(scaled), -1)
    raw = last.decision_function if isinstance(last, OneClassSVM) else last.predict
    return raw(scaled).reshape(len(scaled), -1)
