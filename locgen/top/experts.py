"""Gates in parallel, and the experts of the direct fabric: closed ones are masked out."""

from functools import reduce
from operator import or_

from amaranth import *

from locgen.cores import NodeInputs, TopK, add_core, signed_shape
from locgen.ir import Gate, QuantisedModel

__all__ = ["add_gate", "open_scores"]


def add_gate(m: Module, gate: Gate, inputs: NodeInputs) -> Value:
    """Add the gate's nodes and its ranking as module ``gate``; return which experts are open.

    Latency 0 (combinational).

    Parameters
    ----------
    m : module that it is added to; gate : what decides; inputs : what nodes read
    """
    m.submodules.gate = inner = Module()
    terms: list[list[Value]] = [[Const(bias)] if bias else [] for bias in gate.bias]
    for number, node in enumerate(gate.ranked_terms):
        core = add_core(inner, f"{node.kind}_{number}", node, inputs)
        for column, expert in enumerate(node.outputs):
            terms[expert].append(core.scores[column])
    mask = Signal(gate.experts, name="mask")
    if gate.is_mask:
        inner.d.comb += mask.eq(Cat((term[0] if term else Const(0))[0] for term in terms))
        return mask
    ends = [end for ends in gate.ranked for end in ends]
    shape = signed_shape(min(ends), max(ends))
    inner.submodules.rank = rank = TopK(shape, gate.experts, gate.top_k)
    for expert, term in enumerate(terms):
        inner.d.comb += rank.scores[expert].eq(sum(term, Const(0)))
    inner.d.comb += mask.eq(rank.mask)
    return mask


def open_scores(
    m: Module,
    model: QuantisedModel,
    scores: list[Value],
    owners: list[tuple[tuple[int, int], int, int]],
    mask: Value,
) -> tuple[list[Value], list[tuple[int, int, int]]]:
    """Return (scores, (output, low, high) of each) with the closed experts' at 0.

    Where a single expert is open, that is its score already, one an output; else what is to be
    added up, the bias included.

    Parameters
    ----------
    owners : ((expert, output), low, high) of each score
    """
    terms: list[list[Value]] = [[] for _ in range(model.outputs)]
    ranges: list[list[tuple[int, int, int]]] = [[] for _ in range(model.outputs)]
    shape = signed(model.score_bits)
    for score, ((expert, output), low, high) in zip(scores, owners, strict=True):
        one = model.gate.top_k == 1
        term = Signal(shape if one else score.shape(), name=f"open_{expert}_{output}")
        m.d.comb += term.eq(Mux(mask[expert], score, 0))
        terms[output].append(term)
        ranges[output].append((output, min(low, 0), max(high, 0)))
    if model.gate.top_k == 1:
        chosen = [Signal(shape, name=f"chosen_{output}") for output in range(model.outputs)]
        m.d.comb += [c.eq(reduce(or_, words)) for c, words in zip(chosen, terms, strict=True)]
        return chosen, [(output, *interval) for output, interval in enumerate(model.score_ranges)]
    for output, value in enumerate(model.bias):
        if value:
            terms[output].append(Const(value))
            ranges[output].append((output, value, value))
    return [t for each in terms for t in each], [r for each in ranges for r in each]
