"""Reader of clauses in locgen's own JSON: Tsetlin machines, weighted rules, decision lists.

docs/models.md describes the format.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pydantic
from pydantic import ConfigDict, Field

from locgen.errors import ModelFileError
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.reading import Read, Reading
from locgen.ir.float import FloatClauses
from locgen.ir.model import Model, SplitRule

__all__ = ["SUFFIX", "Clause", "RuleSet", "open_clauses", "read"]

SUFFIX = ".clauses.json"
_LARGEST_WEIGHT = 1 << 20
_COMPARED = 512
_STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

Label = str | int | bool
Name = Annotated[str, Field(min_length=1, max_length=200)]


@dataclass(frozen=True)
class Clause:
    """``when`` all of (feature, ``<=`` or ``>``, value) hold: `weight` for a class."""

    __pydantic_config__ = _STRICT

    when: tuple[tuple[Name, Literal["<=", ">"], float], ...]
    answer: Label
    weight: Annotated[int, Field(ge=-_LARGEST_WEIGHT, le=_LARGEST_WEIGHT)] = 1


@dataclass(frozen=True)
class RuleSet:
    """Clauses over named features.

    Members
    -------
    features : names, in the order of the data's columns
    classes : the answers, in the order that ties go to
    clauses : in the order in which a decision list tries them
    decision : ``sum``: the class with the largest sum of weights, ties to the first; ``first``: the
        class of the first clause that holds
    default : the answer of a decision list where no clause holds
    """

    __pydantic_config__ = _STRICT

    features: Annotated[tuple[Name, ...], Field(min_length=1, max_length=4096)]
    classes: Annotated[tuple[Label, ...], Field(min_length=2, max_length=256)]
    clauses: Annotated[tuple[Clause, ...], Field(min_length=1, max_length=65536)]
    decision: Literal["sum", "first"]
    default: Label | None = None
    schema: Literal["locgen.clauses/1"] = "locgen.clauses/1"

    def __post_init__(self) -> None:
        """Check that what the clauses name is there."""
        if len(set(self.features)) != len(self.features):
            raise ValueError("features must be distinct")
        if len({(type(c), c) for c in self.classes}) != len(self.classes):
            raise ValueError("classes must be distinct")
        if (self.decision == "first") != (self.default is not None):
            raise ValueError("a default must be given with the decision first, and not else")
        answers = [clause.answer for clause in self.clauses]
        if self.default is not None:
            answers.append(self.default)
        for answer in answers:
            if answer not in self.classes:
                raise ValueError(f"answer {answer!r} must be one of the classes")
        for clause in self.clauses:
            for name, _, _ in clause.when:
                if name not in self.features:
                    raise ValueError(f"{name!r} must be one of the features")
            if self.decision == "first" and clause.weight != 1:
                raise ValueError("a clause of a decision list must have no weight")

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the answers (rows,) for rows (rows, features), one clause after the other."""
        x = np.asarray(x, dtype=np.float64)
        place = {name: number for number, name in enumerate(self.features)}
        votes = np.zeros((len(x), len(self.classes)), dtype=np.int64)
        open_rows = np.ones(len(x), dtype=bool)
        for clause in self.clauses:
            holds = open_rows.copy()
            for name, operator, value in clause.when:
                column = x[:, place[name]]
                holds &= column <= value if operator == "<=" else column > value
            votes[holds, self.classes.index(clause.answer)] += clause.weight
            if self.decision == "first":
                open_rows &= ~holds
        if self.decision == "first":
            votes[open_rows, self.classes.index(self.default)] += 1
        return np.array(self.classes)[votes.argmax(axis=1)]


_ADAPTER = pydantic.TypeAdapter(RuleSet)


def open_clauses(path: Path) -> RuleSet:
    """Return the rules in a `.clauses.json`.

    Raises
    ------
    ModelFileError
        If it is not JSON, lacks a key, has an unknown one, or describes no rules.
    """
    try:
        return _ADAPTER.validate_json(path.read_bytes())
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "top level"
        cause = "".join(c if c.isprintable() else "?" for c in f"{place}: {first['msg']}")[:200]
        raise ModelFileError(
            f"{path} is no valid set of clauses: {cause}; docs/models.md describes the format"
        ) from error


def read(rules: RuleSet, preprocessing: Preprocessing, read: Read) -> Reading:
    """Read `rules`.

    A clause's weight counts for its class. In a decision list the first clause that holds moves one
    point from the default to its own class.
    """
    place = {name: number for number, name in enumerate(rules.features)}
    weights = np.zeros((len(rules.clauses), len(rules.classes)))
    base = np.zeros(len(rules.classes))
    for number, clause in enumerate(rules.clauses):
        weights[number, rules.classes.index(clause.answer)] += clause.weight
    if rules.decision == "first":
        default = rules.classes.index(rules.default)
        base[default] = 1.0
        weights[:, default] -= 1.0
    model = Model(
        family="DecisionList" if rules.decision == "first" else "Clauses",
        library="locgen.clauses/1",
        task="classification",
        feature_names=rules.features,
        classes=rules.classes,
        trees=(),
        base=tuple(base.tolist()),
        decision="argmax",
        rule=SplitRule(operator="<=", input_dtype="float64", missing=False),
        units=(
            FloatClauses(
                tuple(_literals(clause, place) for clause in rules.clauses),
                weights,
                tuple(range(len(rules.classes))),
                tuple(range(len(rules.clauses))),
                rules.decision == "first",
            ),
        ),
    )
    _compare(model, rules)
    return Reading(model, None)


def _compare(model: Model, rules: RuleSet) -> None:
    """Compare answers at random values beside the cuts.

    Raises
    ------
    ModelFileError
        If one differs.
    """
    random = np.random.default_rng(0)
    columns = []
    for cuts in model.cuts:
        beside = np.concatenate([cuts, np.nextafter(cuts, np.inf), [0.0]])
        columns.append(beside[random.integers(len(beside), size=_COMPARED)])
    x = np.stack(columns, axis=1)
    if not np.array_equal(model.labels(model.decide(model.scores(x))), rules.predict(x)):
        raise ModelFileError("the clauses read differently than they predict: please report it")


def _literals(clause: Clause, place: dict[str, int]) -> tuple[tuple[int, float, bool], ...]:
    return tuple((place[name], value, operator == "<=") for name, operator, value in clause.when)
