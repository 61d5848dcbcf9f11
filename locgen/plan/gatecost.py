"""Counts for the estimate of a mixture's gate, and of what opens its experts."""

from locgen.ir import Gate, QuantisedModel
from locgen.plan.direct import DirectPlan
from locgen.plan.nodecost import terms_cost
from locgen.plan.tree import TreePlan

__all__ = ["gate_terms_of", "rank_cells"]


def gate_terms_of(model: QuantisedModel, plan: DirectPlan | TreePlan | None) -> dict[str, float]:
    """Return the counts of gate, header and masks; none without a gate.

    `comparison`, `tree`, `table`, `product` and `adder` are those of the direct fabric: a gate
    works at once in either. `rank`: cells that find the highest scores. `open`: gate stages, header
    and mask on the tree fabric, masking and joining of experts on the direct one, 0 without a plan.
    """
    gate = model.gate
    if gate is None:
        return {}
    comparisons = {c for node in gate.nodes for c in node.comparisons}
    if isinstance(plan, DirectPlan):  # compares each threshold once
        comparisons -= {c for node in model.nodes for c in node.comparisons}
    return {
        "comparison": sum(c.luts(model.feature_bits[c.feature]) for c in comparisons),
        **terms_cost(gate.ranked_terms).counts("tree", "table", "product"),
        "adder": 0 if gate.is_mask else sum(_adder_bits(gate, e) for e in range(gate.experts)),
        "rank": rank_cells(gate),
        "open": 0.0 if plan is None else _open_cells(model, gate, plan),
    }


def rank_cells(gate: Gate) -> float:
    """Return about how many cells rank the scores: comparisons, and choices for a single winner."""
    if gate.is_mask or gate.top_k == gate.experts:
        return 0.0
    ends = [end for ends in gate.ranked for end in ends]
    bits = (max(ends) - min(ends)).bit_length()
    if gate.top_k == 1:
        index = (gate.experts - 1).bit_length()
        return float((gate.experts - 1) * (2 * bits + index) + gate.experts)
    pairs = gate.experts * (gate.experts - 1) // 2
    return float(pairs * bits + gate.experts * gate.experts)


def _adder_bits(gate: Gate, expert: int) -> int:
    """Return the result bits of the adders over an expert's terms, added in pairs."""
    spans = [
        high - low
        for term in gate.ranked_terms
        for output, (low, high) in zip(term.outputs, term.ranges, strict=True)
        if output == expert
    ]
    bits = 0
    while len(spans) > 1:
        sums = [a + b for a, b in zip(spans[::2], spans[1::2], strict=False)]
        bits += sum(total.bit_length() for total in sums)
        spans = sums + spans[len(spans) - len(spans) % 2 :]
    return bits


def _open_cells(model: QuantisedModel, gate: Gate, plan: DirectPlan | TreePlan) -> float:
    experts, top_k = gate.experts, gate.top_k
    if isinstance(plan, TreePlan):
        stages = experts * (plan.down_width + 3)  # a link, the bit that opens it, its enable
        return float(stages + plan.header_beats + 2 * experts + 1)
    word = model.outputs * model.score_bits
    if top_k == 1:  # a LUT4 masks and joins two experts
        pairs = -(-experts // 2)
        return float(word * (pairs + max(pairs - 1, 0) / 3))
    return float(word * (experts - 1))
