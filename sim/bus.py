"""Bus functional models of the other side: Wishbone and AXI4-Lite, and ends of AXI4-Streams."""

from .scoreboard import read

__all__ = ["AxiLiteMaster", "AxiStreamSink", "AxiStreamSource", "BusError", "WishboneMaster"]


class BusError(Exception):
    """The peripheral answered with an error."""


class _Pins:
    """Handles of signals with a common prefix, those that are inputs at a level of 0."""

    def __init__(self, domain, dut, prefix: str, inputs: list):
        self._domain, self._dut, self._prefix = domain, dut, prefix
        for name in inputs:
            self[name].value = 0

    def __getitem__(self, name: str):
        return getattr(self._dut, self._prefix + name)

    def set(self, **values: int) -> None:
        for name, value in values.items():
            self[name].value = value

    async def edge(self, *names: str) -> list:
        """Wait for a rising edge; return the levels before it."""
        await self._domain.edge
        return [read(self[name]) for name in names]

    async def until(self, name: str, limit: int = 1000) -> None:
        """Wait for the edge before which a signal is 1."""
        for _ in range(limit):
            if (await self.edge(name))[0] == 1:
                return
        raise BusError(f"{name} never became 1")


class WishboneMaster:
    """The master of a Wishbone B4 bus, classic cycles of 32 bits.

    Parameters
    ----------
    domain
        The `ClockDomain` of the bus.
    dut, prefix
        The handle that holds ``cyc stb we adr dat_w sel dat_r ack err``, and their prefix.
    """

    def __init__(self, domain, dut, prefix: str):
        self._pins = _Pins(domain, dut, prefix, ["cyc", "stb", "we", "adr", "dat_w", "sel"])

    async def write(self, address: int, value: int, select: int = 0xF) -> None:
        """Write a word to a byte address; raise BusError if the peripheral refuses it."""
        self._pins.set(we=1, dat_w=value, sel=select)
        await self._cycle(address)

    async def read(self, address: int) -> int:
        """Return the word at a byte address."""
        self._pins.set(we=0, sel=0xF)
        return await self._cycle(address)

    async def _cycle(self, address: int) -> int:
        pins = self._pins
        pins.set(cyc=1, stb=1, adr=address // 4)
        for _ in range(1000):
            ack, err, value = await pins.edge("ack", "err", "dat_r")
            if ack == 1 or err == 1:
                break
        else:
            raise BusError("neither ack nor err came")
        pins.set(cyc=0, stb=0)
        await pins.edge()
        if err == 1:
            raise BusError(f"err at {address:#x}")
        return value


class AxiLiteMaster:
    """The manager of an AXI4-Lite bus of 32 bits.

    Parameters
    ----------
    domain
        The `ClockDomain` of the bus.
    dut, prefix
        The handle that holds ``awaddr`` and the others, and their prefix, such as ``"s_axi_"``.
    """

    def __init__(self, domain, dut, prefix: str):
        names = "awaddr awprot awvalid wdata wstrb wvalid bready araddr arprot arvalid rready"
        self._pins = _Pins(domain, dut, prefix, names.split())

    async def write(self, address: int, value: int, strobe: int = 0xF) -> None:
        """Write a word to a byte address; raise BusError if the peripheral refuses it."""
        pins = self._pins
        pins.set(awaddr=address, awvalid=1, wdata=value, wstrb=strobe, wvalid=1, bready=1)
        waiting = {"awready": "awvalid", "wready": "wvalid"}
        for _ in range(1000):
            levels = await pins.edge("awready", "wready")
            for name, level in zip(("awready", "wready"), levels, strict=True):
                if level == 1 and name in waiting:
                    pins.set(**{waiting.pop(name): 0})
            if not waiting:
                break
        else:
            raise BusError("a write was never taken")
        await pins.until("bvalid")
        pins.set(bready=0)
        if read(pins["bresp"]) != 0:
            raise BusError(f"response {read(pins['bresp'])} to a write at {address:#x}")

    async def read(self, address: int) -> int:
        """Return the word at a byte address; raise BusError if the peripheral refuses it."""
        pins = self._pins
        pins.set(araddr=address, arvalid=1, rready=1)
        await pins.until("arready")
        pins.set(arvalid=0)
        for _ in range(1000):
            valid, value, response = await pins.edge("rvalid", "rdata", "rresp")
            if valid == 1:
                break
        else:
            raise BusError("rvalid never became 1")
        pins.set(rready=0)
        if response != 0:
            raise BusError(f"response {response} to a read at {address:#x}")
        return value


class AxiStreamSource:
    """Drives an AXI4-Stream: ``tdata tvalid tlast tready`` behind a prefix such as ``s_axis_``."""

    def __init__(self, domain, dut, prefix: str):
        self._pins = _Pins(domain, dut, prefix, ["tdata", "tvalid", "tlast"])

    async def send_all(self, beats, stalls) -> None:
        """Send beats (data, last), each after so many idle clocks."""
        pins = self._pins
        for (value, last), idle in zip(beats, stalls, strict=True):
            for _ in range(idle):
                await pins.edge()
            pins.set(tdata=value, tlast=last, tvalid=1)
            await pins.until("tready", 100_000)
            pins.set(tvalid=0)


class AxiStreamSink:
    """Takes from an AXI4-Stream behind a prefix such as ``m_axis_``."""

    def __init__(self, domain, dut, prefix: str):
        self._pins = _Pins(domain, dut, prefix, ["tready"])

    async def receive(self, count: int, stalls, timeout_cycles: int) -> list:
        """Return up to `count` beats (data, last), ready again after so many clocks each."""
        pins, beats = self._pins, []
        while len(beats) < count and timeout_cycles > 0:
            for _ in range(stalls[len(beats)]):
                await pins.edge()
            pins.set(tready=1)
            while timeout_cycles > 0:
                timeout_cycles -= 1
                valid, value, last = await pins.edge("tvalid", "tdata", "tlast")
                if valid == 1:
                    beats.append((value, last))
                    break
            pins.set(tready=0)
        return beats
