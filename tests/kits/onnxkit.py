"""ONNX graphs for tests: what the converters write for a case of `familykit`, and some by hand."""

import logging
import warnings
from functools import cache

import familykit
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

DTYPES = {"float32": TensorProto.FLOAT, "float64": TensorProto.DOUBLE}
ML = "ai.onnx.ml"


@cache
def converted(case, dtype="float32"):
    """Return the graph that skl2onnx or onnxmltools writes; skip where the converter itself fails.

    skl2onnx takes a VotingRegressor's weights for an array, and writes a histogram tree's missing
    directions as booleans, which protobuf refuses since its version 5.
    """
    estimator, arrays = familykit.fitted(case)
    shape = [None, arrays[0].shape[1]]
    written = helper.make_attribute

    def whole(key, value, *rest, **more):
        if isinstance(value, list) and any(isinstance(item, BOOLEANS) for item in value):
            value = [int(item) for item in value]
        return written(key, value, *rest, **more)

    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        patch.setattr(helper, "make_attribute", whole)
        patch.setattr(logging.root.manager, "disable", logging.CRITICAL)
        if isinstance(getattr(estimator, "weights", None), list):
            patch.setattr(estimator, "weights", np.array(estimator.weights))
        try:
            return _converted(case, estimator, shape, dtype)
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:160]
            pytest.skip(f"the converter fails on {case}: {reason}")


BOOLEANS = (bool, np.bool_)


def _converted(case, estimator, shape, dtype):
    if case.startswith(("xgb", "lgbm")):
        import onnxmltools
        from onnxmltools.convert.common.data_types import FloatTensorType

        library = "xgboost" if case.startswith("xgb") else "lightgbm"
        convert = getattr(onnxmltools, f"convert_{library}")
        return convert(estimator, initial_types=[("X", FloatTensorType(shape))])
    import skl2onnx
    from skl2onnx.common import data_types

    kind = data_types.FloatTensorType if dtype == "float32" else data_types.DoubleTensorType
    opset = {"": 17, ML: 3} if case.startswith("isolation") or dtype == "float64" else None
    return skl2onnx.convert_sklearn(
        estimator, initial_types=[("X", kind(shape))], target_opset=opset
    )


def saved(model, path):
    """Return `path`, where the graph lies now."""
    path.write_bytes(model.SerializeToString())
    return path


def graph(nodes, outputs, *, width=2, dtype="float32", held=(), ml=3, inputs=None, opset=17):
    """Return a model of `nodes` over the input X.

    Parameters
    ----------
    outputs : (name, element type) of each
    held : arrays by name
    """
    given = inputs or [helper.make_tensor_value_info("X", DTYPES[dtype], [None, width])]
    told = [
        helper.make_tensor_value_info(name, kind, [None] * (1 + (kind in DTYPES.values())))
        for name, kind in outputs
    ]
    tensors = [numpy_helper.from_array(array, name) for name, array in dict(held).items()]
    opsets = [helper.make_opsetid(ML, ml), helper.make_opsetid("", opset)]
    return helper.make_model(
        helper.make_graph(nodes, "made", given, told, tensors), opset_imports=opsets, ir_version=8
    )


def stump(mode="BRANCH_LEQ", threshold=0.5, tracks=0, feature=0):
    """Return the node arrays of a split and two leaves."""
    return {
        "nodes_treeids": [0] * 3,
        "nodes_nodeids": [0, 1, 2],
        "nodes_featureids": [feature, 0, 0],
        "nodes_values": [threshold, 0.0, 0.0],
        "nodes_modes": [mode, "LEAF", "LEAF"],
        "nodes_truenodeids": [1, 0, 0],
        "nodes_falsenodeids": [2, 0, 0],
        "nodes_missing_value_tracks_true": [tracks, 0, 0],
    }


def trees(*arrays):
    """Return the node arrays of several trees in one, without their weights."""
    joined = {}
    for number, one in enumerate(arrays):
        for name, values in one.items():
            own = [number] * len(values) if name == "nodes_treeids" else values
            joined[name] = joined.get(name, []) + list(own)
    return joined


def regressor(nodes, weights, *, given="X", answer="Y", targets=1, **more):
    """Return a TreeEnsembleRegressor; `weights` lists (tree, node, target, weight)."""
    tree, node, target, weight = (list(part) for part in zip(*weights, strict=True))
    return helper.make_node(
        "TreeEnsembleRegressor",
        [given],
        [answer],
        domain=ML,
        n_targets=targets,
        target_treeids=tree,
        target_nodeids=node,
        target_ids=target,
        target_weights=weight,
        **nodes,
        **more,
    )


def classifier(nodes, weights, labels, *, given="X", **more):
    """Return a TreeEnsembleClassifier; `weights` lists (tree, node, class, weight)."""
    tree, node, output, weight = (list(part) for part in zip(*weights, strict=True))
    kind = "classlabels_strings" if isinstance(labels[0], str) else "classlabels_int64s"
    return helper.make_node(
        "TreeEnsembleClassifier",
        [given],
        ["label", "scores"],
        domain=ML,
        class_treeids=tree,
        class_nodeids=node,
        class_ids=output,
        class_weights=weight,
        **{kind: labels},
        **nodes,
        **more,
    )


def regression(nodes, weights, *, dtype="float32", **more):
    """Return a model of one TreeEnsembleRegressor over X."""
    return graph([regressor(nodes, weights, **more)], [("Y", TensorProto.FLOAT)], dtype=dtype)


def classification(nodes, weights, labels, **more):
    """Return a model of one TreeEnsembleClassifier over X."""
    kind = TensorProto.STRING if isinstance(labels[0], str) else TensorProto.INT64
    node = classifier(nodes, weights, labels, **more)
    return graph([node], [("label", kind), ("scores", TensorProto.FLOAT)])


def ensemble5(splits, leaves, *, roots=(0,), dtype="float32", targets=1, **more):
    """Return a model of one TreeEnsemble.

    Parameters
    ----------
    splits : (feature, mode, threshold, missing tracks true, true branch, false branch), a branch
        being a split's number or ``~leaf``
    leaves : (target, weight)
    """
    feature, mode, threshold, tracks, true, false = (list(p) for p in zip(*splits, strict=True))
    target, weight = (list(part) for part in zip(*leaves, strict=True))

    def tensor(values, kind=dtype):
        return numpy_helper.from_array(np.array(values, dtype=kind))

    node = helper.make_node(
        "TreeEnsemble",
        ["X"],
        ["Y"],
        domain=ML,
        n_targets=targets,
        tree_roots=list(roots),
        nodes_featureids=feature,
        nodes_modes=tensor(mode, "uint8"),
        nodes_splits=tensor(threshold),
        nodes_missing_value_tracks_true=tracks,
        nodes_truenodeids=[branch if branch >= 0 else ~branch for branch in true],
        nodes_falsenodeids=[branch if branch >= 0 else ~branch for branch in false],
        nodes_trueleafs=[int(branch < 0) for branch in true],
        nodes_falseleafs=[int(branch < 0) for branch in false],
        leaf_targetids=target,
        leaf_weights=tensor(weight),
        **more,
    )
    kind = DTYPES[dtype]
    return graph([node], [("Y", kind)], dtype=dtype, ml=5)


def attribute(model, name, value, node=0):
    """Return a copy of `model` with one attribute of a node replaced, or removed for None."""
    changed = onnx.ModelProto.FromString(model.SerializeToString())
    kept = [a for a in changed.graph.node[node].attribute if a.name != name]
    del changed.graph.node[node].attribute[:]
    changed.graph.node[node].attribute.extend(kept)
    if value is not None:
        changed.graph.node[node].attribute.append(helper.make_attribute(name, value))
    return changed
