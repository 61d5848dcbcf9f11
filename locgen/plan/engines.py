"""The plan of a tree fabric with engines: which nodes a memory holds, and which stay in gates."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from locgen.errors import ConfigurationError, DoesNotFit
from locgen.ir import QuantisedModel, TreeNode
from locgen.plan.engine import WORD_BITS, EngineShape, tree_image
from locgen.plan.evidence import schedule_evidence
from locgen.plan.tabulate import tabulate
from locgen.plan.tree import LinkWidth, TreePlan, schedule

__all__ = [
    "MemoryBudget",
    "images_of",
    "plan_engines",
    "refit",
    "site_stride",
    "with_ports",
]

_BLOCK_STEP = 256
"""Words of 32 bits in two iCE40 block RAMs of 4 kbit."""
_SPRAM_STEP = 1 << 14
"""Words of 32 bits in two SPRAMs of 256 kbit."""
_DEEP_ROWS = 4
"""Blocks that are wide enough for a word alone are put side by side by Yosys, each four times as
deep, where a memory is large: 23,040 words take 48 blocks of 512, 22,528 take 44."""
_BLOCK_HEADROOM = 1.25
"""Block RAM is taken with room for a somewhat larger model."""
_LARGEST_ADDRESS = 1 << 16


@dataclass(frozen=True)
class MemoryBudget:
    """What engines may use: block RAMs, and SPRAMs of 256 kbit.

    `side_by_side` block RAMs hold `step` words of 32 bits; iCE40's, of 4 kbit, by default.
    """

    block_rams: int
    sprams: int
    step: int = _BLOCK_STEP
    side_by_side: int = 2

    def block_words(self, sites: int, features: int) -> int:
        """Return the words of block RAM for each of `sites` engines, beside features' memories."""
        left = self.block_rams // sites - -(-features // self.step)
        rows = max(left // self.side_by_side, 0)
        if self.side_by_side == 1 and rows > _DEEP_ROWS:
            rows -= rows % _DEEP_ROWS
        return rows * self.step

    def spram_words(self, sites: int) -> int:
        """Return the words of SPRAM for each of `sites` engines."""
        return max(self.sprams // 2 // sites, 0) * _SPRAM_STEP


def with_ports(model: QuantisedModel) -> QuantisedModel:
    """Return `model` for engines: trees alone, and ports that other models fit too.

    All features are equally wide, scores have a spare bit; see `tabulate` for nodes of other kinds.
    Codes get a spare bit as well unless the data are integers already: another training finds other
    thresholds, maybe more.

    Raises
    ------
    ConfigurationError
        If the model accepts missing values, has a gate or a node that `tabulate` refuses.
    """
    if model.gate is not None:
        raise ConfigurationError(
            f"engines compute all their nodes, {model.family} opens some: use --core hardwired"
        )
    model = tabulate(model)
    if model.rule.missing:
        raise ConfigurationError(
            "engines have no code for missing values: add --missing refuse, or use --core hardwired"
        )
    bits = max(max(f.bits for f in model.features), 1)
    bits += not all(feature.takes_integers for feature in model.features)
    return replace(
        model,
        port_feature_bits=(bits,) * len(model.features),
        port_score_bits=model.own_score_bits + 1,
    )


def plan_engines(
    model: QuantisedModel,
    link_width: LinkWidth,
    sites: int | None,
    budget: MemoryBudget,
    core: Literal["auto", "engine"],
    explain: bool = False,
    remedy: str = "train fewer or smaller trees",
) -> TreePlan:
    """Return a plan whose trees lie in the memories of `sites` engines (default 1).

    Trees are dealt to engines so that all end at about the same time. With `core` ``auto``, trees
    that the memories cannot hold become hardwired sites of their own: those with the fewest gates
    for a word of memory.

    Parameters
    ----------
    model : from `with_ports`
    remedy : what a refusal advises

    Raises
    ------
    DoesNotFit
        If the memories cannot hold the model (``engine``) or not even one tree of it.
    ConfigurationError
        If there are fewer nodes than sites.
    """
    count = 1 if sites is None else sites
    if not 1 <= count <= len(model.nodes):
        raise ConfigurationError(
            f"--sites {count} is outside 1 to {len(model.nodes)}, the model's number of nodes"
        )
    for memory, words in (
        ("block", budget.block_words(count, len(model.features))),
        ("spram", budget.spram_words(count)),
    ):
        words = min(words, _LARGEST_ADDRESS // count)
        if words:
            dealt = _deal(model, _rough_shape(model, model.nodes, words, memory), count)
            if dealt is not None:
                return _plan(model, link_width, dealt, (), memory, words, explain)
    memory, words = max(
        ("block", budget.block_words(count, len(model.features))),
        ("spram", budget.spram_words(count)),
        key=lambda choice: choice[1],
    )
    words = min(words, _LARGEST_ADDRESS // count)
    if core == "auto" and words:
        shape = _rough_shape(model, model.nodes, words, memory)
        kept, gates = _split(model, shape, count)
        dealt = _deal(model, shape, count, kept)
        if kept and dealt is not None:
            return _plan(model, link_width, dealt, gates, memory, words, explain)
    smallest = _rough_shape(model, model.nodes, _LARGEST_ADDRESS // count, memory)
    raise DoesNotFit(
        f"{model.name} needs {smallest.words_of(model.nodes)} words of memory for its engines, the "
        f"device has {words * count} for them ({budget.block_rams} block RAMs, {budget.sprams} "
        f"SPRAMs): {remedy}"
    )


def _rough_shape(
    model: QuantisedModel, nodes: Sequence[TreeNode], words: int, memory: str
) -> EngineShape:
    """Return the shape for `nodes` with no limit to its cycles."""
    single = all(len(node.outputs) == 1 for node in model.nodes)
    spans = [high - low for node in nodes for low, high in node.ranges]
    shape = EngineShape(
        words=words,
        memory=memory,
        features=sum(bits > 0 for bits in model.feature_bits),
        code_bits=max(model.feature_bits),
        columns=1 if single else model.outputs,
        leaf_bits=max(max(spans, default=0).bit_length(), 1),
        outputs=model.outputs,
        score_bits=model.score_bits,
        cycles=1 << WORD_BITS,
    )
    if shape.leaf_bits + 1 < WORD_BITS:  # another training's leaves may need a bit more
        spare = replace(shape, leaf_bits=shape.leaf_bits + 1)
        if spare.leaf_words == shape.leaf_words:
            return spare
    return shape


def _deal(
    model: QuantisedModel, shape: EngineShape, count: int, chosen: Sequence[int] | None = None
) -> tuple[tuple[int, ...], ...] | None:
    """Return the nodes of each engine: longest first to the one with least to do; None if full."""
    numbers = range(len(model.nodes)) if chosen is None else chosen
    sites: list[list[int]] = [[] for _ in range(count)]
    steps, words = [0] * count, [shape.words_of(())] * count
    for number in sorted(numbers, key=lambda i: (-shape.steps_of(model.nodes[i]), i)):
        node = model.nodes[number]
        size = shape.words_of((node, node, node)) - shape.words_of((node, node))
        open_sites = [s for s in range(count) if words[s] + size <= shape.words]
        if not open_sites:
            return None
        site = min(open_sites, key=lambda s: (steps[s], s))
        sites[site].append(number)
        steps[site] += shape.steps_of(node)
        words[site] += size
    dealt = tuple(tuple(sorted(nodes)) for nodes in sites)
    held = all(shape.words_of([model.nodes[n] for n in nodes]) <= shape.words for nodes in dealt)
    return dealt if held else None


def _split(
    model: QuantisedModel, shape: EngineShape, count: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return (nodes for the memories, nodes for gates): a word of memory saves most gates first."""

    def gates(number: int) -> float:
        node = model.nodes[number]
        luts = sum(c.luts(model.feature_bits[c.feature]) for c in node.comparisons)
        return luts + node.multiplexers

    def size(number: int) -> int:
        node = model.nodes[number]
        return shape.words_of((node, node, node)) - shape.words_of((node, node))

    left = count * (shape.words - shape.words_of(()))
    kept: list[int] = []
    for number in sorted(range(len(model.nodes)), key=lambda i: (-gates(i) / size(i), i)):
        # A tree that is as large as a site's rest may not fit any: leave that much free.
        if size(number) + max(count - 1, 0) * size(number) <= left:
            kept.append(number)
            left -= size(number)
    inside = set(kept)
    return tuple(sorted(kept)), tuple(n for n in range(len(model.nodes)) if n not in inside)


def _plan(
    model: QuantisedModel,
    link_width: LinkWidth,
    dealt: tuple[tuple[int, ...], ...],
    gates: tuple[int, ...],
    memory: str,
    words: int,
    explain: bool,
) -> TreePlan:
    """Return the plan for engines over `dealt` and hardwired sites of one node over `gates`."""
    inside = [model.nodes[n] for nodes in dealt for n in nodes]
    shape = _rough_shape(model, inside, words, memory)
    if memory == "block":
        needed = max(shape.words_of([model.nodes[n] for n in nodes]) for nodes in dealt)
        roomy = -(-round(needed * _BLOCK_HEADROOM) // _BLOCK_STEP) * _BLOCK_STEP
        shape = replace(shape, words=min(roomy, words))
    # As many trees, but all as deep as the deepest: what another training may bring.
    depth = max(node.depth for node in inside)
    deepest = next(node for node in inside if node.depth == depth)
    cycles = max(shape.cycles_of([deepest] * len(nodes)) for nodes in dealt)
    engines = (replace(shape, cycles=cycles),) * len(dealt) + (None,) * len(gates)
    assigned = (*dealt, *((n,) for n in gates))
    return schedule(model, link_width, assigned, engines, model.score_bits, explain)


def refit(model: QuantisedModel, plan: TreePlan) -> TreePlan:
    """Return `plan` with the nodes of another `model` dealt to its engines.

    Raises
    ------
    DoesNotFit
        If their memories are too small for its trees.
    """
    shape = plan.shapes[0]
    if shape.columns == 1 and any(len(node.outputs) > 1 for node in model.nodes):
        raise DoesNotFit(
            "the engines were built for trees that score one output each, the model's score more: "
            "build anew"
        )
    dealt = _deal(model, shape, len(plan.shapes))
    if dealt is None:
        needed = shape.words_of(model.nodes)
        raise DoesNotFit(
            f"{len(model.nodes)} trees need {needed} words, the engines have {shape.words} in each "
            f"of {len(plan.shapes)}: train fewer or smaller trees, or build anew"
        )
    if plan.evidence and [len(nodes) for nodes in dealt] != [len(nodes) for nodes in plan.sites]:
        counts = [len(nodes) for nodes in plan.sites]
        raise DoesNotFit(
            f"the design gathers evidence of {counts} trees in its engines, the model has "
            f"{len(model.nodes)} in all: train as many, or build anew"
        )
    fitted = replace(plan, sites=dealt)
    if not plan.evidence:
        return fitted
    first = plan.score_beats
    slots = schedule_evidence(model, dealt, plan.engines, plan.up_width, first)
    return replace(fitted, evidence=slots)


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
    lows = list(model.bias)
    for node in model.nodes:
        for output, (low, _) in zip(node.outputs, node.ranges, strict=True):
            lows[output] += low
    shifted = [low + (1 << model.score_bits - 1) for low in lows]
    engines = [
        (shape, [model.nodes[n] for n in nodes])
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
