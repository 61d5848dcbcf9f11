"""Zero-delay simulation of a netlist of standard cells, for `activity.count_toggles`."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from locgen.targets.asic.cells import Cell
from locgen.targets.asic.expressions import Expression, inputs_of, truth_table
from locgen.targets.asic.liberty import Library

__all__ = ["GateNetlist", "Placed", "resolved"]

_IGNORED = {"$scopeinfo"}


@dataclass(frozen=True)
class Placed:
    """A cell of the netlist with the nets at its pins.

    Members
    -------
    name, cell : its name in the netlist, and what it is
    pins : net of each input pin and, for a flip-flop, of its state, the clock left out
    nets : net of every connected pin, by name
    """

    name: str
    cell: Cell
    pins: Mapping[str, int]
    nets: Mapping[str, int]


def resolved(cell: Cell, expression: Expression) -> Expression:
    """Return `expression` over inputs and the state's first name: outputs are replaced."""
    kind, *parts = expression
    if kind == "constant":
        return expression
    if kind != "pin":
        return (kind, *(resolved(cell, part) for part in parts))
    if cell.state is not None and parts[0] == cell.state.names[1]:
        return ("not", ("pin", cell.state.names[0]))
    if parts[0] in cell.outputs:
        return resolved(cell, cell.outputs[parts[0]])
    return expression


class GateNetlist:
    """A module of standard cells out of Yosys's JSON.

    It offers what `MappedNetlist` does; `cell_outputs` calls the outputs of a cell with several
    ``cell.pin``. `order` holds every net that a cell drives behind those it depends on. `observe`
    counts how often each net changed, `changes` (nets,), and each cell was in each state, `seen`.

    Raises
    ------
    ValueError
        If the module holds a cell that is not simulated: latches, flip-flops of a falling clock or
        with a set or clear; or a combinational loop.
    """

    def __init__(self, module: Mapping, library: Library, clock: str = "clk") -> None:
        self.ports = {name: port["bits"] for name, port in module["ports"].items()}
        self.nets: dict[int | str, int] = {"0": 0, "1": 1, "x": 0, "z": 0}
        self.memories: dict = {}
        for bits in self.ports.values():
            for bit in bits:
                self._net(bit)
        (clock_bit,) = self.ports[clock]
        self.clock_net = self._net(clock_bit)
        self.placed: list[Placed] = []
        self.cell_outputs: dict[str, int] = {}
        gates: list[tuple[list[int], int, int]] = []
        states: list[tuple[list[int], int, int]] = []
        for name, entry in sorted(module["cells"].items()):
            if entry["type"] not in _IGNORED:
                self._place(name, library.cell(entry["type"]), entry["connections"], gates, states)
        self.names = {
            f"{name}[{position}]" if len(bits["bits"]) > 1 else name: self.nets[bit]
            for name, bits in module.get("netnames", {}).items()
            for position, bit in enumerate(bits["bits"])
            if bit in self.nets
        }
        self.names |= {
            f"{one.name}.state": one.pins[one.cell.state.names[0]]
            for one in self.placed
            if one.cell.state is not None
        }
        self.count = max(self.nets.values()) + 1
        self.starts = np.zeros(0, dtype=np.int64)  # which registers start at 1 is told by name
        self._levels = _levelise(gates)
        self.order = [
            int(net) for groups in self._levels for _, outputs, _ in groups for net in outputs
        ]
        self.changes = np.zeros(self.count, dtype=np.int64)
        self._before: np.ndarray | None = None
        self._states = _grouped(states)
        widths = sorted({len(one.pins) for one in self.placed})
        self._watched = []
        for width in widths:
            numbers = [n for n, one in enumerate(self.placed) if len(one.pins) == width]
            pins = np.array([list(self.placed[n].pins.values()) for n in numbers], dtype=np.int64)
            self._watched.append((numbers, pins.reshape(len(numbers), width)))
        self._histograms = [
            np.zeros(len(numbers) << pins.shape[1], dtype=np.int64)
            for numbers, pins in self._watched
        ]

    def _net(self, bit: int | str) -> int:
        # 0 and 1 are the constants; "x" and "z" share the former.
        return self.nets.setdefault(bit, max(len(self.nets) - 2, 2))

    def _place(
        self, name: str, cell: Cell, connections: Mapping, gates: list, states: list
    ) -> None:
        nets = {pin: self._net(bits[0]) for pin, bits in connections.items() if bits}
        pins = {pin: nets.get(pin, 0) for pin in cell.inputs}
        state = cell.state
        if state is not None:
            plain = state.edge_triggered and state.clock[0] == "pin"
            if not plain or state.clear is not None or state.preset is not None:
                raise ValueError(
                    f"cells must be gates or flip-flops of a rising clock, not {cell.name}"
                )
            if pins.pop(state.clock[1]) != self.clock_net:
                raise ValueError(f"{name} must run on the only clock")
            pins[state.names[0]] = self._net(f"{name}.state")
            order = tuple(pins)
            states.append(
                (
                    list(pins.values()),
                    pins[state.names[0]],
                    truth_table(resolved(cell, state.data), order),
                )
            )
        for pin, function in cell.outputs.items():
            if pin not in nets:
                continue
            # Of a flip-flop's pins its output reads the state alone: its input may depend on it.
            function = resolved(cell, function)
            order = inputs_of(function)
            gates.append(([pins[one] for one in order], nets[pin], truth_table(function, order)))
            self.cell_outputs[name if len(cell.outputs) == 1 else f"{name}.{pin}"] = nets[pin]
        self.placed.append(Placed(name, cell, pins, nets))

    def settle(self, values: np.ndarray) -> None:
        """Compute all combinational nets of `values` (nets, lanes) uint8, in place."""
        for groups in self._levels:
            for inputs, outputs, tables in groups:
                values[outputs] = np.take_along_axis(tables, _index(values, inputs), axis=1)

    def contents(self, lanes: int) -> dict[str, np.ndarray]:
        """Return what the memories hold: there are none."""
        return {}

    def clock(self, values: np.ndarray, contents: object = None) -> None:
        """Advance `values` by one rising edge, in place."""
        fresh = [
            (outputs, np.take_along_axis(tables, _index(values, inputs), axis=1))
            for inputs, outputs, tables in self._states
        ]
        for outputs, state in fresh:
            values[outputs] = state

    def port(self, name: str) -> np.ndarray:
        """Return the nets of a port, least significant bit first; empty if there is none."""
        return np.array([self.nets[bit] for bit in self.ports.get(name, [])], dtype=np.int64)

    def observe(self, values: np.ndarray, counts: bool) -> None:
        """Note the settled `values` (nets, lanes) of a cycle, if it `counts`."""
        before, self._before = self._before, values.copy()
        if not counts:
            return
        self.changes += np.count_nonzero(values != before, axis=1)
        for (_, pins), histogram in zip(self._watched, self._histograms, strict=True):
            count, width = pins.shape
            base = np.arange(count, dtype=np.int64)[:, None] << width
            index = base + _index(values, pins)
            histogram += np.bincount(index.ravel(), minlength=len(histogram))

    @property
    def seen(self) -> list[np.ndarray]:
        """How often each state of each cell of `placed` was observed, (2**pins,) integers.

        The cell's first pin (of `Placed.pins`) is in the lowest bit.
        """
        result: list[np.ndarray] = [np.zeros(1, dtype=np.int64)] * len(self.placed)
        for (numbers, pins), histogram in zip(self._watched, self._histograms, strict=True):
            rows = histogram.reshape(len(numbers), 1 << pins.shape[1])
            for number, row in zip(numbers, rows, strict=True):
                result[number] = row
        return result

    def after_reset(self, reset: str = "rst", cycles: int = 4) -> list[str]:
        """Return the names of the states that are 1 after a few cycles of reset."""
        values = np.zeros((self.count, 1), dtype=np.uint8)
        values[1] = 1
        values[self.port(reset)] = 1
        for _ in range(cycles):
            self.settle(values)
            self.clock(values)
        return [
            name for name, net in self.names.items() if name.endswith(".state") and values[net, 0]
        ]


def _index(values: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """Return the number that the nets of each row of `inputs` (cells, pins) hold, in each lane."""
    index = np.zeros((len(inputs), values.shape[1]), dtype=np.int64)
    for position in range(inputs.shape[1]):
        index |= values[inputs[:, position]].astype(np.int64) << position
    return index


def _grouped(
    gates: list[tuple[list[int], int, int]],
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Return (inputs (n, k), outputs (n,), truth tables (n, 2**k)) for each number of inputs k."""
    result = []
    for width in sorted({len(inputs) for inputs, _, _ in gates}):
        same = [gate for gate in gates if len(gate[0]) == width]
        inputs = np.array([gate[0] for gate in same], dtype=np.int64).reshape(len(same), width)
        outputs = np.array([gate[1] for gate in same], dtype=np.int64)
        tables = np.array(
            [[table >> row & 1 for row in range(1 << width)] for _, _, table in same], np.uint8
        )
        result.append((inputs, outputs, tables))
    return result


def _levelise(
    gates: list[tuple[list[int], int, int]],
) -> list[list[tuple[np.ndarray, np.ndarray, np.ndarray]]]:
    """Return the gates of each level of logic, grouped by their number of inputs."""
    driver = {output: number for number, (_, output, _) in enumerate(gates)}
    followers: dict[int, list[int]] = {}
    waiting = [0] * len(gates)
    for number, (inputs, _, _) in enumerate(gates):
        for source in {driver[net] for net in inputs if net in driver}:
            followers.setdefault(source, []).append(number)
            waiting[number] += 1
    level = [0] * len(gates)
    ready = [number for number, count in enumerate(waiting) if count == 0]
    done = 0
    while ready:
        number = ready.pop()
        done += 1
        for follower in followers.get(number, []):
            level[follower] = max(level[follower], level[number] + 1)
            waiting[follower] -= 1
            if waiting[follower] == 0:
                ready.append(follower)
    if done != len(gates):
        raise ValueError("a mapped netlist must not hold a combinational loop")
    by_level: dict[int, list[tuple[list[int], int, int]]] = {}
    for number, gate in enumerate(gates):
        by_level.setdefault(level[number], []).append(gate)
    return [_grouped(members) for _, members in sorted(by_level.items())]
