"""The kinds of tops that stand around a core, as ``--top`` names them."""

__all__ = ["BUS_TOPS", "FRAMED_TOPS"]

FRAMED_TOPS = ("uart", "spi")
"""They talk in the frames of docs/protocol.md."""
BUS_TOPS = ("wishbone", "axilite", "axistream")
"""They sit on a bus of a system on chip: docs/buses.md."""
