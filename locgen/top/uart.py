"""An 8N1 serial receiver and transmitter, a byte a stream item."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

__all__ = ["BYTE_BITS", "ReceivedByte", "UartReceiver", "UartTransmitter", "clocks_per_bit"]

BYTE_BITS = 10  # start, eight data, stop
MINIMUM_CLOCKS_PER_BIT = 4
LARGEST_ERROR_PERCENT = 2.0

ReceivedByte = data.StructLayout({"data": unsigned(8), "error": 1})
"""A byte from the line; `error`: its stop bit was low, so it is none."""


def clocks_per_bit(clock_hz: float, baud: float) -> int:
    """Return the divisor that makes `baud` bits a second out of a clock of `clock_hz`.

    Raises ValueError if that takes fewer than 4 clocks per bit, or if the rounded divisor misses
    the baud rate by more than 2 %.
    """
    if not baud > 0:
        raise ValueError(f"baud must be positive, not {baud!r}")
    divisor = round(clock_hz / baud)
    if divisor < MINIMUM_CLOCKS_PER_BIT:
        raise ValueError(
            f"clock_hz must be at least {MINIMUM_CLOCKS_PER_BIT} times baud, "
            f"not {clock_hz / baud:.2f} times; the highest baud at {clock_hz:g} Hz "
            f"is {clock_hz / MINIMUM_CLOCKS_PER_BIT:g}"
        )
    error_percent = 100 * abs(clock_hz / divisor / baud - 1)
    if error_percent > LARGEST_ERROR_PERCENT:
        raise ValueError(
            f"baud must be within {LARGEST_ERROR_PERCENT:g} % of a whole fraction of clock_hz, not "
            f"{baud:g} at {clock_hz:g} Hz ({error_percent:.1f} % off); the nearest are "
            f"{clock_hz / (divisor + 1):.0f}, {clock_hz / divisor:.0f} and "
            f"{clock_hz / max(divisor - 1, MINIMUM_CLOCKS_PER_BIT):.0f}"
        )
    return divisor


class UartReceiver(wiring.Component):
    """Bytes from an asynchronous serial line.

    Parameters
    ----------
    clock_hz, baud : see `clocks_per_bit` for what is refused

    Members
    -------
    rx : In(1), the line, asynchronous, idle high
    o : Out(stream.Signature(ReceivedByte, always_ready=True)), one item per byte

    An item comes 3 to 4 clocks after the middle of the stop bit, successive items at least 9 bit
    times apart. Every bit is sampled once, in its middle. A start bit that is no longer low
    at its middle is taken for a glitch and forgotten. After a low stop bit the line has to
    go high before another start bit is seen, so a break gives one item. The line may be off by
    2 % at 4 clocks per bit, by 4 % from 12 clocks per bit.
    """

    rx: In(1)
    o: Out(stream.Signature(ReceivedByte, always_ready=True))

    def __init__(self, clock_hz: float, baud: float) -> None:
        self.clocks_per_bit = clocks_per_bit(clock_hz, baud)
        super().__init__()

    def elaborate(self, platform: object) -> Module:
        """Build the sampling timer and the shift register."""
        m = Module()
        line = Signal(init=1)
        before = Signal(init=1)
        m.submodules.synchroniser = FFSynchronizer(self.rx, line, init=1)
        m.d.sync += before.eq(line)

        # The start edge shows in `line` half a clock late on average, so the middle of a bit of
        # n clocks is (n - 1) / 2 clocks after the first one that shows it.
        timer = Signal(range(self.clocks_per_bit))
        to_middle = (self.clocks_per_bit - 1) // 2 - 1
        # The start bit enters a register of ones at the top: at the bottom, it says that all is in.
        shift = Signal(BYTE_BITS - 1, init=(1 << (BYTE_BITS - 1)) - 1)
        m.d.comb += self.o.p.data.eq(shift[1:])
        m.d.sync += [self.o.valid.eq(0), timer.eq(timer - 1)]

        with m.FSM():
            with m.State("IDLE"):
                m.d.sync += [timer.eq(to_middle), shift.eq(shift.init)]
                with m.If(before & ~line):
                    m.next = "START"
            with m.State("START"), m.If(timer == 0):
                m.d.sync += [timer.eq(self.clocks_per_bit - 1), shift[-1].eq(0)]
                m.next = "DATA"
                with m.If(line):
                    m.next = "IDLE"
            with m.State("DATA"), m.If(timer == 0):
                m.d.sync += timer.eq(self.clocks_per_bit - 1)
                with m.If(shift[0]):
                    m.d.sync += shift.eq(Cat(shift[1:], line))
                with m.Else():
                    m.d.sync += [self.o.valid.eq(1), self.o.p.error.eq(~line)]
                    m.next = "IDLE"
        return m


class UartTransmitter(wiring.Component):
    """Bytes onto an asynchronous serial line.

    Parameters
    ----------
    clock_hz, baud : see `clocks_per_bit` for what is refused

    Members
    -------
    i : In(stream.Signature(8)), accepted every 10 bit times while the line is busy
    tx : Out(1), the line, idle high, also before the first clock

    The start bit begins one clock after the byte's transfer.
    """

    i: In(stream.Signature(unsigned(8)))
    tx: Out(1, init=1)

    def __init__(self, clock_hz: float, baud: float) -> None:
        self.clocks_per_bit = clocks_per_bit(clock_hz, baud)
        super().__init__()

    def elaborate(self, platform: object) -> Module:
        """Build the timer and the shift register."""
        m = Module()
        timer = Signal(range(self.clocks_per_bit))
        shift = Signal(BYTE_BITS, init=1)  # the highest one is the stop bit
        last = Signal()
        m.d.comb += [
            self.tx.eq(shift[0]),
            last.eq(shift[1:] == 0),
            self.i.ready.eq(last & (timer == 0)),
        ]
        with m.If(timer != 0):
            m.d.sync += timer.eq(timer - 1)
        with m.Elif(~last | self.i.valid):
            m.d.sync += timer.eq(self.clocks_per_bit - 1)
        with m.If(self.i.ready & self.i.valid):
            m.d.sync += shift.eq(Cat(0, self.i.payload, 1))
        with m.Elif((timer == 0) & ~last):
            m.d.sync += shift.eq(shift[1:])
        return m
