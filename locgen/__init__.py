"""Compile trained, localised models into verified FPGA hardware.

``locgen.load(path)`` reads a model, ``locgen.compile(model, target="ice40", data=...)`` quantises
and plans it, and the `Design` it returns predicts, explains, builds and verifies.
"""

from typing import TYPE_CHECKING

from locgen.version import __version__

if TYPE_CHECKING:
    from locgen.api import Board, Design, Explanation, compile, load

__all__ = ["Board", "Design", "Explanation", "__version__", "compile", "load"]


def __getattr__(name: str) -> object:
    """Import the public names on first use: ``import locgen`` alone stays fast."""
    if name not in __all__:
        raise AttributeError(f"module 'locgen' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module("locgen.api"), name)
