"""Merging the bins of large tables: the stated error, the budget, and what is left alone."""

import numpy as np
import pytest

from locgen.ir import Model, SplitRule
from locgen.ir.grids import Grid, grid_of, grid_tree
from locgen.passes import Context, rebin
from locgen.quantise import Dataset, QuantiseOptions, quantise
from locgen.quantise.evaluator import Evaluator


def gridded(seed=0, sides=(20, 15), outputs=1, noise=0.02):
    """Return a model of one table of a pair and one of a feature, nearly smooth."""
    random = np.random.default_rng(seed)
    cuts = [np.sort(random.normal(size=side - 1)) for side in sides]
    smooth = np.add.outer(np.linspace(-1, 1, sides[0]) ** 3, np.linspace(0.5, -0.5, sides[1]))
    pair = smooth[..., None] + random.normal(0, noise, (*sides, outputs))
    alone = np.linspace(-1, 1, sides[0])[:, None] + random.normal(0, noise, (sides[0], outputs))
    columns = tuple(range(outputs))
    grids = [
        Grid((2, 0), (cuts[0], cuts[1]), pair, columns),
        Grid((1,), (cuts[0],), alone, columns),
    ]
    return grids, Model(
        family="made",
        library="none",
        task="classification",
        feature_names=("a", "b", "c"),
        classes=tuple(range(max(outputs, 2))),
        trees=tuple(map(grid_tree, grids)),
        base=(0.1,) * outputs,
        decision=">" if outputs == 1 else "argmax",
        rule=SplitRule(operator="<=", input_dtype="float64", missing=False),
    )


def rebinned(model, evaluator, **options):
    """Return the model with merged bins and what that changed, None if it is left alone."""
    fewer, changes = rebin.run(model, Context(evaluator=lambda _: evaluator, **options))
    assert changes or fewer is model
    return (fewer, *changes) if changes else None


def rows_of(model, count=600):
    x = np.random.default_rng(5).normal(size=(count, 3))
    return Dataset(x, model.labels(model.decide(model.scores(x))), x[:1], np.zeros(1, dtype=int))


@pytest.mark.parametrize("outputs", [1, 3])
def test_a_grid_is_the_tree_that_looks_it_up(outputs):
    grids, model = gridded(outputs=outputs)
    x = np.random.default_rng(1).normal(size=(300, 3))
    for feature in range(3):
        x[: len(grids[0].cuts[0]), feature] = grids[0].cuts[0]
    for grid, tree in zip(grids, model.trees, strict=True):
        assert np.array_equal(grid.values[grid.places(x)], tree.evaluate(x))
        again = grid_of(tree)
        assert again.features == grid.features
        assert np.array_equal(again.values, grid.values)


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("budget", [0.5, 5.0])
def test_no_row_moves_by_more_than_is_stated(outputs, budget):
    _, model = gridded(outputs=outputs)
    evaluator = Evaluator(model, rows_of(model))
    fewer, done = rebinned(model, evaluator, max_accuracy_drop=budget)
    assert done.after == sum(len(tree.leaf_values) for tree in fewer.trees) < done.before
    x = np.random.default_rng(9).normal(0, 2, (4000, 3))
    moved = np.abs(fewer.scores(x) - model.scores(x))
    assert 0 < moved.max() <= done.error * (1 + 1e-9)
    answers = model.decide(fewer.scores(evaluator.x))
    drop, changed = evaluator.drop(answers[: evaluator.labelled]), evaluator.changed(answers)
    assert drop <= budget / 2 and changed <= budget / 4
    assert str(done.after) in done.words and f"{done.error:.3g}" in done.words


def test_integers_are_compared_with_what_the_library_says():
    """The whole budget covers merging and rounding together."""
    _, model = gridded()
    data = rows_of(model)
    found = quantise(model, "m", QuantiseOptions(), data)
    assert found.rebinning is not None
    ours = found.model.predict(data.x_train)
    assert np.mean(ours != data.y_train) <= 0.005
    assert sum(len(node.leaf_scores) for node in found.model.nodes) <= found.rebinning.after


def test_what_is_left_alone():
    _, small = gridded(sides=(4, 3))
    assert rebinned(small, Evaluator(small, rows_of(small))) is None
    _, model = gridded()
    assert rebinned(model, Evaluator(model, None)) is None
    assert grid_of(model.trees[0]) is not None
    swapped = model.trees[0]
    swapped.left[0], swapped.right[0] = swapped.right[0], swapped.left[0]
    assert grid_of(swapped) is None


def test_tables_that_say_nothing_become_a_constant():
    grids, model = gridded(noise=0.0)
    flat = Grid(grids[0].features, grids[0].cuts, np.full_like(grids[0].values, 0.25), (0,))
    model = Model(**{**vars(model), "trees": (grid_tree(flat), model.trees[1])})
    fewer, done = rebinned(model, Evaluator(model, rows_of(model)))
    assert len(fewer.trees) == 1 and fewer.base[0] == pytest.approx(0.35)
    assert done.error < 0.5
