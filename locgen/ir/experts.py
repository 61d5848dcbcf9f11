"""Experts of a gated model: constants that only an open expert adds."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from locgen.ir.integer import Node

if TYPE_CHECKING:
    from locgen.ir.quantised import QuantisedModel

__all__ = ["add_constants", "expert_ranges", "sum_over_open"]


def add_constants(nodes: Sequence[Node], constants: Sequence[int]) -> tuple[Node, ...]:
    """Return `nodes` that together score ``constants[output]`` more on each output.

    The node with the widest range on an output takes it, where it costs least; an output that none
    has becomes a constant one of the first node that can have another.

    Raises
    ------
    ValueError
        If there is a constant but no such node.
    """
    changed = list(nodes)
    for output, constant in enumerate(constants):
        if constant == 0:
            continue
        spans = [
            (high - low, -number)
            for number, node in enumerate(changed)
            if output in node.outputs
            for low, high in [node.ranges[node.outputs.index(output)]]
        ]
        if spans:
            number = -max(spans)[1]
            place = changed[number].outputs.index(output)
            amounts = [0] * len(changed[number].outputs)
            amounts[place] = constant
            changed[number] = changed[number].shifted(tuple(amounts))
            continue
        wider = [(n, node.widened(output, constant)) for n, node in enumerate(changed)]
        able = [(number, node) for number, node in wider if node is not None]
        if not able:
            raise ValueError(f"constants of output {output} must have a node to stand in")
        changed[able[0][0]] = able[0][1]
    return tuple(changed)


def expert_ranges(model: "QuantisedModel") -> list[list[tuple[int, int]]]:
    """Return for each expert and output the interval of its nodes' sum."""
    intervals = []
    for members in model.experts:
        low, high = [0] * model.outputs, [0] * model.outputs
        for number in members:
            node = model.nodes[number]
            for output, (least, most) in zip(node.outputs, node.ranges, strict=True):
                low[output] += least
                high[output] += most
        intervals.append(list(zip(low, high, strict=True)))
    return intervals


def sum_over_open(intervals: Sequence[tuple[int, int]], count: int) -> tuple[int, int]:
    """Return the interval of the sum over any `count` of the experts, given each one's own."""
    lows = sorted(low for low, _ in intervals)
    highs = sorted(high for _, high in intervals)
    return sum(lows[:count]), sum(highs[len(highs) - count :])
