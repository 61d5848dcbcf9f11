"""The contract of the components that compute the steps of a decision."""

from collections.abc import Sequence
from typing import Generic, TypeVar

from amaranth import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from locgen.ir.decisions import Step

__all__ = ["DecisionStep", "Word"]

S = TypeVar("S", bound=Step)
Word = data.StructLayout | int
"""A layout, or a number of bits."""


class DecisionStep(wiring.Component, Generic[S]):
    """One combinational step of a decision.

    Parameters
    ----------
    step : what it computes

    Members
    -------
    i : In, all scores side by side, or the result of the step before
    o : Out, the step's result
    """

    def __init__(self, step: S) -> None:
        self.step = step
        i, o = self.shapes()
        super().__init__({"i": In(i), "o": Out(o)})

    def shapes(self) -> tuple[Word, Word]:
        """Return the shapes of `i` and `o`."""
        raise NotImplementedError

    @classmethod
    def parts(cls, step: S, units: int, alone: bool) -> Sequence[wiring.Component]:
        """Return `step` in `units` parts, between which registers may stand; or all of it.

        `alone` says that the decision is asked for without the scores. The first of several parts
        takes ``enter(step, i)``, each the one before's `o`; `o` is ``leave`` of the last one's.
        """
        return (cls(step),)

    @classmethod
    def enter(cls, step: S, word: Value) -> Value:
        """Return what the first of several parts takes, from what the step takes."""
        return word

    @classmethod
    def leave(cls, step: S, word: Value) -> Value:
        """Return the step's result from that of the last of several parts."""
        return word

    @classmethod
    def serial(cls, step: S) -> wiring.Component | None:
        """Return what does the same as scores arrive, None where nothing does."""
        return None
