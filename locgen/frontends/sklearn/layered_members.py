"""Kernel machines and networks as members of ensembles: behind any front of moved columns."""

from dataclasses import replace

import numpy as np

from locgen.frontends.affine import AffineMap
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.reading import Oracle, Reading
from locgen.frontends.sklearn.kernels import MACHINES, kernel_machine, pairwise_scores
from locgen.frontends.sklearn.networks import NETWORKS, network, network_scores
from locgen.frontends.sklearn.prototypes import Placement, placement_of
from locgen.frontends.sklearn.trees import quiet
from locgen.ir.float import FloatLayers, FloatLinear
from locgen.ir.model import Model

__all__ = ["READERS"]


def _kernels(last: object, preprocessing: Preprocessing) -> Reading:
    """Read a kernel machine, see `sklearn_kernels`."""
    place = placement_of(last, preprocessing)
    model = _raw(kernel_machine(last, _scaling(place), _names(place)), place, preprocessing)
    library = quiet(last)
    labels = library.predict if model.classes else None
    return Reading(model, Oracle(lambda x: pairwise_scores(library, x), labels=labels))


def _network(last: object, preprocessing: Preprocessing) -> Reading:
    """Read a network, see `sklearn_networks`."""
    place = placement_of(last, preprocessing)
    model = _raw(network(last, _scaling(place), _names(place)), place, preprocessing)
    library = quiet(last)
    labels = library.predict if model.classes else None
    return Reading(model, Oracle(lambda x: network_scores(library, x), labels=labels))


def _names(place: Placement) -> tuple[str, ...]:
    return tuple(f"x{column}" for column in place.column)


def _scaling(place: Placement) -> AffineMap:
    """Return what steps do to the columns that the model is given."""
    spans = [place.spans[column] for column in place.column]
    if any(span is None for span in spans):
        return AffineMap(place.slope, place.offset)
    low, high = np.array(spans, dtype=np.float64).T
    return AffineMap(place.slope, place.offset, low, high)


def _raw(model: Model, place: Placement, preprocessing: Preprocessing) -> Model:
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
        feature_names=preprocessing.names,
        units=(unit,),
        ranges=tuple(ranges),
        fills=place.fills,
        memberships=tuple(preprocessing.memberships.found),
        rule=replace(model.rule, missing=preprocessing.imputes),
    )


READERS = ((MACHINES, _kernels), (NETWORKS, _network))
"""(classes, reader), see `trees`."""
