"""Entries of the registry of estimators and preprocessing steps."""

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal

from sklearn.base import BaseEstimator

from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.reading import Extend, Read, Reading
from locgen.frontends.step_outputs import Outputs

__all__ = ["Entry", "Estimator", "KernelMap", "Reader", "Row", "Step", "estimators", "lazy"]

Pair = tuple[str, str]
Reader = Callable[[BaseEstimator, Preprocessing, Read], Reading]
"""From a fitted estimator, the preprocessing before it and what reads its members to its model."""
StepReader = Callable[[BaseEstimator, Preprocessing, Extend], Outputs]
"""From a fitted transformer, the preprocessing before it and what reads its steps to outputs."""
MapReader = Callable[[BaseEstimator, BaseEstimator, Preprocessing, Read], Reading]
"""From a fitted map, the model behind it, the preprocessing before it and what reads that model."""


@dataclass(frozen=True)
class Row:
    """A row of a table in docs/models.md.

    Members
    -------
    table : which one
    title : the first cell; ``{}`` stands for the names of the estimators that have this row
    becomes : what they become, or what is added up
    decision : how they decide; of ensembles what the second stage computes
    evidence : what explains an answer; of trees how they compare; of ensembles how they decide
    """

    table: Literal["trees", "arithmetic", "ensembles"]
    title: str
    becomes: str
    decision: str
    evidence: str


@dataclass(frozen=True)
class Entry:
    """A class that locgen knows by the name under which a pickle finds it.

    Members
    -------
    module, name : of the class
    parts : what else files of it use: modules, each with the names that are taken from it
    pickled : whether a pickle or skops file may hold it
    """

    module: str
    name: str
    parts: tuple[tuple[str, ...], ...] = field(default=(), kw_only=True)
    pickled: bool = field(default=True, kw_only=True)

    @property
    def pair(self) -> Pair:
        """Return module and name."""
        return self.module, self.name


@dataclass(frozen=True)
class Estimator(Entry):
    """An estimator that locgen builds.

    Members
    -------
    reader : see `Reader`
    rows : of the documentation
    extra : locgen's extra that installs its library
    nearest_of : estimators that locgen refuses, and names this one instead
    member : whether it may be part of another model
    takes : what it takes before it, where it is the whole model
    listed : whether refusals and documentation name the class itself
    """

    reader: Reader
    rows: tuple[Row, ...] = ()
    extra: str = ""
    nearest_of: tuple[str, ...] = ()
    member: bool = True
    takes: Literal["steps", "scalers", "nothing"] = "steps"
    listed: bool = True


@dataclass(frozen=True)
class Step(Entry):
    """A transformer that may stand before a model; `reader` is a `StepReader`."""

    reader: StepReader


@dataclass(frozen=True)
class KernelMap(Entry):
    """A transformer that makes a kernel machine of the linear model behind it."""

    reader: MapReader


def estimators(
    reader: Reader, rows: Row | tuple[Row, ...], *classes: str, **settings: Any
) -> tuple[Estimator, ...]:
    """Return the entries of all estimators that one reader reads.

    Parameters
    ----------
    classes : ``"module: name name"``
    rows, settings : see `Estimator`
    """
    owned = (rows,) if isinstance(rows, Row) else rows
    return tuple(
        Estimator(module, name, reader, owned, **settings)
        for module, names in (text.split(":") for text in classes)
        for name in names.split()
    )


def lazy(module: str, name: str) -> Reader:
    """Return the reader `name` of a module that needs an optional library."""

    def read(last: BaseEstimator, preprocessing: Preprocessing, read: Read) -> Reading:
        return getattr(import_module(module), name)(last, preprocessing, read)

    return read
