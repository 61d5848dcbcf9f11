"""The memory ports of a core with engines: load words, check them, ask what is there."""

from cocotb.triggers import FallingEdge, with_timeout

from .scoreboard import read

__all__ = ["MemoryPort"]

_ADDRESS_BITS = 16
_WORD_MASK = 0xFFFFFFFF


class MemoryPort:
    """Drives ``<p>__load``, ``<p>__check`` and reads ``<p>__checking/loaded/digest``.

    Parameters
    ----------
    domain
        The `ClockDomain` that the ports belong to.
    dut, prefix
        The handle that holds the ports, and their common prefix, such as ``"memory"``.
    """

    def __init__(self, domain, dut, prefix: str):
        self.domain = domain
        self._payload = getattr(dut, f"{prefix}__load__payload")
        self._valid = getattr(dut, f"{prefix}__load__valid")
        self._check = getattr(dut, f"{prefix}__check")
        self._checking = getattr(dut, f"{prefix}__checking")
        self._loaded = getattr(dut, f"{prefix}__loaded")
        self._digest = getattr(dut, f"{prefix}__digest")
        self._payload.value = 0
        self._valid.value = 0
        self._check.value = 0

    async def load(self, words) -> None:
        """Store ``(address, word)`` pairs, one a cycle; of a word 32 bits count."""
        for address, word in words:
            self._payload.value = address | (word & _WORD_MASK) << _ADDRESS_BITS
            self._valid.value = 1
            await self.domain.edge
        self._valid.value = 0
        await self.domain.cycles(1)

    async def check(self, timeout_cycles: int) -> bool:
        """Have the memories checked; return whether they hold a model, False after a time-out."""
        self._check.value = 1
        await self.domain.edge
        self._check.value = 0
        try:
            limit = timeout_cycles * self.domain.period_ns
            await with_timeout(FallingEdge(self._checking), limit, timeout_unit="ns")
        except TimeoutError:
            return False
        await self.domain.cycles(1)
        return self.loaded() == 1

    def loaded(self):
        """Return `loaded`: 1 while the memories hold a whole model."""
        return read(self._loaded)

    def digest(self) -> int:
        """Return the digest of the model in the memories."""
        return read(self._digest)
