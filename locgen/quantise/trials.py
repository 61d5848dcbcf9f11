"""Trials of widths, their limits, and the result of a search."""

from dataclasses import dataclass
from typing import NamedTuple

from locgen.errors import BudgetError
from locgen.ir import QuantisedModel
from locgen.passes import Condensing, Pruning, Rebinning
from locgen.quantise.options import QuantiseOptions

__all__ = ["Limit", "Quantisation", "Trial", "limits_of", "no_width"]


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
    """The chosen integer model, every score width tried, and what passes changed before."""

    model: QuantisedModel
    trials: tuple[Trial, ...]
    rows_seen: int
    condensing: Condensing | None = None
    pruning: Pruning | None = None
    rebinning: Rebinning | None = None


class Limit(NamedTuple):
    """Percentage that a width may change, and whether `Evaluator.confident` must hold."""

    changed: float
    confident: bool


def limits_of(
    options: QuantiseOptions, share: float = 1 / 4, confident: bool = True
) -> tuple[Limit, ...]:
    """Return what widths of nodes that compute with sizes are held to, the strictest first.

    Not `confident` is for tables, which double with every bit of a feature.
    Without `max_changed` the `share` of the budget may change; where no width is as good, twice the
    budget: by default one point would be lost if every change were for the worse.
    """
    if options.max_changed is not None:
        return (Limit(options.max_changed, False),)
    budget = options.max_accuracy_drop
    first = (Limit(share * budget, True),) if confident else ()
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
