"""Counts for the estimate of nodes that compute with sizes; trees are counted in `estimate`."""

from collections.abc import Iterable

from locgen.ir import (
    ClauseNode,
    DistanceNode,
    LayeredNode,
    LinearNode,
    NeighboursNode,
    QuantisedModel,
    TableNode,
)
from locgen.ir.integer.cost import clause_luts, function_luts, is_looked_up, table_luts, term_luts
from locgen.ir.integer.layercost import serial_counts
from locgen.ir.integer.node import NodeBase
from locgen.plan.direct import DirectPlan
from locgen.plan.tree import TreePlan

__all__ = ["adders_of", "stream_terms_of", "term_cells"]


def term_cells(nodes: Iterable[NodeBase]) -> dict[str, float]:
    """Return the counts of the distinct terms of `nodes` that work at once, trees left out.

    `table`: LUT4 of terms that are looked up, `product`: adder bits of those that are computed.
    """
    counts = {"table": 0.0, "product": 0.0}
    distinct = {
        _identity(term, 0): term for node in nodes if node.kind != "tree" for term in node.terms
    }
    for term in distinct.values():
        counts["table" if is_looked_up(term) else "product"] += term_luts(term)
    return counts


def adders_of(model: QuantisedModel, plan: DirectPlan) -> tuple[int, int]:
    """Return (result bits of distinct adders, flip-flops behind no adder) of a direct plan.

    Prototypes share the sums of their squares: an adder of the same terms is counted once. With a
    gate these are the adders of each expert.
    """
    flags = iter(plan.registers[2:])
    lanes: dict[tuple[int, int], list[tuple[object, int]]] = {}
    for number, node in enumerate(model.nodes):
        expert = model.expert_of[number] if model.gate is not None else 0
        for term in node.terms:
            for output, (low, high) in zip(term.outputs, term.ranges, strict=True):
                entry = (_identity(term, output), high - low)
                lanes.setdefault((expert, output), []).append(entry)
    adder_bits, lone = 0, 0
    for _ in range(plan.add_levels):
        registered = next(flags)
        seen: set[object] = set()
        for lane, entries in lanes.items():
            sums: list[tuple[object, int]] = []
            for (a, a_span), (b, b_span) in zip(entries[::2], entries[1::2], strict=False):
                key = (a, b)
                sums.append((key, a_span + b_span))
                if key not in seen:
                    seen.add(key)
                    adder_bits += sums[-1][1].bit_length()
            if len(entries) % 2:
                sums.append(entries[-1])
                lone += registered * entries[-1][1].bit_length()
            lanes[lane] = sums
    return adder_bits, lone + sum(flags) * model.outputs * model.score_bits


def _identity(term: NodeBase, output: int) -> object:
    """Return what two terms have in common that synthesis makes one of."""
    if isinstance(term, DistanceNode):
        members = (term.features, term.prototype, term.weights, term.metric, term.bias)
        return members
    return term, output


def stream_terms_of(model: QuantisedModel, plan: TreePlan) -> dict[str, float]:
    """Return the counts of hardwired nodes but trees, as the tree fabric has them.

    `sum`: bits of accumulators, once more where their weights move with the digits, and where a
    distance comes on top; `weight`: LUT4 of weights and stored codes, functions of the feature that
    passes, and of the beats where it changes; `table`: LUT4 of tables and squares, and bits of the
    features caught for them; `digit`: bits of scores and evidence that a digit is chosen from;
    `multiplier`, `pipeline`: of nodes that compute in turn, see `ir.layercost.serial_counts`.
    """
    names = ("sum", "weight", "table", "digit", "multiplier", "pipeline")
    counts = dict.fromkeys(names, 0.0)
    beats = {slot.feature: slot.beats for slot in plan.slots}
    number_bits = max(len(beats) - 1, 1).bit_length()
    looked_up = function_luts(number_bits) * len(beats) / (1 << number_bits)
    serial = any(count > 1 for count in beats.values())
    shared: dict[str, int] = {}  # equal at every node: synthesis leaves one
    wired = [
        model.nodes[number]
        for numbers, shape in zip(plan.sites, plan.engines, strict=True)
        for number in (numbers if shape is None else ())
    ]
    for node in wired:
        if node.kind == "tree":
            continue
        bits = sum((high - low).bit_length() for low, high in node.ranges)
        counts["digit"] += bits
        if plan.evidence:
            counts["digit"] += sum(node.evidence_bits)
        if isinstance(node, ClauseNode):
            counts["table"] += clause_luts(node)
            if not node.first:
                counts["sum"] += sum(bits for _ in node.clauses)
            continue
        if isinstance(node, TableNode):
            caught = beats.get(node.feature, 0) * plan.down_width
            counts["table"] += table_luts(node) + caught
            continue
        if isinstance(node, LayeredNode):
            in_turn = serial_counts(node)
            counts["multiplier"] += in_turn["multiplier"]
            counts["pipeline"] += in_turn["accumulator"] + in_turn["counter"]
            continue
        if isinstance(node, NeighboursNode):
            widest = max(node.feature_bits)
            rows = len(node.stored).bit_length()
            counts["multiplier"] += widest * widest if node.metric == "l2" else 2 * widest
            counts["pipeline"] += node.listed * (2 * node.distance_bits + 2 * rows)
            counts["pipeline"] += 2 * node.distance_bits + 6 * rows + 6 * widest
            continue
        shared["counter"] = plan.down_beats.bit_length() + number_bits
        counts["sum"] += (plan.down_width + serial) * bits
        products = [term for term in node.terms if isinstance(term, LinearNode)]
        if isinstance(node, LinearNode):
            columns = list(zip(*node.weights, strict=True))
        else:
            columns = [tuple(term.weights[0][0] for term in products) or node.prototype]
            widest = max(node.feature_bits, default=0)
            if node.metric == "l2":
                shared["square"] = widest * widest
            else:
                counts["table"] += 4 * widest
            counts["sum"] += bits
        for column in columns:
            counts["weight"] += looked_up * (max(map(abs, column), default=0).bit_length() + 1)
    counts["weight"] += shared.get("counter", 0)
    counts["table"] += shared.get("square", 0)
    return counts
