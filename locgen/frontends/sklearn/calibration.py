"""Calibrated classifiers: monotone functions of a score, or the mean of several such.

As read in scikit-learn 1.9.1. Of two classes the second's probability is what one calibrator makes
of the decision value, or without one of the probability; the second class wins above a half. The
calibrators of several folds are averaged.
"""

from dataclasses import replace
from typing import cast

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.isotonic import IsotonicRegression

from locgen.errors import ModelFileError, UnsupportedModel
from locgen.frontends.arrays import finite
from locgen.frontends.entries import Row
from locgen.frontends.labels import class_labels
from locgen.frontends.member_outputs import MemberOutputs, mixed_model, outputs_of_member
from locgen.frontends.members import addable, merged, part_of
from locgen.frontends.model_check import compare
from locgen.frontends.pipeline import quiet
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.reading import Fitted, Oracle, Read, Reading
from locgen.frontends.second_stage import combined
from locgen.frontends.sklearn.multiclass import confidence
from locgen.ir.float import FloatLayer, FloatLayers
from locgen.ir.functions import Function
from locgen.ir.model import Model
from locgen.quantise.bisect import largest_true

__all__ = ["ROWS", "read"]

ROWS = (
    Row(
        "ensembles",
        "{}, two classes",
        "what each fold's calibrator makes of its member's score",
        "a `dense` unit for a sigmoid or temperature; an isotonic one becomes comparisons (a "
        "`tree`); a single one is a moved threshold",
        "`> 0.5`",
    ),
    Row(
        "ensembles",
        '{} with `method="sigmoid", ensemble=False`, several classes',
        "the largest of rising functions of scores, which is the largest of what goes into them",
        "",
        "argmax",
    ),
)

_NEVER = 1e6
"""Takes the place of a border that lies at infinity."""


def read(last: CalibratedClassifierCV, preprocessing: Preprocessing, read: Read) -> Reading:
    """Add up what the calibrators make of their members' scores."""
    classes = class_labels(last)
    folds = last.calibrated_classifiers_
    if not folds:
        raise ModelFileError("CalibratedClassifierCV has no members: save the model again")
    if len(classes) > 2:
        model = _several(last, preprocessing, read, classes)
    else:
        outputs = [_fold(last, fold, preprocessing, read) for fold in folds]
        if len(outputs) == 1:
            model = _border(last, preprocessing, outputs[0], classes)
        else:
            model = combined(
                last,
                preprocessing,
                outputs,
                np.full((len(outputs), 1), 1 / len(outputs)),
                np.full(1, -0.5),
                task="classification",
                classes=classes,
                decision=">",
            )
    return Reading(model, Oracle(None, labels=quiet(last).predict))


def _member(last: BaseEstimator, fold: Fitted, preprocessing: Preprocessing, read: Read) -> Model:
    reading = read(fold.estimator, preprocessing)
    compare(reading)
    return addable(last, reading)


def _fold(
    last: BaseEstimator, fold: Fitted, preprocessing: Preprocessing, read: Read
) -> MemberOutputs:
    """Return the column that is one calibrated member's probability of the second class."""
    own = confidence(last, fold.estimator, _member(last, fold, preprocessing, read))
    if not own.nodes:  # one score that is the column but for its constant
        own = MemberOutputs(mixed_model(own.model, own.straight), np.ones((1, 1)), own.constant)
    if len(fold.calibrators) != 1:
        raise ModelFileError("CalibratedClassifierCV has damaged calibrators: save it again")
    return _after(own, *_function(last, fold, hasattr(fold.estimator, "decision_function")))


def _function(last: BaseEstimator, fold: Fitted, has_scores: bool) -> tuple[float, float, Function]:
    """Return slope, offset and function: a calibrator computes ``f(slope * t + offset)``."""
    (calibrator,) = fold.calibrators[:1]
    if fold.method == "sigmoid":
        slope, offset = finite((calibrator.a_, calibrator.b_), (2,), "the calibrator's a_ and b_")
        return -float(slope), -float(offset), Function("logistic")
    if fold.method == "temperature" and has_scores:
        (beta,) = finite((calibrator.beta_,), (1,), "the calibrator's beta_")
        return 2 * float(beta), 0.0, Function("logistic")
    if fold.method == "isotonic" and type(calibrator) is IsotonicRegression:
        count = len(calibrator.X_thresholds_)
        z = finite(calibrator.X_thresholds_, (count,), "the calibrator's X_thresholds_")
        value = finite(calibrator.y_thresholds_, (count,), "the calibrator's y_thresholds_")
        if count == 1:
            z, value = np.array([z[0], np.nextafter(z[0], np.inf)]), value.repeat(2)
        knots = tuple(zip(z.tolist(), value.tolist(), strict=True))
        return 1.0, 0.0, Function("lines", knots=knots)
    raise UnsupportedModel(
        f"CalibratedClassifierCV(method={fold.method!r}) over {type(fold.estimator).__name__} is "
        "not supported: train with method='sigmoid'"
    )


def _after(
    outputs: MemberOutputs, slope: float, offset: float, function: Function
) -> MemberOutputs:
    """Return ``function(slope * column + offset)`` of the one column of `outputs`."""
    layers: tuple[FloatLayer, ...] = ()
    weights = outputs.straight.T
    if outputs.nodes:
        (node,) = outputs.nodes
        dense = cast(FloatLayers, node)  # two classes: no softmax, and no votes of pairs
        layers, weights = dense.layers, dense.weights.T
    bias = np.array([slope * float(outputs.constant[0]) + offset])
    last = FloatLayer("dot", slope * weights, bias, function)
    found = FloatLayers((*layers, last), np.ones((1, 1)), (0,), (0,), "dense")
    return MemberOutputs(outputs.model, np.zeros((outputs.model.outputs, 1)), np.zeros(1), (found,))


def _border(
    last: BaseEstimator,
    preprocessing: Preprocessing,
    outputs: MemberOutputs,
    classes: tuple[object, ...],
) -> Model:
    """Return a single calibrated member: its score, and where that passes a half."""
    (node,) = outputs.nodes

    def at_most_half(score: np.ndarray) -> np.ndarray:
        return node.evaluate(np.asarray(score)[:, None])[:, 0] <= 0.5

    ends = node.evaluate(np.array([[-_NEVER], [_NEVER]]))[:, 0]
    falls = bool(ends[0] > ends[1])
    sign = -1.0 if falls else 1.0
    cut = float(largest_true(lambda s: at_most_half(sign * np.asarray(s)), 1)[0])
    cut = min(max(cut, -_NEVER), _NEVER)
    model = mixed_model(outputs.model, np.array([[sign]]))
    model = replace(model, base=(model.base[0] - cut,))
    return merged(
        last,
        preprocessing,
        [part_of(model, (0,), 1)],
        [model],
        task="classification",
        classes=classes,
        decision=">",
    )


def _several(
    last: BaseEstimator, preprocessing: Preprocessing, read: Read, classes: tuple[object, ...]
) -> Model:
    """Return the largest of the sigmoids of several classes: their sum divides all alike."""
    folds = last.calibrated_classifiers_
    if len(folds) > 1 or folds[0].method != "sigmoid":
        raise UnsupportedModel(
            "CalibratedClassifierCV of several classes divides by the sum of what its calibrators "
            "say: train it with method='sigmoid' and ensemble=False, or inside OneVsRestClassifier"
        )
    (fold,) = folds
    model = _member(last, fold, preprocessing, read)
    method = (
        "decision_function" if hasattr(fold.estimator, "decision_function") else "predict_proba"
    )
    outputs = outputs_of_member(last, fold.estimator, model, method)
    if outputs.columns != len(classes) or len(fold.calibrators) != len(classes) or outputs.nodes:
        raise UnsupportedModel(
            f"CalibratedClassifierCV of several classes over {model.family} is not supported: use "
            "a member whose decision_function has a column a class, or forests"
        )
    slope = np.array([-float(each.a_) for each in fold.calibrators])
    offset = np.array([-float(each.b_) for each in fold.calibrators])
    finite((slope, offset), (2, len(classes)), "the calibrators' a_ and b_")
    # The logistic rises, so the largest of what goes into it is the largest of what comes out.
    return combined(
        last,
        preprocessing,
        [outputs],
        np.diag(slope),
        offset,
        task="classification",
        classes=classes,
        decision="argmax",
    )
