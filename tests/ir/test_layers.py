"""Two-layer nodes: the integer reference against plain arithmetic, and what it says of itself."""

import json
from dataclasses import replace

import numpy as np
import pytest
from layerkit import SHAPES, by_hand, random_layers, random_layers_model
from nodekit import features_of

from locgen.errors import ModelFileError
from locgen.ir import Function, Layer, LayeredNode, from_json, to_json

WIDTHS = (2, 3, 0, 1, 4)
ROWS = np.stack(
    [grid.ravel() for grid in np.meshgrid(*(np.arange(1 << w) for w in WIDTHS), indexing="ij")], 1
)
NO_MISSING = np.full(len(WIDTHS), -1)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(4))
def test_scores_ranges_terms_shifts_and_accounts(shape, seed):
    node = random_layers(np.random.default_rng(seed), shape, WIDTHS, (2, 0))
    scores = node.evaluate(ROWS, NO_MISSING)
    assert scores.dtype == np.int64
    assert scores.tolist() == [by_hand(node, row) for row in ROWS]
    for column, (low, high) in zip(scores.T, node.ranges, strict=True):
        assert low <= column.min() and column.max() <= high
    total = np.zeros((len(ROWS), 3), dtype=np.int64)
    for term in node.terms:
        total[:, list(term.outputs)] += term.evaluate(ROWS, NO_MISSING)
    assert np.array_equal(total[:, list(node.outputs)], scores)
    assert np.array_equal(node.shifted((5, -3)).evaluate(ROWS, NO_MISSING), scores + [5, -3])
    evidence = node.evidence(ROWS, NO_MISSING)
    assert all(
        int(most).bit_length() <= bits
        for most, bits in zip(evidence.max(axis=0), node.evidence_bits, strict=True)
    )
    assert np.array_equal(node.recombine(evidence), scores)
    account = node.account(ROWS, NO_MISSING)
    assert np.array_equal(node.total(account), scores)
    strongest = np.abs(account["share"]).max(axis=2)
    assert (np.diff(strongest, axis=1) <= 0).all()
    parts = node.part_index(ROWS, NO_MISSING)
    named = [str(node.unit_ids[part]) for part in parts]
    assert [node.part_name(part).split()[-1] for part in parts] == named
    assert all(str(unit) == name for unit, name in zip(account["unit"][:, 0], named, strict=True))


@pytest.mark.parametrize("shape", ["l1", "l2", "dot"])
def test_wide_sums_are_exact(shape):
    # Beyond 2**53 products of float64 would be rounded.
    table = tuple(range(1 << 10))
    stored = ((1 << 24) - 1, 12345677)
    big = tuple(p * (1 << 8) for p in stored) if shape == "dot" else stored
    node = LayeredNode(
        (0, 1),
        (24, 24),
        (Layer(shape, (big,), (-3,), 45 if shape == "dot" else 10, table),),
        ((7,),),
        (1,),
        (0,),
        (0,),
    )
    rows = np.random.default_rng(0).integers(0, 1 << 24, size=(200, 2))
    assert node.evaluate(rows, NO_MISSING).tolist() == [by_hand(node, row) for row in rows]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_sum_fits_the_accumulator(shape):
    node = random_layers(np.random.default_rng(5), shape, WIDTHS, (0,))
    reach = 1 << node.accumulator_bits - 1
    values = ROWS[:, list(node.features)]
    for layer in node.layers:
        for end in range(layer.inputs + 1):
            part = replace(
                layer,
                parameters=tuple(row[:end] for row in layer.parameters),
            )
            sums = part.sums(values[:, :end])
            assert sums.min() >= -reach and sums.max() < reach
        values = layer.evaluate(values)


def test_kept_in_json():
    model = random_layers_model(3, "distance-then-dot", outputs=2)
    assert from_json(to_json(model)) == model
    told = json.loads(to_json(model))
    told["nodes"][0]["layers"][0]["table"].append(1)
    with pytest.raises(ModelFileError, match=r"2, 4, 8"):
        from_json(json.dumps(told))


@pytest.mark.parametrize(
    "change, match",
    [
        ({"bias": (1, 2)}, "bias for each output"),
        ({"features": (1, 0)}, "must rise"),
        ({"feature_bits": (0, 2)}, "1 to 24 bits"),
        ({"layers": ()}, "at least one layer"),
        ({"unit_ids": (1,)}, "a number for each unit"),
    ],
)
def test_nodes_that_do_not_fit_together(change, match):
    node = LayeredNode(
        (0, 1),
        (2, 2),
        (Layer("dot", ((1, 2), (3, 4)), (0, 0), 0, (0, 1)),),
        ((1,), (2,)),
        (0,),
        (0, 1),
        (0,),
    )
    with pytest.raises(ValueError, match=match):
        replace(node, **change)
    with pytest.raises(ValueError, match="at most 58 bits"):
        Layer("dot", ((1,),), (0,), 47, (0,) * (1 << 12))
    with pytest.raises(ValueError, match="values of 32"):
        Layer("dot", ((1,),), (0,), 0, (0, 1 << 40))
    wide = replace(node, layers=(Layer("dot", ((1 << 57, 2),) * 2, (0, 0), 0, (0, 1)),))
    with pytest.raises(ValueError, match="sums of a node must fit"):
        wide.check(features_of((2, 2)))
    with pytest.raises(ValueError, match="slopes for a fraction"):
        Layer("dot", ((1,),), (0,), 2, (0, 1), (), 1)
    with pytest.raises(ValueError, match="lead below 0"):
        Layer("dot", ((1,),), (0,), 2, (0, 1), (1, -2), 1)
    with pytest.raises(ValueError, match="must not be negative"):
        Layer("l2", ((1, -1),), (0,), 0, (0, 1))


def test_costs_grow_with_units():
    random = np.random.default_rng(0)
    node = random_layers(random, "dot", WIDTHS, (0,))
    (layer,) = node.layers
    many = replace(
        node,
        layers=(replace(layer, parameters=layer.parameters * 99, bias=layer.bias * 99),),
        weights=node.weights * 99,
        unit_ids=node.unit_ids * 99,
    )
    assert many.cost().luts > 50 * node.cost().luts
    assert many.memory_blocks > node.memory_blocks
    assert many.memories["parameters"][0] == many.steps
    assert many.compute_cycles == many.steps + 12


def test_functions():
    z = np.array([-2.0, 0.0, 0.5, 3.0])
    assert Function.square().evaluate(z).tolist() == [4.0, 0.0, 0.25, 9.0]
    assert Function("relu").evaluate(z).tolist() == [0.0, 0.0, 0.5, 3.0]
    assert Function("exp").evaluate(z)[1] == 1.0
    assert Function("logistic").evaluate(z)[1] == 0.5
    assert Function("power", 2).turns(-1, 1).tolist() == [0.0]
    assert len(Function("power", 3).turns(-1, 1)) == len(Function("power", 2).turns(1, 2)) == 0
    assert np.allclose(Function("cos").turns(-4, 4), [-np.pi, 0, np.pi])
    with pytest.raises(ValueError, match="must be one of"):
        Function("gelu")
    with pytest.raises(ValueError, match="at least 1"):
        Function("power", 0)
