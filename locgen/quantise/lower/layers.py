"""Nodes of one layer and more in integers."""

from dataclasses import dataclass, replace
from typing import ClassVar, cast

import numpy as np

from locgen.ir import FloatLayer, FloatLayers, Layer, LayeredNode, Model
from locgen.quantise.functiontable import (
    FunctionTable,
    Scale,
    longest_index,
    table_of,
    useful_span,
)
from locgen.quantise.lower.base import Lowered, NodeLowering
from locgen.quantise.lower.context import Context, sums_of
from locgen.quantise.step_function import step_function
from locgen.quantise.widths.base import Widths

__all__ = ["WIDEST_WEIGHT", "LayersLowering", "LoweredLayers", "lowered", "only_layers"]

WIDEST_WEIGHT = 8
"""Bits of a weight behind a function beyond which values alone get finer."""
_MARGIN = 0.05
"""Of the interval that sums reach on known rows, added at either end of a table."""


class LayersLowering(NodeLowering[FloatLayers]):
    """Dot products or distances of codes, and tables of functions of these."""

    family: ClassVar[str] = "layered"

    def lower(self, node: FloatLayers, context: Context, steps: np.ndarray, width: int) -> Lowered:
        """Return the node, and what rounding shifts on the rows' mean."""
        if self.compares(node):
            return _step_function(node, context, steps, width)
        floats = context.float_values(node) @ node.weights
        used = tuple(f for f in node.features if context.features[f].bits)
        if not used:
            return None, floats.mean(axis=0)
        found = lowered(node, context, used, Widths(width, width, longest_index(width)))
        weights = np.rint(node.weights * found.step * steps).astype(np.int64)
        if not weights.any():
            return None, floats.mean(axis=0)
        return found.node(node, weights, steps)

    def compares(self, node: FloatLayers) -> bool:
        """Return whether the node is a function of one score that is made of lines."""
        return (
            node.layers[-1].function.name == "lines"
            and len(node.features) == 1
            and all(layer.units == 1 for layer in node.layers)
        )

    def span(self, node: FloatLayers, context: Context) -> np.ndarray:
        """Return the widest weighted range of a unit of the last layer."""
        reach = np.ptp(context.float_values(node), axis=0)
        return (np.abs(node.weights) * reach[:, None]).max(axis=0, initial=0.0)

    def term_bits(self, node: FloatLayers, context: Context, width: int) -> int:
        """Return the bits of a weight times a value."""
        return width + min(width, WIDEST_WEIGHT)


def only_layers(model: Model) -> FloatLayers:
    """Return the one node of a model whose family is that of layers."""
    (unit,) = model.units
    return cast(FloatLayers, unit)  # no other kind has that family


def _step_function(unit: FloatLayers, context: Context, steps: np.ndarray, width: int) -> Lowered:
    """Return a function of one score as comparisons."""
    (feature,) = unit.features
    code = context.features[feature]

    def values(codes: np.ndarray) -> np.ndarray:
        rows = np.zeros((len(codes), unit.layers[0].matrix.shape[1]))
        rows[:, feature] = context.low[feature] + codes / getattr(code, "scale", 1.0)
        return unit.layers[-1].function.evaluate(sums_of(unit, rows)[-1][:, 0])

    levels = 1 << longest_index(width)
    node, height = step_function(values, feature, code.bits, levels)
    heights = height[:, None] * unit.weights
    low = heights.min(axis=0)
    scores = np.rint((heights - low) * steps).astype(np.int64)
    if not scores.any() or not node.feature:
        return None, heights.mean(axis=0)
    rows = tuple(map(tuple, scores.tolist()))
    return replace(node, leaf_scores=rows, outputs=unit.outputs), low


@dataclass(frozen=True, eq=False)
class LoweredLayers:
    """The layers of a node in integers, all but its last weights.

    Members
    -------
    features, feature_bits : what the first layer reads
    layers : in integers
    values, floats : (rows, units) what the last layer gives for some rows, in integers and not
    step : what a step of the integers is worth
    """

    features: tuple[int, ...]
    feature_bits: tuple[int, ...]
    layers: tuple[Layer, ...]
    values: np.ndarray
    floats: np.ndarray
    step: float

    def node(
        self, unit: FloatLayers, weights: np.ndarray, score_steps: np.ndarray
    ) -> tuple[LayeredNode, np.ndarray]:
        """Return the node with integer `weights` (units, outputs), and what is constant besides.

        Units without a weight are left out. The constant makes up for what rounding shifts on the
        rows' mean.

        Parameters
        ----------
        score_steps : (outputs,) score steps in a raw score of 1
        """
        missing = self.floats @ unit.weights - self.values @ weights / score_steps
        keep = np.flatnonzero((weights != 0).any(axis=1))
        if not len(keep):
            keep = np.zeros(1, dtype=np.int64)
        last = self.layers[-1]
        kept = replace(
            last,
            parameters=tuple(last.parameters[n] for n in keep),
            bias=tuple(last.bias[n] for n in keep),
        )
        node = LayeredNode(
            features=self.features,
            feature_bits=self.feature_bits,
            layers=(*self.layers[:-1], kept),
            weights=tuple(map(tuple, weights[keep].tolist())),
            bias=(0,) * len(unit.outputs),
            unit_ids=tuple(unit.unit_ids[n] for n in keep),
            outputs=unit.outputs,
            kind=unit.kind,
        )
        return node, missing.mean(axis=0)


def lowered(
    unit: FloatLayers,
    context: Context,
    used: tuple[int, ...],
    widths: Widths,
) -> LoweredLayers:
    """Return the layers of `unit` over the features `used`."""
    features, float_sums = context.features, context.float_sums(unit)
    scales = [Scale(float(getattr(f, "low", 0.0)), 1 / getattr(f, "scale", 1.0)) for f in features]
    values = context.codes[:, list(used)]
    layers: list[Layer] = []
    inputs, kept = scales, np.isin(np.arange(len(scales)), used)
    for float_layer, sums in zip(unit.layers, float_sums, strict=True):
        layer, table = _lower(float_layer, inputs, kept, sums, values, widths)
        layers.append(layer)
        values = layer.evaluate(values)
        inputs, kept = [table.scale] * layer.units, np.ones(layer.units, dtype=bool)
    return LoweredLayers(
        used,
        tuple(features[f].bits for f in used),
        tuple(layers),
        values,
        unit.layers[-1].function.tabled(float_sums[-1]),
        inputs[0].step,
    )


def _lower(
    layer: FloatLayer,
    inputs: list[Scale],
    kept: np.ndarray,
    sums: np.ndarray,
    values: np.ndarray,
    widths: Widths,
) -> tuple[Layer, FunctionTable]:
    """Return a layer in integers, and the table that it looks its sums up in.

    Parameters
    ----------
    inputs, kept : what each input's integers stand for, and whether it is one of the integers;
        the others are constants
    sums : (rows, units) float sums of some rows
    values : (rows, kept inputs) the integers that the same rows come in
    """
    low = np.array([scale.low for scale in inputs])
    unit = np.array([scale.step for scale in inputs])
    if layer.metric == "dot":
        exact = (layer.matrix * unit)[:, kept]
        largest = np.abs(exact).max(initial=0.0)
        step = (largest or 1.0) / ((1 << widths.score - 1) - 1)
        parameters = np.rint(exact / step).astype(np.int64)
        offset = layer.bias + layer.matrix @ low
        offset = offset + (exact - parameters * step) @ values.mean(axis=0)
    else:
        assert layer.scale is not None  # of a distance
        scale = np.abs(layer.scale)
        size = float((unit * scale)[kept].max())
        step = layer.factor * (size * size if layer.metric == "l2" else size)
        codes = np.floor(((layer.matrix - low) / unit)[:, kept] + 0.5)
        parameters = np.maximum(codes, 0).astype(np.int64)
        rest = np.abs((layer.matrix - low) * scale)[:, ~kept]
        fixed = (rest**2 if layer.metric == "l2" else rest).sum(axis=1)
        offset = layer.bias + layer.factor * fixed
    reach = float(np.ptp(sums)) * _MARGIN
    least, most = float(sums.min()) - reach, float(sums.max()) + reach
    if layer.metric != "dot":
        least = min(float(offset.min()), float(sums.min()))
    span = useful_span(layer.function, least, most, widths.value)
    table = table_of(layer.function, span, step, widths.table_index, widths.value)
    bias = np.rint(offset / step).astype(np.int64) - table.start
    lowered = Layer(
        layer.metric,
        tuple(map(tuple, parameters.tolist())),
        tuple(bias.tolist()),
        table.shift,
        tuple(table.values.tolist()),
        tuple(table.slopes.tolist()) if table.fraction else (),
        table.fraction,
        f"{layer.function.words}, {table.words}",
        table.error,
    )
    return lowered, table
