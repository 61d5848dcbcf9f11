"""Images of all engines' memories."""

from locgen.ir import QuantisedModel
from locgen.ir.integer import trees_of
from locgen.ir.integer.sums import sum_ranges
from locgen.plan.engine import tree_image
from locgen.plan.tree import TreePlan

__all__ = ["images_of", "site_stride"]


def site_stride(plan: TreePlan) -> int:
    """Return the distance of the engines' memories in the common address space."""
    words = max((shape.words for shape in plan.shapes), default=1)
    return 1 << (words - 1).bit_length()


def images_of(model: QuantisedModel, plan: TreePlan, digest: int) -> tuple[tuple[int, ...], ...]:
    """Return the image of each engine, in the order of `plan.shapes`.

    The first engine also starts from what all nodes and the bias add up to at least, shifted so
    that no score is negative; the root takes the shift back.

    Raises
    ------
    DoesNotFit
        If the engines of `plan` cannot hold `model`.
    """
    slot_of = [-1] * len(model.features)
    for number, slot in enumerate(plan.slots):
        slot_of[slot.feature] = number
    lowest = sum_ranges(model.nodes, model.bias)
    shifted = [low + (1 << model.score_bits - 1) for low, _ in lowest]
    engines = [
        (shape, trees_of(model.nodes[n] for n in nodes))
        for shape, nodes in zip(plan.engines, plan.sites, strict=True)
        if shape is not None
    ]
    last_shape, last_nodes = engines[-1]
    total = (len(engines) - 1) * site_stride(plan) + last_shape.words_of(last_nodes)
    nothing = [0] * model.outputs
    return tuple(
        tree_image(shape, nodes, nothing if number else shifted, slot_of, digest, total)
        for number, (shape, nodes) in enumerate(engines)
    )
