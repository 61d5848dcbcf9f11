"""The features of a model or node as one layout, and what a node reads of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from amaranth import *
from amaranth.lib import data

from locgen.ir import Comparison
from locgen.ir.integer.node import NodeBase

__all__ = ["NodeInputs", "feature_codes", "feature_layout"]


def feature_layout(widths: Sequence[int]) -> data.StructLayout:
    """Return the layout of codes of `widths` bits, ``feature_0`` lowest; at least one bit.

    A feature without bits has no field.
    """
    fields = {f"feature_{number}": width for number, width in enumerate(widths) if width}
    return data.StructLayout(fields or {"unused": 1})


def feature_codes(features: data.View, widths: Sequence[int]) -> list[Value]:
    """Return the code of each feature of a view of ``feature_layout(widths)``."""
    return [
        features[f"feature_{number}"] if width else Const(0, 0)
        for number, width in enumerate(widths)
    ]


@dataclass(frozen=True)
class NodeInputs:
    """What nodes read.

    Members
    -------
    results : result of each comparison
    codes : code of each feature, by its number; perhaps wider than nodes take it
    """

    results: Mapping[Comparison, Value]
    codes: Mapping[int, Value] | Sequence[Value]

    def results_of(self, node: NodeBase) -> Value:
        """Return the results of the comparisons of `node`, in its order."""
        return Cat(self.results[comparison] for comparison in node.comparisons)

    def codes_of(self, node: NodeBase) -> Value:
        """Return the codes of the features of `node`, in its order and widths."""
        widths = zip(node.features, node.feature_bits, strict=True)
        return Cat(self.codes[feature][:bits] for feature, bits in widths)
