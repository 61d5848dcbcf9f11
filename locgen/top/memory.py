"""Ports that fill a model's memories, between a core with engines and its link."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["ADDRESS_BITS", "WORD_BITS", "load_layout", "memory_signature"]

ADDRESS_BITS = 16
"""Of a word's address, all sites together."""
WORD_BITS = 32
"""Of a word on the wire and in an image."""


def load_layout() -> data.StructLayout:
    """Return the payload of the load stream: one word of the image and where it goes."""
    return data.StructLayout({"address": unsigned(ADDRESS_BITS), "data": unsigned(WORD_BITS)})


def memory_signature() -> wiring.Signature:
    """Return the memory ports of a core, as the core sees them.

    Members
    -------
    load : In(stream), one word a cycle; from the first one on the core is not ready
    check : In(1), for one cycle: read all memories back and compare their checksums
    checking : Out(1), while that goes on, from the clock after `check` on; `load` must rest
    loaded : Out(1), the memories hold a whole model: set by a check that matched, at the latest in
        the clock in which `checking` has fallen; cleared by `load` and by a check's begin; without
        it the core takes no input
    digest : Out(64), of the model in the memories; meaningless unless `loaded`
    """
    return wiring.Signature(
        {
            "load": In(stream.Signature(load_layout(), always_ready=True)),
            "check": In(1),
            "checking": Out(1),
            "loaded": Out(1),
            "digest": Out(64),
        }
    )
