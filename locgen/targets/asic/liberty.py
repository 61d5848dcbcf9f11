"""Reader of Liberty files."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from locgen.errors import ConfigurationError
from locgen.targets.asic.cells import Arc, Cell, State, Table
from locgen.targets.asic.expressions import Expression, inputs_of, parse_expression
from locgen.targets.asic.groups import Group, number_of, read_groups

__all__ = ["Library", "read_library"]

_PREFIX = {"": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15, "k": 1e3}
_QUANTITY = re.compile(r"\s*([\d.eE+-]*)\s*([a-zA-Z]*)\s*")


class Library:
    """A library of standard cells at one corner.

    Members
    -------
    path, sha256 : the Liberty file
    name, corner, voltage : its name, its operating conditions in words, volts
    cell_names : all cells, in the order of the file
    """

    def __init__(self, path: Path, text: str, digest: str) -> None:
        self.path, self.sha256 = path, digest
        group = read_groups(text, path.name)
        self._group = group
        self.name = group.arguments[0] if group.arguments else path.stem
        self._cells = {cell.arguments[0]: cell for cell in group.all("cell") if cell.arguments}
        if not self._cells:
            raise ConfigurationError(f"{path} holds no cells: give a library of standard cells")
        self._read: dict[str, Cell] = {}
        self._time = _unit(group.text("time_unit", "1ns"))
        self._volt = _unit(group.text("voltage_unit", "1V"))
        self._leak = _unit(group.text("leakage_power_unit", "1nW"))
        load = group.attributes.get("capacitive_load_unit", ("1", "pf"))
        self._farad = number_of(load[0]) * _unit(f"1{load[1].lower()}")
        # Liberty's unit of energy is that of capacitance times voltage squared.
        self._joule = self._farad * self._volt**2

    @property
    def cell_names(self) -> tuple[str, ...]:
        """Names of all cells, in the order of the file."""
        return tuple(self._cells)

    @cached_property
    def _conditions(self) -> tuple[str, float, float]:
        group, wanted = self._group, self._group.text("default_operating_conditions")
        known = list(group.all("operating_conditions"))
        chosen = [one for one in known if one.arguments[:1] == (wanted,)] or known[:1]
        named = chosen[0].arguments[0] if chosen and chosen[0].arguments else wanted
        inner = chosen[0] if chosen else Group("operating_conditions", ())
        volts = inner.number("voltage", group.number("nom_voltage"))
        kelvin = inner.number("temperature", group.number("nom_temperature", 25.0))
        return named, volts * self._volt, kelvin

    @property
    def time_unit(self) -> float:
        """What the file counts time in, in seconds."""
        return self._time

    @property
    def voltage(self) -> float:
        """Supply in volts."""
        return self._conditions[1]

    @property
    def corner(self) -> str:
        """Operating conditions, such as ``typical, 1.8 V, 25 C``."""
        name, volts, celsius = self._conditions
        return f"{name or 'unnamed'}, {volts:g} V, {celsius:g} C"

    @cached_property
    def has_timing(self) -> bool:
        """Whether the cells have delays: the built-in table has areas alone."""
        return any(cell.transitions for cell in self.plain_cells)

    def area_of(self, name: str) -> float:
        """Return a cell's area in square micrometres, 0 for one that is not there."""
        group = self._cells.get(name)
        return 0.0 if group is None else group.number("area")

    def cell(self, name: str) -> Cell:
        """Return the cell of that name.

        Raises
        ------
        ConfigurationError
            If there is none, or it cannot be read.
        """
        if name not in self._cells:
            raise ConfigurationError(f"{self.path.name} holds no cell {name}")
        if name not in self._read:
            self._read[name] = self._cell(self._cells[name])
        return self._read[name]

    @cached_property
    def plain_cells(self) -> tuple[Cell, ...]:
        """All cells that a netlist may be made of."""
        return tuple(cell for name in self.cell_names if (cell := self.cell(name)).plain)

    def _cell(self, group: Group) -> Cell:
        inputs: dict[str, float] = {}
        outputs: dict[str, Expression] = {}
        power: list[Arc] = []
        transitions: list[Arc] = []
        # Cells of power switches and level shifters look like plain gates otherwise.
        odd = ("dont_use", "dont_touch", "is_isolation_cell", "is_level_shifter", "always_on")
        plain = all(group.text(name) != "true" for name in odd)
        plain &= "__lpflow_" not in group.arguments[0] and not any(group.all("test_cell"))
        for pin in self._pins(group):
            name, direction = pin.arguments[0], pin.text("direction")
            if direction == "input":
                inputs[name] = pin.number("capacitance") * self._farad
            elif direction == "output":
                plain &= "function" in pin.attributes and "three_state" not in pin.attributes
                if "function" in pin.attributes:
                    outputs[name] = parse_expression(pin.text("function"))
            else:
                plain &= direction == "internal"
            for inner in pin.all("internal_power"):
                power += self._arcs(inner, name, "power", self._joule)
            for inner in pin.all("timing"):
                transitions += self._arcs(inner, name, "transition", self._time)
        state = self._state(group)
        known = {*inputs, *(() if state is None else state.names)}
        plain &= bool(outputs) and all(known >= {*inputs_of(f)} for f in outputs.values())
        leaks = [
            (when, one.number("value") * self._leak)
            for one in group.all("leakage_power")
            if (when := one.expression("when")) is not None
        ]
        default = self._group.number("default_cell_leakage_power")
        return Cell(
            name=group.arguments[0],
            area=group.number("area"),
            leakage=group.number("cell_leakage_power", default) * self._leak,
            leakage_when=tuple(leaks),
            inputs=inputs,
            outputs=outputs,
            state=state,
            plain=plain,
            power=tuple(power),
            transitions=tuple(transitions),
        )

    @staticmethod
    def _pins(group: Group) -> Iterator[Group]:
        for pin in group.all("pin", "bus", "bundle"):
            if pin.name == "pin" and pin.arguments:
                yield pin

    @staticmethod
    def _state(group: Group) -> State | None:
        sources = (("ff", "clocked_on", "next_state"), ("latch", "enable", "data_in"))
        for name, clock, data in sources:
            for inner in group.all(name):
                if clock in inner.attributes and data in inner.attributes:
                    state, inverse = (*inner.arguments, "", "")[:2]
                    return State(
                        name == "ff",
                        (state, inverse),
                        parse_expression(inner.text(clock)),
                        parse_expression(inner.text(data)),
                        inner.expression("clear"),
                        inner.expression("preset"),
                    )
        return None

    def _arcs(self, group: Group, pin: str, what: str, unit: float) -> list[Arc]:
        tables = {
            inner.name: self._table(inner, unit)
            for inner in group.all(f"rise_{what}", f"fall_{what}", what)
        }
        both = tables.get(what)
        rise, fall = tables.get(f"rise_{what}", both), tables.get(f"fall_{what}", both)
        if rise is None and fall is None:
            return []
        when = group.expression("when")
        related = group.text("related_pin").split() or [""]
        return [Arc(pin, name, when, rise, fall) for name in related]

    def _table(self, group: Group, unit: float) -> Table:
        template = self._templates.get(group.arguments[0] if group.arguments else "", {})
        axes: list[tuple[str, tuple[float, ...]]] = []
        for place in (1, 2):
            points = group.attributes.get(f"index_{place}", template.get(f"index_{place}"))
            variable = template.get(f"variable_{place}", ("",))[0]
            axes.append(("", (0.0,)) if points is None else (variable, _numbers(points)))
        rows = [_numbers((text,)) for text in group.attributes.get("values", ())]
        flat = [value * unit for row in rows for value in row]
        first, second = (len(points) for _, points in axes)
        if len(flat) != first * second:
            raise ConfigurationError(
                f"{self.path.name}: a table of {group.name} holds {len(flat)} values for "
                f"{first} x {second} points: correct the Liberty file"
            )
        grid = [flat[row * second : (row + 1) * second] for row in range(first)]
        is_load = ["capacitance" in name for name, _ in axes]
        slews, loads = (
            tuple(point * (self._farad if load else self._time) for point in values)
            for load, (_, values) in zip(is_load, axes, strict=True)
        )
        if is_load[0]:
            slews, loads = loads, slews
            grid = [list(column) for column in zip(*grid, strict=True)]
        return Table(slews, loads, tuple(map(tuple, grid)))

    @cached_property
    def _templates(self) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
        names = ("lu_table_template", "power_lut_template")
        return {one.arguments[0]: one.attributes for one in self._group.all(*names)}


def read_library(path: Path) -> Library:
    """Return the library in the Liberty file at `path`.

    Raises
    ------
    ConfigurationError
        If it cannot be read or is no Liberty file.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
    text = data.decode("utf-8", errors="replace")
    return Library(path, text, hashlib.sha256(data).hexdigest())


def _numbers(texts: tuple[str, ...]) -> tuple[float, ...]:
    return tuple(number_of(word) for text in texts for word in text.replace(",", " ").split())


def _unit(text: str) -> float:
    """Return ``1ns`` as 1e-9."""
    found = _QUANTITY.fullmatch(text)
    factor = None
    if found is not None:
        factor = _PREFIX.get(found[2][:-1].lower())
    if found is None or factor is None:
        raise ConfigurationError(f"{text!r} is no unit: correct the Liberty file")
    return number_of(found[1] or "1") * factor
