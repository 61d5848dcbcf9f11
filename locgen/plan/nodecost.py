"""Counts of a model's nodes on a plan, for the estimate."""

from collections.abc import Hashable, Iterable

from locgen.ir import QuantisedModel
from locgen.ir.integer.cost import Cost, Links, total
from locgen.ir.integer.node import NodeBase
from locgen.plan.direct import DirectPlan
from locgen.plan.tree import TreePlan

__all__ = ["adders_of", "stream_cost", "terms_cost"]


def terms_cost(terms: Iterable[NodeBase]) -> Cost:
    """Return the counts of `terms` that work at once; equal ones are made once, but for trees."""
    each = list(terms)
    distinct = {term.identity(0): term for term in each if not term.walkable}
    trees = [term for term in each if term.walkable]
    return total(term.cost() for term in (*trees, *distinct.values()))


def stream_cost(model: QuantisedModel, plan: TreePlan) -> Cost:
    """Return the counts of the nodes that stand in gates at the sites of the tree fabric."""
    beats = {slot.feature: slot.beats for slot in plan.slots}
    links = Links(plan.down_width, plan.up_width, plan.digits, beats, plan.down_beats)
    evidence = {slot.node: slot.beats for slot in plan.evidence}
    return total(
        model.nodes[number].stream_cost(links, evidence.get(number, 0))
        for nodes in plan.wired
        for number in nodes
    )


def adders_of(model: QuantisedModel, plan: DirectPlan) -> tuple[int, int]:
    """Return (result bits of distinct adders, flip-flops behind no adder) of a direct plan.

    Prototypes share the sums of their squares: an adder of the same terms is counted once. With a
    gate these are the adders of each expert.
    """
    flags = iter(plan.registers[2:])
    lanes: dict[tuple[int, int], list[tuple[Hashable, int]]] = {}
    for number, node in enumerate(model.nodes):
        expert = model.expert_of[number] if model.gate is not None else 0
        for term in node.terms:
            for output, (low, high) in zip(term.outputs, term.ranges, strict=True):
                entry = (term.identity(output), high - low)
                lanes.setdefault((expert, output), []).append(entry)
    adder_bits, waiting = 0, 0
    for _ in range(plan.add_levels):
        registered = next(flags)
        seen: set[Hashable] = set()
        for lane, entries in lanes.items():
            sums: list[tuple[Hashable, int]] = []
            for (a, a_span), (b, b_span) in zip(entries[::2], entries[1::2], strict=False):
                key = (a, b)
                sums.append((key, a_span + b_span))
                if key not in seen:
                    seen.add(key)
                    adder_bits += sums[-1][1].bit_length()
            if len(entries) % 2:
                sums.append(entries[-1])
                waiting += registered * entries[-1][1].bit_length()
            lanes[lane] = sums
    return adder_bits, waiting + sum(flags) * model.outputs * model.score_bits
