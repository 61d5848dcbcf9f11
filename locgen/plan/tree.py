"""The plan of the tree fabric: nodes on sites, the network's shape and its schedule."""

import heapq
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from locgen.errors import ConfigurationError
from locgen.ir import QuantisedModel
from locgen.ir.integer.node import NodeBase
from locgen.ir.levels import tree_levels
from locgen.plan.engine import EngineShape
from locgen.plan.evidence import EvidenceSlot, schedule_evidence
from locgen.plan.mixture import assign_experts, largest_open_sum, sites_of_experts

__all__ = ["LinkWidth", "Slot", "TreePlan", "largest_words", "plan_tree", "schedule"]

LinkWidth = int | Literal["full"]

_SITES_PER_STAGE = 32
"""Sites that share the last broadcast stage and its beat counter. Measured at 64 sites and 1-bit
links (benchmarks/network.py): 16, 32, 64 to a stage cost 3.95, 2.73, 2.02 cells a site; more sites
mean longer wires."""
_ENGINE_LEVELS = 9.0
"""From the features' memory through a comparison to the next address."""
_STAGE_FANOUT = 4
"""Stages that the root or an inner broadcast stage feeds."""


@dataclass(frozen=True)
class Slot:
    """The beats in which one feature goes down, least significant digit first."""

    feature: int
    start: int
    beats: int


@dataclass(frozen=True)
class TreePlan:
    """Features down a broadcast tree in `down_beats`, scores up a combining tree in `up_beats`.

    Between the two lie `compute_beats` cycles where some site is an engine or computes in turn.

    Members
    -------
    down_width, up_width : bits of a link in either direction
    sites : for each site the nodes it computes
    slots : when each feature goes down; features of no width have none
    digits : beats of one output's score; scores go up in the order of the outputs
    stops : for each last broadcast stage the sites it serves
    inner_stops : broadcast stages between the root and the last ones, for each level from the root
    local_levels, combine_levels : adding stages in a row inside a site, and between sites and root
    root_cycles : from the last digit's arrival at the root to the answer
    slowest_levels : estimate of the longest run between registers, in levels of LUT4
    engines : for each site the shape of its engine, None for a hardwired one
    gates : with a gate, for each expert the last stages behind its gate stage
    header_beats : beats of the gate's mask, in front of the features
    top_k : experts that are open at once; 0 without a gate
    evidence : when each node's evidence goes up, behind the scores; empty if none is gathered
    """

    link_width: LinkWidth
    down_width: int
    up_width: int
    sites: tuple[tuple[int, ...], ...]
    slots: tuple[Slot, ...]
    down_beats: int
    digits: int
    up_beats: int
    stops: tuple[tuple[int, ...], ...]
    inner_stops: tuple[int, ...]
    local_levels: int
    combine_levels: int
    root_cycles: int
    slowest_levels: float
    engines: tuple[EngineShape | None, ...]
    compute_beats: int
    gates: tuple[tuple[int, ...], ...] = ()
    header_beats: int = 0
    top_k: int = 0
    evidence: tuple[EvidenceSlot, ...] = ()
    kind: Literal["tree"] = "tree"

    @property
    def is_pipeline(self) -> bool:
        """Whether all nodes stand side by side in one pipeline: they stand on sites."""
        return False

    @property
    def wired(self) -> tuple[tuple[int, ...], ...]:
        """For each site the nodes that stand in gates there: none at an engine."""
        pairs = zip(self.sites, self.engines, strict=True)
        return tuple(() if shape else nodes for nodes, shape in pairs)

    @property
    def broadcast_levels(self) -> int:
        """Registers from the root to the sites' inputs."""
        return len(self.inner_stops) + bool(self.gates) + 1

    @property
    def evidence_beats(self) -> int:
        """Beats up that carry evidence."""
        return sum(slot.beats for slot in self.evidence)

    @property
    def score_beats(self) -> int:
        """Beats up that carry scores; those of the evidence follow."""
        return self.up_beats - self.evidence_beats

    @property
    def evidence_bits(self) -> int:
        """Bits of evidence that reach the root for an inference."""
        return self.evidence_beats * self.up_width

    @property
    def evidence_width(self) -> int:
        """Width of the evidence port: a digit."""
        return self.up_width

    @property
    def gate_cycles(self) -> int:
        """Cycles from the input to the header's first beat."""
        return int(bool(self.gates))

    @property
    def latency_cycles(self) -> int:
        """Cycles from a valid input at the idle fabric to its answer."""
        down = self.gate_cycles + self.header_beats + self.broadcast_levels + self.down_beats
        up = 1 + self.local_levels + self.combine_levels + self.score_beats
        return down + self.compute_beats + up + self.root_cycles - 1

    @property
    def interval_cycles(self) -> int:
        """Cycles between answers when inputs wait: all phases, back to back."""
        return self.header_beats + self.down_beats + self.compute_beats + self.up_beats

    @property
    def shapes(self) -> tuple[EngineShape, ...]:
        """The shapes of the engines, without the hardwired sites."""
        return tuple(shape for shape in self.engines if shape is not None)

    @property
    def core(self) -> Literal["hardwired", "engine", "mixed"]:
        """What the sites are."""
        if not self.shapes:
            return "hardwired"
        return "engine" if len(self.shapes) == len(self.sites) else "mixed"

    @property
    def bits_per_inference(self) -> int:
        """Bits that cross the sites' borders: valid beats times width, down and up, all sites.

        The beat number, the same in every inference, carries no data and is not counted. With a
        gate, sites of the open experts are counted: as many as can be open at once.
        """
        return self.open_sites * self.bits_per_site

    @property
    def bits_per_site(self) -> int:
        """Bits that cross the border of a site that works."""
        return self.down_beats * self.down_width + self.up_beats * self.up_width

    @property
    def open_sites(self) -> int:
        """Most sites that work on one inference."""
        if not self.gates:
            return len(self.sites)
        behind = sorted(sum(len(self.stops[stage]) for stage in stages) for stages in self.gates)
        return sum(behind[-self.top_k :])


def plan_tree(
    model: QuantisedModel, link_width: LinkWidth, sites: int | None, explain: bool = False
) -> TreePlan:
    """Return the tree plan of `model` in hardwired sites: one a node unless `sites` says fewer.

    With `explain` each node's evidence follows the scores.

    Raises
    ------
    ConfigurationError
        If there are fewer nodes than sites, or fewer sites than experts.
    """
    count = len(model.nodes) if sites is None else sites
    if not 1 <= count <= len(model.nodes):
        raise ConfigurationError(
            f"--sites {count} is outside 1 to {len(model.nodes)}, the model's number of nodes"
        )
    numbers = range(len(model.nodes))
    if model.gate is None:
        largest, assigned = _largest_sum(model.nodes), _assign(model, numbers, count)
    else:
        largest = largest_open_sum(model, model.gate)
        assigned = assign_experts(model, count, _assign)
    accumulator = largest.bit_length() or 1
    return schedule(model, link_width, assigned, (None,) * count, accumulator, explain)


def schedule(
    model: QuantisedModel,
    link_width: LinkWidth,
    assigned: tuple[tuple[int, ...], ...],
    engines: tuple[EngineShape | None, ...],
    accumulator: int,
    explain: bool = False,
) -> TreePlan:
    """Return the plan of nodes at given sites.

    Parameters
    ----------
    assigned : for each site its nodes; engines : for each site its engine, None for gates
    accumulator : bits in which a score travels
    explain : whether each node's evidence follows the scores
    """
    if link_width == "full":
        down_width, up_width = max(max(model.feature_bits, default=1), 1), accumulator
    else:
        down_width = up_width = link_width
    slots = _slots(model.feature_bits, down_width)
    digits = -(-accumulator // up_width)
    first = digits * model.outputs
    evidence: tuple[EvidenceSlot, ...] = ()
    if explain:
        evidence = schedule_evidence(model, assigned, engines, up_width, first)
    stops, gates = _broadcast(model, assigned)
    hardwired = [nodes for nodes, shape in zip(assigned, engines, strict=True) if shape is None]
    cycles = [model.nodes[n].compute_cycles for nodes in hardwired for n in nodes]
    cycles += [shape.cycles for shape in engines if shape is not None]
    return TreePlan(
        link_width=link_width,
        down_width=down_width,
        up_width=up_width,
        sites=assigned,
        slots=slots,
        down_beats=max(sum(slot.beats for slot in slots), 1),
        digits=digits,
        up_beats=first + sum(slot.beats for slot in evidence),
        stops=stops,
        inner_stops=_inner_stages(len(gates or stops)),
        local_levels=tree_levels(max(map(len, hardwired), default=1)),
        combine_levels=tree_levels(len(assigned)),
        root_cycles=model.decision.root_cycles,
        slowest_levels=_slowest_levels(model, hardwired, any(engines)),
        engines=engines,
        compute_beats=max(cycles, default=0),
        gates=gates,
        header_beats=-(-len(model.experts) // down_width),
        top_k=0 if model.gate is None else model.gate.top_k,
        evidence=evidence,
    )


def _slots(feature_bits: Sequence[int], width: int) -> tuple[Slot, ...]:
    """Return when each feature goes down a link of `width` bits; none for those of no width."""
    beats = [-(-bits // width) for bits in feature_bits]
    starts = accumulate(beats, initial=0)
    return tuple(
        Slot(feature, start, count)
        for feature, (start, count) in enumerate(zip(starts, beats, strict=False))
        if count
    )


def _broadcast(
    model: QuantisedModel, assigned: tuple[tuple[int, ...], ...]
) -> tuple[tuple[tuple[int, ...], ...], tuple[tuple[int, ...], ...]]:
    """Return the sites behind each last broadcast stage, and the stages behind each expert's gate.

    Without a gate, the second is empty.
    """
    stages: list[tuple[int, ...]] = []
    gates = []
    for sites in sites_of_experts(model, assigned) or (range(len(assigned)),):
        groups = -(-len(sites) // _SITES_PER_STAGE)
        gates.append(tuple(range(len(stages), len(stages) + groups)))
        stages += [tuple(sites[i::groups]) for i in range(groups)]
    return tuple(stages), () if model.gate is None else tuple(gates)


def _inner_stages(groups: int) -> tuple[int, ...]:
    """Return the broadcast stages of each level, from the root, that feed `groups` others."""
    inner: list[int] = []
    while (count := -(-groups // _STAGE_FANOUT ** (len(inner) + 1))) > 1:
        inner.insert(0, count)
    return tuple(inner)


def _slowest_levels(
    model: QuantisedModel, hardwired: Iterable[tuple[int, ...]], has_engines: bool
) -> float:
    """Return the longest run between registers in levels of LUT4, about."""
    levels = (model.nodes[n].stream_levels for nodes in hardwired for n in nodes)
    return max(
        2 + max(levels, default=0),
        3 + model.score_bits / 8,
        0 if model.gate is None else 2 + model.gate.levels,
        model.decision.second_stage_levels,
        _ENGINE_LEVELS if has_engines else 0,
    )


def largest_words(
    model: QuantisedModel, plan: TreePlan, groups: Iterable[tuple[int, ...]]
) -> tuple[int, ...] | None:
    """Return the largest number that each group of nodes sends up.

    None where it does not matter: numbers of several digits, memories that can change, experts of
    which only a few send anything, and evidence, which takes whole digits.
    """
    if plan.digits > 1 or plan.shapes or model.gate is not None or plan.evidence:
        return None
    return tuple(_largest_sum([model.nodes[n] for n in nodes]) for nodes in groups)


def _largest_sum(nodes: Iterable[NodeBase]) -> int:
    """Return the largest sum of any output when each node counts from its own lowest."""
    largest: Counter[int] = Counter()
    for node in nodes:
        for output, (low, high) in zip(node.outputs, node.ranges, strict=True):
            largest[output] += high - low
    return max(largest.values(), default=0)


def _assign(
    model: QuantisedModel, numbers: Sequence[int], count: int
) -> tuple[tuple[int, ...], ...]:
    """Spread the nodes `numbers` over `count` sites: heaviest first onto the lightest site."""
    if count == len(numbers):
        return tuple((i,) for i in numbers)
    sites: list[list[int]] = [[] for _ in range(count)]
    loads = [(0, site) for site in range(count)]  # a heap: the lightest site comes first
    weight = {number: model.nodes[number].load for number in numbers}
    for node in sorted(numbers, key=lambda i: (-weight[i], i)):
        load, site = loads[0]
        sites[site].append(node)
        heapq.heapreplace(loads, (load + weight[node], site))
    return tuple(tuple(sorted(nodes)) for nodes in sites)
