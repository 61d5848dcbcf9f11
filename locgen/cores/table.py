"""Tables: shape functions of one feature."""

from collections.abc import Callable

from amaranth import *
from amaranth.lib import wiring

from locgen.cores.arithmetic import look_up
from locgen.cores.features import NodeInputs
from locgen.cores.parallel import NodeCore, scores_shape
from locgen.cores.serial import FeatureCapture, NodeStream
from locgen.ir import TableNode
from locgen.ir.integer.node import NodeBase

__all__ = ["TableCore", "TableStream"]


class TableCore(NodeCore[TableNode]):
    """One hardwired table, see `NodeCore`."""

    def elaborate(self, platform: object) -> Module:
        """Build one look-up an output."""
        m = Module()
        for column, rows in enumerate(zip(*self.node.scores, strict=True)):
            value = Signal(scores_shape(self.node), name=f"score_{column}")
            look_up(m, self.features.as_value(), rows, value)
            m.d.comb += self.scores[column].eq(value)
        return m

    @classmethod
    def evidence(
        cls,
        m: Module,
        name: str,
        node: TableNode,
        inputs: NodeInputs,
        add: Callable[[str, NodeBase], NodeCore],
    ) -> Value:
        """Return the number of the row that is taken, see `NodeCore.evidence`."""
        return inputs.codes_of(node)


class TableStream(NodeStream[TableNode]):
    """One hardwired table that sends its scores, see `NodeStream`.

    The number of the row that is taken is its evidence.
    """

    def elaborate(self, platform: object) -> Module:
        """Build the captured feature, the table and the choice of a digit."""
        m = Module()
        node = self.node
        m.submodules.table = table = TableCore(node.shifted(tuple(-low for low in self.lows)))
        code: Value = Const(0, 0)
        if node.bits:
            m.submodules.capture = capture = FeatureCapture(node.feature, self.schedule)
            wiring.connect(m, wiring.flipped(self.link), capture.link)
            code = capture.code[: node.bits]
        m.d.comb += table.features.as_value().eq(code)
        self.send(m, list(table.scores), code)
        return m
