"""Toggle counts of a mapped netlist on data rows.

A zero-delay simulation of mapped cells in NumPy, many rows side by side: every lane is a copy of
the design that starts from its power-on state and processes its own rows. The simulation has no
glitches, so toggle counts are a lower bound.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from locgen.errors import Mismatch

__all__ = ["Activity", "SimulatedNetlist", "count_toggles"]

_LANES = 64


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
    runs from its first answer until each row was answered once more, so every stage has data.

    Parameters
    ----------
    netlist : the mapped core
    payloads, expected : words at its input, and the packed answers of golden
    latency, interval : cycles of an inference, and between two
    ones : names of registers that are 1 at the start
    contents : contents of memories that the bitstream does not fill, by the cell's name
    observe : called in every cycle with all settled nets (nets, lanes) and whether it counts

    Raises Mismatch if an answer differs from `expected`: this is a netlist simulation too.
    """
    rows = _Rows(netlist, payloads, expected, interval)
    values = np.zeros((netlist.count, rows.lanes), dtype=np.uint8)
    set_nets = [1, *netlist.starts, *netlist.port("i__valid"), *(netlist.names[n] for n in ones)]
    values[set_nets] = 1
    memory = netlist.contents(rows.lanes) | dict(contents or {})
    outputs = np.array(sorted(set(netlist.cell_outputs.values())))
    toggles = np.zeros(len(outputs), dtype=np.int64)
    counted_cycles, ready = 0, netlist.port("i__ready")
    rows.offer(values)
    previous = values[outputs]
    for _ in range(latency + interval * (rows.rounds + 2)):
        netlist.settle(values)
        state = values[outputs]
        if observe is not None:
            observe(values, rows.answered > 0)
        if rows.answered:
            toggles += np.count_nonzero(state != previous, axis=1)
            counted_cycles += 1
        previous = state
        rows.check(values)
        if rows.answered == rows.rounds + 1:
            break
        accepted = bool(values[ready].all())
        netlist.clock(values, memory)
        if accepted:
            rows.offer(values)
    else:
        raise Mismatch("the netlist did not answer every row: please report this model")
    inferences = rows.rounds * rows.lanes
    share = dict(zip(outputs.tolist(), (toggles / inferences).tolist(), strict=True))
    by_cell = {name: share[net] for name, net in netlist.cell_outputs.items()}
    whole = float((toggles / inferences).sum())
    return Activity(inferences, counted_cycles / rows.rounds, whole, by_cell)


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
        self._taken = self.answered = 0
        self._rows = np.arange(self.rounds * self.lanes).reshape(self.rounds, self.lanes)
        self._data, self._answer = netlist.port("i__payload"), netlist.port("o__payload")
        self._valid = netlist.port("o__valid")[0]
        self._stimulus = _bits(payloads, len(self._data))
        self._golden = _bits(expected, len(self._answer))

    def offer(self, values: np.ndarray) -> None:
        """Put the next row of each lane on the input."""
        values[self._data] = self._stimulus[self._rows[self._taken % self.rounds]].T
        self._taken += 1

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
