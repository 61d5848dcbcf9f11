"""Turns float nodes of two layers and more into integer nodes."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from locgen.ir import (
    AffineFeature,
    Feature,
    FloatLayer,
    FloatLayers,
    IdentityFeature,
    Layer,
    LayeredNode,
    Model,
    QuantisedModel,
)
from locgen.quantise.functiontable import FunctionTable, Scale, table_of, useful_span
from locgen.quantise.lower import assemble
from locgen.quantise.ranges import training_ranges

__all__ = [
    "LayerWidths",
    "Skeleton",
    "layer_features",
    "layered_unit",
    "lowered",
    "sums_of",
]

_MARGIN = 0.05
"""Of the interval that sums reach on known rows, added at either end of a table."""


class LayerWidths(NamedTuple):
    """Bits of a table's index, of its values, and of weights, hidden and outer."""

    index: int
    value: int
    weight: int


def layered_unit(model: Model) -> FloatLayers | None:
    """Return the two-layer node of `model`, None if it has none."""
    found = [unit for unit in model.units if isinstance(unit, FloatLayers)]
    return found[0] if found else None


def layer_features(
    model: Model, unit: FloatLayers, bits: int, x_train: np.ndarray | None, identity: bool
) -> tuple[Feature, ...]:
    """Return a quantiser of at most `bits` bits for each feature of `model`.

    Features whose distances are compared share one step in the metric's scale. Integers that fit
    are taken as they are if `identity`. A constant feature, or one that is not read, has no bits.
    """
    fills = model.fills or (None,) * len(model.feature_names)
    if x_train is not None:
        x_train = model.expand(x_train)
    low, high = _ranges(model, unit, x_train)
    used = np.isin(np.arange(len(low)), unit.features)
    span = np.where(used, high - low, 0.0)
    scale = unit.layers[0].scale
    if identity and _are_integers(x_train, span, bits, None if scale is None else scale[used]):
        return tuple(
            IdentityFeature(name, int(least), int(least + reach), fill=fill)
            for name, least, reach, fill in zip(model.feature_names, low, span, fills, strict=True)
        )
    metric = np.ones(len(span)) if scale is None else np.abs(scale)
    finest = (span * metric).max(initial=0.0) / ((1 << bits) - 1)
    features = []
    for name, least, reach, size, fill in zip(
        model.feature_names, low, span, metric, fills, strict=True
    ):
        codes = 0
        if reach > 0 and size > 0:
            codes = (1 << bits) - 1
            if scale is not None:
                codes = int(np.floor(reach * size / finest + 0.5))
        if codes == 0 or not np.isfinite(codes / reach):
            features.append(AffineFeature(name, float(least + reach / 2), 1.0, 0, fill=fill))
            continue
        steps = codes / reach if scale is None else size / finest
        width = codes.bit_length()
        features.append(AffineFeature(name, float(least), float(steps), width, fill=fill))
    return tuple(features)


def _are_integers(
    x_train: np.ndarray | None, span: np.ndarray, bits: int, scale: np.ndarray | None
) -> bool:
    if x_train is None or not len(x_train) or np.any(x_train != np.floor(x_train)):
        return False
    if scale is not None and len(set(scale.tolist())) > 1:
        return False
    return span.max(initial=0.0) < 1 << bits


def _ranges(
    model: Model, unit: FloatLayers, x_train: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return (lowest, highest) value of each feature, those of stored vectors included."""
    if x_train is not None and len(x_train):
        low, high = training_ranges(x_train)
    else:
        known = model.ranges or (None,) * len(model.feature_names)
        low, high = np.array([ends or (0.0, 0.0) for ends in known]).T
    first = unit.layers[0]
    if first.metric != "dot":
        low = np.minimum(low, first.matrix.min(axis=0))
        high = np.maximum(high, first.matrix.max(axis=0))
    return low, high


@dataclass(frozen=True, eq=False)
class Skeleton:
    """A model of one two-layer node with its features chosen; nothing else is rounded yet.

    Members
    -------
    model, unit : the model and its node
    features : quantisers
    rows : (rows, features) float rows that tell how far sums reach
    """

    model: Model
    unit: FloatLayers
    features: tuple[Feature, ...]
    rows: np.ndarray

    @cached_property
    def codes(self) -> np.ndarray:
        """The rows' codes (rows, features)."""
        columns = [f.quantise(self.rows[:, i]) for i, f in enumerate(self.features)]
        return np.stack(columns, axis=1)

    @cached_property
    def float_sums(self) -> tuple[np.ndarray, ...]:
        """Each layer's float sums of the rows."""
        return sums_of(self.unit, self.rows)

    def of_widths(self, widths: LayerWidths, name: str) -> QuantisedModel:
        """Return the integer model; what rounding shifts on the rows' mean goes into the bias."""
        unit, model = self.unit, self.model
        used = tuple(f for f in unit.features if self.features[f].bits)
        if not used:  # nothing varies: any feature of one bit stands in
            used = unit.features[:1] or (0,)
            only = self.features[used[0]]
            features = list(self.features)
            features[used[0]] = AffineFeature(only.name, float(getattr(only, "low", 0.0)), 1.0, 1)
            return Skeleton(model, unit, tuple(features), self.rows).of_widths(widths, name)
        found = lowered(unit, self.features, used, self.codes, self.float_sums, widths)
        groups = [scale.outputs for scale in model.rule_of_decision.scales]
        weights, steps = _rounded(unit.weights, widths.weight, groups)
        score_steps = steps / found.step
        node, missing = found.node(unit, weights, score_steps)
        base = np.array(model.base, dtype=np.float64)
        base[list(unit.outputs)] += missing
        return assemble(model, self.features, (node,), base, score_steps, name)


@dataclass(frozen=True, eq=False)
class Lowered:
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
    features: tuple[Feature, ...],
    used: tuple[int, ...],
    codes: np.ndarray,
    float_sums: tuple[np.ndarray, ...],
    widths: LayerWidths,
) -> Lowered:
    """Return the layers of `unit` over the features `used`.

    Parameters
    ----------
    codes : (rows, features) of some rows; float_sums : each layer's sums (rows, units) of the same
    """
    scales = [Scale(float(getattr(f, "low", 0.0)), 1 / getattr(f, "scale", 1.0)) for f in features]
    values = codes[:, list(used)]
    layers: list[Layer] = []
    inputs, kept = scales, np.isin(np.arange(len(scales)), used)
    for float_layer, sums in zip(unit.layers, float_sums, strict=True):
        layer, table = _lower(float_layer, inputs, kept, sums, values, widths)
        layers.append(layer)
        values = layer.evaluate(values)
        inputs, kept = [table.scale] * layer.units, np.ones(layer.units, dtype=bool)
    return Lowered(
        used,
        tuple(features[f].bits for f in used),
        tuple(layers),
        values,
        unit.layers[-1].function.tabled(float_sums[-1]),
        inputs[0].step,
    )


def sums_of(unit: FloatLayers, rows: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return each layer's float sums (rows, units) of `rows` (rows, features)."""
    found, inputs = [], rows
    for layer in unit.layers:
        found.append(layer.sums(inputs))
        inputs = layer.function.tabled(found[-1])
    return tuple(found)


def _rounded(
    weights: np.ndarray, bits: int, groups: list[tuple[int, ...]]
) -> tuple[np.ndarray, np.ndarray]:
    """Return (integers, integers in a weight of 1) of each column, a group in one scale."""
    largest = np.abs(weights).max(axis=0)
    for columns in groups:
        largest[list(columns)] = largest[list(columns)].max()
    steps = ((1 << bits - 1) - 1) / np.where(largest > 0, largest, 1.0)
    return np.rint(weights * steps).astype(np.int64), steps


def _lower(
    layer: FloatLayer,
    inputs: list[Scale],
    kept: np.ndarray,
    sums: np.ndarray,
    values: np.ndarray,
    widths: LayerWidths,
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
        step = (largest or 1.0) / ((1 << widths.weight - 1) - 1)
        parameters = np.rint(exact / step).astype(np.int64)
        offset = layer.bias + layer.matrix @ low
        offset = offset + (exact - parameters * step) @ values.mean(axis=0)
    else:
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
    table = table_of(layer.function, span, step, widths.index, widths.value)
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
