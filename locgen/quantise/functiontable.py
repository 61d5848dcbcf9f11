"""Functions of one number as tables, with the error that this makes."""

from dataclasses import dataclass

import numpy as np

from locgen.ir import Function

__all__ = ["FunctionTable", "Scale", "table_of", "useful_span"]

_GRID = 4097
"""Places at which a function is asked where it stops changing."""


@dataclass(frozen=True)
class Scale:
    """What integers stand for: ``low + integer * step``."""

    low: float
    step: float


@dataclass(frozen=True, eq=False)
class FunctionTable:
    """A function of ``z = sum * step`` as a table of ``clip((sum - start) >> shift)``.

    Members
    -------
    values : (entries,) integers, as many as a power of two
    start, shift : see above
    scale : what the values stand for
    span : interval of z that the entries cover; beyond it the first or the last serves
    error : most by which a value differs from the function anywhere inside the span
    """

    values: np.ndarray
    start: int
    shift: int
    scale: Scale
    span: tuple[float, float]
    error: float

    @property
    def words(self) -> str:
        """The span, for a reader."""
        return f"z from {self.span[0]:.4g} to {self.span[1]:.4g}"


def useful_span(function: Function, low: float, high: float, bits: int) -> tuple[float, float]:
    """Return `low` to `high` without the ends where `function` changes by less than half a step.

    A step is what `bits` bits tell apart of the values in between.
    """
    if high <= low:
        return low, low
    grid = np.linspace(low, high, _GRID)
    values = function.evaluate(grid)
    half = np.ptp(values) / ((1 << bits) - 1) / 2

    def flat(ordered: np.ndarray) -> int:
        reach = np.maximum.accumulate(ordered) - np.minimum.accumulate(ordered)
        return int(np.searchsorted(reach, half, side="right")) - 1

    first, last = flat(values), len(grid) - 1 - flat(values[::-1])
    if first >= last:
        return low, low
    return float(grid[first]), float(grid[last])


def table_of(
    function: Function, span: tuple[float, float], step: float, index_bits: int, value_bits: int
) -> FunctionTable:
    """Return `function` over `span`, of sums in steps of `step`, in at most 2**index_bits entries.

    Each entry stands in the middle between the lowest and the highest that the function reaches
    over the sums that lead to it. Those are whole numbers, the function's turns included, so the
    error is exact and not sampled.
    """
    first, last = int(np.floor(span[0] / step)), int(np.ceil(span[1] / step))
    shift = 0
    while (last - first) >> shift >= 1 << index_bits:
        shift += 1
    count = ((last - first) >> shift) + 1
    begin = first + (np.arange(count) << shift)
    ends = np.stack([begin, begin + (1 << shift) - 1]) * step
    reached = function.evaluate(ends)
    low, high = reached.min(axis=0), reached.max(axis=0)
    for turn in function.turns(ends[0, 0], ends[1, -1]):
        entry = int(np.searchsorted(ends[0], turn, side="right")) - 1
        if ends[0, entry] <= turn <= ends[1, entry]:
            value = float(function.evaluate(np.array(turn)))
            low[entry], high[entry] = min(low[entry], value), max(high[entry], value)
    middle = (low + high) / 2
    least, levels = float(middle.min()), (1 << value_bits) - 1
    unit = (float(middle.max()) - least) / levels or 1.0
    values = np.rint((middle - least) / unit).astype(np.int64)
    told = least + values * unit
    error = float(np.maximum(high - told, told - low).max())
    size = 1 << max((count - 1).bit_length(), 1)
    padded = np.concatenate([values, np.full(size - count, values[-1])])
    covered = float(ends[0, 0]), float(ends[1, -1])
    return FunctionTable(padded, first, shift, Scale(least, unit), covered, error)
