"""Payloads of responses, one bit at a time."""

from amaranth import *
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .gather import EvidenceBuffer
from .protocol import DIGEST_BYTES, HEADER_BYTES, HELLO_BYTES, LinkParams

__all__ = ["DIGEST_IN_HELLO", "PredictPayload", "hello_body", "response_layout"]

_DIGEST_BEGIN = 8 * (HEADER_BYTES + 1)
DIGEST_IN_HELLO = slice(_DIGEST_BEGIN, _DIGEST_BEGIN + 8 * DIGEST_BYTES)
"""The bits of a hello response's body that the digest takes."""
_STATUS_BIT = 8 * (HEADER_BYTES + HELLO_BYTES)


def response_layout(params: LinkParams) -> data.StructLayout:
    """Return the layout of a core's output: the decision (if there is one), then the scores."""
    members = {"decision": unsigned(params.decision_bits)} if params.decision_bits else {}
    members["scores"] = data.ArrayLayout(signed(params.score_bits), params.outputs)
    return data.StructLayout(members)


def hello_body(
    params: LinkParams, digest_byte: Value | None = None, ready: Value | None = None
) -> Value:
    """Return the body of a hello response, as far as it is the design's.

    A design with memories gives `digest_byte`, the byte of its model's digest that is sent next if
    one is, and `ready`.
    """
    body = Const(int.from_bytes(bytes(HEADER_BYTES) + params.hello_payload(), "little"))
    if digest_byte is None:
        return body
    body = body | Const(0, 8 * (HEADER_BYTES + params.hello_bytes))  # all its bytes
    return Cat(
        body[: DIGEST_IN_HELLO.start],
        digest_byte.replicate(DIGEST_BYTES),
        body[DIGEST_IN_HELLO.stop : _STATUS_BIT],
        ready,
        body[_STATUS_BIT + 1 :],
    )


class PredictPayload(wiring.Component):
    """A result kept as the core gives it, and stretched to whole bytes as it is sent.

    Parameters
    ----------
    params : the design's widths
    position_bits : width of `position`
    evidence_width : width of a digit of evidence, for a design that gathers it

    Members
    -------
    i : In(stream.Signature(response_layout(params), always_ready=True)), the result
    position : In(position_bits), the bit of the response body that is sent now, header included
    previous : In(1), the bit sent before it
    step : In(1), the bit at `position` is sent
    bit : Out(1), combinational: that bit, if `position` is in the payload
    evidence : In(stream.Signature(evidence_width, always_ready=True)), its digits
    clear : In(1), whole : Out(1), of the evidence, see `EvidenceBuffer`

    The last three are there for a design that gathers evidence alone. A result is kept from the
    clock after `i.valid`; it is used up by sending it once.
    """

    def __init__(self, params: LinkParams, position_bits: int, evidence_width: int = 0) -> None:
        self.params = params
        members = {
            "i": In(stream.Signature(response_layout(params), always_ready=True)),
            "position": In(position_bits),
            "previous": In(1),
            "step": In(1),
            "bit": Out(1),
        }
        if params.explains:
            members["evidence"] = In(stream.Signature(unsigned(evidence_width), always_ready=True))
            members |= {"clear": In(1), "whole": Out(1)}
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        """Build the result's shift register and what fills its bytes up."""
        m = Module()
        params = self.params
        in_byte, count = self.position[:3], self.position[3:]
        first_score = HEADER_BYTES + params.decision_bytes
        result = Signal(len(self.i.payload.as_value()))
        byte_of_score = Signal(range(params.score_bytes))
        beyond = Signal()  # past the field's own bits, where the sign or zeros go
        sign = Signal()

        # Comparisons for equality only: Yosys makes carry chains of the others.
        in_decision = count.matches(*range(first_score))
        with m.If(in_decision):
            if params.decision_bits % 8:
                padding = in_byte.matches(*range(params.decision_bits % 8, 8))
                m.d.comb += beyond.eq((count == first_score - 1) & padding)
        with m.Elif(byte_of_score == params.score_bytes - 1):
            m.d.comb += sign.eq(self.previous)
            if params.score_bits % 8:
                m.d.comb += beyond.eq(in_byte.matches(*range(params.score_bits % 8, 8)))
        m.d.comb += self.bit.eq(Mux(beyond, sign, result[0]))
        if params.explains:
            self._send_evidence(m)

        with m.If(self.step & in_byte.all()):
            m.d.sync += byte_of_score.eq(byte_of_score + 1)
            with m.If(in_decision | (byte_of_score == params.score_bytes - 1)):
                m.d.sync += byte_of_score.eq(0)
        with m.If(self.i.valid):
            m.d.sync += result.eq(self.i.payload)
        with m.Elif(self.step & ~beyond & count[1:].any()):
            m.d.sync += result.eq(result[1:])
        return m

    def _send_evidence(self, m: Module) -> None:
        """Add the evidence, and send it behind the scores."""
        params = self.params
        buffer = EvidenceBuffer(params.evidence_bits, len(self.evidence.payload))
        m.submodules.evidence = buffer
        wiring.connect(m, wiring.flipped(self.evidence), buffer.i)
        in_byte, count = self.position[:3], self.position[3:]
        behind = Signal()  # the scores are sent; a comparison of sizes would be a carry chain
        with m.If(self.step & in_byte.all()):
            last = count == HEADER_BYTES + params.response_bytes - 1
            m.d.sync += behind.eq(last | (behind & (count != 0)))
        m.d.comb += [
            buffer.clear.eq(self.clear),
            buffer.step.eq(self.step & behind),
            self.whole.eq(buffer.whole),
        ]
        with m.If(behind):
            m.d.comb += self.bit.eq(buffer.bit)
