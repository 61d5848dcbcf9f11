"""ONNX-ML's tree ensembles as the float IR, as onnxruntime 1.31 computes them.

Inputs are cast to what the graph declares; each split has its own comparison, and a missing value
goes where the split says. Sums are float32 there and float64 here.
"""

from dataclasses import replace

import numpy as np
import onnxruntime

from locgen.errors import UnsupportedModel
from locgen.frontends.memberships import union
from locgen.frontends.onnx.answers import answered, scores_of
from locgen.frontends.onnx.ensembles import Ensemble
from locgen.frontends.onnx.model import OnnxModel
from locgen.frontends.onnx.nodes import SetSplit
from locgen.frontends.onnx.step import OnnxColumns
from locgen.frontends.preprocessing import Preprocessing
from locgen.frontends.raw_trees import CategorySplit, RawTree, float_trees
from locgen.frontends.reading import Reading
from locgen.frontends.step_outputs import Output
from locgen.ir.float import FloatTree
from locgen.ir.model import SplitRule

__all__ = ["read_trees"]

_TOLERANCE = 1e-5  # of the largest score: onnxruntime adds up float32


def read_trees(last: OnnxModel, preprocessing: Preprocessing) -> Reading:
    """Return what the graph adds up and decides.

    One score: the second class where it is above 0. Several: argmax. A graph without labels is a
    regression.
    """
    graph, scores = last.graph, scores_of(last)
    ensembles = [one for one in graph.ensembles if isinstance(one, Ensemble)]  # all of them
    used = [(ensembles[n], matrix) for n, matrix in sorted(scores.weights.items())]
    preprocessings = [_preprocessing(last, ensemble, preprocessing) for ensemble, _ in used]
    trees: list[FloatTree] = []
    for (ensemble, matrix), own in zip(used, preprocessings, strict=True):
        trees += _trees(ensemble, matrix, own)
    outputs = [output for own in preprocessings for output in own.outputs]
    base = scores.base + sum(ensemble.base @ matrix for ensemble, matrix in used)
    floats = {one.dtype for one in graph.inputs} | {ensemble.dtype for ensemble, _ in used}
    return answered(
        last,
        replace(preprocessing, outputs=tuple(outputs)),
        _TOLERANCE,
        ">" if len(base) == 1 else "argmax",
        family=f"ONNX {used[0][0].node.op_type}",
        library=f"onnxruntime {onnxruntime.__version__}",
        feature_names=preprocessing.names,
        rule=SplitRule(
            operator="<" if all(ensemble.strict for ensemble, _ in used) else "<=",
            input_dtype="float32" if "float32" in floats else "float64",
            missing=all(output.imputed for output in outputs),
        ),
        trees=tuple(trees),
        memberships=tuple(preprocessing.memberships.found),
        base=tuple(base.tolist()),
    )


def _preprocessing(
    model: OnnxModel, ensemble: Ensemble, preprocessing: Preprocessing
) -> Preprocessing:
    """Return the preprocessing of what the ensemble is given; NaN is welcome wherever it can be."""
    name = ensemble.node.input[0]
    traces = model.graph.columns[name].traces
    if all(trace.untouched for trace in traces):
        picked = preprocessing.selected([trace.column for trace in traces])
        welcome = tuple(Output(output.column, None, imputed=True) for output in picked.outputs)
        return replace(picked, outputs=welcome)
    columns = OnnxColumns(name, traces, lambda x, tensor: model.tensors(x, [tensor])[0])
    return columns.after(preprocessing)


def _trees(
    ensemble: Ensemble, matrix: np.ndarray, preprocessing: Preprocessing
) -> tuple[FloatTree, ...]:
    """Return the trees, adding to the model's outputs what `matrix` makes of the raw ones."""

    def at_most(value: np.ndarray, threshold: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            return value.astype(ensemble.dtype) <= threshold.astype(ensemble.dtype)

    splits = _set_splits(ensemble, preprocessing)
    raw = []
    for number, tree in enumerate(ensemble.trees):
        weights = matrix[list(tree.outputs)] * ensemble.share
        outputs = np.flatnonzero(weights.any(axis=0)).tolist() or [0]
        raw.append(
            RawTree(
                left=tree.left,
                right=tree.right,
                feature=tree.feature,
                threshold=tree.threshold,
                missing_left=tree.missing_left,
                values=tree.values @ weights[:, outputs],
                outputs=tuple(outputs),
                ids=tree.ids,
                categories={node: splits[number, node] for node in tree.sets},
            )
        )
    return float_trees(preprocessing, raw, at_most)


def _set_splits(
    ensemble: Ensemble, preprocessing: Preprocessing
) -> dict[tuple[int, int], CategorySplit]:
    """Return the splits that compare for equality, by tree and node."""
    equalities = [
        (number, node) for number, tree in enumerate(ensemble.trees) for node in sorted(tree.sets)
    ]
    if not equalities:
        return {}
    features: list[int] = []
    members: list[float] = []
    for number, node in equalities:
        tree = ensemble.trees[number]
        feature = int(tree.feature[node])
        if preprocessing.outputs[feature].intervals is not None:
            raise UnsupportedModel(
                f"{ensemble.node.op_type} compares for equality behind an encoder: hand that "
                "column to the trees as it is"
            )
        features += [feature] * len(tree.sets[node].members)
        members += tree.sets[node].members
    count = len(members)
    values = np.array(members * 2).astype(ensemble.dtype)

    def below(x: np.ndarray, part: np.ndarray) -> np.ndarray:
        x = x.astype(ensemble.dtype)
        return np.where(part < count, x < values[part], x <= values[part])

    ends = preprocessing.bisect(np.array(features * 2, dtype=np.int64), below)
    at_missing = {
        feature: preprocessing.evaluate(preprocessing.outputs[feature].column, np.array([np.nan]))[
            0, feature
        ]
        for feature in set(features)
        if preprocessing.outputs[feature].imputed
    }
    found, first = {}, 0
    for number, node in equalities:
        tree = ensemble.trees[number]
        own = slice(first, first + len(tree.sets[node].members))
        first = own.stop
        edges = union(*_apart(ends[:count][own], ends[count:][own]))
        feature = int(tree.feature[node])
        found[number, node] = _set_split(
            tree.sets[node],
            preprocessing.outputs[feature].column,
            edges,
            values[own],
            at_missing.get(feature, np.nan),
        )
    return found


def _apart(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each interval once."""
    kept = np.unique(np.stack([low, high], axis=1), axis=0)
    return kept[:, 0], kept[:, 1]


def _set_split(
    split: SetSplit, column: int, edges: np.ndarray, members: np.ndarray, at_missing: float
) -> CategorySplit:
    """Return one split; `at_missing` is what it compares where the raw value is missing."""
    missing_left = split.missing_left
    if not np.isnan(at_missing):
        missing_left = bool(at_missing in members) == split.inside_left
    shown = ", ".join(f"{value:g}" for value in members[:6])
    return CategorySplit(
        column=column,
        edges=edges,
        inside_left=split.inside_left,
        missing_left=missing_left,
        shown=f"{{{shown}{', ...' if len(members) > 6 else ''}}}",
    )
