"""Plans of the tree fabric with engines: which nodes a memory holds, and which stay in gates."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal

from locgen.errors import ConfigurationError, DoesNotFit
from locgen.ir import QuantisedModel, TreeNode
from locgen.ir.integer import trees_of
from locgen.plan.budget import BLOCK_STEP, MemoryBudget
from locgen.plan.engine import WORD_BITS, EngineShape
from locgen.plan.evidence import schedule_evidence
from locgen.plan.tree import LinkWidth, TreePlan, schedule

__all__ = ["plan_engines", "refit"]

Memory = Literal["block", "spram"]

_BLOCK_HEADROOM = 1.25
"""Block RAM is taken with room for a somewhat larger model."""
_LARGEST_ADDRESS = 1 << 16


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
    trees = trees_of(model.nodes)
    count = 1 if sites is None else sites
    if not 1 <= count <= len(trees):
        raise ConfigurationError(
            f"--sites {count} is outside 1 to {len(trees)}, the model's number of nodes"
        )
    most = _LARGEST_ADDRESS // count
    room: list[tuple[Memory, int]] = [
        ("block", budget.block_words(count, len(model.features))),
        ("spram", budget.spram_words(count)),
    ]
    for memory, words in room:
        if words:
            dealt = _deal(trees, _rough_shape(model, trees, min(words, most), memory), count)
            if dealt is not None:
                return _plan(model, link_width, dealt, (), memory, min(words, most), explain)
    memory, words = max(room, key=lambda choice: choice[1])
    words = min(words, most)
    if core == "auto" and words:
        shape = _rough_shape(model, trees, words, memory)
        kept, gates = _split(model, trees, shape, count)
        dealt = _deal(trees, shape, count, kept)
        if kept and dealt is not None:
            return _plan(model, link_width, dealt, gates, memory, words, explain)
    smallest = _rough_shape(model, trees, most, memory)
    raise DoesNotFit(
        f"{model.name} needs {smallest.words_of(trees)} words of memory for its engines, the "
        f"device has {words * count} for them ({budget.block_rams} block RAMs, {budget.sprams} "
        f"SPRAMs): {remedy}"
    )


def _rough_shape(
    model: QuantisedModel, nodes: Sequence[TreeNode], words: int, memory: Memory
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
    trees: Sequence[TreeNode], shape: EngineShape, count: int, chosen: Iterable[int] | None = None
) -> tuple[tuple[int, ...], ...] | None:
    """Return the nodes of each of `count` engines, None if one is too small.

    The longest tree goes first, to the engine with least to do.
    """
    numbers = range(len(trees)) if chosen is None else chosen
    sites: list[list[int]] = [[] for _ in range(count)]
    steps, words = [0] * count, [shape.words_of(())] * count
    for number in sorted(numbers, key=lambda i: (-shape.steps_of(trees[i]), i)):
        size = shape.size_of(trees[number])
        open_sites = [s for s in range(count) if words[s] + size <= shape.words]
        if not open_sites:
            return None
        site = min(open_sites, key=lambda s: (steps[s], s))
        sites[site].append(number)
        steps[site] += shape.steps_of(trees[number])
        words[site] += size
    dealt = tuple(tuple(sorted(nodes)) for nodes in sites)
    fits = all(shape.words_of([trees[n] for n in nodes]) <= shape.words for nodes in dealt)
    return dealt if fits else None


def _split(
    model: QuantisedModel, trees: Sequence[TreeNode], shape: EngineShape, count: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return (nodes for the memories, nodes for gates): a word of memory saves most gates first."""

    def saved(number: int) -> float:
        tree = trees[number]
        luts = sum(c.luts(model.feature_bits[c.feature]) for c in tree.comparisons)
        return (luts + tree.multiplexers) / shape.size_of(tree)

    left = count * (shape.words - shape.words_of(()))
    kept: set[int] = set()
    for number in sorted(range(len(trees)), key=lambda i: (-saved(i), i)):
        # A tree that is as large as a site's rest may not fit any: leave that much free.
        if count * shape.size_of(trees[number]) <= left:
            kept.add(number)
            left -= shape.size_of(trees[number])
    return tuple(sorted(kept)), tuple(n for n in range(len(trees)) if n not in kept)


def _plan(
    model: QuantisedModel,
    link_width: LinkWidth,
    dealt: tuple[tuple[int, ...], ...],
    gates: tuple[int, ...],
    memory: Memory,
    words: int,
    explain: bool,
) -> TreePlan:
    """Return the plan for engines over `dealt` and hardwired sites of one node over `gates`."""
    of_engine = [trees_of(model.nodes[n] for n in nodes) for nodes in dealt]
    inside = [tree for trees in of_engine for tree in trees]
    shape = _rough_shape(model, inside, words, memory)
    if memory == "block":
        needed = max(map(shape.words_of, of_engine))
        roomy = -(-round(needed * _BLOCK_HEADROOM) // BLOCK_STEP) * BLOCK_STEP
        shape = replace(shape, words=min(roomy, words))
    # As many trees, but all as deep as the deepest: what another training may bring.
    deepest = max(inside, key=lambda tree: tree.depth)
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
    shape, trees = plan.shapes[0], trees_of(model.nodes)
    if shape.columns == 1 and any(len(tree.outputs) > 1 for tree in trees):
        raise DoesNotFit(
            "the engines were built for trees that score one output each, the model's score more: "
            "build anew"
        )
    dealt = _deal(trees, shape, len(plan.shapes))
    if dealt is None:
        raise DoesNotFit(
            f"{len(trees)} trees need {shape.words_of(trees)} words, the engines have "
            f"{shape.words} in each of {len(plan.shapes)}: train fewer or smaller trees, or build "
            "anew"
        )
    counts = [len(nodes) for nodes in plan.sites]
    if plan.evidence and [len(nodes) for nodes in dealt] != counts:
        raise DoesNotFit(
            f"the design gathers evidence of {counts} trees in its engines, the model has "
            f"{len(trees)} in all: train as many, or build anew"
        )
    evidence = plan.evidence and schedule_evidence(
        model, dealt, plan.engines, plan.up_width, plan.score_beats
    )
    return replace(plan, sites=dealt, evidence=evidence)
