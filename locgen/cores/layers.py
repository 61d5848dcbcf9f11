"""All units of all layers at once, in gates."""

from amaranth import *

from locgen.cores.linear import add_up, multiply
from locgen.cores.nodecore import NodeCore, signed_shape
from locgen.cores.table import look_up
from locgen.ir import Layer

__all__ = ["LayeredCore", "look_up_sum"]


class LayeredCore(NodeCore):
    """All units of all layers in gates.

    Latency 0 (combinational), one inference per cycle.

    Parameters
    ----------
    node : the layers; ``scores == node.evaluate(q)``

    Members
    -------
    features : In(sum(node.feature_bits)), packed in the node's order
    scores : Out(ArrayLayout(shape, len(node.outputs))) of the narrowest shape for all outputs
    """

    def elaborate(self, platform: object) -> Module:
        """Build one sum and one table a unit, then the weighted sums."""
        m = Module()
        node, start = self.node, 0
        values: list[Value] = []
        for bits in node.feature_bits:
            values.append(self.features[start : start + bits])
            start += bits
        for number, layer in enumerate(node.layers):
            values = [
                self._unit(m, layer, unit, values, f"layer_{number}_{unit}")
                for unit in range(layer.units)
            ]
        for column, bias in enumerate(node.bias):
            parts = [(Const(bias, signed_shape(bias, bias)), bias, bias)]
            parts += [
                multiply(m, value, row[column], f"weighted_{column}_{unit}")
                for unit, (value, row) in enumerate(zip(values, node.weights, strict=True))
                if row[column]
            ]
            m.d.comb += self.scores[column].eq(add_up(m, parts, f"score_{column}")[0])
        return m

    @staticmethod
    def _unit(m: Module, layer: Layer, unit: int, values: list[Value], name: str) -> Value:
        """Return the value of one unit."""
        bias = layer.bias[unit]
        parts = [(Const(bias, signed_shape(bias, bias)), bias, bias)]
        for place, (value, stored) in enumerate(zip(values, layer.parameters[unit], strict=True)):
            most = (1 << len(value)) - 1
            if layer.metric == "dot":
                if stored:
                    parts.append(multiply(m, value, stored, f"{name}_product_{place}"))
                continue
            far = max(stored, abs(most - stored))
            size = Signal(far.bit_length(), name=f"{name}_size_{place}")
            m.d.comb += size.eq(Mux(value < stored, stored - value, value - stored))
            if layer.metric == "l1":
                parts.append((size, 0, far))
                continue
            square = Signal((far * far).bit_length(), name=f"{name}_square_{place}")
            m.d.comb += square.eq(size * size)
            parts.append((square, 0, far * far))
        total, low, high = add_up(m, parts, f"{name}_sum")
        return look_up_sum(m, layer, total, low, high, name)


def look_up_sum(m: Module, layer: Layer, total: Value, low: int, high: int, name: str) -> Value:
    """Return what the table of `layer` has for a sum between `low` and `high`."""
    inside = Signal(range(len(layer.table) << layer.shift), name=f"{name}_inside")
    m.d.comb += inside.eq(_clipped(total, low, high, layer))
    index = inside[layer.shift :]
    entry = Signal(layer.value_bits, name=f"{name}_entry")
    look_up(m, index, layer.table, entry)
    if not layer.slopes:
        return entry
    slope = Signal(signed_shape(min(*layer.slopes, -1), max(layer.slopes)), name=f"{name}_slope")
    look_up(m, index, layer.slopes, slope)
    value = Signal(layer.value_bits, name=f"{name}_value")
    part = inside[layer.shift - layer.fraction : layer.shift]
    half = 1 << layer.fraction - 1
    m.d.comb += value.eq(entry + (slope * part + half >> layer.fraction))
    return value


def _clipped(total: Value, low: int, high: int, layer: Layer) -> Value:
    """Return a sum between `low` and `high`, clipped to those that the table covers."""
    last = (len(layer.table) << layer.shift) - 1
    inside: Value = total
    if high > last:
        inside = Mux(total > last, last, total)
    return Mux(total < 0, 0, inside) if low < 0 else inside
