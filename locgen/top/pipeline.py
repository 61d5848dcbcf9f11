"""The registers of the direct fabric, asked for by the name of the unit before them."""

from collections.abc import Sequence
from typing import NamedTuple

from amaranth import *

from locgen.cores import signed_shape
from locgen.plan import DirectPlan

__all__ = ["Owner", "Pipeline", "Score", "add_pairs"]


class Pipeline:
    """Values on their way through the units of a plan.

    Parameters
    ----------
    m : module that registers are added to
    plan : says which units a register follows
    valid : whether there are values at the first unit

    Members
    -------
    valid : whether there are values at the unit reached so far
    beside : what travels along by its name, untouched by the units
    """

    def __init__(self, m: Module, plan: DirectPlan, valid: Value) -> None:
        self.m = m
        self.plan = plan
        self.valid = valid
        self.beside: dict[str, Value] = {}

    def after(self, unit: str, values: Sequence[Value]) -> list[Value]:
        """Return `values` behind `unit`, and its register if there is one."""
        if not self.plan.has_register(unit):
            return list(values)
        for name, value in self.beside.items():
            self.beside[name] = self._register(value, f"{name}_{unit}")
        self.valid = self._register(self.valid, f"{unit}_valid")
        return [self._register(value, f"{unit}_{number}") for number, value in enumerate(values)]

    def _register(self, value: Value, name: str) -> Signal:
        held = Signal.like(value, name=name)
        self.m.d.sync += held.eq(value)
        return held


Owner = int | tuple[int, int]
"""An output, or (expert, output)."""


class Score(NamedTuple):
    """A summand of an output's score, its interval, and what it is added up for."""

    owner: Owner
    value: Value
    low: int
    high: int


def add_pairs(m: Module, scores: Sequence[Score], level: int) -> list[Score]:
    """Return sums of neighbouring scores of the same owner."""
    waiting: dict[Owner, Score] = {}
    sums: list[Score] = []
    for score in scores:
        other = waiting.pop(score.owner, None)
        if other is None:
            waiting[score.owner] = score
            continue
        low, high = score.low + other.low, score.high + other.high
        total = Signal(signed_shape(low, high), name=f"sum_{level}_{len(sums)}")
        m.d.comb += total.eq(other.value + score.value)
        sums.append(Score(score.owner, total, low, high))
    return [*sums, *waiting.values()]
