"""Comparison of candidates with the float model on training rows and blends of them."""

from functools import cached_property

import numpy as np
from sklearn.metrics import r2_score

from locgen.ir import Model, QuantisedModel
from locgen.quantise.dataset import Dataset
from locgen.quantise.samples import blends, by_columns, synthetic_rows

__all__ = ["Evaluator", "right_share"]

_FEW = 4.0
"""Rows that the budget is worth, below which the data are few."""
_BESIDE = 32
"""Rows on either side, in order of their margins, whose errors a row is held against."""


class Evaluator:
    """Compares candidates with the float model on fixed rows.

    Members
    -------
    x : (rows, features) training rows and blends, or without data synthetic rows
    labelled : number of leading rows whose label is known

    Parameters
    ----------
    trained : the model as it was trained, whose accuracy counts, if `model` is less than that
    """

    def __init__(self, model: Model, data: Dataset | None, trained: Model | None = None) -> None:
        self.model, self.trained = model, trained or model
        # Rounding is held against what was rounded: of a reduced model that is not the library.
        self._answers = None if data is None or trained is not None else data.answers_train
        if data is None or not len(data.x_train):
            self.labelled = 0
            rows = synthetic_rows(model)
            self.targets = None
        else:
            self.labelled = len(data.x_train)
            rows = by_columns(data.x_train, blends(data.x_train))
            self.targets = data.y_train
        self.float_scores = model.scores(rows)
        constant = np.ptp(self.float_scores, axis=0) == 0
        if model.task == "regression" and self.labelled and constant.any():
            rows = np.concatenate([rows, synthetic_rows(model)])  # R2 needs scores that differ
            self.float_scores = model.scores(rows)
        self.x = rows

    @cached_property
    def decided(self) -> np.ndarray:
        """What candidates are held against: decisions (rows,), the library's where it was asked."""
        decided = self.model.decide(self.float_scores)
        if self._answers is None or self.model.task == "regression" or self.model.targets > 1:
            return decided
        ours = self.model.labels(decided[: self.labelled]).tolist()
        number = {label: n for n, label in enumerate(self.model.classes)}
        for row, (answer, theirs) in enumerate(zip(ours, self._answers.tolist(), strict=True)):
            if answer != theirs:  # several decisions may have one label
                decided[row] = number[theirs]
        return decided

    @cached_property
    def expert_sums(self) -> np.ndarray:
        """Float sums of each expert on the rows, see `Model.sums_of`."""
        return self.model.sums_of([node.evaluate(self.x) for node in self.model.nodes])

    def rerouted(self, mask: np.ndarray) -> float:
        """Return what changes, see `Trial.changed`, if float experts are opened by `mask`."""
        ours = self.model.decide(self.model.combine(self.expert_sums, mask))
        theirs = self.decided
        if self.model.task == "regression":
            return 100 * (1 - _r2(theirs, ours))
        return 100 * float(np.mean(ours != theirs))

    def confident(self, candidate: QuantisedModel, scores: np.ndarray, budget: float) -> bool:
        """Return whether few data, of which one row is much of the budget, allow these `scores`.

        Where the budget (in points) is worth less than a few rows, none of those that will come
        should change, and too few are there to count changes on. So each row's margin is held
        against the errors of the rows whose margins are about as large, in either direction: that
        tells apart shares far below one row. They may come to a quarter of the budget, and to so
        much less as the data are few.
        """
        few = min(1.0, self.labelled * budget / 100 / _FEW)
        if self.model.task == "regression" or not self.labelled or few == 1.0:
            return True
        margin, order = self._margins
        values = scores * np.array(candidate.score_scale) + np.array(candidate.score_offset)
        decided = candidate.decision.evaluate(scores)
        assert decided is not None  # classification
        same = decided == self.decided
        # A second stage reads real scores.
        decision = self.model.second_stage or candidate.decision
        theirs = decision.margin(values)
        error = np.abs(margin - np.where(same.reshape(len(margin), -1).all(axis=1), 1, -1) * theirs)
        margin, error = margin[order], error[order]
        rows = np.arange(len(order))
        beside = rows[:, None] + np.arange(-_BESIDE, _BESIDE + 1)
        met = error[np.clip(beside, 0, len(rows) - 1)] >= margin[:, None]
        return 100 * float(np.mean(met[margin > self.model.margin])) / 2 <= budget / 4 * few

    @cached_property
    def _margins(self) -> tuple[np.ndarray, np.ndarray]:
        """Float margins of the rows, and the rows in their order."""
        margin = self.model.rule_of_decision.margin(self.float_scores)
        return margin, np.argsort(margin, kind="stable")

    def score(self, candidate: QuantisedModel, scores: np.ndarray) -> tuple[float | None, float]:
        """Return (drop or None, changed), see `Trial`, of a candidate's `scores` of the rows."""
        answers = candidate.decision.evaluate(scores)
        if self.model.task == "regression":
            answers = candidate.values(answers, scores)
        assert answers is not None
        if (
            self.model.task != "regression" and self.model.margin
        ):  # what training left open is not held against the candidate
            clear = self.model.rule_of_decision.margin(self.float_scores) > self.model.margin
            answers = np.where(clear, answers, self.decided)
        return self.drop(answers[: self.labelled]), self.changed(answers)

    def changed(self, answers: np.ndarray) -> float:
        """Return the share of `answers`, values or decisions of the rows, that differ: `Trial`."""
        theirs = self.decided
        if self.model.task != "regression":
            return 100 * float(np.mean(theirs != answers))
        changed = 100 * (1 - _r2(theirs, answers))
        labelled = slice(self.labelled)
        if self.labelled and np.ptp(theirs[labelled], axis=0).all():
            # Blends break what columns have in common: scores may reach far wider on them.
            changed = max(changed, 100 * (1 - _r2(theirs[labelled], answers[labelled])))
        return changed

    def drop(self, answers: np.ndarray) -> float | None:
        """Return what `answers`, values or decisions of the labelled rows, lose: see `Trial`."""
        if self.targets is None:
            return None
        before, after = (self.worth(made, self.targets) for made in (self._trained, answers))
        return None if before is None or after is None else 100 * (before - after)

    @cached_property
    def _trained(self) -> np.ndarray:
        """What the model as it was trained answers to the labelled rows."""
        if self.trained is self.model:
            return self.model.decide(self.float_scores[: self.labelled])
        return self.trained.decide(self.trained.scores(self.x[: self.labelled]))

    def worth(self, answers: np.ndarray, targets: np.ndarray) -> float | None:
        """Return the accuracy of decisions, or R2 of values; None where R2 says nothing."""
        if self.model.task != "regression":
            return right_share(targets, self.model.labels(answers))
        truth = np.reshape(targets, (len(answers), -1))
        defined = np.ptp(truth, axis=0) > 0
        return _r2(truth[:, defined], answers[:, defined]) if defined.any() else None


def right_share(truth: np.ndarray, guess: np.ndarray) -> float:
    """Return the share of rows whose label, or all whose labels, are right."""
    return float(np.mean((guess == truth).reshape(len(truth), -1).all(axis=1)))


def _r2(truth: np.ndarray, guess: np.ndarray) -> float:
    """Return the mean R2 of the columns; where one is constant, 1 if it is met, up to rounding."""
    met = np.isclose(guess, truth, rtol=1e-9, atol=0).all(axis=0)
    constant = np.ptp(truth, axis=0) == 0
    values = met.astype(np.float64)
    if not constant.all():
        values[~constant] = r2_score(
            truth[:, ~constant], guess[:, ~constant], multioutput="raw_values"
        )
    return float(values.mean())
