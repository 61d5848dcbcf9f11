"""The top of a board: a core behind a serial line, for FPGAs without a reset pin."""

from typing import Literal

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .boot import FlashLoader, FlashParams, flash_signature
from .link import FrameLink, LinkParams
from .spi import SpiPeripheral, spi_signature
from .uart import UartReceiver, UartTransmitter

__all__ = ["BoardTop", "reset_less_domain"]


def reset_less_domain(name: str) -> ClockDomain:
    """Return a clock domain without reset, for converting a `BoardTop`.

    Every register of a board top starts from its initial value, which an FPGA loads with the
    bitstream. ``amaranth.back.rtlil.convert(top, name="top", missing_domain=reset_less_domain)``
    (the same for ``verilog``) gives a module with the ports ``clk``, ``rx`` and ``tx`` alone.
    Converted without it, there is a port ``rst`` too, active high: tie it to 0.
    """
    return ClockDomain(name, reset_less=True)


class BoardTop(wiring.Component):
    """A core that answers frames (docs/protocol.md) on a serial line or an SPI bus.

    Parameters
    ----------
    core : component with members `i`: In(stream.Signature(F)) and `o`:
        Out(stream.Signature(response_layout(link), always_ready=True)), which gives exactly one
        result per transfer, in the clock of the transfer or later; becomes submodule `core`. With
        `memory`: Out(memory_signature()) for a design with memories, and `evidence`:
        Out(stream.Signature(width, always_ready=True)) for one that gathers evidence.
    link : the design's widths, digest and capabilities
    clock_hz : frequency of domain `sync`
    baud : bits a second on the line
    flash_offset : byte address of the model's image in the board's flash, for a design with
        memories that loads itself after power-up
    line : ``uart``, or ``spi``, which needs no baud rate

    Members
    -------
    rx : In(1), serial line from the host, asynchronous; pull it up if it can be left open
    tx : Out(1), serial line to the host, idle high
    spi : Out(spi_signature()), instead of `rx` and `tx` for an SPI bus
    flash : Out(flash_signature()), with a `flash_offset` alone

    Raises ValueError for a `baud` that `clocks_per_bit` refuses.

    No register needs a reset, and the link's own memory is written before it is read. Block RAM
    that a *core* initialises may read as zero in the first microseconds after an iCE40's
    configuration; the first request cannot be complete by then.
    """

    def __init__(
        self,
        core: wiring.Component,
        link: LinkParams,
        clock_hz: float,
        baud: float,
        flash_offset: int | None = None,
        line: Literal["uart", "spi"] = "uart",
    ) -> None:
        if flash_offset is not None and not link.has_memories:
            raise ValueError("flash_offset must be None for a design without memories")
        self.core = core
        self.link = FrameLink(link, len(core.evidence.payload) if link.explains else 0)
        self.loader = None
        self.line = line
        if line == "spi":
            self.peripheral = SpiPeripheral()
            members = {"spi": Out(spi_signature())}
        else:
            self.receiver = UartReceiver(clock_hz, baud)
            self.transmitter = UartTransmitter(clock_hz, baud)
            members = {"rx": In(1, init=1), "tx": Out(1, init=1)}
        if flash_offset is not None:
            flash = FlashParams.at_clock(flash_offset, link.memory_words, clock_hz)
            self.loader = FlashLoader(flash)
            members["flash"] = Out(flash_signature())
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        """Connect the line, the link, the loader and the core."""
        m = Module()
        m.submodules.core = self.core
        m.submodules.link = self.link
        if self.line == "spi":
            m.submodules.peripheral = self.peripheral
            wiring.connect(m, self.peripheral.o, self.link.i)
            wiring.connect(m, self.link.o, self.peripheral.i)
            wiring.connect(m, wiring.flipped(self.spi), self.peripheral.spi)
        else:
            m.submodules.receiver = self.receiver
            m.submodules.transmitter = self.transmitter
            wiring.connect(m, self.receiver.o, self.link.i)
            wiring.connect(m, self.link.o, self.transmitter.i)
            m.d.comb += [self.receiver.rx.eq(self.rx), self.tx.eq(self.transmitter.tx)]
        wiring.connect(m, self.link.request, self.core.i)
        wiring.connect(m, self.core.o, self.link.response)
        if self.link.params.explains:
            wiring.connect(m, self.core.evidence, self.link.evidence)
        if self.loader is not None:
            m.submodules.loader = self.loader
            wiring.connect(m, self.loader.flash, wiring.flipped(self.flash))
            wiring.connect(m, self.link.memory, self.loader.link)
            wiring.connect(m, self.loader.memory, self.core.memory)
        elif self.link.params.has_memories:
            wiring.connect(m, self.link.memory, self.core.memory)
        return m
