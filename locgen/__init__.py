"""Compile trained, localised models into verified FPGA hardware.

``locgen.load(path)`` reads a model, ``locgen.compile(model, target="ice40", data=...)`` quantises
and plans it, and the `Design` it returns predicts, explains, builds and verifies.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from locgen.flow.attached import Board
    from locgen.flow.design import Design, Explanation
    from locgen.flow.design import compile_model as compile
    from locgen.frontends import load

__all__ = ["Board", "Design", "Explanation", "__version__", "compile", "load"]

__version__ = "0.1.0"

_LAZY = {
    "Board": ("locgen.flow.attached", "Board"),
    "Design": ("locgen.flow.design", "Design"),
    "Explanation": ("locgen.flow.design", "Explanation"),
    "compile": ("locgen.flow.design", "compile_model"),
    "load": ("locgen.frontends", "load"),
}


def __getattr__(name: str) -> object:
    """Import the public names on first use: ``import locgen`` alone stays fast."""
    if name not in _LAZY:
        raise AttributeError(f"module 'locgen' has no attribute {name!r}")
    from importlib import import_module

    module, attribute = _LAZY[name]
    return getattr(import_module(module), attribute)
