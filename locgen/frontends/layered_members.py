"""Kernel machines and networks as members of ensembles: behind any front of moved columns."""

from dataclasses import replace

import numpy as np

from locgen.frontends.affine import AffineMap
from locgen.frontends.front import Front
from locgen.frontends.prototypes import Placed, placed
from locgen.frontends.reading import Oracle, Reading
from locgen.frontends.sklearn_kernels import MACHINES, kernels_behind, pairwise_scores
from locgen.frontends.sklearn_networks import NETWORKS, network_behind, network_scores
from locgen.frontends.sklearn_trees import quiet
from locgen.ir.floatlayers import FloatLayers
from locgen.ir.model import Model
from locgen.ir.units import FloatLinear

__all__ = ["READERS"]


def _kernels(last: object, front: Front) -> Reading:
    """Read a kernel machine, see `sklearn_kernels`."""
    place = placed(last, front)
    model = _raw(kernels_behind(last, _scaling(place), _names(place)), place, front)
    asked = quiet(last)
    labels = asked.predict if model.classes else None
    return Reading(model, Oracle(lambda x: pairwise_scores(asked, x), labels=labels))


def _network(last: object, front: Front) -> Reading:
    """Read a network, see `sklearn_networks`."""
    place = placed(last, front)
    model = _raw(network_behind(last, _scaling(place), _names(place)), place, front)
    asked = quiet(last)
    labels = asked.predict if model.classes else None
    return Reading(model, Oracle(lambda x: network_scores(asked, x), labels=labels))


def _names(place: Placed) -> tuple[str, ...]:
    return tuple(f"x{column}" for column in place.column)


def _scaling(place: Placed) -> AffineMap:
    """Return what steps do to the columns that the model is given."""
    spans = [place.spans[column] for column in place.column]
    if any(span is None for span in spans):
        return AffineMap(place.slope, place.offset)
    low, high = np.array(spans, dtype=np.float64).T
    return AffineMap(place.slope, place.offset, low, high)


def _raw(model: Model, place: Placed, front: Front) -> Model:
    """Return a model over the raw columns, of one over those that it is given."""
    (unit,) = model.units
    columns = place.column
    if isinstance(unit, FloatLinear):
        coefficients = np.zeros((place.columns, len(unit.outputs)))
        coefficients[columns] = unit.coefficients
        unit = replace(unit, coefficients=coefficients)
    elif isinstance(unit, FloatLayers):
        layer = unit.layers[0]
        matrix = np.zeros((layer.units, place.columns))
        matrix[:, columns] = layer.matrix
        scale = None
        if layer.scale is not None:
            scale = np.zeros(place.columns)
            scale[columns] = layer.scale
        layer = replace(layer, matrix=matrix, scale=scale)
        unit = replace(unit, layers=(layer, *unit.layers[1:]))
    ranges = list(place.spans)
    for column, ends in zip(columns, model.ranges, strict=True):
        ranges[column] = ends
    return replace(
        model,
        feature_names=front.names,
        units=(unit,),
        ranges=tuple(ranges),
        fills=place.fills,
        memberships=tuple(front.memberships.found),
        rule=replace(model.rule, missing=front.imputes),
    )


READERS = ((MACHINES, _kernels), (NETWORKS, _network))
"""(classes, reader), see `sklearn_trees`."""
