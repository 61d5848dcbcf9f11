"""The top for parallel pins: eight data pins each way and five for the handshake (docs/pins.md)."""

from dataclasses import dataclass

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

__all__ = ["PinsParams", "PinsTop"]


@dataclass(frozen=True)
class PinsParams:
    """Widths of a design behind pins.

    Members
    -------
    feature_bits : width of all features together, at least 1
    decision_bits : width of the decision, 0 for none
    score_bits, outputs : width of a signed score, and how many there are, perhaps none
    """

    feature_bits: int
    decision_bits: int
    score_bits: int
    outputs: int

    def __post_init__(self) -> None:
        if self.feature_bits < 1:
            raise ValueError(f"feature_bits must be at least 1, not {self.feature_bits!r}")
        if self.decision_bits < 0 or self.outputs < 0 or (self.outputs and self.score_bits < 1):
            raise ValueError("widths must be positive")

    @property
    def row_bytes(self) -> int:
        """Bytes of a row of features."""
        return -(-self.feature_bits // 8)

    @property
    def decision_bytes(self) -> int:
        """Bytes of the decision."""
        return -(-self.decision_bits // 8)

    @property
    def score_bytes(self) -> int:
        """Bytes of one score."""
        return -(-self.score_bits // 8)

    @property
    def answer_bytes(self) -> int:
        """Bytes of an answer, at least 1."""
        return max(self.decision_bytes + self.outputs * self.score_bytes, 1)


class PinsTop(wiring.Component):
    """A core behind parallel pins.

    Parameters
    ----------
    core : component with members `i`: In(stream.Signature(F)) and `o`:
        Out(stream.Signature(answer, always_ready=True)), which gives exactly one answer for each
        transfer; becomes submodule `core`
    params : its widths

    Members
    -------
    data_in : In(8), a byte of the row, stable from the rise of `write` for 3 cycles
    write : In(1), asynchronous: its rise takes `data_in` as the next byte of the row
    read : In(1), asynchronous: its rise asks for the next byte of the answer
    restart : In(1), asynchronous: while it is 1 and `ready` too, the row begins anew
    data_out : Out(8), a byte of the answer, the first one as soon as `done` rises
    ready : Out(1), bytes are taken
    done : Out(1), the answer to the last row is there; the next row's first byte takes it down

    Latency: `ready` falls 3 cycles after the rise of the last `write`; `done` rises two cycles plus
    the core's latency later. One row at a time.
    """

    data_in: In(8)
    write: In(1)
    read: In(1)
    restart: In(1)
    data_out: Out(8)
    ready: Out(1)
    done: Out(1)

    def __init__(self, core: wiring.Component, params: PinsParams) -> None:
        self.core = core
        self.params = params
        super().__init__()

    def elaborate(self, platform: object) -> Module:
        """Build the handshake, the row's register and the answer's."""
        m = Module()
        m.submodules.core = core = self.core
        params = self.params
        rises = {}
        for name in ("write", "read"):
            pin, level, before = getattr(self, name), Signal(name=name), Signal(name=f"{name}_was")
            m.submodules[f"{name}_pin"] = FFSynchronizer(pin, level, reset_less=False)
            m.d.sync += before.eq(level)
            rises[name] = level & ~before
        restart = Signal()
        m.submodules.restart_pin = FFSynchronizer(self.restart, restart, reset_less=False)

        row = Signal(params.feature_bits)
        place = Signal(range(params.row_bytes))
        answer = Signal.like(core.o.payload.as_value())
        shown = Signal(range(params.answer_bytes))
        m.d.comb += [
            core.i.payload.eq(row),
            self.data_out.eq(self._bytes(answer).word_select(shown, 8)),
        ]
        with m.FSM():
            with m.State("COLLECT"):
                m.d.comb += self.ready.eq(1)
                with m.If(restart):
                    m.d.sync += [place.eq(0), self.done.eq(0)]
                with m.Elif(rises["write"]):
                    with m.Switch(place):
                        for number in range(params.row_bytes):
                            with m.Case(number):
                                part = row[8 * number : 8 * number + 8]
                                m.d.sync += part.eq(self.data_in)
                    m.d.sync += [place.eq(place + 1), self.done.eq(0)]
                    with m.If(place == params.row_bytes - 1):
                        m.d.sync += place.eq(0)
                        m.next = "OFFER"
                with m.Elif(rises["read"]):
                    m.d.sync += shown.eq(shown + 1)
                    with m.If(shown == params.answer_bytes - 1):
                        m.d.sync += shown.eq(0)
            with m.State("OFFER"):
                m.d.comb += core.i.valid.eq(1)
                with m.If(core.i.ready):
                    m.next = "WAIT"
                    self._take(m, answer, shown)
            with m.State("WAIT"):
                self._take(m, answer, shown)
        return m

    def _take(self, m: Module, answer: Signal, shown: Signal) -> None:
        """Keep the core's answer if it is there: in the cycle of the transfer at the earliest."""
        with m.If(self.core.o.valid):
            m.d.sync += [
                answer.eq(self.core.o.payload.as_value()),
                shown.eq(0),
                self.done.eq(1),
            ]
            m.next = "COLLECT"

    def _bytes(self, answer: Value) -> Value:
        """Return `answer` with the decision and every score stretched to whole bytes."""
        params = self.params
        parts = []
        if params.decision_bits:
            decision = answer[: params.decision_bits]
            parts.append(Cat(decision, C(0, 8 * params.decision_bytes - len(decision))))
        for number in range(params.outputs):
            start = params.decision_bits + number * params.score_bits
            score = answer[start : start + params.score_bits]
            fill = score[-1].replicate(8 * params.score_bytes - len(score))
            parts.append(Cat(score, fill))
        return Cat(*parts) if parts else C(0, 8)
