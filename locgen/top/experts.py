"""Gates in parallel, and the experts of the direct fabric: closed ones are masked out."""

from functools import reduce
from operator import or_

from amaranth import *

from locgen.cores import NodeInputs, TopK, add_core, signed_shape
from locgen.ir import Gate, QuantisedModel
from locgen.top.pipeline import Score

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


def open_scores(m: Module, model: QuantisedModel, scores: list[Score], mask: Value) -> list[Score]:
    """Return the scores of outputs with the closed experts' at 0.

    Where a single expert is open, that is its score already, one an output; else what is to be
    added up, the bias included.

    Parameters
    ----------
    m : module that gates are added to
    model : a mixture of experts
    scores : those of (expert, output); mask : which experts are open
    """
    assert model.gate is not None
    single, shape = model.gate.top_k == 1, signed(model.score_bits)
    opened: list[list[Score]] = [[] for _ in range(model.outputs)]
    for owner, value, low, high in scores:
        assert isinstance(owner, tuple)
        expert, output = owner
        term = Signal(shape if single else value.shape(), name=f"open_{expert}_{output}")
        m.d.comb += term.eq(Mux(mask[expert], value, 0))
        opened[output].append(Score(output, term, min(low, 0), max(high, 0)))
    if single:
        chosen = [Signal(shape, name=f"chosen_{output}") for output in range(model.outputs)]
        m.d.comb += [
            c.eq(reduce(or_, (score.value for score in terms)))
            for c, terms in zip(chosen, opened, strict=True)
        ]
        ranges = enumerate(model.score_ranges)
        return [Score(output, chosen[output], *interval) for output, interval in ranges]
    for output, bias in enumerate(model.bias):
        if bias:
            opened[output].append(Score(output, Const(bias), bias, bias))
    return [score for terms in opened for score in terms]
