"""Loader of a core's memories from the board's SPI flash after power-up."""

from dataclasses import dataclass
from math import ceil

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .memory import ADDRESS_BITS, WORD_BITS, memory_signature

__all__ = ["FlashLoader", "FlashParams", "flash_signature"]

RELEASE_POWER_DOWN, READ = 0xAB, 0x03
COMMAND_BITS, OFFSET_BITS = 8, 24
WAKE_SECONDS = 35e-6
"""Winbond W25Q32JV to W25Q128JV need 3 us from 0xAB on, others up to 30 us (Micron N25Q, Macronix
MX25L)."""


@dataclass(frozen=True)
class FlashParams:
    """Where a model's image lies in a flash.

    Members
    -------
    offset : byte address of word 0, below 2**24
    words : the most that an image may have, 1 to 65536: the capacity of the memories
    wake_cycles : clocks that the flash is given to wake, 1 to 65535

    Raises ValueError if one of them is out of its range.
    """

    offset: int
    words: int
    wake_cycles: int

    def __post_init__(self) -> None:
        limits = {
            "offset": (0, 2**OFFSET_BITS - 1),
            "words": (1, 2**ADDRESS_BITS),
            "wake_cycles": (1, 2**ADDRESS_BITS - 1),
        }
        for name, (low, high) in limits.items():
            if not low <= getattr(self, name) <= high:
                value = getattr(self, name)
                raise ValueError(f"{name} must be from {low} to {high}, not {value!r}")

    @classmethod
    def at_clock(cls, offset: int, words: int, clock_hz: float) -> "FlashParams":
        """Return the parameters for a clock, with the wait that any usual flash is content with."""
        return cls(offset, words, ceil(clock_hz * WAKE_SECONDS))


def flash_signature() -> wiring.Signature:
    """Return the pins of a flash as the FPGA drives them.

    Members
    -------
    sck : Out(1), clock, idle low
    cs : Out(1), select, active low
    mosi : Out(1), to the flash, changes as `sck` falls
    miso : In(1), from the flash
    """
    return wiring.Signature(
        {"sck": Out(1), "cs": Out(1, init=1), "mosi": Out(1), "miso": In(1)},
    )


class FlashLoader(wiring.Component):
    """Reads a model's image from flash into the core's memories, once, then stands aside.

    The image is a row of little-endian words of 32 bits; word 0 holds their number, with itself.
    A number of 0 or beyond the capacity (an erased flash reads as ones) means that there is no
    image: nothing is loaded. Word `k` goes to address `k`; the core's own check says whether the
    image is whole. Nothing is tried again.

    Parameters
    ----------
    params : where the image lies

    Members
    -------
    flash : Out(flash_signature()), SPI mode 0 at half the clock: 0xAB wakes the flash, 0x03 reads
    link : Out(memory_signature()), the core's memories as the link sees them: `checking` and not
        `loaded` as long as the loader is at work, so that it refuses requests; then the core's own
    memory : In(memory_signature()), the core's memory ports

    The last of `n` words goes 64 * n + 83 + `wake_cycles` clocks after power-up, the check begins 2
    clocks later. `miso` is sampled one whole period of `sck`, two clocks, after the edge that the
    flash answers to.
    """

    def __init__(self, params: FlashParams) -> None:
        self.params = params
        super().__init__(
            {
                "flash": Out(flash_signature()),
                "link": Out(memory_signature()),
                "memory": In(memory_signature()),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the shift register of bits, the order of commands, and the ports' owners."""
        m = Module()
        flash, state = self.flash, _Boot()
        # Commands leave at the top, what is read enters at the bottom: a bit per period of `sck`.
        shift, word = state.shift, state.word
        left = Signal(range(WORD_BITS), init=COMMAND_BITS - 1)  # bits after this one
        m.d.comb += [
            flash.mosi.eq(shift[-1]),
            word.eq(Cat(shift.word_select(k, 8) for k in reversed(range(WORD_BITS // 8)))),
            state.arrived.eq(state.moving & flash.sck & (left == 0)),
            state.loads.eq(state.whole & (state.counted | state.exists)),
        ]
        m.d.sync += state.exists.eq((word != 0) & ~word[ADDRESS_BITS + 1 :].any())
        with m.If(word[: ADDRESS_BITS + 1] > self.params.words):
            m.d.sync += state.exists.eq(0)
        with m.If(state.moving):
            m.d.sync += flash.sck.eq(~flash.sck)
            with m.If(flash.sck):
                m.d.sync += [shift.eq(Cat(flash.miso, shift[:-1])), left.eq(left - 1)]
        self._control(m, state)

        booting, loads = state.booting, state.loads
        link, memory = self.link, self.memory
        m.d.comb += [
            link.checking.eq(booting | memory.checking),
            link.loaded.eq(memory.loaded & ~booting),
            link.digest.eq(memory.digest),
            memory.load.valid.eq(Mux(booting, loads, link.load.valid)),
            memory.load.p.address.eq(Mux(booting, state.address, link.load.p.address)),
            memory.load.p.data.eq(Mux(booting, word, link.load.p.data)),
            memory.check.eq(state.checks | link.check),
        ]
        return m

    def _control(self, m: Module, state: "_Boot") -> None:
        """Wake the flash, read the image word by word, check it, and let go."""
        params, flash = self.params, self.flash
        address, counted, count = state.address, state.counted, state.count
        with m.FSM() as control:
            moves = (control.ongoing(name) for name in ("WAKE", "COMMAND", "READ"))
            m.d.comb += [
                state.moving.eq(Cat(moves).any()),
                state.booting.eq(~control.ongoing("DONE")),
                state.checks.eq(control.ongoing("CHECK")),
            ]
            with m.State("SELECT"):
                m.d.sync += flash.cs.eq(0)
                m.next = "WAKE"
            with m.State("WAKE"), m.If(state.arrived):
                m.next = "RELEASE"
            with m.State("RELEASE"):
                m.d.sync += [
                    flash.cs.eq(1),
                    state.shift.eq((READ << OFFSET_BITS) | params.offset),
                    address.eq(address + 1),
                ]
                with m.If(address == params.wake_cycles):
                    m.d.sync += [flash.cs.eq(0), address.eq(0)]
                    m.next = "COMMAND"
            with m.State("COMMAND"), m.If(state.arrived):
                m.next = "READ"
            with m.State("READ"):
                first = state.whole & ~counted
                m.d.sync += [state.settled.eq(state.arrived), state.whole.eq(state.settled)]
                with m.If(first):
                    m.d.sync += [counted.eq(1), count.eq(state.word)]
                with m.If(state.loads):
                    m.d.sync += address.eq(address + 1)
                with m.If(first & ~state.exists):
                    m.next = "LEAVE"
                with m.If(counted & (address == count)):
                    m.next = "CHECK"
            with m.State("CHECK"):
                m.next = "CHECKING"
            with m.State("CHECKING"), m.If(~self.memory.checking):
                m.next = "LEAVE"
            with m.State("LEAVE"):
                m.d.sync += [flash.cs.eq(1), flash.sck.eq(0)]
                m.next = "DONE"
            with m.State("DONE"):
                pass


class _Boot:
    """The state of a loader.

    Members
    -------
    shift, word : bits on their way, the last 32 of them as a word
    address : of the word that comes next; before that, counts the wait
    count : the image's words, 0 for 65536 as in `address`; counted : it is known
    booting, moving : there is work; `sck` moves
    arrived : the last bit of a command or word is on its way into `shift`
    settled, whole : `shift` holds a word, which stays for two clocks
    exists : an image, if `word` was its first in the clock before
    loads, checks : a word is loaded, the check begins
    """

    def __init__(self) -> None:
        wake = RELEASE_POWER_DOWN << (WORD_BITS - COMMAND_BITS)
        self.shift, self.word = Signal(WORD_BITS, init=wake), Signal(WORD_BITS)
        self.address, self.count = Signal(ADDRESS_BITS), Signal(ADDRESS_BITS)
        self.counted, self.booting, self.moving, self.arrived = (
            Signal(),
            Signal(),
            Signal(),
            Signal(),
        )
        self.settled, self.whole, self.exists = Signal(), Signal(), Signal()
        self.loads, self.checks = Signal(), Signal()
