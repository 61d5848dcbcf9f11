"""interpret's explainable boosting machines as the float IR: a shape of each feature, and of pairs.

As read in interpret-core 0.7.8: a value belongs to the bin above all cuts that it is not below.
Slot 0 of a term is for missing values, the last for categories that training did not see. The
score is the intercept and the terms' entries. Two classes: the second above 0; several: the
largest, ties to the first.
"""

from importlib.metadata import version

import numpy as np
from sklearn.base import BaseEstimator

from locgen.errors import ModelFileError, UnsupportedModel
from locgen.frontends.arrays import finite
from locgen.frontends.entries import Row
from locgen.frontends.labels import class_labels
from locgen.frontends.pipeline import quiet
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.reading import Oracle, Read, Reading
from locgen.ir.float import FloatSteps
from locgen.ir.grids import Grid, grid_tree
from locgen.ir.model import Model, SplitRule

__all__ = ["ROW", "read"]

ROW = Row(
    "arithmetic",
    "{} (interpret)",
    "a `table` a feature; with terms of two features all terms a `tree`, re-binned (below)",
    "`> 0`, argmax, none",
    "the row of each table, or the bin",
)

_MOST_CELLS = 4096
"""Of a pair's table: the library's own choice of bins stays below, see `passes.rebin`."""


def read(last: BaseEstimator, preprocessing: Preprocessing, read: Read) -> Reading:
    """Read a machine: each feature becomes a table; with terms of two features all become trees.

    Raises
    ------
    UnsupportedModel
        If it holds a term that locgen does not build.
    ModelFileError
        If its parts do not fit together.
    """
    name = type(last).__name__
    classes = class_labels(last) if name.endswith("Classifier") else ()
    _check_kind(last, name, classes)
    outputs = len(classes) if len(classes) > 2 else 1
    base = finite(np.reshape(last.intercept_, -1), (outputs,), f"{name}.intercept_")
    terms = [tuple(int(f) for f in term) for term in last.term_features_]
    if len(terms) != len(last.term_scores_) or any(
        not 0 <= f < last.n_features_in_ for term in terms for f in term
    ):
        raise ModelFileError(f"{name}'s terms do not fit together: save the fitted model again")
    missing = any(float(np.max(_missing(last, n, t))) > 0 for n, t in enumerate(terms))
    pairs = any(len(term) > 1 for term in terms)
    if pairs and missing:
        raise UnsupportedModel(
            f"{name} has terms of two features and saw missing values: impute them beforehand, or "
            "train with interactions=0"
        )
    made = [_term(last, number, term, outputs) for number, term in enumerate(terms)]
    slots = [np.reshape(scores[0], outputs) if missing else None for scores in last.term_scores_]
    model = Model(
        family=name,
        library=f"interpret {version('interpret-core')}",
        task="classification" if classes else "regression",
        feature_names=tuple(map(str, last.feature_names_in_)),
        classes=classes,
        trees=tuple(map(grid_tree, made)) if pairs else (),
        base=tuple(base.tolist()),
        decision="identity" if not classes else ">" if len(classes) == 2 else "argmax",
        rule=SplitRule(operator="<", input_dtype="float64", missing=missing),
        probability="none" if not classes else "sigmoid" if len(classes) == 2 else "softmax",
        units=() if pairs else tuple(map(_steps, made, slots)),
    )
    library = quiet(last)
    raw = library.decision_function if classes else library.predict
    labels = library.predict if classes else None
    return Reading(model, Oracle(lambda x: np.reshape(raw(x), (len(x), -1)), labels=labels))


def _check_kind(last: BaseEstimator, name: str, classes: tuple[object, ...]) -> None:
    """Refuse links, categories and terms of more than two features."""
    if not classes and last.link_ != "identity":
        raise UnsupportedModel(
            f"{name} with the link {last.link_!r} answers no sum: train with the squared error on "
            "the transformed target"
        )
    if any(kind != "continuous" for kind in last.feature_types_in_):
        raise UnsupportedModel(
            f"{name} has nominal or ordinal features: encode them as numbers beforehand and train "
            "with feature_types='continuous'"
        )
    if any(len(term) > 2 for term in last.term_features_):
        raise UnsupportedModel(
            f"{name} has a term of three features: train with interactions of two, or with "
            "interactions=0"
        )


def _missing(last: BaseEstimator, number: int, term: tuple[int, ...]) -> np.ndarray:
    """Return what training saw in a term's slots for missing values."""
    weights = np.asarray(last.bin_weights_[number], dtype=np.float64)
    return np.array([np.take(weights, 0, axis=axis).sum() for axis in range(len(term))])


def _cuts(last: BaseEstimator, feature: int, level: int) -> np.ndarray:
    """Return the largest value of every bin of a feature but the last."""
    levels = last.bins_[feature]
    name = f"{type(last).__name__}.bins_[{feature}]"
    cuts = np.asarray(levels[min(level, len(levels)) - 1], dtype=np.float64)
    cuts = finite(cuts, (len(cuts),), name)
    if np.any(np.diff(cuts) <= 0):
        raise ModelFileError(f"{name} does not rise: save the fitted model again")
    return np.nextafter(cuts, -np.inf)


def _term(last: BaseEstimator, number: int, term: tuple[int, ...], outputs: int) -> Grid:
    """Return one term over its features' known values."""
    name = type(last).__name__
    cuts = [_cuts(last, feature, len(term)) for feature in term]
    sides = tuple(len(own) + 1 for own in cuts)
    cells = int(np.prod(sides))
    if len(term) == 2 and cells > _MOST_CELLS:
        pair = " and ".join(str(last.feature_names_in_[f]) for f in term)
        raise UnsupportedModel(
            f"{name}'s term of {pair} has {sides[0]} times {sides[1]} bins: train with "
            "max_interaction_bins=8, or with interactions=0"
        )
    shape = tuple(side + 2 for side in sides) + ((outputs,) if outputs > 1 else ())
    scores = finite(last.term_scores_[number], shape, f"{name}.term_scores_[{number}]")
    values = scores[tuple(slice(1, -1) for _ in sides)].reshape(*sides, outputs)
    return Grid(term, tuple(cuts), values, tuple(range(outputs)))


def _steps(grid: Grid, missing: np.ndarray | None) -> FloatSteps:
    """Return the term of one feature, with what it says of a missing value."""
    return FloatSteps(grid.features[0], grid.cuts[0], grid.values, missing, grid.outputs)
