"""Experts of a gated model: constants that only an open expert adds."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from locgen.ir.integer import Node

if TYPE_CHECKING:
    from locgen.ir.quantised import QuantisedModel

__all__ = ["add_constants", "expert_ranges", "ground", "sum_over_open"]


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


def ground(model: "QuantisedModel") -> "QuantisedModel":
    """Return the same gated model with no score below 0: constants go to nodes and to the bias.

    As many experts are always open, so what they have in common is a constant of the whole.

    Raises
    ------
    ValueError
        If an expert has a constant that none of its nodes can take.
    """
    bias = list(model.bias)
    intervals = expert_ranges(model)
    lowest = [min(expert[output][0] for expert in intervals) for output in range(model.outputs)]
    nodes: list[Node] = list(model.nodes)
    for members, interval in zip(model.experts, intervals, strict=True):
        raised = [
            node.shifted(tuple(-low for low, _ in node.ranges))
            for node in (model.nodes[number] for number in members)
        ]
        rest = [low - least for (low, _), least in zip(interval, lowest, strict=True)]
        for number, node in zip(members, add_constants(raised, rest), strict=True):
            nodes[number] = node
    for output, least in enumerate(lowest):
        bias[output] += model.gate.top_k * least
    return replace(model, nodes=tuple(nodes), bias=tuple(bias))
