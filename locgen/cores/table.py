"""Table cores: a shape function of one feature."""

from collections.abc import Sequence

from amaranth import *

from locgen.cores.capture import Capture, send_digits
from locgen.cores.nodecore import NodeCore, NodeStream, scores_shape

__all__ = ["TableCore", "TableStream", "look_up"]


def look_up(m: Module, code: Value, rows: Sequence[int], result: Signal) -> None:
    """Drive `result` with ``rows[code]``; the most frequent row is the default."""
    codes_of: dict[int, list[int]] = {}
    for number, row in enumerate(rows):
        codes_of.setdefault(row, []).append(number)
    common = max(codes_of, key=lambda row: len(codes_of[row]))
    m.d.comb += result.eq(common)
    if len(codes_of) == 1:
        return
    with m.Switch(code):
        for row, codes in codes_of.items():
            if row != common:
                with m.Case(*codes):
                    m.d.comb += result.eq(row)


class TableCore(NodeCore):
    """One hardwired table.

    Latency 0 (combinational), one inference per cycle.

    Parameters
    ----------
    node : the table; ``scores == node.evaluate(q)``

    Members
    -------
    features : In(node.bits), at least one bit
    scores : Out(ArrayLayout(shape, len(node.outputs))) of the narrowest shape for all outputs
    """

    def elaborate(self, platform: object) -> Module:
        """Build one look-up an output."""
        m = Module()
        for column, rows in enumerate(zip(*self.node.scores, strict=True)):
            value = Signal(scores_shape(self.node), name=f"score_{column}")
            look_up(m, self.features, rows, value)
            m.d.comb += self.scores[column].eq(value)
        return m


class TableStream(NodeStream):
    """One hardwired table that sends its scores digit by digit.

    Latency 0 from a beat of the up phase to its digit.

    Parameters
    ----------
    node : the table; schedule : when its feature passes and its scores leave
    from_zero : send the scores, none below 0, as they are; else counted from the lowest
    evidence : first beat of the number of the row that was taken, None to send none

    Members
    -------
    See `LinkSchedule.ports`.
    """

    def elaborate(self, platform: object) -> Module:
        """Build the captured feature, the table and the choice of a digit."""
        m = Module()
        node = self.node
        m.submodules.table = table = TableCore(node.shifted(tuple(-low for low in self.lows)))
        evidence = None
        if node.bits:
            m.submodules.capture = capture = Capture(node.feature, self.schedule)
            m.d.comb += [
                capture.data.eq(self.data),
                capture.index.eq(self.index),
                capture.down.eq(self.down),
                table.features.eq(capture.code),
            ]
            if self.evidence is not None:
                evidence = self.evidence, capture.code[: node.bits]
        scores = {output: table.scores[column] for column, output in enumerate(node.outputs)}
        send_digits(m, self, scores, self.schedule, evidence)
        return m
