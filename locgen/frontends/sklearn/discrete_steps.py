"""Readers of scikit-learn's bins, thresholds and encoders."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from sklearn.preprocessing import Binarizer, KBinsDiscretizer, OneHotEncoder, OrdinalEncoder

from locgen.errors import UnsupportedModel
from locgen.frontends.arrays import is_text
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.reading import Extend
from locgen.frontends.step_outputs import (
    Outputs,
    dense,
    encoded_by,
    needs_rising,
    outside,
    transformed,
)

__all__ = ["binarised", "binned", "one_hot", "ordinal"]


def binarised(step: Binarizer, before: Preprocessing, extend: Extend) -> Outputs:
    """Return outputs that rise with those before, 0 and 1."""
    return _levelled(step, before, [2] * before.features)


def binned(step: KBinsDiscretizer, before: Preprocessing, extend: Extend) -> Outputs:
    """Return one output a column (ordinal) or a bin (one-hot), each with its intervals."""
    counts = [int(count) for count in step.n_bins_]
    if step.encode == "ordinal":
        return _levelled(step, before, counts)
    for output in before.outputs:
        needs_rising(step, output)
    feature = np.repeat(np.arange(len(counts)), counts)
    number = np.concatenate([np.arange(count) for count in counts])
    first = np.cumsum([0, *counts[:-1]])[feature]

    def at_most(x: np.ndarray, part: np.ndarray) -> np.ndarray:
        """Return whether each value lies in its own feature's bin `number` or a lower one."""
        rows = np.zeros((len(x), before.features))
        rows[np.arange(len(x)), feature[part]] = x
        passed = np.cumsum(dense(transformed(step, rows)), axis=1)
        below = np.where(first[part] > 0, passed[np.arange(len(x)), first[part] - 1], 0)
        return passed[np.arange(len(x)), (first + number)[part]] - below > 0

    ends = before.bisect(feature, at_most)
    outputs = []
    for own, (count, output) in enumerate(zip(counts, before.outputs, strict=True)):
        high = ends[feature == own]
        low = np.concatenate([[-np.inf], high[:-1]])
        one = replace(output, polynomial=None, untouched=False, cuts=None, intervals=(low, high))
        outputs += [one] * count
    return outputs, before.neutral


def one_hot(step: OneHotEncoder, before: Preprocessing, extend: Extend) -> Outputs:
    """Return one output a category, each with its column's intervals."""
    return _encoded(step, before, step._n_features_outs)


def ordinal(step: OrdinalEncoder, before: Preprocessing, extend: Extend) -> Outputs:
    """Return one output a column, with its intervals."""
    return _encoded(step, before, [1] * before.features)


def _encoded(
    step: OneHotEncoder | OrdinalEncoder, before: Preprocessing, counts: Sequence[int]
) -> Outputs:
    """Return the outputs of an encoder: of each column as many as `counts` says."""
    outputs, neutral = [], before.neutral.copy()
    tolerant = step.handle_unknown != "error"
    for feature, (categories, output, count) in enumerate(
        zip(step.categories_, before.outputs, counts, strict=True)
    ):
        needs_rising(step, output)
        if is_text(categories):
            raise UnsupportedModel(
                f"{type(step).__name__} encodes text ({categories[0]!r}, ...): locgen's rows are "
                "numbers; encode text beforehand and train on the codes"
            )
        if np.asarray(categories).dtype == object:
            raise UnsupportedModel(
                f"{type(step).__name__} was trained on numbers held as Python objects, which it "
                "finds in no row of numbers: train on columns of a number type"
            )
        values = np.asarray(categories, dtype=np.float64)
        known = values[~np.isnan(values)]
        limits = np.concatenate([known, known])
        strict = np.arange(len(limits)) < len(known)

        def below(x: np.ndarray, part: np.ndarray, limits=limits, strict=strict) -> np.ndarray:
            return np.where(strict[part], x < limits[part], x <= limits[part])

        ends = before.bisect(np.full(len(limits), feature), below)
        low, high = ends[: len(known)], ends[len(known) :]
        if len(known):
            neutral[output.column] = encoded_by(high)
        outputs += [
            replace(
                output,
                polynomial=None,
                untouched=False,
                cuts=None,
                intervals=(low, high),
                unknown=outside(low, high) if tolerant else None,
                imputed=output.imputed or bool(np.isnan(values).any()) or tolerant,
            )
        ] * int(count)
    return outputs, neutral


def _levelled(
    step: Binarizer | KBinsDiscretizer, before: Preprocessing, counts: list[int]
) -> Outputs:
    """Return outputs that rise with those before, in whole numbers from 0.

    Parameters
    ----------
    counts : of each feature how many numbers there are
    """
    for output in before.outputs:
        needs_rising(step, output, intervals=True)
    free = [output.intervals is None and output.cuts is None for output in before.outputs]
    counts = [count if own else 1 for count, own in zip(counts, free, strict=True)]
    feature = np.repeat(np.arange(len(counts)), np.array(counts) - 1)
    number = np.concatenate([np.arange(count - 1) for count in counts])

    def at_most(x: np.ndarray, part: np.ndarray) -> np.ndarray:
        rows = np.zeros((len(x), before.features))
        every = np.arange(len(x))
        rows[every, feature[part]] = x
        return dense(transformed(step, rows))[every, feature[part]] <= number[part]

    limits = before.bisect(feature, at_most)
    outputs = []
    for own, (output, bisected) in enumerate(zip(before.outputs, free, strict=True)):
        cuts = np.unique(limits[feature == own]) if bisected else output.cuts
        outputs.append(replace(output, polynomial=None, untouched=False, cuts=cuts))
    return outputs, before.neutral
