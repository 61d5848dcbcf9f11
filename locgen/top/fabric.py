"""Ports of a compiled model, the same for both fabrics."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from locgen.cores import feature_layout
from locgen.ir import QuantisedModel
from locgen.plan import Plan
from locgen.top.memory import memory_signature

__all__ = ["answer_layout", "fabric_signature", "missing_codes"]


def answer_layout(model: QuantisedModel) -> data.StructLayout:
    """Return the answer's layout: the decision (if there is one), then the scores given."""
    members = {"decision": unsigned(model.decision.bits)} if model.decision.bits else {}
    members["scores"] = data.ArrayLayout(signed(model.score_bits), model.score_ports)
    return data.StructLayout(members)


def fabric_signature(model: QuantisedModel, plan: Plan) -> wiring.Signature:
    """Return the ports of a compiled model.

    Members
    -------
    i : In(stream.Signature(feature_layout(model.feature_bits))), all features at once
    o : Out(stream.Signature(answer_layout(model), always_ready=True)), the answer
    memory : Out(memory_signature()), fills the memories of engines, where there are any
    evidence : Out(stream), with evidence, as `plan.evidence` says: all at once with the answer, or
        digit by digit, before or after the answer but before the next one's
    """
    members = {
        "i": In(stream.Signature(feature_layout(model.feature_bits))),
        "o": Out(stream.Signature(answer_layout(model), always_ready=True)),
    }
    if plan.shapes:
        members["memory"] = Out(memory_signature())
    if plan.evidence:
        shape = unsigned(plan.evidence_width)
        members["evidence"] = Out(stream.Signature(shape, always_ready=True))
    return wiring.Signature(members)


def missing_codes(model: QuantisedModel) -> tuple[int, ...]:
    """Return the code of NaN of each feature, -1 for none."""
    return tuple(int(code) for code in model.missing_codes)
