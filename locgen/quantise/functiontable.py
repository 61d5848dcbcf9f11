"""Functions of one number as tables, with the error that this makes."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.linalg import solveh_banded

from locgen.ir import Function, Layer

__all__ = [
    "LONGEST_INDEX",
    "FunctionTable",
    "Scale",
    "SoftmaxTables",
    "longest_index",
    "softmax_tables",
    "table_of",
    "useful_span",
]

_FITTED = 4
"""Places that a line is fitted at, as a power of two."""
LONGEST_INDEX = 10
"""Bits of a table's index. A line between entries leaves out f'' / 8 of their distance squared."""
_ROOT = 3
"""By how much more than half the bits of its values a table's index may have."""
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
    slopes : (entries,) what each value grows by up to the next entry
    start, shift : see above
    fraction : as of `ir.layers.Layer`
    scale : what the values stand for
    span : interval of z that the entries cover; beyond it the first or the last serves
    error : most by which a value differs from the function anywhere inside the span
    """

    values: np.ndarray
    slopes: np.ndarray
    start: int
    shift: int
    fraction: int
    scale: Scale
    span: tuple[float, float]
    error: float

    @property
    def words(self) -> str:
        """The span, for a reader."""
        return f"z from {self.span[0]:.4g} to {self.span[1]:.4g}"


@dataclass(frozen=True, eq=False)
class SoftmaxTables:
    """Tables of a softmax of scores in codes, see `ir.softmax.SoftmaxNode`.

    Members
    -------
    power, reciprocal, drop, error : as there
    step : what a step of a probability is worth
    """

    power: Layer
    reciprocal: Layer
    drop: int
    step: float
    error: float


def longest_index(value_bits: int) -> int:
    """Return the bits of the index of a table whose values have `value_bits` bits."""
    return min(value_bits // 2 + _ROOT, LONGEST_INDEX)


def softmax_tables(code: float, count: int, index_bits: int, value_bits: int) -> SoftmaxTables:
    """Return the tables of a softmax of `count` scores whose codes have the step `code`.

    A power that differs by e from the real one moves the sum by at most `count` times that, and a
    reciprocal of a sum from 1 on by no more; so a probability by ``(count + 1) e`` and what the
    reciprocal's table and the last rounding add.
    """
    levels = (1 << value_bits) - 1
    falling = Function("exp")
    far = np.log(2.0 * levels)
    power = table_of(falling, (0.0, far), code, index_bits, value_bits)
    unit = power.scale.step
    rest = Function("reciprocal")
    inverse = table_of(rest, (1.0, float(count)), unit, index_bits, value_bits)
    least = round(inverse.scale.low / inverse.scale.step)
    lost = max(abs(power.scale.low), power.error) + abs(power.scale.low)
    drop = value_bits
    step = unit * inverse.scale.step * (1 << drop)
    missed = inverse.error + abs(inverse.scale.low - least * inverse.scale.step)
    return SoftmaxTables(
        _alone(power, falling.words),
        _alone(inverse, rest.words, least),
        drop,
        step,
        (count + 1) * lost + missed + step / 2,
    )


def _alone(table: FunctionTable, words: str, more: int = 0) -> Layer:
    """Return a table as a layer of one input, with `more` added to its values."""
    return Layer(
        "dot",
        ((1,),),
        (-table.start,),
        table.shift,
        tuple((table.values + more).tolist()),
        tuple(table.slopes.tolist()) if table.fraction else (),
        table.fraction,
        f"{words}, {table.words}",
        table.error,
    )


def useful_span(function: Function, low: float, high: float, bits: int) -> tuple[float, float]:
    """Return `low` to `high` without the ends where `function` changes by less than half a step.

    A step is what `bits` bits tell apart of the values in between.
    """
    if high <= low:
        return low, low
    grid = np.linspace(low, high, _GRID)
    values = function.tabled(grid)
    half = np.ptp(values) / ((1 << bits) - 1) / 2

    def flat(ordered: np.ndarray) -> int:
        reach = np.maximum.accumulate(ordered) - np.minimum.accumulate(ordered)
        return int(np.searchsorted(reach, half, side="right")) - 1

    first, last = flat(values), len(grid) - 1 - flat(values[::-1])
    if first >= last:
        return low, low
    return float(grid[first]), float(grid[last])


@lru_cache(maxsize=256)
def table_of(
    function: Function, span: tuple[float, float], step: float, index_bits: int, value_bits: int
) -> FunctionTable:
    """Return `function` over `span`, of sums in steps of `step`, in at most 2**index_bits entries.

    Lines lead from entry to entry, with the least squared error. A line has steps; each serves a
    run of sums, over which the function is asked at both ends and wherever it turns in between. So
    the error is exact and not sampled.
    """
    first, last = int(np.floor(span[0] / step)), int(np.ceil(span[1] / step))
    shift = 0
    while (last - first) >> shift >= 1 << index_bits:
        shift += 1
    count = ((last - first) >> shift) + 1
    fine = min(shift, _FITTED)
    begin, end = _runs(first, count, shift, fine, step)
    wanted = function.tabled((begin + end) / 2)
    levels, size = (1 << value_bits) - 1, 1 << max((count - 1).bit_length(), 1)
    fraction = shift
    for _ in range(2):  # where a line's steps lie depends on how many it gets
        edges = _nodes(wanted, count, fine, fraction)
        least = float(edges.min())
        unit = (float(edges.max()) - least) / levels or 1.0
        whole = np.rint((edges - least) / unit).astype(np.int64)
        values = np.concatenate([whole[:-1], np.full(size - count, whole[-1])])
        slopes = np.concatenate([np.diff(whole), np.zeros(size - count, dtype=np.int64)])
        fraction = min(shift, int(np.abs(slopes).max()).bit_length())
    begin, end = _runs(first, count, shift, fraction, step)
    table = Layer("dot", ((1,),), (0,), fraction, *_entries(values, slopes, fraction), fraction)
    told = least + unit * table.look_up(np.arange(count << fraction))
    reached = np.stack([function.tabled(begin), function.tabled(end)])
    error = float(np.abs(reached - told).max())
    for turn in function.turns(begin[0], end[-1]):
        place = int(np.searchsorted(begin, turn, side="right")) - 1
        error = max(error, abs(float(function.tabled(np.array(turn))) - told[place]))
    covered = float(begin[0]), float(end[-1])
    scale = Scale(least, unit)
    return FunctionTable(values, slopes, first, shift, fraction, scale, covered, error)


def _runs(
    first: int, count: int, shift: int, fraction: int, step: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and the highest z of each run of sums, (count << fraction,) both."""
    run = np.arange(count << fraction)
    begin = first + (run << shift - fraction)
    return begin * step, (begin + (1 << shift - fraction) - 1) * step


def _nodes(values: np.ndarray, count: int, fine: int, fraction: int) -> np.ndarray:
    """Return the ends (count + 1,) of joined lines that are nearest to `values` of fine runs.

    A line of 2**fraction steps stands half a step lower than where its sums are.
    """
    if not fine:
        return np.append(values, values[-1])
    weight = (np.arange(1 << fine) + 0.5) / (1 << fine) - 0.5 / (1 << fraction)
    target = values.reshape(count, -1)
    diagonal, right = np.zeros(count + 1), np.zeros(count + 1)
    diagonal[:-1] += ((1 - weight) ** 2).sum()
    diagonal[1:] += (weight**2).sum()
    right[:-1] += target @ (1 - weight)
    right[1:] += target @ weight
    beside = np.full(count + 1, (weight * (1 - weight)).sum())
    return solveh_banded(np.stack([beside, diagonal]), right)


def _entries(
    values: np.ndarray, slopes: np.ndarray, fraction: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return a table and its slopes as a layer takes them."""
    return tuple(values.tolist()), tuple(slopes.tolist()) if fraction else ()
