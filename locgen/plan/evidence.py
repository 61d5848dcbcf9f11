"""Evidence on the network: which numbers the sites send, in which beats, and what they mean."""

from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

import numpy as np

from locgen.errors import Mismatch
from locgen.ir import QuantisedModel
from locgen.ir.integer import trees_of
from locgen.plan.engine import EngineShape, deal_lanes, leaf_addresses

__all__ = [
    "EvidencePlan",
    "EvidenceSlot",
    "Gathered",
    "expert_mark",
    "gathered_of",
    "read_runs",
    "runs_of",
    "schedule_evidence",
]


@dataclass(frozen=True)
class EvidenceSlot:
    """The beats in which a number goes up, counted from the up phase's first.

    In the direct fabric, the bits in which it stands in the port. The number is the evidence of
    `node`, or for None the open experts, one bit each. An idle site sends 0 in them, so the
    adding stages of the network pass the number through.
    """

    node: int | None
    start: int
    beats: int


class EvidencePlan(Protocol):
    """What evidence is scheduled on: a plan of either fabric.

    Members
    -------
    evidence : the slots; sites, engines : for each site its nodes, and its engine or None
    score_beats : where evidence begins; up_width : bits of a beat
    """

    @property
    def evidence(self) -> tuple[EvidenceSlot, ...]:
        """The slots."""

    @property
    def sites(self) -> tuple[tuple[int, ...], ...]:
        """For each site its nodes."""

    @property
    def engines(self) -> tuple[EngineShape | None, ...]:
        """For each site its engine or None."""

    @property
    def score_beats(self) -> int:
        """Where evidence begins."""

    @property
    def up_width(self) -> int:
        """Bits of a beat."""


@dataclass(frozen=True, eq=False)
class Gathered:
    """What a design sends about some rows.

    Members
    -------
    numbers : (rows, slots) the numbers in the plan's slots, as Python's integers: of a hardwired
        node its evidence, the first integer lowest; of a tree in an engine the address of its leaf
        there; of open experts a bit each. 0 for a node of a closed expert.
    nodes : for each node its evidence (rows, integers), -1 in the rows where its expert is closed;
        see `NodeBase.evidence`
    is_open : (rows, experts) whether each expert was open; no columns without a gate
    scores : (rows, outputs) what bias and evidence add up to
    """

    numbers: np.ndarray
    nodes: tuple[np.ndarray, ...]
    is_open: np.ndarray
    scores: np.ndarray


def schedule_evidence(
    model: QuantisedModel,
    assigned: tuple[tuple[int, ...], ...],
    engines: tuple[EngineShape | None, ...],
    width: int,
    first: int,
) -> tuple[EvidenceSlot, ...]:
    """Return a slot for everything that there is to say, site after site from beat `first`.

    An engine's nodes follow its directory; with a gate the open experts come first.
    """
    parts: list[tuple[int | None, int]] = [(None, len(model.experts))]
    for nodes, shape in zip(assigned, engines, strict=True):
        if shape is None:
            parts += [(number, sum(model.nodes[number].evidence_bits)) for number in nodes]
        else:
            order = deal_lanes(shape, trees_of(model.nodes[n] for n in nodes))
            parts += [(nodes[i], shape.address_bits) for i in order]
    beats = [-(-bits // width) for _, bits in parts]
    starts = accumulate(beats, initial=first)
    return tuple(
        EvidenceSlot(number, start, count)
        for (number, _), start, count in zip(parts, starts, beats, strict=False)
        if count
    )


def expert_mark(model: QuantisedModel, plan: EvidencePlan, site: int) -> tuple[int, int] | None:
    """Return (beat, digit) by which `site` says that its expert is open.

    None for a site that has not to: one of each expert does.
    """
    for slot in plan.evidence:
        if slot.node is None:
            expert_of = [model.expert_of[nodes[0]] for nodes in plan.sites]
            expert = expert_of[site]
            if expert_of.index(expert) != site:
                return None
            beat, bit = divmod(expert, plan.up_width)
            return slot.start + beat, 1 << bit
    return None


def gathered_of(model: QuantisedModel, plan: EvidencePlan, q: np.ndarray) -> Gathered:
    """Return golden's evidence: what the hardware has to send about codes `q` (rows, features)."""
    codes = model.missing_codes
    counts = model.open_nodes(q)
    is_open = np.zeros((len(q), 0), dtype=bool)
    if model.gate is not None:
        is_open = model.gate.evaluate(q, codes)
    addresses = _addresses(model, plan)
    numbers = np.zeros((len(q), len(plan.evidence)), dtype=object)
    for column, slot in enumerate(plan.evidence):
        if slot.node is None:
            numbers[:, column] = _join(is_open, (1,) * is_open.shape[1])
            continue
        node = model.nodes[slot.node]
        values = node.evidence(q, codes)
        if slot.node in addresses:
            numbers[:, column] = np.array(addresses[slot.node])[values[:, 0]].astype(object)
        else:
            numbers[:, column] = _join(values, node.evidence_bits)
        numbers[:, column] *= counts[:, slot.node].astype(int).astype(object)
    return _read(model, plan, numbers)


def runs_of(plan: EvidencePlan, gathered: Gathered) -> list[int]:
    """Return for each row all digits of its evidence as one integer, the first digit lowest."""
    first = plan.score_beats
    offsets = [(slot.start - first) * plan.up_width for slot in plan.evidence]
    return [
        sum(number << offset for number, offset in zip(row, offsets, strict=True))
        for row in gathered.numbers.tolist()
    ]


def read_runs(model: QuantisedModel, plan: EvidencePlan, runs: list[int]) -> Gathered:
    """Return what `runs`, as hardware sends them, say; the inverse of `runs_of`.

    Raises
    ------
    Mismatch
        If no input can lead to such evidence.
    """
    first, width = plan.score_beats, plan.up_width
    numbers = np.zeros((len(runs), len(plan.evidence)), dtype=object)
    for column, slot in enumerate(plan.evidence):
        offset, mask = (slot.start - first) * width, (1 << slot.beats * width) - 1
        numbers[:, column] = [run >> offset & mask for run in runs]
    return _read(model, plan, numbers)


def _read(model: QuantisedModel, plan: EvidencePlan, numbers: np.ndarray) -> Gathered:
    """Return the meaning of the numbers in the slots."""
    rows = len(numbers)
    nodes = [np.zeros((rows, len(n.evidence_bits)), dtype=np.int64) for n in model.nodes]
    is_open = np.zeros((rows, len(model.experts)), dtype=bool)
    addresses = _addresses(model, plan)
    for column, slot in enumerate(plan.evidence):
        values = numbers[:, column].tolist()
        if slot.node is None:
            is_open = _split(values, (1,) * len(model.experts), "the gate").astype(bool)
        elif slot.node in addresses:
            leaf_of = {address: leaf for leaf, address in enumerate(addresses[slot.node])}
            _require(set(values) <= set(leaf_of), f"node {slot.node}")
            nodes[slot.node][:, 0] = [leaf_of[address] for address in values]
        else:
            bits = model.nodes[slot.node].evidence_bits
            nodes[slot.node] = _split(values, bits, f"node {slot.node}")
    scores = np.tile(np.array(model.bias, dtype=np.int64), (rows, 1))
    for number, node in enumerate(model.nodes):
        counted = np.ones(rows, dtype=bool)
        if model.gate is not None:
            counted = is_open[:, model.expert_of[number]]
            _require(not nodes[number][~counted].any(), f"node {number}")
        try:
            part = node.recombine(nodes[number])
        except ValueError:
            _require(False, f"node {number}")
        scores[:, list(node.outputs)] += part * counted[:, None]
        nodes[number] = np.where(counted[:, None], nodes[number], -1)
    if model.gate is not None:
        _require(bool((is_open.sum(axis=1) == model.gate.top_k).all()), "the gate")
    return Gathered(numbers, tuple(nodes), is_open, scores)


def _addresses(model: QuantisedModel, plan: EvidencePlan) -> dict[int, tuple[int, ...]]:
    """Return for each node in an engine the address of each of its leaves."""
    addresses: dict[int, tuple[int, ...]] = {}
    for nodes, shape in zip(plan.sites, plan.engines, strict=True):
        if shape is not None:
            places = leaf_addresses(shape, trees_of(model.nodes[n] for n in nodes))
            addresses |= dict(zip(nodes, places, strict=True))
    return addresses


def _join(fields: np.ndarray, bits: tuple[int, ...]) -> np.ndarray:
    """Return the integers of each row (rows, integers) as one, the first lowest."""
    total = np.zeros(len(fields), dtype=object)
    for column, offset in zip(fields.T, accumulate(bits, initial=0), strict=False):
        total += column.astype(int).astype(object) << offset
    return total


def _split(numbers: list[int], bits: tuple[int, ...], who: str) -> np.ndarray:
    """Return the integers (rows, len(bits)) that `_join` made of each row."""
    _require(not any(number >> sum(bits) for number in numbers), who)
    columns = [
        [number >> offset & (1 << width) - 1 for number in numbers]
        for width, offset in zip(bits, accumulate(bits, initial=0), strict=False)
    ]
    return np.array(columns, dtype=np.int64).reshape(len(bits), len(numbers)).T


def _require(possible: bool, who: str) -> None:
    if not possible:
        raise Mismatch(
            f"the evidence of {who} is none that the model can give: the gates hold another model, "
            "flash or build anew"
        )
