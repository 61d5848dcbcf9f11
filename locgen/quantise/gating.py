"""Gates of sparse mixtures in integers."""

from dataclasses import replace

from locgen.ir import Feature, FloatGate, Gate, highest
from locgen.quantise.partialnodes import PartialNodes
from locgen.quantise.splits import split_node, threshold_maps
from locgen.quantise.widths.base import Widths

__all__ = ["integer_gate"]


def integer_gate(gate: FloatGate, features: tuple[Feature, ...], score_bits: int) -> Gate:
    """Return `gate` over the codes of `features`.

    Each leaf of a tree gate says 1 for the experts that it opens: its routes are those of the float
    gate wherever the features' codes are exact. The units of other gates are rounded as those of a
    classifier of experts are.

    Parameters
    ----------
    score_bits : of units, see `PartialNodes.of_widths`; a tree has no use for it
    """
    model = gate.model
    if model.units:
        scorer = PartialNodes(model, features).of_widths(Widths(score_bits), "gate")
        return Gate(scorer.nodes, scorer.bias, gate.top_k)
    (tree,) = model.trees
    splits = split_node(tree, features, threshold_maps(model, features))
    mask = highest(tree.leaf_values, gate.top_k).astype(int)
    rows = tuple(tuple(int(v) for v in mask[leaf]) for (leaf,) in splits.leaf_scores)
    node = replace(splits, leaf_scores=rows, outputs=tuple(range(model.outputs)))
    return Gate((node,), (0,) * model.outputs, gate.top_k)
