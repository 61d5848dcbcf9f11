"""A core as a black box: what a top holds while the core is mapped on its own."""

from amaranth import *
from amaranth.lib import wiring

__all__ = ["CoreInstance"]


class CoreInstance(wiring.Component):
    """An instance of module ``core``, with the ports of a fabric.

    Its reset is that of the domain, 0 in one without.

    Latency and throughput are those of the fabric that module ``core`` really is.

    Members
    -------
    i, o, memory, evidence : as the fabric's signature says
    """

    def __init__(self, signature: wiring.Signature) -> None:
        super().__init__(signature)

    def elaborate(self, platform: object) -> Instance:
        """Return the instance."""
        ports = {
            "i_clk": ClockSignal(),
            "i_rst": ResetSignal(allow_reset_less=True),
            "i_i__payload": self.i.payload.as_value(),
            "i_i__valid": self.i.valid,
            "o_i__ready": self.i.ready,
            "o_o__payload": self.o.payload.as_value(),
            "o_o__valid": self.o.valid,
        }
        if "memory" in self.signature.members:
            memory = self.memory
            ports |= {
                "i_memory__load__payload": memory.load.payload.as_value(),
                "i_memory__load__valid": memory.load.valid,
                "i_memory__check": memory.check,
                "o_memory__checking": memory.checking,
                "o_memory__loaded": memory.loaded,
                "o_memory__digest": memory.digest,
            }
        if "evidence" in self.signature.members:
            ports |= {
                "o_evidence__payload": self.evidence.payload,
                "o_evidence__valid": self.evidence.valid,
            }
        return Instance("core", **ports)
