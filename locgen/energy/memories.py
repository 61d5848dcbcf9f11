"""iCE40 memories for the netlist simulation, with separate contents for each lane."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

__all__ = ["MEMORIES", "BlockRam", "Spram"]

_ROWS = 256
_WORD = 16
_SPRAM_WORDS = 1 << 14


def _number(values: np.ndarray, nets: np.ndarray) -> np.ndarray:
    """Return the number on `nets` in each lane, shape (lanes,)."""
    weights = 1 << np.arange(len(nets), dtype=np.int64)
    return weights @ values[nets].astype(np.int64)


def _pins(cell: Mapping, net: Callable, name: str, width: int) -> np.ndarray:
    """Return the nets of a pin; unconnected bits read 0."""
    bits = list(cell["connections"].get(name, ()))
    return np.array([net(bit) for bit in bits + ["0"] * (width - len(bits))])


class BlockRam:
    """SB_RAM40_4K: one read and one write port, in any of the four widths."""

    def __init__(self, cell: Mapping, net: Callable[[int | str], int]) -> None:
        parameters = cell["parameters"]
        self._write_lane = 1 << int(parameters.get("WRITE_MODE", "0"), 2)
        self._read_lane = 1 << int(parameters.get("READ_MODE", "0"), 2)
        self._raddr, self._waddr = (_pins(cell, net, pin, 11) for pin in ("RADDR", "WADDR"))
        self._mask, self._wdata = (_pins(cell, net, pin, _WORD) for pin in ("MASK", "WDATA"))
        self._enables = {pin: _pins(cell, net, pin, 1)[0] for pin in ("RE", "RCLKE", "WE", "WCLKE")}
        self.outputs = np.array([net(bit) for bit in cell["connections"]["RDATA"]])
        text = "".join(
            parameters.get(f"INIT_{row:X}", "").rjust(256, "0") for row in reversed(range(16))
        )
        bits = np.array([int(c == "1") for c in reversed(text)], dtype=np.uint8)
        self._initial = bits.reshape(_ROWS, _WORD)

    def contents(self, lanes: int) -> np.ndarray:
        """Return the contents after configuration, shape (rows, 16, lanes)."""
        return np.repeat(self._initial[:, :, None], lanes, axis=2)

    def clock(self, values: np.ndarray, contents: np.ndarray) -> np.ndarray:
        """Return the outputs (outputs, lanes) after a rising edge; `contents` is written."""
        every = np.arange(contents.shape[2])
        address = _number(values, self._raddr)
        row = contents[address % _ROWS, :, every].T
        lane = self._read_lane
        bit = np.arange(_WORD)
        select = address // _ROWS % lane
        shown = row[(bit - bit % lane)[:, None] + select, every]
        shown[bit % lane != (lane - 1) // 2] = 0
        read = values[self._enables["RE"]] & values[self._enables["RCLKE"]]
        fresh = np.where(read, shown[: len(self.outputs)], values[self.outputs])

        writes = np.flatnonzero(values[self._enables["WE"]] & values[self._enables["WCLKE"]])
        if len(writes):
            address, lane = _number(values, self._waddr)[writes], self._write_lane
            data = values[self._wdata][bit - bit % lane + (lane - 1) // 2][:, writes]
            if lane == 1:
                enabled = values[self._mask][:, writes] == 0
            else:
                enabled = (address // _ROWS % lane)[None, :] == (bit % lane)[:, None]
            old = contents[address % _ROWS, :, writes].T
            contents[address % _ROWS, :, writes] = np.where(enabled, data, old).T
        return fresh


class Spram:
    """SB_SPRAM256KA: one port of 16 bits, read-only here, with contents given from outside."""

    def __init__(self, cell: Mapping, net: Callable[[int | str], int]) -> None:
        self._address = _pins(cell, net, "ADDRESS", 14)
        self._write = _pins(cell, net, "WREN", 1)[0]
        self.outputs = np.array([net(bit) for bit in cell["connections"]["DATAOUT"]])

    def contents(self, lanes: int) -> np.ndarray:
        """Return the contents before any load, shape (words, 16)."""
        return np.ones((_SPRAM_WORDS, _WORD), dtype=np.uint8)

    def clock(self, values: np.ndarray, contents: np.ndarray) -> np.ndarray:
        """Return the outputs (outputs, lanes) after a rising edge.

        Raises
        ------
        ValueError
            If the netlist writes: contents are shared by all lanes.
        """
        if values[self._write].any():
            raise ValueError("an SPRAM must not be written while toggles are counted")
        return contents[_number(values, self._address)].T[: len(self.outputs)]

    @staticmethod
    def words(numbers: Sequence[int]) -> np.ndarray:
        """Return contents that hold `numbers` from address 0 on."""
        held = np.zeros(_SPRAM_WORDS, dtype=np.int64)
        held[: len(numbers)] = numbers
        return (held[:, None] >> np.arange(_WORD) & 1).astype(np.uint8)


MEMORIES: dict[str, type[BlockRam] | type[Spram]] = {
    "SB_RAM40_4K": BlockRam,
    "SB_SPRAM256KA": Spram,
}
