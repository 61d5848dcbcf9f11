"""Standard cells: functions, state, tables and areas, in SI units."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field

from locgen.targets.asic.expressions import Expression

__all__ = ["Arc", "Cell", "State", "Table"]


@dataclass(frozen=True)
class Table:
    """A quantity over input transition time (seconds) and load (farads), both rising.

    `values` holds one row for each slew; an axis that the table does not have holds a single 0.
    """

    slews: tuple[float, ...]
    loads: tuple[float, ...]
    values: tuple[tuple[float, ...], ...]

    def at(self, slew: float, load: float) -> float:
        """Return the value there, linear between points and beyond the last ones."""
        row, right = _between(self.slews, slew)
        column, up = _between(self.loads, load)
        near = self.values[row]
        if right is None:
            return _mix(near, column, up)
        return _mix(near, column, up) * (1 - right) + _mix(self.values[row + 1], column, up) * right


def _between(axis: tuple[float, ...], value: float) -> tuple[int, float | None]:
    """Return the point below and the share of the way to the next; None without a next one."""
    if len(axis) < 2:
        return 0, None
    place = min(max(bisect_right(axis, value) - 1, 0), len(axis) - 2)
    return place, (value - axis[place]) / (axis[place + 1] - axis[place])


def _mix(row: tuple[float, ...], place: int, share: float | None) -> float:
    return row[place] if share is None else row[place] * (1 - share) + row[place + 1] * share


@dataclass(frozen=True)
class Arc:
    """Tables of `pin` for changes of `related` (empty for any), while `when` holds (None: always).

    A table that the file does not give is None.
    """

    pin: str
    related: str
    when: Expression | None
    rise: Table | None
    fall: Table | None


@dataclass(frozen=True)
class State:
    """State of a flip-flop (`edge_triggered`) or a latch.

    `names` of the state and of its complement; `data` is taken when `clock` rises, or while it
    enables a latch; `clear` and `preset` act at once, None where there is none.
    """

    edge_triggered: bool
    names: tuple[str, str]
    clock: Expression
    data: Expression
    clear: Expression | None = None
    preset: Expression | None = None


@dataclass(frozen=True)
class Cell:
    """A standard cell.

    Members
    -------
    name, area : area in square micrometres
    leakage : watts where no condition holds; leakage_when : condition and watts
    inputs : capacitance of each input pin in farads, by name, in the file's order
    outputs : function of each output pin over inputs and state names, by name
    state : of a flip-flop or latch, None for a gate
    plain : no three-state output, no scan, every output has a function, and not ``dont_use``
    power : energies in joules; transitions : of outputs, in seconds
    """

    name: str
    area: float
    leakage: float = 0.0
    leakage_when: tuple[tuple[Expression, float], ...] = ()
    inputs: Mapping[str, float] = field(default_factory=dict)
    outputs: Mapping[str, Expression] = field(default_factory=dict)
    state: State | None = None
    plain: bool = True
    power: tuple[Arc, ...] = ()
    transitions: tuple[Arc, ...] = ()
