"""Zero-delay simulation of a mapped netlist in NumPy, many lanes side by side."""

import itertools
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from locgen.energy.cells import LIBRARIES, Gate, Parts
from locgen.energy.memories import MEMORIES, BlockRam, Spram

__all__ = ["MappedNetlist", "known_cells"]

_IGNORED = {"$scopeinfo"}


class _FlipFlops(NamedTuple):
    """One control set: (count,) nets of D and Q, and the nets of enable, set and reset."""

    data: np.ndarray
    output: np.ndarray
    enable: int
    clear: int
    value: int
    clear_first: bool


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
