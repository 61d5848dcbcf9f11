"""Source and monitor for Amaranth's streams: ``<p>__payload``, ``<p>__valid``, ``<p>__ready``."""

from typing import NamedTuple

import cocotb
from cocotb.triggers import Event, RisingEdge, Timer, with_timeout

from .scoreboard import read

__all__ = ["StreamMonitor", "StreamSource", "Transfer"]


class Transfer(NamedTuple):
    """One payload on its way through a stream.

    `raised` is the first cycle in which valid was 1 for it, `cycle` the one in which it was
    transferred; `payload` is an unsigned integer, or text if it holds unknown bits.
    """

    raised: int
    cycle: int
    payload: object


class _Stream:
    def __init__(self, domain, dut, prefix: str):
        self.domain = domain
        self.payload = getattr(dut, f"{prefix}__payload")
        self.valid = getattr(dut, f"{prefix}__valid")
        # A stream that is always ready has no such port, or a constant one.
        self.ready = getattr(dut, f"{prefix}__ready", None)


class StreamSource(_Stream):
    """Drives a stream as RFC 61 demands: payload frozen from valid up to the transfer.

    Parameters
    ----------
    domain
        The `ClockDomain` that the stream belongs to.
    dut, prefix
        The handle that holds the ports, and their common prefix, such as ``"i"``.
    """

    def __init__(self, domain, dut, prefix: str):
        super().__init__(domain, dut, prefix)
        self._rising = None if self.ready is None else RisingEdge(self.ready)
        self.idle()

    def idle(self) -> None:
        """Take valid down."""
        self.valid.value = 0
        self.payload.value = 0

    async def send(self, payload: int) -> Transfer:
        """Offer one payload until it is taken; valid stays up so that the next may follow.

        Call it at a rising edge (as every wait of `ClockDomain` ends). It returns at the edge of
        the transfer; call `idle` there unless the next payload follows at once.
        """
        edge, ready = self.domain.edge, self.ready
        self.payload.value = payload
        self.valid.value = 1
        raised = self.domain.cycle + 1
        await edge
        while ready is not None and read(ready) != 1:
            await self._rising
            await edge
        return Transfer(raised, self.domain.cycle, payload)

    async def send_all(self, payloads, stalls=None, sent=None) -> list:
        """Send `payloads` in order and return their `Transfer`s.

        Parameters
        ----------
        payloads
            Unsigned integers.
        stalls
            None to keep valid up from first to last, or as many numbers of idle cycles, one
            before each payload.
        sent
            A list to append to while sending, so that others can watch; a new one by default.
        """
        sent = [] if sent is None else sent
        for index, payload in enumerate(payloads):
            if stalls is not None and stalls[index]:
                self.idle()
                await self.domain.cycles(stalls[index])
            sent.append(await self.send(payload))
        self.idle()
        return sent


class StreamMonitor(_Stream):
    """Records every transfer of a stream, from its construction to the end of the test.

    While valid is down it sleeps; while valid is up it samples once a cycle.

    Attributes
    ----------
    transfers
        List of `Transfer`, oldest first.
    """

    def __init__(self, domain, dut, prefix: str):
        super().__init__(domain, dut, prefix)
        self.transfers = []
        self._wanted = 0
        self._reached = Event()
        self._task = cocotb.start_soon(self._run())

    def stop(self) -> None:
        """Record no more."""
        self._task.cancel()

    async def wait(self, count: int, timeout_cycles: int) -> bool:
        """Wait until `count` transfers were seen; False if that takes too long."""
        if len(self.transfers) >= count:
            return True
        self._wanted = count
        self._reached.clear()
        try:
            await with_timeout(
                self._reached.wait(), timeout_cycles * self.domain.period_ns, timeout_unit="ns"
            )
        except TimeoutError:
            return False
        return True

    async def _run(self) -> None:
        edge, rising, domain = self.domain.edge, RisingEdge(self.valid), self.domain
        while True:
            if read(self.valid) != 1:
                await rising
            raised = domain.cycle + 1
            await edge
            while read(self.valid) == 1:
                if self.ready is None or read(self.ready) == 1:
                    self.transfers.append(Transfer(raised, domain.cycle, read(self.payload)))
                    raised = domain.cycle + 1
                    if self._wanted and len(self.transfers) >= self._wanted:
                        self._wanted = 0
                        self._reached.set()
                await edge
            if read(self.valid) not in (0, 1):
                self.transfers.append(Transfer(domain.cycle, domain.cycle, read(self.valid)))
                # An unknown valid is reported once; let time pass so that the loop cannot spin.
                await Timer(domain.period_ns, unit="ns")
