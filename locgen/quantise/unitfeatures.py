"""Feature quantisers of models that compute with sizes."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from locgen.errors import ConfigurationError
from locgen.ir import AffineFeature, Feature, FloatNode, IdentityFeature, Model
from locgen.ir.metric import shared_metric
from locgen.quantise.features import FeatureKind, choose_features
from locgen.quantise.ranges import training_ranges

__all__ = ["ArithmeticFeatures", "narrower"]

_FINEST_STEP = 1e-300
_WIDEST_IDENTITY = 1 << 16


class ArithmeticFeatures:
    """Quantisers of the features of a model that computes with their sizes.

    The codes of a feature that some node reads, be it the gate's, spread evenly over the training
    rows' range and what few rows miss of it, or without rows over the range that the model itself
    knows. The feature that moves a linear score most over `rows` gets the most bits, as does one
    that is compared as well, the others so many that their steps count as much. Prototypes compare
    all features in one step. A feature that nothing reads, or that counts for less than a step,
    gets no bits; one that is compared and nothing else has ranks, unless another kind is asked for.

    Parameters
    ----------
    kind : auto, affine or identity
    x_train : (rows, columns) training rows, None without any
    rows : (rows, columns) that candidates are tried on
    """

    def __init__(
        self, model: Model, kind: FeatureKind, x_train: np.ndarray | None, rows: np.ndarray
    ) -> None:
        self.model, self.kind, self.x_train = model, kind, x_train
        self.compared = np.array([len(cuts) > 0 for cuts in model.cuts])
        self.ranged = np.isin(np.arange(len(self.compared)), model.range_features)
        coded = [unit for unit in model.units if unit.needs_missing_code]
        self.missing = {feature for unit in coded for feature in unit.features}
        fills = model.fills or (None,) * len(model.feature_names)
        self.fills = (*fills, *(None for _ in model.memberships))
        self.low, high = _ranges(model, x_train)
        self.span = np.where(self.ranged | self.compared, high - self.low, 0.0)
        self.metric = shared_metric(model.arithmetic_nodes, len(model.features))
        span = np.where(self.ranged, self.span, 0.0)
        weight = _weights(model, model.expand(rows), span, self.metric)
        free = True if self.metric is None else self.metric == 0
        both = free & self.ranged & self.compared & (self.span > 0)
        self.weight = np.where(both, 1.0, weight)

    def of_bits(self, bits: int) -> tuple[Feature, ...]:
        """Return a quantiser of at most `bits` bits for each feature.

        Raises
        ------
        ConfigurationError
            If identity features are asked for and the training rows are absent or no integers.
        """
        model, kind = self.model, self.kind
        if not self.ranged.any():
            return choose_features(model, bits if kind == "affine" else None, kind, self.x_train)
        x = self.x_train
        if x is not None and model.memberships:
            x = model.expand(x)
        others = choose_features(model, bits, "affine" if kind == "affine" else "rank", x)
        if kind == "identity":
            integers = self._identity(others)
            if integers is None:
                raise ConfigurationError(
                    "identity features need --data whose training columns are integers; use "
                    "--feature-kind affine"
                )
            return integers
        finest = self.weight.max(initial=0.0) / ((1 << bits) - 1)
        alone = self.compared & ~self.ranged
        return tuple(
            other if alone[number] else self._affine(number, finest)
            for number, other in enumerate(others)
        )

    def _affine(self, number: int, finest: float) -> AffineFeature:
        """Return a feature whose codes count as much as `finest`, that of the finest feature."""
        model, name, fill = self.model, self.model.features[number], self.fills[number]
        least, reach = self.low[number], self.span[number]
        codes = int(np.floor(self.weight[number] / finest + 0.5)) if finest > 0 else 0
        if codes == 0 or reach / codes < _FINEST_STEP:
            middle = float(least + reach / 2)
            return AffineFeature(name, middle, 1.0, 0, fill=middle if model.rule.missing else None)
        width = codes.bit_length()
        missing = number in self.missing
        if missing:  # the last code is NaN's
            width = max(width, 2)
        if missing or self.metric is None or not self.metric[number]:
            codes = (1 << width) - 1 - missing
        return AffineFeature(name, float(least), float(codes / reach), width, missing, fill)

    def _identity(self, others: tuple[Feature, ...]) -> tuple[Feature, ...] | None:
        """Return identity quantisers, or ranks where these are narrower and do as well.

        None where the rows are no small integers, or distances have a scale of their own.
        """
        x, metric = self.x_train, self.metric
        if x is None or np.any(x != np.floor(x)) or self.span.max() >= _WIDEST_IDENTITY:
            return None
        if metric is not None and len(set(metric[self.ranged].tolist())) > 1:
            return None
        features: list[Feature] = []
        for number, (least, reach) in enumerate(zip(self.low, self.span, strict=True)):
            low, high = int(np.floor(least)), int(np.ceil(least + reach))
            name, rank = self.model.features[number], others[number]
            whole = IdentityFeature(name, low, high, fill=self.fills[number])
            alone = self.compared[number] and not self.ranged[number]
            features.append(rank if alone and rank.bits < whole.bits else whole)
        return tuple(features)


def _weights(
    model: Model, rows: np.ndarray, span: np.ndarray, metric: np.ndarray | None
) -> np.ndarray:
    """Return how finely each feature of a `span` above 0 counts, 1 for the finest."""
    weight = np.zeros(len(span))
    families = [(model, model.experts or (range(len(model.nodes)),))]
    if model.gate is not None:
        families.append((model.gate.model, (range(len(model.gate.model.nodes)),)))
    for scorer, groups in families:
        units = [
            [scorer.nodes[n] for n in members if scorer.nodes[n].dot_product is not None]
            for members in groups
        ]
        weight = np.maximum(weight, _scaled(_influence(scorer, units, rows, span)))
        # What a shape says in its steep outskirts is cut off later on.
        curved = [unit for unit in scorer.units if unit.needs_range and unit.dot_product is None]
        shapes = [feature for unit in curved for feature in unit.features]
        weight[shapes] = span[shapes] > 0
    if metric is not None:  # in one step, which nothing else may change
        weight = np.where(metric > 0, _scaled(span * metric), weight)
    return weight


def _scaled(weight: np.ndarray) -> np.ndarray:
    largest = weight.max(initial=0.0)
    return weight / largest if largest > 0 else weight


def _influence(
    model: Model, groups: Sequence[Sequence[FloatNode]], rows: np.ndarray, span: np.ndarray
) -> np.ndarray:
    """Return how much each feature moves a score of any of the `groups` over the feature's range.

    What a feature adds to all outputs alike does not count where they are compared, be it those
    alone that an expert scores; outputs that are not compared count alike.
    """
    deviation = rows.std(axis=0)
    varies = deviation > 0
    most = np.zeros((len(span), model.outputs))
    for units in groups:
        parts = np.zeros((len(span), model.outputs))
        scored = list(range(model.outputs))
        if model.experts:
            scored = sorted({output for unit in units for output in unit.outputs})
        for unit in units:
            product = unit.dot_product
            assert product is not None
            parts[:, list(unit.outputs)] += product
        if len(scored) > 1 and model.decision == "argmax":
            parts[:, scored] -= parts[:, scored].mean(axis=1, keepdims=True)
        most = np.maximum(most, np.abs(parts) * deviation[:, None])
    apart = model.second_stage is not None or bool(getattr(model.decision, "groups", ()))
    if model.decision == "identity" or apart:
        largest = most.max(axis=0)
        most = most / np.where(largest > 0, largest, 1.0)
    moved = most.max(axis=1) * span
    return np.divide(moved, deviation, out=np.zeros_like(span), where=varies)


def _ranges(model: Model, x_train: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return (lowest, highest) value of each feature, the prototypes' own included."""
    if x_train is not None and len(x_train):
        low, high = training_ranges(model.expand(x_train))
    else:
        known = model.ranges or (None,) * len(model.feature_names)
        known = (*known, *((0.0, 1.0) for _ in model.memberships))
        low, high = np.array([ends or (0.0, 0.0) for ends in known]).T
    raw = len(model.feature_names)
    for unit in model.arithmetic_nodes:
        least, most = unit.span(low[:raw])
        low[:raw] = np.minimum(low[:raw], least)
        high[:raw] = np.maximum(high[:raw], most)
    return low, high


def narrower(features: tuple[Feature, ...], number: int) -> tuple[Feature, ...] | None:
    """Return `features` with one bit less for one of them, None if it has none to lose."""
    feature = features[number]
    if not feature.bits:
        return None
    bits = feature.bits - 1
    low = float(getattr(feature, "low", 0.0))
    reach = float(feature.largest * (1 / getattr(feature, "scale", 1.0)))
    last = (1 << bits) - 1 - feature.missing
    less = AffineFeature(feature.name, low, 1.0, 0, feature.missing, feature.fill)
    if last > 0:
        less = replace(less, scale=last / reach, width=bits)
    elif feature.missing:
        return None
    else:
        less = replace(less, low=low + reach / 2)
    return (*features[:number], less, *features[number + 1 :])
