"""Families of models and the widths that are worth a trial for each; the table of them."""

from locgen.ir import Model
from locgen.quantise.lower import lowering_of
from locgen.quantise.widths.arithmetic import ArithmeticLowering
from locgen.quantise.widths.base import ModelLowering
from locgen.quantise.widths.clauses import ClauseModelLowering
from locgen.quantise.widths.composite import CompositeLowering
from locgen.quantise.widths.layered import LayeredLowering
from locgen.quantise.widths.trees import TreesLowering

__all__ = ["FAMILIES", "family_of"]

FAMILIES: dict[str, type[ModelLowering]] = {
    "trees": TreesLowering,
    "arithmetic": ArithmeticLowering,
    "layered": LayeredLowering,
    "clauses": ClauseModelLowering,
}
"""How widths are searched, by the family that a node's lowering names."""


def family_of(model: Model) -> type[ModelLowering]:
    """Return how the widths of a (merged) model are searched."""
    kinds = [FAMILIES[lowering_of(node).family] for node in model.nodes]
    if ClauseModelLowering in kinds:
        return ClauseModelLowering
    several = len(set(kinds)) > 1 or kinds.count(LayeredLowering) > 1
    grouped = getattr(model.decision, "groups", ()) and len(model.units) > 1
    if model.gate is None and (model.second_stage is not None or several or grouped):
        return CompositeLowering
    if LayeredLowering in kinds:
        return LayeredLowering
    return ArithmeticLowering if model.arithmetic_nodes else TreesLowering
