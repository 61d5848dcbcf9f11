"""Condensing: fewer stored rows for nearest neighbours, before anything is rounded."""

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from locgen.errors import ConfigurationError
from locgen.ir import FloatNeighbours, Model
from locgen.passes.context import Context, Passed

__all__ = ["Condensing", "condensed", "run"]


@dataclass(frozen=True)
class Condensing:
    """Kept rows of a condensed model.

    Members
    -------
    kind : how rows were chosen
    before, after : stored rows
    """

    name: ClassVar[str] = "condensing"
    kind: Literal["edited", "condensed"]
    before: int
    after: int

    @property
    def words(self) -> str:
        """Summary in one line."""
        return f"{self.kind}: {self.after} of {self.before} stored rows"


def run(model: Model, context: Context) -> Passed[Model]:
    """Return a classifier of nearest neighbours with fewer stored rows, if the user asks for that.

    Raises
    ------
    ConfigurationError
        If the user does and the model is no classifier of nearest neighbours.
    """
    if context.condense == "none":
        return Passed(model)
    fewer, done = condensed(model, context.condense)
    return Passed(fewer, (done,))


def condensed(model: Model, kind: Literal["edited", "condensed"]) -> tuple[Model, Condensing]:
    """Return a classifier of nearest neighbours with fewer stored rows, and how many.

    ``edited`` leaves out the rows that as many of their own neighbours as vote would call another
    class (Wilson, Asymptotic properties of nearest neighbor rules using edited data, 1972).
    ``condensed`` keeps, of the edited rows, those that the single nearest of the kept ones would
    miss, until none is missed (Hart, The condensed nearest neighbor rule, 1968); then one neighbour
    decides.

    Raises
    ------
    ConfigurationError
        If the model is no classifier of nearest neighbours.
    """
    unit = model.units[0] if len(model.units) == 1 else None
    classifier = model.task == "classification"
    if not isinstance(unit, FloatNeighbours) or unit.radius is not None or not classifier:
        raise ConfigurationError(
            f"--condense {kind} leaves out rows that a KNeighborsClassifier stores, and "
            f"{model.family} is none: leave --condense out"
        )
    labels = unit.votes.argmax(axis=1)
    kept = _edited(unit, labels)
    if kind == "condensed":
        kept = kept[_condensed(unit, kept, labels[kept])]
    nearest = min(1 if kind == "condensed" else unit.nearest, len(kept))
    fewer = replace(
        unit,
        stored=unit.stored[kept],
        votes=unit.votes[kept],
        row_ids=tuple(unit.row_ids[row] for row in kept.tolist()),
        nearest=nearest,
    )
    done = Condensing(kind, len(unit.stored), len(kept))
    return replace(model, units=(fewer,), members=nearest), done


def _edited(unit: FloatNeighbours, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows to keep; a class of which none would be left keeps its own."""
    rows = np.arange(len(labels))
    if len(rows) <= unit.nearest:
        return rows
    places = replace(unit, nearest=unit.nearest + 1).places(unit.stored)
    others = np.stack(
        [own[own != row][: unit.nearest] for row, own in zip(rows, places, strict=True)]
    )
    right = unit.votes[others].sum(axis=1).argmax(axis=1) == labels
    gone = [label for label in np.unique(labels) if not right[labels == label].any()]
    return np.asarray(rows[right | np.isin(labels, gone)], dtype=np.int64)


def _condensed(
    unit: FloatNeighbours, rows: NDArray[np.int64], labels: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return places in `rows` of those to keep, rising."""
    values = unit.stored[rows] * unit.scale
    best = np.full(len(rows), np.inf)
    who = np.full(len(rows), len(rows))
    kept: list[int] = []
    again = True
    while again:
        again = False
        for row in range(len(rows)):
            if who[row] < len(rows) and labels[who[row]] == labels[row]:
                continue
            size = np.abs(values - values[row])
            distance = size.max(axis=1) if unit.metric == "linf" else None
            if distance is None:
                distance = (size**2 if unit.metric == "l2" else size).sum(axis=1)
            nearer = (distance < best) | ((distance == best) & (row < who))
            if row in kept:  # an equal row of another class comes first: nothing can help
                continue
            best, who = np.where(nearer, distance, best), np.where(nearer, row, who)
            kept.append(row)
            again = True
    return np.array(sorted(kept), dtype=np.int64)
