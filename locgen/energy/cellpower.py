"""Power of standard cells: a library's tables times what was counted.

The method is that of OpenSTA: an output's change costs the mean of the energies for its inputs,
each weighed by how often that input changes and lets the change through; conditions weigh by how
often they held. Slews come from the tables, loads are the capacitances of pins: wires have none.
"""

from dataclasses import dataclass

import numpy as np

from locgen.energy.activity import Activity
from locgen.energy.gates import GateNetlist, Placed, resolved
from locgen.targets.asic.cells import Arc, Table
from locgen.targets.asic.expressions import Expression, truth_table
from locgen.targets.asic.liberty import Library

__all__ = ["CellPower", "power_of"]


@dataclass(frozen=True)
class CellPower:
    """What a netlist of standard cells takes.

    Members
    -------
    leakage_uw : microwatts whatever happens
    internal_pj, switching_pj : picojoules per inference inside cells, and on the nets between them,
        the clock left out
    clock_internal_pj, clock_switching_pj : picojoules per clock cycle at the clock pins of
        flip-flops, and on the clock's net without its buffers
    """

    leakage_uw: float
    internal_pj: float
    switching_pj: float
    clock_internal_pj: float
    clock_switching_pj: float


def power_of(netlist: GateNetlist, library: Library, activity: Activity) -> CellPower:
    """Return the power of `netlist` with the `activity` that was counted in it.

    The netlist must have observed its cells while it was counted.
    """
    toggles = netlist.changes / activity.inferences
    loads = np.zeros(netlist.count)
    for one in netlist.placed:
        for pin, capacitance in one.cell.inputs.items():
            if pin in one.nets:
                loads[one.nets[pin]] += capacitance
    slews = _slews(netlist, loads)
    volts = library.voltage
    driven = sorted(set(netlist.cell_outputs.values()))
    switching = sum(0.5 * loads[net] * volts**2 * toggles[net] for net in driven)
    leakage = internal = clock = 0.0
    for one, seen in zip(netlist.placed, netlist.seen, strict=True):
        chances = _Chances(one, seen)
        leakage += _leakage(one, chances)
        inner, at_clock = _internal(one, chances, toggles, loads, slews, netlist.clock_net)
        internal += inner
        clock += at_clock
    return CellPower(
        leakage_uw=leakage * 1e6,
        internal_pj=float(internal) * 1e12,
        switching_pj=float(switching) * 1e12,
        clock_internal_pj=float(clock) * 1e12,
        clock_switching_pj=float(loads[netlist.clock_net]) * volts**2 * 1e12,
    )


def _slews(netlist: GateNetlist, loads: np.ndarray) -> np.ndarray:
    """Return the transition time of each net in seconds; inputs and clock change at once."""
    slews = np.zeros(netlist.count)
    driver = {}
    for one in netlist.placed:
        for pin in one.cell.outputs:
            if pin in one.nets:
                driver[one.nets[pin]] = (one, pin)
    for net in netlist.order:
        if net not in driver:
            continue
        one, pin = driver[net]
        worst = 0.0
        for arc in one.cell.transitions:
            if arc.pin != pin:
                continue
            at = slews[one.nets[arc.related]] if arc.related in one.nets else 0.0
            for table in (arc.rise, arc.fall):
                if table is not None:
                    worst = max(worst, table.at(at, loads[net]))
        slews[net] = worst
    return slews


class _Chances:
    """How often conditions of a cell's pins held while it was observed."""

    def __init__(self, one: Placed, seen: np.ndarray) -> None:
        self.cell, self.seen = one.cell, seen
        self.pins = tuple(one.pins)
        self.clock = () if one.cell.state is None else (one.cell.state.clock[1],)
        self.total = max(int(seen.sum()), 1)

    def table(self, condition: Expression) -> np.ndarray:
        """Return the share of a clock cycle for which `condition` holds in each state."""
        whole = truth_table(resolved(self.cell, condition), self.pins + self.clock)
        size = 1 << len(self.pins)
        rows = np.array([whole >> row & 1 for row in range(size << len(self.clock))], dtype=float)
        return rows.reshape(-1, size).mean(axis=0)

    def of(self, shares: np.ndarray) -> float:
        """Return the share of time of what holds for `shares` of each state."""
        return float(self.seen @ shares) / self.total

    def lets_through(self, pin: str, related: str) -> float:
        """Return how often a change of `related` would have changed output `pin`."""
        if related not in self.pins:
            return 1.0
        size = 1 << len(self.pins)
        table = truth_table(resolved(self.cell, self.cell.outputs[pin]), self.pins)
        values = np.array([table >> row & 1 for row in range(size)])
        other = np.arange(size) ^ 1 << self.pins.index(related)
        return self.of((values != values[other]).astype(float))


def _leakage(one: Placed, chances: _Chances) -> float:
    """Return watts; the figure without a condition counts where no other holds."""
    rest = np.ones(len(chances.seen))
    total = 0.0
    for condition, watts in one.cell.leakage_when:
        shares = chances.table(condition)
        total += chances.of(shares) * watts
        rest = np.maximum(rest - shares, 0)
    return total + chances.of(rest) * one.cell.leakage


def _internal(
    one: Placed,
    chances: _Chances,
    toggles: np.ndarray,
    loads: np.ndarray,
    slews: np.ndarray,
    clock_net: int,
) -> tuple[float, float]:
    """Return joules per inference, and joules per clock cycle at the clock's pin."""
    data = clock = 0.0
    for pin in (*one.cell.inputs, *one.cell.outputs):
        if pin not in one.nets:
            continue
        arcs = [arc for arc in one.cell.power if arc.pin == pin]
        if not arcs:
            continue
        net = one.nets[pin]
        is_clock = net == clock_net
        changes = 2.0 if is_clock else float(toggles[net])
        load = loads[net] if pin in one.cell.outputs else 0.0
        cost = 0.0
        if pin in one.cell.inputs:
            weights = _condition_weights(arcs, chances)
        else:
            weights = _arc_weights(one, pin, arcs, chances, toggles, clock_net)
        for arc, weight in zip(arcs, weights, strict=True):
            if weight:
                related = arc.related if pin in one.cell.outputs else pin
                at = slews[one.nets[related]] if related in one.nets else 0.0
                cost += weight * _mean(arc.rise, arc.fall, at, load)
        if is_clock:
            clock += changes * cost
        else:
            data += changes * cost
    return data, clock


def _condition_weights(arcs: list[Arc], chances: _Chances) -> list[float]:
    """Return the share of time for which each arc holds; one without a condition takes the rest."""
    rest = np.ones(len(chances.seen))
    tables = [None if arc.when is None else chances.table(arc.when) for arc in arcs]
    for shares in tables:
        if shares is not None:
            rest = np.maximum(rest - shares, 0)
    return [chances.of(rest if shares is None else shares) for shares in tables]


def _arc_weights(
    one: Placed,
    pin: str,
    arcs: list[Arc],
    chances: _Chances,
    toggles: np.ndarray,
    clock_net: int,
) -> list[float]:
    """Return how much of the output's changes each arc accounts for; they amount to 1."""
    weights = [0.0] * len(arcs)
    for related in {arc.related for arc in arcs}:
        places = [place for place, arc in enumerate(arcs) if arc.related == related]
        net = one.nets.get(related, 0)
        changes = 2.0 if net == clock_net else float(toggles[net])
        conditional = any(arcs[place].when is not None for place in places)
        if conditional:
            shares = _condition_weights([arcs[place] for place in places], chances)
        else:
            through = chances.lets_through(pin, related) if related else 1.0
            shares = [through / len(places)] * len(places)
        for place, share in zip(places, shares, strict=True):
            weights[place] = changes * share
    total = sum(weights)
    if total:
        return [weight / total for weight in weights]
    return [1 / len(arcs)] * len(arcs)


def _mean(rise: Table | None, fall: Table | None, slew: float, load: float) -> float:
    """Return the mean of what a rise and a fall cost: they take turns."""
    return sum(table.at(slew, load) for table in (rise, fall) if table is not None) / 2
