"""Options and services of the passes."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Context", "Fabric"]

Fabric = Literal["direct", "tree"]


@dataclass(frozen=True)
class Context:
    """What passes are told beside the model.

    Members
    -------
    fabric : the fabric that the model is prepared for
    """

    fabric: Fabric
