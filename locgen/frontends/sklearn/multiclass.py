"""Classifiers made of two-class ones: one against the rest, pairs, error-correcting codes.

What each adds up and how it decides is written out beside its reader, as read in scikit-learn
1.9.1. What a member says is its decision value, or without one the probability of its second class.
"""

from dataclasses import replace
from itertools import combinations

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier

from locgen.errors import ModelFileError, UnsupportedModel
from locgen.frontends.arrays import vector
from locgen.frontends.entries import Row
from locgen.frontends.labels import class_labels
from locgen.frontends.member_outputs import (
    MemberOutputs,
    difference,
    mixed_model,
    outputs_of_member,
    stump,
)
from locgen.frontends.members import addable, merged, part_of
from locgen.frontends.model_check import compare
from locgen.frontends.pipeline import quiet
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.reading import Oracle, Part, Read, Reading
from locgen.frontends.second_stage import combined, with_second_stage
from locgen.ir import Group, MultiOutput, Threshold
from locgen.ir.float import FloatTree
from locgen.ir.model import Model

__all__ = ["CODES", "PAIRS", "REST", "confidence", "one_vs_one", "one_vs_rest", "output_code"]

REST = Row(
    "trees",
    "{}",
    "its class's probability or raw score; the logistic in a probability changes no order",
    "argmax; two classes `> 0.5` or `> 0`; several labels a row: one a label",
    "as its members",
)
PAIRS = Row(
    "ensembles",
    "{}",
    "decision values, or second classes' probabilities",
    "a vote for each pair, which outranks all sums, and the sums of confidences",
    "most votes, then the largest sum",
)
CODES = Row(
    "ensembles",
    "{}",
    "twice the product of what members say with each class's code",
    "as for soft votes",
    "argmax",
)


def confidence(last: BaseEstimator, member: BaseEstimator, model: Model) -> MemberOutputs:
    """Return the one column that a two-class member says, see above."""
    if hasattr(member, "decision_function"):
        outputs = outputs_of_member(last, member, model, "decision_function")
    else:
        outputs = outputs_of_member(last, member, model, "predict_proba").picked([1])
    if outputs.columns != 1:
        raise ModelFileError(f"{type(last).__name__} has a member of several classes")
    return outputs


def _rising(last: BaseEstimator, member: BaseEstimator, model: Model) -> Model:
    """Return a model of one score that rises with the member's confidence, its border at 0."""
    if not hasattr(member, "decision_function") and model.probability == "mean":
        column = outputs_of_member(last, member, model, "predict_proba").picked([1])
        found = mixed_model(model, column.straight)
        return _moved(found, -0.5)
    found = difference(model)
    if found.outputs != 1 or not isinstance(found.decision, str):
        raise UnsupportedModel(f"{type(last).__name__} has a {model.family} as member")
    return found


def _moved(model: Model, amount: float) -> Model:
    return replace(model, base=(model.base[0] + amount,))


def _border(first: BaseEstimator) -> float:
    """Return what scikit-learn compares all labels with: the first member, or constant, decides."""
    return 0.0 if hasattr(first, "decision_function") and is_classifier(first) else 0.5


def one_vs_rest(last: OneVsRestClassifier, preprocessing: Preprocessing, read: Read) -> Reading:
    """One model a class: argmax of what they say; the logistic in a probability changes no order.

    Two classes: one model, above 0, or a probability above a half. Several labels a row: each by
    itself.
    """
    several = last.label_binarizer_.y_type_ == "multilabel-indicator"
    if not several and last.label_binarizer_.y_type_ not in ("multiclass", "binary"):
        raise UnsupportedModel(
            f"OneVsRestClassifier was trained on {last.label_binarizer_.y_type_} targets: train it "
            "on classes"
        )
    classes = class_labels(last)
    count = 1 if len(last.estimators_) == 1 else len(classes)
    if len(last.estimators_) != count:
        raise ModelFileError("OneVsRestClassifier has damaged members: save the model again")
    raw = all(hasattr(member, "decision_function") for member in last.estimators_)
    border = _border(last.estimators_[0])
    parts, members = [], []
    for output, member in enumerate(last.estimators_):
        if type(member).__name__ == "_ConstantPredictor":
            base = np.zeros(count)
            base[output] = float(np.ravel(member.y_)[0]) - (0.5 if several else 0.0)
            parts.append(Part((), (), base))
            continue
        reading = read(member, preprocessing)
        model = addable(last, reading)
        compare(reading)
        members.append(_rising(last, member, model))
        if several and hasattr(member, "decision_function"):
            members[-1] = _moved(members[-1], -border)
        parts.append(part_of(members[-1], (output,), count))
    if not members:
        raise UnsupportedModel("OneVsRestClassifier was trained on one class: nothing to build")
    if not raw and len(members) < count and not several:
        raise UnsupportedModel(
            "OneVsRestClassifier has a label that all training rows or none had, beside members "
            "without decision_function: train it on classes that occur"
        )
    if not any(model.units for model in members):  # an output of trees needs one
        silent = [n for n, part in enumerate(parts) if not part.trees]
        leaves = tuple(FloatTree.constant(0.0, output) for output in silent)
        parts.append(Part(leaves, (), np.zeros(count)))
    decision: str | MultiOutput = ">" if count == 1 else "argmax"
    if several:
        decision = MultiOutput(tuple(Group((n,), Threshold(">")) for n in range(count)))
    model = merged(
        last,
        preprocessing,
        parts,
        members,
        task="classification",
        classes=(0, 1) * count if several else classes,
        decision=decision,
    )
    return Reading(model, Oracle(None, labels=quiet(last).predict))


def one_vs_one(last: OneVsOneClassifier, preprocessing: Preprocessing, read: Read) -> Reading:
    """Each pair votes for the class that it answers; the most votes win.

    Of several with as many the largest sum of confidences wins, those of the second class of a pair
    being its own and those of the first what is missing; ties to the lowest. That is what
    scikit-learn's ``votes + sum / (3 * (abs(sum) + 1))`` comes to, which rises with the sum and
    stays within a third of a vote. Two classes: their one member's answer.
    """
    classes = class_labels(last)
    pairs = list(combinations(range(len(classes)), 2))
    if len(last.estimators_) != len(pairs) or last.pairwise_indices_ is not None:
        raise UnsupportedModel(
            "OneVsOneClassifier of precomputed kernels is not supported: train it on columns"
        )
    readings = [read(member, preprocessing) for member in last.estimators_]
    models = [difference(addable(last, reading)) for reading in readings]
    for reading in readings:
        compare(reading)
    for model in models:
        if model.outputs != 1 or model.decision not in (">", ">="):
            raise UnsupportedModel(f"OneVsOneClassifier has a {model.family} as member")
    library = quiet(last)
    if len(pairs) == 1:
        model = merged(
            last,
            preprocessing,
            [part_of(models[0], (0,), 1)],
            models,
            task="classification",
            classes=classes,
            decision=models[0].decision,
        )
        return Reading(model, Oracle(None, labels=library.predict))
    hidden = [
        _pair(last, member, reading.model, model, pair)
        for member, reading, model, pair in zip(
            last.estimators_, readings, models, np.eye(len(classes))[pairs], strict=True
        )
    ]
    constant = np.sum([outputs.constant for outputs in hidden], axis=0)
    model = with_second_stage(
        last,
        preprocessing,
        (),
        hidden,
        0,
        constant,
        models,
        outranks=True,
        task="classification",
        classes=classes,
        decision="argmax",
    )
    return Reading(model, Oracle(None, labels=library.predict))


def _pair(
    last: OneVsOneClassifier,
    member: BaseEstimator,
    read: Model,
    model: Model,
    pair: np.ndarray,
) -> MemberOutputs:
    """Return a pair's confidence, taken off its first class and added to its second, and its vote.

    Parameters
    ----------
    read : the member; model : the same with one score
    pair : (2, classes) ones at the first and at the second class
    """
    own = confidence(last, member, read)
    if read.probability == "mean" and not hasattr(member, "decision_function"):
        # A mean of two probabilities as a function of their difference.
        own = MemberOutputs(model, own.straight[[1]] / 2, np.array([0.5]))
    own = own.mixed((pair[1] - pair[0])[None])
    cut = 0.0 if model.decision == ">" else np.nextafter(0.0, -1.0)
    return MemberOutputs(
        model, own.straight, own.constant, (*own.nodes, stump(0, cut, pair[0], pair[1]))
    )


def output_code(last: OutputCodeClassifier, preprocessing: Preprocessing, read: Read) -> Reading:
    """Return the class whose code is nearest to what the members say.

    The square of what they say is the same for all, so the score of a class is twice the dot
    product with its code, less the code's square.
    """
    classes = class_labels(last)
    book = vector(last, "code_book_", len(classes), len(last.estimators_))
    outputs: list[MemberOutputs] = []
    constant, kept = -(book**2).sum(axis=1), []
    for number, member in enumerate(last.estimators_):
        if type(member).__name__ == "_ConstantPredictor":
            constant = constant + 2 * book[:, number] * float(np.ravel(member.y_)[0])
            continue
        reading = read(member, preprocessing)
        model = addable(last, reading)
        compare(reading)
        outputs.append(confidence(last, member, model))
        kept.append(number)
    if not outputs:
        raise UnsupportedModel("OutputCodeClassifier was trained on one class: nothing to build")
    model = combined(
        last,
        preprocessing,
        outputs,
        2 * book[:, kept].T,
        constant,
        task="classification",
        classes=classes,
        decision="argmax",
    )
    return Reading(model, Oracle(None, labels=quiet(last).predict))
