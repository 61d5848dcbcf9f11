"""Experts of a gated model: constants that only an open expert adds."""

from collections.abc import Sequence

from locgen.ir.integer import Node

__all__ = ["add_constants"]


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
