"""Class labels of a fitted classifier."""

import numpy as np
from sklearn.base import BaseEstimator

from locgen.errors import ModelFileError, UnsupportedModel

__all__ = ["class_labels", "plain_labels"]


def class_labels(last: BaseEstimator) -> tuple[str | int | float | bool, ...]:
    """Return the class labels as plain Python values."""
    labels = plain_labels(last.classes_)
    if len(labels) < 1:
        raise ModelFileError(f"{type(last).__name__} has no classes: save the fitted model again")
    return labels


def plain_labels(classes: object) -> tuple[str | int | float | bool, ...]:
    """Return `classes` as plain Python values; refuse what is neither text nor number."""
    labels = np.asarray(classes).tolist()
    for label in labels:
        if type(label) not in (str, int, float, bool):
            raise UnsupportedModel(
                f"class label {label!r} is a {type(label).__name__}: "
                "train with labels that are text or numbers"
            )
        if label != label:
            raise UnsupportedModel(
                "a class label is NaN, which equals nothing: train with a number or text for it"
            )
    return tuple(labels)
