"""Functions of each family's cells, for the netlist simulation in `activity`.

A cell is decomposed into flip-flops and functions of at most four inputs; the nets between them are
not in the netlist and are not counted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["LIBRARIES", "FlipFlop", "Gate", "Parts"]

_XOR, _MUX = 0x6666, 0xCACA  # of two; of three: the third chooses the second


class Gate(NamedTuple):
    """A truth table over four nets; `table`'s bit ``i`` answers the inputs' number ``i``."""

    inputs: tuple[int, int, int, int]
    output: int
    table: int


class FlipFlop(NamedTuple):
    """A register that `clear` brings to `value`: even while not enabled if `clear_first`."""

    data: int
    output: int
    enable: int
    clear: int
    value: int
    start: int
    clear_first: bool


@dataclass
class Parts:
    """One cell, decomposed.

    Members
    -------
    nets, parameters : nets by pin and text by name, as Yosys writes them
    fresh : returns a net that the netlist does not have
    gates, flip_flops : the parts of the cell
    outputs : nets of the cell whose toggles count, by pin
    """

    nets: Mapping[str, int]
    parameters: Mapping[str, str]
    fresh: Callable[[], int]
    gates: list[Gate] = field(default_factory=list)
    flip_flops: list[FlipFlop] = field(default_factory=list)
    outputs: dict[str, int] = field(default_factory=dict)

    def number(self, name: str, default: int = 0) -> int:
        """Return a numeric parameter: bits, or a word in hexadecimal."""
        text = self.parameters.get(name)
        if text is None:
            return default
        return int(text, 16 if text.startswith("0x") else 2)

    def text(self, name: str, default: str) -> str:
        """Return a parameter as text."""
        return self.parameters.get(name, default).strip()

    def pins(self, *names: str) -> tuple[int, int, int, int]:
        """Return the nets of up to four pins; unconnected pins read 0."""
        nets = [self.nets.get(name, 0) for name in names]
        a, b, c, d = (*nets, 0, 0, 0, 0)[:4]
        return a, b, c, d

    def inside(self, inputs: tuple[int, int, int, int], table: int) -> int:
        """Add a function with an internal result and return its net."""
        net = self.fresh()
        self.gates.append(Gate(inputs, net, table))
        return net

    def drive(self, pin: str, inputs: tuple[int, int, int, int], table: int) -> None:
        """Add a function that drives `pin`, if anything listens to it."""
        if pin in self.nets:
            self.gates.append(Gate(inputs, self.nets[pin], table))
            self.outputs[pin] = self.nets[pin]

    def register(
        self,
        data: str,
        clear: int = 0,
        enable: int = 1,
        *,
        value: int = 0,
        start: int = 0,
        clear_first: bool = False,
    ) -> None:
        """Add the flip-flop of pin ``Q``.

        Parameters
        ----------
        data : its data pin
        clear, enable : nets
        value, start : state after `clear`, and at power-on
        clear_first : whether `clear` acts without `enable`
        """
        output, source = self.nets["Q"], self.pins(data)[0]
        flip_flop = FlipFlop(source, output, enable, clear, value, start, clear_first)
        self.flip_flops.append(flip_flop)
        self.outputs["Q"] = output


def _lut(pins: str, output: str, parameter: str) -> Callable[[Parts], None]:
    names = pins.split()

    def lower(cell: Parts) -> None:
        table, size = cell.number(parameter), 1 << len(names)
        repeated = sum((table & (1 << size) - 1) << at for at in range(0, 16, size))
        cell.drive(output, cell.pins(*names), repeated)

    return lower


def _constant(output: str, value: int) -> Callable[[Parts], None]:
    return lambda cell: cell.drive(output, (0, 0, 0, 0), 0xFFFF * value)


def _chooser(zero: str, one: str, select: str, output: str) -> Callable[[Parts], None]:
    return lambda cell: cell.drive(output, cell.pins(zero, one, select), _MUX)


def _ice40_carry(cell: Parts) -> None:
    cell.drive("CO", cell.pins("I0", "I1", "CI"), 0xE8E8)


def _ice40_register(clear: str) -> Callable[[Parts], None]:
    def lower(cell: Parts) -> None:
        enable = cell.nets.get("E", 1)
        # It clears only while enabled.
        cell.register("D", cell.nets.get(clear, 0), enable, value=int(clear == "S"))

    return lower


def _chain(lookup: Callable[[int], int]) -> Callable[[Parts], None]:
    """Two LUTs with two bits of Lattice's carry, which `lookup` gives as a table of (A, B)."""

    def lower(cell: Parts) -> None:
        carry = cell.pins("CIN")[0]
        for half in "01":
            table = cell.number(f"INIT{half}")
            pins = cell.pins(*(f"{letter}{half}" for letter in "ABCD"))
            value = cell.inside(pins, table)
            chained = cell.text(f"INJECT1_{half}", "YES") == "NO"
            cell.drive(f"S{half}", (value, carry if chained else 0, 0, 0), _XOR)
            # The LUT passes the carry on; without it a function of A and B makes one.
            made = lookup(table) if chained else 0
            passes = sum((i >> 1 & 1 if i & 1 else made >> (i >> 2) & 1) << i for i in range(16))
            inputs = (value, carry, pins[0], pins[1])
            if half == "0":
                carry = cell.inside(inputs, passes)
            else:
                cell.drive("COUT", inputs, passes)

    return lower


def _trellis_register(cell: Parts) -> None:
    def told(pin: str, how: str, default: str) -> int:
        if how == "INV":
            return cell.inside(cell.pins(pin), 0x5555)
        return {"1": 1, "0": 0}.get(how, cell.nets.get(pin, 0) if how == default else 0)

    if cell.text("SRMODE", "LSR_OVER_CE") == "ASYNC" or cell.text("CLKMUX", "CLK") != "CLK":
        raise ValueError("flip-flops must work in step with the clock's rising edge")
    start = int(cell.text("REGSET", "RESET") == "SET")
    enable = told("CE", cell.text("CEMUX", "1"), "CE")
    clear = told("LSR", cell.text("LSRMUX", "LSR"), "LSR")
    cell.register("DI", clear, enable, value=start, start=start, clear_first=True)


_ALU_INVERTED = {0: 0x00, 1: 0xFF, 2: 0x0F}
"""Modes that add, subtract, and do either: for which numbers of (I0, I1, I3) I1 is inverted."""


def _gowin_alu(cell: Parts) -> None:
    mode = cell.number("ALU_MODE")
    if mode not in _ALU_INVERTED:
        raise ValueError(f"ALU_MODE must be one of {sorted(_ALU_INVERTED)}, not {mode}")
    inverted = _ALU_INVERTED[mode]
    table = sum(((i ^ i >> 1 ^ inverted >> i % 8) & 1) << i for i in range(16))
    sums = cell.inside(cell.pins("I0", "I1", "I3"), table)
    first, carry = cell.pins("I0", "CIN")[:2]
    cell.drive("SUM", (sums, carry, 0, 0), _XOR)
    cell.drive("COUT", (first, carry, sums, 0), _MUX)


def _gowin_register(pin: str, value: int) -> Callable[[Parts], None]:
    def lower(cell: Parts) -> None:
        start = cell.number("INIT", value)
        clear, enable = cell.nets.get(pin, 0), cell.nets.get("CE", 1)
        cell.register("D", clear, enable, value=value, start=start, clear_first=True)

    return lower


def _nexus_wide(cell: Parts) -> None:
    low, high = (
        cell.inside(cell.pins(*(f"{pin}{half}" for pin in "ABCD")), cell.number(f"INIT{half}"))
        for half in "01"
    )
    cell.drive("Z", (low, high, cell.pins("SEL")[0], 0), _MUX)


def _nexus_register(pin: str, value: int) -> Callable[[Parts], None]:
    def lower(cell: Parts) -> None:
        clear, enable = cell.nets.get(pin, 0), cell.nets.get("SP", 1)
        cell.register("D", clear, enable, value=value, start=value, clear_first=True)

    return lower


_TRELLIS: Mapping[str, Callable[[Parts], None]] = {
    "LUT4": _lut("A B C D", "Z", "INIT"),
    "PFUMX": _chooser("BLUT", "ALUT", "C0", "Z"),
    "L6MUX21": _chooser("D0", "D1", "SD", "Z"),
    "TRELLIS_FF": _trellis_register,
}

LIBRARIES: Mapping[str, Mapping[str, Callable[[Parts], None]]] = {
    "ice40": {
        "SB_LUT4": _lut("I0 I1 I2 I3", "O", "LUT_INIT"),
        "SB_CARRY": _ice40_carry,
        **dict.fromkeys(("SB_DFF", "SB_DFFE"), _ice40_register("")),
        **dict.fromkeys(("SB_DFFSR", "SB_DFFESR"), _ice40_register("R")),
        **dict.fromkeys(("SB_DFFSS", "SB_DFFESS"), _ice40_register("S")),
    },
    "ecp5": {**_TRELLIS, "CCU2C": _chain(lambda table: table & 0xF)},
    "machxo2": {**_TRELLIS, "CCU2D": _chain(lambda table: ~table >> 12 & 0xF)},
    "nexus": {
        "LUT4": _lut("A B C D", "Z", "INIT"),
        "WIDEFN9": _nexus_wide,
        "INV": lambda cell: cell.drive("Z", cell.pins("A"), 0x5555),
        "VHI": _constant("Z", 1),
        "VLO": _constant("Z", 0),
        "FD1P3IX": _nexus_register("CD", 0),
        "FD1P3JX": _nexus_register("PD", 1),
    },
    "gowin": {
        **{
            f"LUT{size}": _lut(" ".join(f"I{pin}" for pin in range(size)), "F", "INIT")
            for size in (1, 2, 3, 4)
        },
        **{f"MUX2_LUT{size}": _chooser("I0", "I1", "S0", "O") for size in (5, 6, 7, 8)},
        "ALU": _gowin_alu,
        "VCC": _constant("V", 1),
        "GND": _constant("G", 0),
        **dict.fromkeys(("DFF", "DFFE"), _gowin_register("", 0)),
        **dict.fromkeys(("DFFR", "DFFRE"), _gowin_register("RESET", 0)),
        **dict.fromkeys(("DFFS", "DFFSE"), _gowin_register("SET", 1)),
    },
}
"""For each family how its cells come apart, by type."""
