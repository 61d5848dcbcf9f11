"""ONNX-ML graphs against onnxruntime: converted ones and some by hand, at every edge."""

import familykit
import numpy as np
import onnx
import onnxkit
import pytest
import skl2onnx
from onnx import TensorProto, helper, numpy_helper
from onnxkit import ML as ONNX
from onnxkit import attribute, classification, regression, stump
from skl2onnx.common import data_types
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import locgen
from locgen.errors import LocgenError, ModelFileError, UnsupportedModel
from locgen.frontends import load, model_check

MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ")
LEAVES = [(0, 1, 0, 1.0), (0, 2, 0, 2.0)]
REFUSED = {
    "ada-hard-forest": "Shape behind the model",
    "ada-regressor": "TopK behind the model",
    "multi-label": "Concat of something else than scores",
    "multi-label-forest": "ArrayFeatureExtractor of something else than classes",
    "lgbm-forest": "ArrayFeatureExtractor of probabilities",
    "pipeline-ordinal-bins": "Less before the model",
}


def agree(loaded, x):
    """Assert that the float IR answers the rows `x` as onnxruntime does."""
    model = loaded.model
    if not model.rule.missing:
        x = x[~np.isnan(x).any(axis=1)]
    expected, scores = loaded.estimator.predict(x), model.scores(x)
    if model.task == "regression":
        size = np.abs(expected).max()
        assert np.abs(scores - expected.reshape(len(x), -1)).max() <= 2e-6 * size
        return
    size = sum(np.abs(tree.leaf_values).max() for tree in model.trees)
    clear = model.rule_of_decision.margin(scores) > 1e-6 * size
    assert clear.mean() > 0.5
    found = model.labels(model.decide(scores))
    assert np.array_equal(found[clear], expected[clear])


def edges(model, rows=512):
    """Return rows of cuts, of their neighbours one ulp up and down, and some extremes."""
    x = model_check.tree_probe_rows(model, rows)
    far = np.tile([[0.0], [-0.0], [1e-40], [-1e-40], [1e30], [-1e30], [7.5]], x.shape[1])
    return np.concatenate([x, np.nextafter(x, -np.inf), far])


def check(model, tmp_path, rows=512):
    """Load a graph, compare it with onnxruntime, and return the float IR."""
    loaded = load(onnxkit.saved(model, tmp_path / "model.onnx"))
    agree(loaded, edges(loaded.model, rows))
    return loaded.model


@pytest.mark.parametrize("case", familykit.CASES)
def test_converted_graphs_answer_as_onnxruntime_does(case, tmp_path):
    path = onnxkit.saved(onnxkit.converted(case), tmp_path / "model.onnx")
    if case in REFUSED:
        with pytest.raises(UnsupportedModel, match=f"ONNX operator {REFUSED[case]}") as caught:
            load(path)
        assert "\n" not in str(caught.value)
        return
    loaded = load(path)
    x_train, x_test, _, _ = familykit.fitted(case)[1]
    for x in (x_train, x_test, edges(loaded.model)):
        agree(loaded, x)


@pytest.mark.parametrize(
    "case", ["tree-entropy", "hist-scaled", "rest-boosted", "bagging-classifier"]
)
def test_graphs_of_doubles(case, tmp_path):
    loaded = load(onnxkit.saved(onnxkit.converted(case, "float64"), tmp_path / "model.onnx"))
    agree(loaded, familykit.fitted(case)[1][0])
    agree(loaded, edges(loaded.model))


def test_compiled_from_a_file(tmp_path):
    path = onnxkit.saved(onnxkit.converted("xgb-multi"), tmp_path / "wine.onnx")
    arrays = familykit.fitted("xgb-multi")[1]
    design = locgen.compile(str(path), data=arrays)
    assert design.report.model.library.startswith("onnxruntime")
    assert (design.predict(arrays[1]) == load(path).estimator.predict(arrays[1])).mean() > 0.98


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("tracks", [0, 1])
@pytest.mark.parametrize("threshold", [0.0, 3.1, -7.0])
def test_every_branch_mode(mode, tracks, threshold, tmp_path):
    nodes = stump(mode, threshold, tracks)
    for dtype in ("float32", "float64"):
        model = check(regression(nodes, LEAVES, dtype=dtype), tmp_path, rows=32)
        assert model.rule.input_dtype == dtype
        assert model.rule.operator == ("<" if mode in ("BRANCH_LT", "BRANCH_GTE") else "<=")
    scaler = helper.make_node(
        "Scaler", ["X"], ["S"], domain=onnxkit.ML, offset=[0.3, 1.7], scale=[0.7, 1e-3]
    )
    behind = onnxkit.regressor(nodes, LEAVES, given="S")
    check(onnxkit.graph([scaler, behind], [("Y", TensorProto.FLOAT)]), tmp_path, rows=32)


@pytest.mark.parametrize("mode", range(6))
@pytest.mark.parametrize("tracks", [0, 1])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tree_ensemble_of_version_5(mode, tracks, dtype, tmp_path):
    splits = [(0, mode, 1.3, tracks, 1, ~2), (1, 0, 0.1, 0, ~0, ~1), (1, 1, 2.7, 1, ~3, ~3)]
    leaves = [(0, 1.5), (1, -2.0), (0, 0.25), (1, 4.0)]
    model = onnxkit.ensemble5(splits, leaves, roots=(0, 2), dtype=dtype, targets=2)
    found = check(model, tmp_path, rows=64)
    assert found.outputs == 2 and len(found.memberships) == (mode >= 4)


def test_double_attributes(tmp_path):
    nodes = stump() | {"nodes_values": None}
    threshold = 0.1 + 2**-40  # no float32
    model = regression(
        {name: values for name, values in nodes.items() if values is not None},
        LEAVES,
        dtype="float64",
        nodes_values_as_tensor=numpy_helper.from_array(np.array([threshold, 0.0, 0.0])),
    )
    assert check(model, tmp_path, rows=32).cuts[0].tolist() == [threshold]


def test_average_base_values_and_several_targets(tmp_path):
    nodes = onnxkit.trees(stump(threshold=0.3), stump("BRANCH_GT", -2.0, 1, feature=1))
    weights = [(0, 1, 1, 1.0), (0, 2, 1, 2.0), (1, 1, 0, 4.0), (1, 2, 0, -3.0), (1, 2, 1, 0.5)]
    for aggregate in ("SUM", "AVERAGE"):
        settings = {"targets": 2, "aggregate_function": aggregate, "base_values": [0.5, -0.25]}
        assert check(regression(nodes, weights, **settings), tmp_path).base == (0.5, -0.25)
        with pytest.raises(UnsupportedModel, match="base values for targets that some rows give"):
            check(regression(nodes, weights[1:], **settings), tmp_path)


def test_chains_of_equal_branches_are_one_set(tmp_path):
    nodes = {
        "nodes_treeids": [0] * 5,
        "nodes_nodeids": list(range(5)),
        "nodes_featureids": [0] * 5,
        "nodes_values": [1.0, 4.0, 40.0, 0.0, 0.0],
        "nodes_modes": ["BRANCH_EQ"] * 3 + ["LEAF"] * 2,
        "nodes_truenodeids": [3, 3, 3, 0, 0],
        "nodes_falsenodeids": [1, 2, 4, 0, 0],
    }
    weights = [(0, 3, 0, 1.0), (0, 4, 0, 2.0)]
    for tracks in ([0] * 5, [1, 1, 1, 0, 0], [1, 0, 0, 0, 0]):
        nodes["nodes_missing_value_tracks_true"] = tracks
        model = check(regression(nodes, weights), tmp_path, rows=64)
        (member,) = model.memberships
        assert len(member.edges) == 6 and len(model.trees[0].feature) == 1
    nodes["nodes_missing_value_tracks_true"] = [0, 1, 0, 0, 0]
    with pytest.raises(UnsupportedModel, match="onnxruntime and the standard disagree"):
        check(regression(nodes, weights), tmp_path)


@pytest.mark.parametrize("transform", ["NONE", "LOGISTIC", "SOFTMAX"])
@pytest.mark.parametrize("least", [0.3, -0.3])
@pytest.mark.parametrize("only, base", [(0, None), (0, [0.1]), (1, None)])
def test_two_classes_with_the_weights_of_one(transform, least, only, base, tmp_path):
    nodes = onnxkit.trees(stump(), stump("BRANCH_LT", 3.0, feature=1))
    weights = [(0, 1, only, least), (0, 2, only, 0.4), (1, 1, only, 0.0), (1, 2, only, 0.25)]
    settings = {"post_transform": transform} | ({"base_values": base} if base else {})
    model = check(classification(nodes, weights, ["no", "yes"], **settings), tmp_path)
    assert model.outputs == 1 and model.decision == ">" and model.classes == ("no", "yes")
    logistic = transform == "LOGISTIC" and least < 0 and only == 0
    assert model.probability == ("sigmoid" if logistic else "none")


@pytest.mark.parametrize("transform", ["NONE", "LOGISTIC", "SOFTMAX"])
@pytest.mark.parametrize("base", [None, [0.5, -1.0, 0.0]])
def test_three_classes(transform, base, tmp_path):
    nodes = onnxkit.trees(stump(), stump("BRANCH_GTE", 3.0, feature=1))
    weights = [(0, 1, 0, -1.0), (0, 1, 1, 0.5), (0, 1, 2, 0.25), (0, 2, 1, 3.0)]
    weights += [(0, 2, 0, 0.0), (0, 2, 2, 0.5), (1, 1, 2, 1.0), (1, 2, 0, 2.0)]
    settings = {"post_transform": transform} | ({"base_values": base} if base else {})
    model = check(classification(nodes, weights, [7, 3, 5], **settings), tmp_path)
    assert model.classes == (7, 3, 5) and model.decision == "argmax"


def test_a_tree_that_is_a_leaf(tmp_path):
    leaf = {name: values[1:2] for name, values in stump().items()}
    nodes = onnxkit.trees(leaf | {"nodes_nodeids": [0]}, stump())
    model = check(regression(nodes, [(0, 0, 0, 5.0), (1, 1, 0, 1.0), (1, 2, 0, 2.0)]), tmp_path)
    assert len(model.trees[0].feature) == 0


def steps(*nodes, given="S", held=(), **more):
    """Return a graph with `nodes` between X and a regressor that reads `given`."""
    behind = onnxkit.regressor(stump(**more), LEAVES, given=given)
    return onnxkit.graph([*nodes, behind], [("Y", TensorProto.FLOAT)], held=held)


def node(kind, given, found, **settings):
    ml = kind in ("Scaler", "Imputer", "Binarizer", "OneHotEncoder", "LabelEncoder", "Normalizer")
    return helper.make_node(kind, given, found, domain=onnxkit.ML if ml else "", **settings)


def test_steps_before_the_trees(tmp_path):
    nodes = [
        node("Gather", ["X", "second"], ["A"], axis=1),
        node("Imputer", ["A"], ["B"], imputed_value_floats=[2.5], replaced_value_float=np.nan),
        node("Cast", ["B"], ["C"], to=TensorProto.DOUBLE),
        node("Sub", ["C", "shift"], ["D"]),
        node("Div", ["D", "spread"], ["E"]),
        node("Cast", ["E"], ["F"], to=TensorProto.FLOAT),
        node("Clip", ["F", "", "most"], ["G"]),
        node("Concat", ["G", "X"], ["S"], axis=1),
    ]
    held = {
        "second": np.array([1]),
        "shift": np.array([[0.1]]),
        "spread": np.array(3.3),
        "most": np.array(0.9, dtype=np.float32),
    }
    for mode, threshold in (("BRANCH_LEQ", 0.2), ("BRANCH_GT", 0.9), ("BRANCH_EQ", 0.9)):
        model = check(steps(*nodes, held=held, mode=mode, threshold=threshold), tmp_path, rows=64)
        assert model.edges[0].size == 0 and model.edges[1].size


def test_encoders_before_the_trees(tmp_path):
    hot = node("OneHotEncoder", ["X"], ["H"], cats_int64s=[0, 3, -2], zeros=1)
    flat = node("Reshape", ["H", "shape"], ["S"])
    for feature in (0, 1, 5):
        model = check(
            steps(hot, flat, held={"shape": np.array([-1, 6])}, feature=feature), tmp_path, rows=64
        )
        assert len(model.memberships) == 1 and not model.rule.missing
    codes = node("LabelEncoder", ["X"], ["L"], keys_floats=[0.5, 2.0, 7.0], values_int64s=[3, 1, 2])
    real = node("Cast", ["L"], ["S"], to=TensorProto.FLOAT)
    assert len(check(steps(codes, real, threshold=1.5), tmp_path, rows=64).memberships) == 1
    with pytest.raises(UnsupportedModel, match="compares for equality behind an encoder"):
        check(steps(codes, real, threshold=1.0, mode="BRANCH_EQ"), tmp_path)


def test_several_inputs_side_by_side(tmp_path):
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, width])
        for name, width in (("age", 1), ("more", 2))
    ]
    join = node("Concat", ["age", "more"], ["S"], axis=1)
    behind = onnxkit.regressor(stump(feature=2), LEAVES, given="S")
    model = onnxkit.graph([join, behind], [("Y", TensorProto.FLOAT)], inputs=inputs)
    assert check(model, tmp_path).feature_names == ("age", "more_0", "more_1")


def scored(*nodes, answer, kind=TensorProto.INT64, held=()):
    """Return a graph with `nodes` behind a regressor Y of two targets."""
    weights = [(0, 1, 0, 1.0), (0, 1, 1, 0.5), (0, 2, 1, 2.0)]
    made = onnxkit.regressor(stump(), weights, targets=2)
    return onnxkit.graph([made, *nodes], [(answer, kind)], held=held, opset=13)


def test_decisions_behind_the_trees(tmp_path):
    largest = node("ArgMax", ["P"], ["I"], axis=1, keepdims=0)
    labels = {"labels": np.array([20, 10])}
    looked_up = node("ArrayFeatureExtractor", ["labels", "I"], ["L"])
    looked_up.domain = onnxkit.ML
    for kind in ("Softmax", "Sigmoid", "Identity"):
        model = check(
            scored(node(kind, ["Y"], ["P"]), largest, looked_up, answer="L", held=labels), tmp_path
        )
        assert model.classes == (20, 10) and model.decision == ">"
    minus = scored(
        node("Sub", ["one", "Y"], ["P"]),
        largest,
        answer="I",
        held={"one": np.array([1.0, 1.5], dtype=np.float32)},
    )
    assert check(minus, tmp_path).classes == (0, 1)


def together(last):
    """Return a graph of two operators of a tree each, whose sum S goes through `last` to P."""
    first = onnxkit.regressor(stump(), LEAVES, answer="A")
    second = onnxkit.regressor(stump(feature=1), LEAVES, answer="B")
    return onnxkit.graph(
        [first, second, node("Add", ["A", "B"], ["S"]), last], [("P", TensorProto.FLOAT)]
    )


REFUSALS = [
    (regression(stump(), LEAVES, aggregate_function="MIN"), "aggregate_function MIN"),
    (regression(stump(), LEAVES, post_transform="PROBIT"), "post_transform PROBIT"),
    (regression(stump(), LEAVES, post_transform="LOGISTIC"), "1 outputs, none or several"),
    (
        classification(stump(), [(0, 1, 0, 1.0), (0, 2, 1, 2.0)], [0, 1]),
        "two classes with weights for both",
    ),
    (
        classification(stump(), LEAVES, [0, 1], base_values=[1.0, 2.0]),
        "two classes with these base values",
    ),
    (
        classification(stump(), [(0, 1, 0, -1.0), (0, 2, 1, 2.0)], [0, 1, 2]),
        "classes that some rows give no weight",
    ),
    (classification(stump(), LEAVES, [4]), "a single class"),
    (onnxkit.ensemble5([(0, 6, 1.0, 0, ~0, ~0)], [(0, 1.0)]), "with BRANCH_MEMBER"),
    (
        steps(node("Scaler", ["X"], ["S"], offset=[0.0], scale=[-1.0])),
        "Scaler with a scale that is not positive",
    ),
    (
        steps(node("Imputer", ["X"], ["S"], imputed_value_floats=[0.0], replaced_value_float=1.0)),
        "Imputer that replaces a number",
    ),
    (steps(node("Normalizer", ["X"], ["S"], norm="L2")), "Normalizer before the model"),
    (steps(node("Add", ["X", "X"], ["S"])), "Add that mixes columns"),
    (together(node("Exp", ["S"], ["P"])), "Exp behind the model"),
    (together(node("Mul", ["S", "S"], ["P"])), "Mul of scores by scores"),
    (together(node("Celu", ["S"], ["P"])), "Celu behind the model"),
    (
        onnxkit.graph(
            [onnxkit.regressor(stump(), LEAVES)],
            [("Y", TensorProto.FLOAT)],
            inputs=[helper.make_tensor_value_info("X", TensorProto.STRING, [None, 2])],
        ),
        "holds no numbers",
    ),
    (
        onnxkit.graph(
            [onnxkit.regressor(stump(), LEAVES)],
            [("Y", TensorProto.FLOAT)],
            inputs=[helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, None])],
        ),
        "no fixed number of columns",
    ),
]


@pytest.mark.parametrize(
    "last",
    [node("Exp", ["Y"], ["P"]), node("Mul", ["Y", "Y"], ["P"]), node("Tanh", ["Y"], ["P"])],
    ids=lambda last: last.op_type,
)
def test_any_function_of_one_tree_is_asked(last, tmp_path):
    model = check(scored(last, answer="P"), tmp_path)
    assert np.ptp(model.trees[0].leaf_values) > 0


def test_a_threshold_over_single_trees_is_found_to_the_last_bit(tmp_path):
    """The label changes between two neighbouring sums of float32."""
    nodes = [
        onnxkit.regressor(stump(), LEAVES, answer="A"),
        onnxkit.regressor(stump(feature=1, threshold=-1.0), LEAVES, answer="B"),
        node("Add", ["A", "B"], ["S"]),
        node("Sqrt", ["S"], ["R"]),
        node("Less", ["R", "limit"], ["L"]),
        node("Cast", ["L"], ["C"], to=TensorProto.INT64),
    ]
    graph = onnxkit.graph(
        nodes, [("C", TensorProto.INT64)], held={"limit": np.array([1.6], np.float32)}
    )
    loaded = load(onnxkit.saved(graph, tmp_path / "model.onnx"))
    x = np.array([[a, b] for a in (0.0, 1.0) for b in (-2.0, 0.0)])
    assert loaded.model.classes == (1, 0)
    found = loaded.model.labels(loaded.model.decide(loaded.model.scores(x)))
    assert found.tolist() == loaded.estimator.predict(x).tolist() == [1, 0, 0, 0]
    limit = loaded.model.scores(x[:1])[0, 0]
    assert limit == pytest.approx(2.0 - 2.56, abs=1e-6)


@pytest.mark.parametrize("scaled", [False, True])
def test_graphs_of_whole_numbers(scaled, tmp_path):
    x, _, y, _ = familykit.rows("wine")
    x = np.rint(x * 10)
    forest = RandomForestClassifier(5, max_depth=4, random_state=0)
    estimator = (make_pipeline(StandardScaler(), forest) if scaled else forest).fit(x, y)
    given = [("X", data_types.Int64TensorType([None, x.shape[1]]))]
    proto = skl2onnx.convert_sklearn(estimator, initial_types=given, target_opset={"": 17, ONNX: 3})
    loaded = load(onnxkit.saved(proto, tmp_path / "model.onnx"))
    far = np.full((2, x.shape[1]), 1e30) * [[1], [-1]]
    for rows in (x, x + 0.75, edges(loaded.model)):
        agree(loaded, rows)
    found = loaded.model.labels(loaded.model.decide(loaded.model.scores(x)))
    assert np.array_equal(found, estimator.predict(x))
    assert not loaded.model.rule.missing
    agree(loaded, np.concatenate([far] * 4 + [x]))


@pytest.mark.parametrize("model, message", REFUSALS, ids=[message for _, message in REFUSALS])
def test_what_is_refused(model, message, tmp_path):
    with pytest.raises(UnsupportedModel, match=message) as caught:
        load(onnxkit.saved(model, tmp_path / "model.onnx"))
    assert "\n" not in str(caught.value)


SOUND = regression(stump(), LEAVES)
DEEP = {
    "nodes_treeids": [0] * 3001,
    "nodes_nodeids": list(range(3001)),
    "nodes_featureids": [0] * 3001,
    "nodes_values": [0.0] * 3001,
    "nodes_modes": ["BRANCH_LEQ", "LEAF"] * 1500 + ["LEAF"],
    "nodes_truenodeids": [n + 1 if n % 2 == 0 and n < 3000 else 0 for n in range(3001)],
    "nodes_falsenodeids": [n + 2 if n % 2 == 0 and n < 3000 else 0 for n in range(3001)],
}
DAMAGED = [
    (attribute(SOUND, "nodes_truenodeids", [0, 0, 0]), "a node has several parents"),
    (attribute(SOUND, "nodes_truenodeids", [2, 0, 0]), "a node has several parents"),
    (attribute(SOUND, "nodes_falsenodeids", [77, 0, 0]), "leads nowhere"),
    (attribute(SOUND, "nodes_featureids", [2, 0, 0]), "beyond the 2 there are"),
    (attribute(SOUND, "nodes_featureids", [-1, 0, 0]), "beyond the 2 there are"),
    (attribute(SOUND, "nodes_featureids", [2**40, 0, 0]), "beyond the 2 there are"),
    (attribute(SOUND, "nodes_values", [0.5, 0.0]), "differ in length"),
    (attribute(SOUND, "nodes_values", [np.nan, 0.0, 0.0]), "damaged thresholds"),
    (attribute(SOUND, "nodes_modes", ["BRANCH_LEQ", "LEAF", "BRANCH_X"]), "weight belongs to no"),
    (attribute(SOUND, "nodes_modes", ["BRANCH_X", "LEAF", "LEAF"]), "has the mode 'BRANCH_X'"),
    (attribute(SOUND, "nodes_modes", ["BRANCH_LEQ"] * 3), "weight belongs to no leaf"),
    (attribute(SOUND, "nodes_nodeids", [0, 1, 1]), "a node stands twice"),
    (attribute(SOUND, "nodes_treeids", [0, 1, 0]), "a tree in parts"),
    (attribute(SOUND, "nodes_treeids", [0, 0, 1]), "leads nowhere|belongs to no leaf"),
    (attribute(SOUND, "target_ids", [0, 1]), "an output that is not there"),
    (attribute(SOUND, "target_ids", [0, -5]), "an output that is not there"),
    (attribute(SOUND, "target_nodeids", [1, 1]), "a leaf has no weight"),
    (attribute(SOUND, "target_weights", [1.0, np.inf]), "not finite"),
    (attribute(SOUND, "target_weights", [1.0]), "differ in length"),
    (attribute(SOUND, "base_values", [1.0, 2.0]), "2 base values for 1"),
    (attribute(SOUND, "nodes_missing_value_tracks_true", [1]), "differ in length"),
    (attribute(SOUND, "nodes_missing_value_tracks_true", [2, 0, 0]), "NaN into neither branch"),
    (
        regression(DEEP, [(0, n, 0, 1.0) for n in range(3001) if n % 2 or n == 3000]),
        "deeper than 1000",
    ),
    (onnxkit.ensemble5([(0, 0, 1.0, 0, 0, ~0)], [(0, 1.0)]), "several parents"),
    (onnxkit.ensemble5([(0, 9, 1.0, 0, ~0, ~0)], [(0, 1.0)]), "unknown mode"),
    (onnxkit.ensemble5([(0, 0, 1.0, 0, ~0, ~7)], [(0, 1.0)]), "leads nowhere"),
    (onnxkit.ensemble5([(0, 0, 1.0, 0, ~0, ~0)], [(0, 1.0)], roots=(5,)), "no root"),
    (steps(node("Scaler", ["X"], ["S"], offset=[0.0] * 3, scale=[1.0])), "number of offsets"),
    (
        steps(node("Gather", ["X", "i"], ["S"], axis=1), held={"i": np.array([9])}),
        "a column that is not there",
    ),
]


@pytest.mark.parametrize("number", range(len(DAMAGED)))
def test_damaged_graphs(number, tmp_path, monkeypatch):
    model, message = DAMAGED[number]
    monkeypatch.setattr("onnxruntime.InferenceSession", None)  # not reached
    with pytest.raises(ModelFileError, match=message) as caught:
        load(onnxkit.saved(model, tmp_path / "model.onnx"))
    assert "\n" not in str(caught.value)


def test_damaged_files(tmp_path):
    good = onnxkit.converted("xgb-categorical").SerializeToString()
    random, path, refused = np.random.default_rng(0), tmp_path / "model.onnx", 0
    streams = [good[: int(n)] for n in random.integers(1, len(good), 40)]
    for _ in range(120):
        bad = bytearray(good)
        for at in random.integers(0, len(good), 3):
            bad[at] = random.integers(256)
        streams.append(bytes(bad))
    for stream in [b"nothing", b"\x00" * 100, *streams]:
        path.write_bytes(stream)
        try:
            load(path)
        except (ModelFileError, UnsupportedModel) as error:
            assert "\n" not in str(error)
            refused += 1
    assert refused > 60


def test_tensors_in_other_files_are_not_read(tmp_path):
    model = steps(node("Sub", ["X", "c"], ["S"]), held={"c": np.array([1.0], dtype=np.float32)})
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="secret")
    (tmp_path / "secret").write_bytes(b"\0\0\0\0")
    with pytest.raises(LocgenError, match=r"keeps a tensor in another file|no ONNX file"):
        load(onnxkit.saved(model, tmp_path / "model.onnx"))


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_a_missing_package_names_the_extra(package, tmp_path, monkeypatch):
    def absent(name):
        raise ModuleNotFoundError(name=package)

    monkeypatch.setattr("locgen.frontends.files.import_module", absent)
    with pytest.raises(ModelFileError, match=rf"{package}: pip install 'locgen\[onnx\]'"):
        load(onnxkit.saved(SOUND, tmp_path / "model.onnx"))
    assert isinstance(SOUND, onnx.ModelProto)
