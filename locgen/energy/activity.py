"""Toggle counts of a mapped netlist on data rows.

A zero-delay simulation of mapped cells in NumPy, many rows side by side: every lane is a copy of
the design that starts from its power-on state and processes its own rows. The simulation has no
glitches, so toggle counts are a lower bound.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from locgen.energy.cells import LIBRARIES, Gate, Parts
from locgen.energy.memories import MEMORIES, BlockRam, Spram
from locgen.errors import Mismatch

__all__ = ["Activity", "MappedNetlist", "count_toggles", "known_cells"]

_LANES = 64
_IGNORED = {"$scopeinfo"}


class _FlipFlops(NamedTuple):
    """One control set: (count,) nets of D and Q, and the nets of enable, set and reset."""

    data: np.ndarray
    output: np.ndarray
    enable: int
    clear: int
    value: int
    clear_first: bool


@dataclass(frozen=True)
class Activity:
    """Toggle counts of a simulation.

    Members
    -------
    inferences : number of answers counted
    cycles : clock cycles per inference
    toggles_per_inference : changes of all LUT, carry and flip-flop outputs
    by_cell : toggles per inference of each cell, by its name in the netlist
    """

    inferences: int
    cycles: float
    toggles_per_inference: float
    by_cell: dict[str, float]


class SimulatedNetlist(Protocol):
    """A netlist that `count_toggles` simulates, many lanes side by side.

    Members
    -------
    count : number of nets; 0 and 1 are the constants
    starts : nets that are 1 at power-on
    names : nets by name
    cell_outputs : nets whose toggles count, by the cell that drives them
    """

    count: int
    starts: np.ndarray
    names: dict[str, int]
    cell_outputs: dict[str, int]

    def settle(self, values: np.ndarray) -> None:
        """Compute all combinational nets of `values` (nets, lanes) uint8, in place."""

    def contents(self, lanes: int) -> dict[str, np.ndarray]:
        """Return the memories' contents after configuration, by the cell's name."""

    def clock(self, values: np.ndarray, contents: dict[str, np.ndarray] | None = None) -> None:
        """Advance `values` by one rising edge, in place, and `contents` with them."""

    def port(self, name: str) -> np.ndarray:
        """Return the nets of a port, least significant bit first; empty if there is none."""


def known_cells(module: Mapping, library: str) -> bool:
    """Return whether `MappedNetlist` knows all cells of `module`."""
    known = {*LIBRARIES.get(library, ()), *MEMORIES, *_IGNORED}
    return all(cell["type"] in known for cell in module["cells"].values())


class MappedNetlist:
    """A module of mapped cells out of Yosys's JSON.

    `library` is a key of `cells.LIBRARIES`; `memories` maps the names of the module's memory cells
    to their simulation models.

    Raises
    ------
    ValueError
        If the module holds another kind of cell or a combinational loop.
    """

    def __init__(self, module: dict, library: str = "ice40") -> None:
        self.ports = {name: port["bits"] for name, port in module["ports"].items()}
        self.nets: dict[int | str, int] = {"0": 0, "1": 1, "x": 0, "z": 0}
        nets = self.nets
        number = itertools.count(2)

        def net(bit: int | str) -> int:
            if bit not in nets:
                nets[bit] = next(number)
            return nets[bit]

        for bits in self.ports.values():
            for bit in bits:
                net(bit)
        known = LIBRARIES[library]
        gates: list[Gate] = []
        flip_flops: dict[tuple, list[tuple[int, int]]] = {}
        registers: list[tuple[str, int]] = []
        starts: list[int] = []
        self.memories: dict[str, BlockRam | Spram] = {}
        self.cell_outputs: dict[str, int] = {}
        for name, cell in sorted(module["cells"].items()):
            kind = cell["type"]
            if kind in _IGNORED:
                continue
            if kind in MEMORIES:
                self.memories[name] = MEMORIES[kind](cell, net)
                continue
            if kind not in known:
                raise ValueError(
                    f"cells of a mapped netlist must be {', '.join(known)} or memories, not {kind}"
                )
            pins = {pin: net(bits[0]) for pin, bits in cell["connections"].items() if bits}
            parts = Parts(pins, cell["parameters"], lambda: next(number))
            known[kind](parts)
            gates += parts.gates
            several = len(parts.outputs) > 1
            outputs = {f"{name}[{p}]" if several else name: q for p, q in parts.outputs.items()}
            (registers.extend if parts.flip_flops else self.cell_outputs.update)(outputs.items())
            for register in parts.flip_flops:
                data, output, *key, start, first = register
                flip_flops.setdefault((*key, first), []).append((data, output))
                starts += [output] * start
        self.cell_outputs.update(registers)
        for name, memory in self.memories.items():
            self.cell_outputs.update({f"{name}[{bit}]": q for bit, q in enumerate(memory.outputs)})
        self.count = next(number)
        self.starts = np.array(starts, dtype=np.int64)
        self._flip_flops = [
            _FlipFlops(np.array([d for d, _ in group]), np.array([q for _, q in group]), *key)
            for key, group in sorted(flip_flops.items())
        ]
        self.names = {
            f"{name}[{position}]" if len(bits["bits"]) > 1 else name: nets[bit]
            for name, bits in module.get("netnames", {}).items()
            for position, bit in enumerate(bits["bits"])
            if bit in nets
        }
        self._levels = _levelise(gates, self.count)

    def settle(self, values: np.ndarray) -> None:
        """Compute all combinational nets of `values` (nets, lanes) uint8, in place."""
        for inputs, outputs, tables in self._levels:
            a, b, c, d = (values[inputs[:, i]] for i in range(4))
            index = a | b << 1 | c << 2 | d << 3
            values[outputs] = np.take_along_axis(tables, index, axis=1)

    def contents(self, lanes: int) -> dict[str, np.ndarray]:
        """Return the memories' contents after configuration, by the cell's name."""
        return {name: memory.contents(lanes) for name, memory in self.memories.items()}

    def clock(self, values: np.ndarray, contents: dict[str, np.ndarray] | None = None) -> None:
        """Advance `values` by one rising edge, in place, and `contents` with them."""
        read = [
            (memory.outputs, memory.clock(values, (contents or {})[name]))
            for name, memory in self.memories.items()
        ]
        fresh = []
        for group in self._flip_flops:
            held, data = values[group.output], values[group.data]
            clear, enable = values[group.clear], values[group.enable]
            data = np.where(clear, np.uint8(group.value), data)
            fresh.append(np.where(enable | clear if group.clear_first else enable, data, held))
        for group, state in zip(self._flip_flops, fresh, strict=True):
            values[group.output] = state
        for outputs, state in read:
            values[outputs] = state

    def port(self, name: str) -> np.ndarray:
        """Return the nets of a port, least significant bit first; empty if there is none."""
        return np.array([self.nets[bit] for bit in self.ports.get(name, [])], dtype=np.int64)


def _levelise(cells: list[Gate], nets: int) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Return (inputs (n, 4), outputs (n,), truth tables (n, 16)) for each level of logic."""
    level = np.zeros(nets, dtype=np.int64)
    driver = {output: number for number, (_, output, _) in enumerate(cells)}
    fanout: dict[int, list[int]] = {}
    waiting = [0] * len(cells)
    for number, (inputs, _, _) in enumerate(cells):
        for source in {driver[net] for net in inputs if net in driver}:
            fanout.setdefault(source, []).append(number)
            waiting[number] += 1
    ready = [number for number, count in enumerate(waiting) if count == 0]
    levels: dict[int, list[int]] = {}
    done = 0
    while ready:
        number = ready.pop()
        done += 1
        inputs, output, _ = cells[number]
        level[output] = 1 + max(level[net] if net in driver else 0 for net in inputs)
        levels.setdefault(int(level[output]), []).append(number)
        for follower in fanout.get(number, []):
            waiting[follower] -= 1
            if waiting[follower] == 0:
                ready.append(follower)
    if done != len(cells):
        raise ValueError("a mapped netlist must not hold a combinational loop")
    return [
        (
            np.array([cells[n].inputs for n in members]),
            np.array([cells[n].output for n in members]),
            np.array([[cells[n].table >> i & 1 for i in range(16)] for n in members], np.uint8),
        )
        for _, members in sorted(levels.items())
    ]


def count_toggles(
    netlist: SimulatedNetlist,
    payloads: list[int],
    expected: list[int],
    latency: int,
    interval: int,
    *,
    ones: Sequence[str] = (),
    contents: Mapping[str, np.ndarray] | None = None,
    observe: Callable[[np.ndarray, bool], None] | None = None,
) -> Activity:
    """Feed `payloads` through the netlist of a core and count its toggles.

    Rows are dealt to at most 64 lanes, two or more to each, and a lane repeats its own. Counting
    runs from its first answer until each of its rows was answered once more, so that no stage is
    counted before data reach it or after they end.

    Parameters
    ----------
    netlist : the mapped core
    payloads, expected : words at its input, and the packed answers of golden
    latency, interval : cycles of an inference, and between two
    ones : names of registers that are 1 at the start, after a load of memories
    contents : contents of memories that the bitstream does not fill, by the cell's name
    observe : called in every cycle with all settled nets (nets, lanes) and whether it counts

    Raises
    ------
    Mismatch
        If an answer differs from `expected`: this is a netlist simulation too.
    """
    rows = _Rows(netlist, payloads, expected, interval)
    values = np.zeros((netlist.count, rows.lanes), dtype=np.uint8)
    values[1] = 1
    values[netlist.starts] = 1
    values[netlist.port("i__valid")] = 1
    for name in ones:
        values[netlist.names[name]] = 1
    memory = netlist.contents(rows.lanes) | dict(contents or {})
    outputs = np.array(sorted(set(netlist.cell_outputs.values())))
    toggles = np.zeros(len(outputs), dtype=np.int64)
    counted_cycles = 0
    rows.offer(values)
    previous = values[outputs]
    for _ in range(latency + interval * (rows.rounds + 2)):
        netlist.settle(values)
        state = values[outputs]
        counting = rows.answered > 0
        if observe is not None:
            observe(values, counting)
        if counting:
            toggles += np.count_nonzero(state != previous, axis=1)
            counted_cycles += 1
        previous = state
        rows.check(values)
        if rows.answered == rows.rounds + 1:
            break
        accepted = bool(values[netlist.port("i__ready")].all())
        netlist.clock(values, memory)
        if accepted:
            rows.taken += 1
            rows.offer(values)
    else:
        raise Mismatch("the netlist did not answer every row: please report this model")
    inferences = rows.rounds * rows.lanes
    share = toggles / inferences
    position = {int(net): index for index, net in enumerate(outputs)}
    by_cell = {name: float(share[position[net]]) for name, net in netlist.cell_outputs.items()}
    return Activity(inferences, counted_cycles / rows.rounds, float(share.sum()), by_cell)


class _Rows:
    """Rows of payloads dealt to lanes, with their expected answers."""

    def __init__(
        self,
        netlist: SimulatedNetlist,
        payloads: list[int],
        expected: list[int],
        interval: int,
    ) -> None:
        self.lanes = max(min(_LANES, len(payloads) // 2), 1)
        self.rounds = min(len(payloads) // self.lanes, max(2, 4096 // interval))
        self.taken = self.answered = 0
        self._rows = np.arange(self.rounds * self.lanes).reshape(self.rounds, self.lanes)
        self._data, self._answer = netlist.port("i__payload"), netlist.port("o__payload")
        self._valid = netlist.port("o__valid")[0]
        self._stimulus = _bits(payloads, len(self._data))
        self._golden = _bits(expected, len(self._answer))

    def offer(self, values: np.ndarray) -> None:
        """Put the next row of each lane on the input."""
        values[self._data] = self._stimulus[self._rows[self.taken % self.rounds]].T

    def check(self, values: np.ndarray) -> None:
        """Compare the answers with golden in a cycle in which all lanes answer."""
        if not values[self._valid].all():
            return
        due = self._rows[self.answered % self.rounds]
        if not np.array_equal(values[self._answer].T, self._golden[due]):
            raise Mismatch(
                f"netlist answers differ from golden in row {int(due[0])} or one of its lanes: "
                "please report this model"
            )
        self.answered += 1


def _bits(words: list[int], width: int) -> np.ndarray:
    """Return (len(words), width) uint8, least significant bit first."""
    count = -(-width // 8)
    raw = b"".join((word & (1 << width) - 1).to_bytes(count, "little") for word in words)
    packed = np.frombuffer(raw, dtype=np.uint8).reshape(len(words), count)
    return np.unpackbits(packed, axis=1, bitorder="little")[:, :width]
