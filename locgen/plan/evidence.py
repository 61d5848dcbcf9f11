"""Evidence on the network: which integer each node sends, and in which beats it travels."""

from dataclasses import dataclass

import numpy as np

from locgen.errors import ConfigurationError
from locgen.ir import QuantisedModel, TreeNode
from locgen.plan.engine import EngineShape, deal_lanes, leaf_addresses

__all__ = [
    "EvidenceSlot",
    "check_explainable",
    "evidence_bits",
    "evidence_of",
    "schedule_evidence",
]


@dataclass(frozen=True)
class EvidenceSlot:
    """The beats in which a node's evidence goes up, counted from the up phase's first.

    An idle site sends 0 in them, so the stops that add scores pass the evidence through.
    """

    node: int
    start: int
    beats: int


def check_explainable(model: QuantisedModel) -> None:
    """Refuse models whose evidence is more than the leaf of a tree.

    Raises
    ------
    ConfigurationError
        If a node is no tree.
    """
    if not all(isinstance(node, TreeNode) for node in model.nodes):
        raise ConfigurationError(
            f"--explain gathers the leaves of trees, {model.family} has other nodes: leave it out "
            "and use Design.explain on the host"
        )


def evidence_bits(model: QuantisedModel, node: TreeNode) -> int:
    """Return the width of a hardwired node's evidence; see `evidence_of`."""
    return (len(node.leaf_scores) - 1 + (model.gate is not None)).bit_length()


def schedule_evidence(
    model: QuantisedModel,
    assigned: tuple[tuple[int, ...], ...],
    engines: tuple[EngineShape | None, ...],
    width: int,
    first: int,
) -> tuple[EvidenceSlot, ...]:
    """Return a slot for every node that has something to say, site after site from beat `first`.

    An engine's nodes follow its directory.
    """
    slots, beat = [], first
    for nodes, shape in zip(assigned, engines, strict=True):
        order = nodes
        if shape is not None:
            order = [nodes[i] for i in deal_lanes(shape, [model.nodes[n] for n in nodes])]
        for number in order:
            bits = (
                evidence_bits(model, model.nodes[number]) if shape is None else shape.address_bits
            )
            if bits:
                slots.append(EvidenceSlot(number, beat, -(-bits // width)))
                beat += slots[-1].beats
    return tuple(slots)


def evidence_of(
    model: QuantisedModel,
    q: np.ndarray,
    assigned: tuple[tuple[int, ...], ...],
    engines: tuple[EngineShape | None, ...],
) -> np.ndarray:
    """Return the integers that the hardware sends, shape (rows, nodes).

    A hardwired tree sends the number of the leaf it reached, 0 for a closed expert's, where numbers
    count from 1; a tree in an engine the address of its leaf in the engine's memory.

    Parameters
    ----------
    q : (rows, features) codes
    assigned, engines : of the plan; for the direct fabric one site a node without an engine
    """
    found = np.zeros((len(q), len(model.nodes)), dtype=np.int64)
    codes = model.missing_codes
    counted = np.ones(len(q), dtype=bool)
    is_open = None if model.gate is None else model.gate.evaluate(q, codes)
    for nodes, shape in zip(assigned, engines, strict=True):
        addresses = None
        if shape is not None:
            addresses = leaf_addresses(shape, [model.nodes[n] for n in nodes])
        for position, number in enumerate(nodes):
            leaf = model.nodes[number].leaf_index(q, codes)
            if addresses is not None:
                found[:, number] = np.array(addresses[position])[leaf]
            elif is_open is None:
                found[:, number] = leaf
            else:
                counted = is_open[:, model.expert_of[number]]
                found[:, number] = np.where(counted, leaf + 1, 0)
    return found
