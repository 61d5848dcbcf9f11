"""Clock and reset: one clock domain that knows the number of the running cycle."""

from cocotb.clock import Clock
from cocotb.simtime import get_sim_time
from cocotb.triggers import ReadOnly, RisingEdge, Timer

__all__ = ["ClockDomain"]


class ClockDomain:
    """A clock, its optional synchronous reset, and the cycle count.

    The clock runs in the simulator's C++ side and wakes no Python.

    Parameters
    ----------
    clk
        Handle of the clock input.
    rst
        Handle of the active-high synchronous reset, or None where there is none.
    period_ns
        Length of one cycle in simulated nanoseconds, even.
    """

    def __init__(self, clk, rst=None, period_ns: int = 10):
        if period_ns <= 0 or period_ns % 2:
            raise ValueError(f"Clock period must be a positive even number, not {period_ns!r}")
        self.clk = clk
        self.rst = rst
        self.period_ns = period_ns
        self.edge = RisingEdge(clk)
        self._start_ns = self._clock = None

    def start(self) -> None:
        """Start the clock; the first rising edge, number 0, comes half a period from now."""
        self.clk.value = 0
        self._start_ns = get_sim_time("ns") + self.period_ns / 2
        self._clock = Clock(self.clk, self.period_ns, unit="ns")
        self._clock.start(start_high=False)

    def stop(self) -> None:
        """Let the clock rest, so that what it drives costs no more simulation time."""
        self._clock.stop()

    @property
    def cycle(self) -> int:
        """Number of the latest rising edge, which is the number of the cycle that it ends.

        At ``await domain.edge`` this is the cycle that the values then read belong to; signals
        that have already moved after that edge belong to ``cycle + 1``.
        """
        return int((get_sim_time("ns") - self._start_ns) // self.period_ns)

    async def cycles(self, count: int) -> None:
        """Sleep for `count` cycles; like every wait here, it ends at a rising edge."""
        if count > 1:
            await Timer(self.period_ns * (count - 1) + 1, unit="ns")
        if count > 0:
            await self.edge

    async def reset(self, cycles: int = 2) -> None:
        """Hold the reset for `cycles` rising edges; without a reset input just wait as long."""
        if self.rst is not None:
            self.rst.value = 1
        await self.cycles(cycles)
        if self.rst is not None:
            self.rst.value = 0
        await self.edge

    async def settled(self) -> None:
        """Wait until everything has settled at the present time (nothing may be written then)."""
        await ReadOnly()
