"""Agreement of the float model with the library's public `predict`, called as its user calls it."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator

from locgen.errors import DataError, UnsupportedModel
from locgen.frontends.model_check import slack_of
from locgen.frontends.pipeline import library_quiet, quiet
from locgen.frontends.reading import Reading

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["Agreement", "compare_public", "public_answers"]

_MOST_ROWS = 20_000
"""Rows that are compared at the most, spread evenly: nearest neighbours take milliseconds each."""
_TIED_SHARE = 1e-3


@dataclass(frozen=True)
class Agreement:
    """Rows on which the float model was compared with the library's public `predict`.

    Members
    -------
    rows : how many were compared
    ties : how many differ, each with nothing but rounding, or equal scores, between two answers
    answers : the library's, one a row; None where some rows were left out
    """

    rows: int
    ties: int
    answers: np.ndarray | None = field(default=None, compare=False, repr=False)

    def __add__(self, other: "Agreement") -> "Agreement":
        """Return the agreement on both sets of rows."""
        return Agreement(self.rows + other.rows, self.ties + other.ties)


def as_fitted(
    reading: Reading, estimator: BaseEstimator, x: np.ndarray
) -> "np.ndarray | DataFrame | csr_matrix":
    """Return rows (rows, columns) in the form in which the estimator was fitted."""
    if reading.float32:
        x = x.astype(np.float32)
    if reading.sparse:
        return csr_matrix(x)
    names = getattr(estimator, "feature_names_in_", None)
    if names is None or len(names) != x.shape[1]:
        return x
    from pandas import DataFrame

    return DataFrame(x, columns=list(names))


def public_answers(
    reading: Reading, estimator: BaseEstimator, rows: "np.ndarray | DataFrame"
) -> np.ndarray:
    """Return what the library's `predict` answers: labels (rows,), or values (rows, targets).

    Parameters
    ----------
    reading : how the estimator was read
    rows : the user's own frame, or (rows, columns) float64

    Raises
    ------
    DataError
        If the library refuses the rows.
    """
    model = reading.model
    given = as_fitted(reading, estimator, rows) if isinstance(rows, np.ndarray) else rows
    try:
        with library_quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are the user's, who has seen them
            answers = np.asarray((reading.predict or quiet(estimator).predict)(given))
    except (TypeError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(
            f"{model.library} refuses rows for this {model.family}: {reason}; give rows that its "
            "predict takes"
        ) from error
    if model.classes and reading.predicts_probabilities:
        decided = answers.argmax(axis=1) if answers.ndim > 1 else (answers > 0.5).astype(np.int64)
        return model.labels(decided)
    return answers


def compare_public(
    reading: Reading,
    estimator: BaseEstimator,
    x: np.ndarray,
    frame: "DataFrame | None" = None,
    most_ties: float = _TIED_SHARE,
) -> Agreement:
    """Compare the float model with the library on raw rows.

    A row that differs is a tie if its margin lies within the rounding that the reader allows, or if
    the outputs that the library decides by are equal.

    Parameters
    ----------
    reading : of the estimator
    x : (rows, columns) float64
    frame : the same rows as the user has them; None for what `as_fitted` makes of `x`
    most_ties : share of the rows that may be ties; one always may

    Raises
    ------
    UnsupportedModel
        If a row differs that is no tie, or too many are; names the first.
    DataError
        If the library refuses the rows.
    """
    model, count = reading.model, len(x)
    picked = np.arange(count)
    if count > _MOST_ROWS:
        picked = np.linspace(0, count - 1, _MOST_ROWS).astype(np.int64)
    x = x[picked]
    rows = x if frame is None else frame.iloc[picked]
    theirs = public_answers(reading, estimator, rows)
    with library_quiet():
        scores = model.scores(x)
        slack = slack_of(reading, x, scores)
        if model.task == "regression":
            values = model.decide(scores)
            differ = (np.abs(values - theirs.reshape(values.shape)) > slack[:, None]).any(axis=1)
            ours, tied = values, np.zeros(len(x), dtype=bool)
        else:
            ours = model.labels(model.decide(scores))
            differ = _differ(ours, theirs)
            tied = model.rule_of_decision.margin(scores) <= 2 * slack
            if (differ & ~tied).any():
                tied = tied | _equal_outputs(reading, estimator, rows, len(x))
    wrong, ties = np.flatnonzero(differ & ~tied), int(np.count_nonzero(differ & tied))
    if len(wrong) or ties > max(1, most_ties * len(x)):
        wrong = np.flatnonzero(differ)
    if len(wrong):
        first = int(wrong[0])
        raise UnsupportedModel(
            f"{model.family} is read as something else than {model.library} answers: {len(wrong)} "
            f"of {len(x)} rows differ, the first is row {int(picked[first])} (locgen "
            f"{_shown(ours[first])}, predict {_shown(theirs[first])}); please report it, with the "
            "way the model was trained"
        )
    return Agreement(len(x), ties, theirs if len(picked) == count else None)


def _shown(answer: Any) -> str:
    return ascii(answer.tolist() if isinstance(answer, np.ndarray | np.generic) else answer)


def _differ(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Return which rows' labels differ (rows,), whatever types both have."""
    theirs = theirs.reshape(ours.shape)
    pairs: Sequence[tuple[object, object]] = list(zip(ours.tolist(), theirs.tolist(), strict=True))
    return np.array([a != b for a, b in pairs], dtype=bool)


def _equal_outputs(
    reading: Reading, estimator: BaseEstimator, rows: "np.ndarray | DataFrame", count: int
) -> np.ndarray:
    """Return the rows (rows,) whose two best outputs, by which the library decides, are equal.

    Those are the decision function's where there is one: probabilities may be equal, saturated,
    where it is not.
    """
    equal = np.zeros(count, dtype=bool)
    library = quiet(estimator)
    decision = getattr(library, "decision_function", None)
    outputs_of = decision or getattr(library, "predict_proba", None)
    if outputs_of is None or reading.model.targets > 1:
        return equal
    given = as_fitted(reading, estimator, rows) if isinstance(rows, np.ndarray) else rows
    outputs = np.asarray(outputs_of(given), dtype=np.float64).reshape(count, -1)
    if outputs.shape[1] == 1:
        return outputs[:, 0] == 0.0
    best = np.sort(outputs, axis=1)
    return best[:, -1] == best[:, -2]
