"""Pruning: fewer leaves for tree ensembles, by what their cells are worth, before any rounding.

Cost-complexity pruning (Breiman, Friedman, Olshen and Stone, Classification and Regression Trees,
1984) of all trees together: one tree at a time is cut back where what the model loses is less than
the price of the cells that go, from the leaves up, while all other trees stand as they are. The
price rises until the training rows have lost their share of the budget. Trained trees know their
training rows by heart, so that these alone would let far too much go: of decisions on them and on
blends of them no more percent may change than the budget has points. A subtree becomes one leaf,
the mean of its leaves over the training rows that reach them; a split between two leaves is the
smallest subtree, so that leaves merge as well.
"""

import logging
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from locgen.errors import ConfigurationError
from locgen.ir import FloatTree, Model
from locgen.passes.context import Context, Passed
from locgen.passes.treecutter import TreeCutter

__all__ = ["PRUNED_SHARE", "Pruning", "run"]

log = logging.getLogger(__name__)

PRUNED_SHARE = 0.5
"""Of what the user allows; the rest is left to rounding."""
_PRICES = (0.0, *np.geomspace(0.004, 128, 31))
"""What a cell may cost in loss, rising until the share is spent."""


@dataclass(frozen=True)
class Pruning:
    """Leaves and accuracies before and after pruning.

    Members
    -------
    leaves_before, leaves_after : of all trees
    train_before, train_after, test_before, test_after : accuracies of the float model, or R2, on
        the training and the test rows, before anything is rounded; None where rows are missing or
        R2 says nothing
    """

    name: ClassVar[str] = "pruning"
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


def run(model: Model, context: Context) -> Passed[Model]:
    """Return `model` with fewer leaves, if the user asks for that, inside half of the budget.

    Of decisions on training rows and blends (for regression see `Trial.changed`) at most half of
    `max_changed` percent change, by default as many as the budget has points.

    Raises
    ------
    ConfigurationError
        Without training rows, and for models that are not made of trees alone.
    """
    if not context.prune:
        return Passed(model)
    if not model.trees or model.arithmetic_nodes or model.gate or model.second_stage:
        raise ConfigurationError(
            f"--prune cuts back the trees of an ensemble, and {model.family} is not made of trees "
            "alone: leave --prune out"
        )
    data = context.data
    if data is None or not len(data.x_train):
        raise ConfigurationError(
            "--prune weighs cells against accuracy on training rows: give them with --data, or "
            "leave --prune out"
        )
    assert context.evaluator is not None and context.features is not None
    evaluator = context.evaluator(model)
    cutter = TreeCutter(model, context.features(model), evaluator)
    budget, kept = context.max_accuracy_drop, model.trees
    most = budget if context.max_changed is None else PRUNED_SHARE * context.max_changed
    for price in _PRICES:
        cuts = cutter.cut(price)
        answers = model.decide(cutter.scores)
        drop, changed = evaluator.drop(answers[: evaluator.labelled]), evaluator.changed(answers)
        log.debug("price %.3f: %d cuts, drop %s, changed %.3f", price, cuts, drop, changed)
        if (drop or 0.0) > PRUNED_SHARE * budget + 1e-9 or changed > most + 1e-9:
            break
        kept = tuple(cutter.trees)
    fewer = replace(model, trees=kept)

    def worth(of: Model, x: NDArray[np.float64], y: NDArray[np.generic]) -> float | None:
        return evaluator.worth(of.decide(of.scores(x)), y) if len(x) else None

    rows = ((data.x_train, data.y_train), (data.x_test, data.y_test))
    shares = [worth(of, *part) for part in rows for of in (model, fewer)]
    return Passed(fewer, (Pruning(_leaves(model.trees), _leaves(kept), *shares),))


def _leaves(trees: tuple[FloatTree, ...]) -> int:
    return sum(len(tree.leaf_values) for tree in trees)
