"""What a candidate costs on the rows that the search may see, and on blends of them."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from sklearn.metrics import r2_score

from locgen.errors import BudgetError
from locgen.ir import FloatCascade, Model, QuantisedModel
from locgen.quantise.condense import Condensing
from locgen.quantise.dataset import Dataset
from locgen.quantise.features import FeatureKind
from locgen.quantise.rebin import Rebinning

__all__ = [
    "Judge",
    "Limit",
    "Pruning",
    "Quantisation",
    "QuantiseOptions",
    "Trial",
    "limits_of",
    "no_width",
    "right_share",
    "synthetic_rows",
]

_BLENDS = 4096
_SYNTHETIC_ROWS = 4096
_FEW = 4.0
"""Rows that the budget is worth, below which the data are few."""
_BESIDE = 32
"""Rows on either side, in order of their margins, whose errors a row is held against."""
_BLOCK = 256
"""Rows that fit a cache: turning a table block by block takes a seventh of the time."""


@dataclass(frozen=True)
class QuantiseOptions:
    """What the user fixed: None leaves it to the search.

    `max_accuracy_drop` is in percentage points of accuracy, for regression in hundredths of R2;
    `max_changed` the percentage of decisions that may differ on training rows and blends of them,
    by default half as many; `rounding` how leaves become integers, see `rounding`; `prune` whether
    trees are cut back first, see `prune`; `tabled` whether nodes become tables of their features'
    codes, which double with every bit, as in the memories of engines.
    """

    feature_bits: int | None = None
    score_bits: int | None = None
    feature_kind: FeatureKind = "auto"
    max_accuracy_drop: float = 0.5
    max_changed: float | None = None
    rounding: Literal["nearest", "free"] = "nearest"
    prune: bool = False
    tabled: bool = False


@dataclass(frozen=True)
class Pruning:
    """What pruning did.

    Members
    -------
    leaves_before, leaves_after : of all trees
    train_before, train_after, test_before, test_after : accuracies of the float model, or R2, on
        the training and the test rows, before anything is rounded; None where rows are missing or
        R2 says nothing
    """

    leaves_before: int
    leaves_after: int
    train_before: float | None
    train_after: float | None
    test_before: float | None
    test_after: float | None

    @property
    def cut(self) -> int:
        """Leaves that went."""
        return self.leaves_before - self.leaves_after

    @property
    def undone(self) -> "Pruning":
        """The same with all leaves left."""
        return replace(
            self,
            leaves_after=self.leaves_before,
            train_after=self.train_before,
            test_after=self.test_before,
        )


@dataclass(frozen=True)
class Trial:
    """One width tried: what it cost on the rows the search may see.

    `drop` is the loss in percentage points of accuracy (or hundredths of R2) on the training rows,
    None where there are no labels (or all targets are equal, so that R2 says nothing);
    `changed` the share of decisions that differ from the float model's on training and blended
    rows together, in percent (for regression: 100 times 1 - R2 against the float model, on training
    rows alone where it is larger there).
    `feature_bits` is the widest feature where that was searched as well.
    """

    score_bits: int
    drop: float | None
    changed: float
    kept: bool
    feature_bits: int | None = None


@dataclass(frozen=True)
class Quantisation:
    """The chosen integer model, every score width that was tried, and what was left out before."""

    model: QuantisedModel
    trials: tuple[Trial, ...]
    rows_seen: int
    condensing: Condensing | None = None
    pruning: Pruning | None = None
    rebinning: Rebinning | None = None


class Limit(NamedTuple):
    """What a width may change, in percent, and whether few rows must be sure, see `Judge.sure`."""

    changed: float
    sure: bool


def limits_of(
    options: QuantiseOptions, share: float = 1 / 4, sure: bool = True
) -> tuple[Limit, ...]:
    """Return what widths of nodes that compute with sizes are held to, the strictest first.

    Not `sure` is for tables, which double with every bit of a feature.
    Without `max_changed` the `share` of the budget may change; where no width is as good, twice the
    budget: by default one point would be lost if every change were for the worse.
    """
    if options.max_changed is not None:
        return (Limit(options.max_changed, False),)
    budget = options.max_accuracy_drop
    first = (Limit(share * budget, True),) if sure else ()
    return *first, Limit(share * budget, False), Limit(2 * budget, False)


def no_width(budget: float, limit: float, trials: list[Trial], regression: bool) -> BudgetError:
    """Return the refusal where none of `trials` loses and changes as little as it may.

    `budget` is in points, `limit` the percentage that may change, see `Trial.changed`.
    """
    best = min(trials, key=lambda t: (max((t.drop or 0.0) - budget, 0.0), t.changed))
    lost = best.drop or 0.0
    changed = "% of the scores' variance" if regression else "% of decisions"
    return BudgetError(
        f"no width keeps to the budget: the best tried ({best.score_bits} score bits) "
        f"{'loses' if lost >= 0 else 'gains'} {abs(lost):.2f} points where it may lose {budget:g}, "
        f"and changes {best.changed:.2f} {changed} where it may {limit:g}; allow more with "
        "--max-accuracy-drop or --max-changed, or leave out --feature-bits and --score-bits"
    )


class Judge:
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
        if data is None or not len(data.x_train):
            self.labelled = 0
            rows = synthetic_rows(model)
            self.targets = None
        else:
            self.labelled = len(data.x_train)
            rows = _by_columns(data.x_train, _blends(data.x_train))
            self.targets = data.y_train
        self.float_scores = model.scores(rows)
        constant = np.ptp(self.float_scores, axis=0) == 0
        if model.task == "regression" and self.labelled and constant.any():
            rows = np.concatenate([rows, synthetic_rows(model)])  # R2 needs scores that differ
            self.float_scores = model.scores(rows)
        self.x = rows

    @cached_property
    def expert_sums(self) -> np.ndarray:
        """Float sums of each expert on the rows, see `Model.sums_of`."""
        return self.model.sums_of([node.evaluate(self.x) for node in self.model.nodes])

    def rerouted(self, mask: np.ndarray) -> float:
        """Return what changes, see `Trial.changed`, if float experts are opened by `mask`."""
        ours = self.model.decide(self.model.combine(self.expert_sums, mask))
        theirs = self.model.decide(self.float_scores)
        if self.model.task == "regression":
            return 100 * (1 - _r2(theirs, ours))
        return 100 * float(np.mean(ours != theirs))

    def sure(self, candidate: QuantisedModel, scores: np.ndarray, budget: float) -> bool:
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
        same = candidate.decision.evaluate(scores) == self.model.decide(self.float_scores)
        decision = self.model.rule_of_decision
        if not isinstance(decision, FloatCascade):  # what stands behind scores reads real ones
            decision = candidate.decision
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

    def verdict(self, candidate: QuantisedModel, scores: np.ndarray) -> tuple[float | None, float]:
        """Return (drop or None, changed), see `Trial`, of a candidate's `scores` of the rows."""
        answers = candidate.decision.evaluate(scores)
        if self.model.task == "regression":
            answers = candidate.values(answers, scores)
        elif self.model.margin:  # what training left open is not held against the candidate
            clear = self.model.rule_of_decision.margin(self.float_scores) > self.model.margin
            answers = np.where(clear, answers, self.model.decide(self.float_scores))
        return self.drop(answers[: self.labelled]), self.changed(answers)

    def changed(self, answers: np.ndarray) -> float:
        """Return the share of `answers`, values or decisions of the rows, that differ: `Trial`."""
        theirs = self.model.decide(self.float_scores)
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
        return None if before is None else 100 * (before - after)

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


def _by_columns(*parts: np.ndarray) -> np.ndarray:
    """Return the rows of all `parts`, a column's values side by side: trees read columns."""
    rows = np.empty((sum(map(len, parts)), parts[0].shape[1]), order="F")
    place = 0
    for part in parts:
        for start in range(0, len(part), _BLOCK):
            block = part[start : start + _BLOCK]
            rows[place : place + len(block)] = block
            place += len(block)
    return rows


def _blends(rows: np.ndarray) -> np.ndarray:
    """Return rows that take about a quarter of their features from another row; fixed seed."""
    if len(rows) < 2:
        return rows[:0]
    random = np.random.default_rng(0)
    count = min(_BLENDS, 8 * len(rows))
    first, second = rows[random.integers(len(rows), size=(2, count))]
    return np.where(random.random(first.shape) < 0.25, second, first)


def synthetic_rows(model: Model, count: int = _SYNTHETIC_ROWS, seed: int = 0) -> np.ndarray:
    """Return `count` rows (count, features) drawn evenly over the intervals between cuts.

    A feature whose size counts is drawn evenly over its range, where the model tells that.
    """
    random = np.random.default_rng(seed)
    columns = []
    sized = model.range_features
    for feature, edges in enumerate(model.edges):
        finite = edges[np.isfinite(edges)]
        if feature in sized and model.ranges and model.ranges[feature] is not None:
            columns.append(random.uniform(*model.ranges[feature], size=count))
            continue
        if not len(finite):
            columns.append(np.zeros(count))
            continue
        above = np.nextafter(finite[-1], np.inf)
        points = np.append(finite, above)
        columns.append(points[random.integers(len(points), size=count)])
    return np.stack(columns, axis=1)
