"""ONNX-ML's linear models and kernel machines against onnxruntime: on data, borders, refusals."""

import warnings
from functools import cache

import familykit
import numpy as np
import onnxkit
import pytest
import skl2onnx
from onnx import TensorProto, helper
from onnxkit import ML, attribute, saved
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, Int64TensorType
from sklearn.compose import make_column_transformer
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    Lasso,
    LinearRegression,
    LogisticRegression,
    Perceptron,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, Normalizer, StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR, NuSVC, NuSVR, OneClassSVM

import locgen
from locgen.errors import ModelFileError, UnsupportedModel
from locgen.frontends import load


def _behind(make, scaler=StandardScaler):
    return lambda: make_pipeline(scaler(), make())


CASES = {
    "logistic": ("iris", _behind(LogisticRegression)),
    "logistic-bare": ("iris", lambda: LogisticRegression(max_iter=500)),
    "logistic-two": ("cancer", _behind(LogisticRegression)),
    "discriminant": ("wine", LinearDiscriminantAnalysis),
    "discriminant-two": ("cancer", LinearDiscriminantAnalysis),
    "linear-svc": ("iris", LinearSVC),  # skl2onnx fails on one inside a pipeline
    "linear-svc-two": ("cancer", LinearSVC),
    "ridge-classifier": ("iris", RidgeClassifier),
    "sgd": ("iris", _behind(lambda: SGDClassifier(random_state=0))),
    "sgd-two": ("cancer", _behind(lambda: SGDClassifier(random_state=0))),
    "perceptron": ("wine", _behind(Perceptron)),
    "imputed": (
        "cancer-missing",
        lambda: make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()),
    ),
    "columns": (
        "wine",
        lambda: make_pipeline(
            make_column_transformer((StandardScaler(), [3, 0, 6]), (MinMaxScaler(), [1])),
            LogisticRegression(),
        ),
    ),
    "svc": ("iris", _behind(SVC)),
    "svc-two": ("cancer", _behind(SVC, MinMaxScaler)),
    "svc-linear": ("wine", _behind(lambda: SVC(kernel="linear"))),
    "svc-poly": ("wine", _behind(lambda: SVC(kernel="poly", degree=2, coef0=1.0))),
    "nu-svc-sigmoid": ("iris", _behind(lambda: NuSVC(nu=0.3, kernel="sigmoid", gamma=0.1))),
    "one-class": ("iris", _behind(OneClassSVM)),
    "linear-regression": ("diabetes", LinearRegression),
    "ridge-two": ("diabetes-two", _behind(Ridge)),
    "lasso": ("diabetes", _behind(Lasso)),
    "linear-svr": ("diabetes", _behind(LinearSVR)),
    "svr": ("diabetes", _behind(lambda: SVR(C=10.0))),
    "nu-svr-linear": ("diabetes", _behind(lambda: NuSVR(kernel="linear"))),
}


@cache
def fitted(case):
    """Return the estimator of a case and its four arrays."""
    data, make = CASES[case]
    arrays = familykit.rows(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make().fit(arrays[0], arrays[2]), arrays


def converted(estimator, columns, kind=FloatTensorType):
    """Return skl2onnx's graph."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return skl2onnx.convert_sklearn(estimator, initial_types=[("X", kind([None, columns]))])


def read(case, tmp_path, kind=FloatTensorType):
    estimator, arrays = fitted(case)
    path = saved(converted(estimator, arrays[0].shape[1], kind), tmp_path / "model.onnx")
    return load(path)


def agree(loaded, x):
    """Assert that the float IR answers as onnxruntime, but where float32 cannot tell."""
    model = loaded.model
    theirs, scores = loaded.estimator.predict(x), model.scores(x)
    if model.task == "regression":
        assert np.abs(scores - theirs.reshape(len(x), -1)).max() <= 1e-4 * np.abs(theirs).max()
        return
    clear = model.rule_of_decision.margin(scores) > 1e-4 * np.abs(scores).max()
    assert clear.mean() > 0.9
    assert np.array_equal(model.labels(model.decide(scores))[clear], theirs[clear])


@pytest.mark.parametrize("case", CASES)
def test_converted_graphs_answer_as_onnxruntime_does(case, tmp_path):
    loaded = read(case, tmp_path)
    for x in fitted(case)[1][:2]:
        agree(loaded, x)
    assert loaded.model.rule.input_dtype == "float32"
    assert loaded.model.rule.missing == (case == "imputed")


@pytest.mark.parametrize("case", [case for case in CASES if "diabetes" not in CASES[case][0]])
def test_borders_lie_where_onnxruntime_has_them(case, tmp_path):
    """Between rows of two answers both change theirs at the same place, but for float32."""
    loaded = read(case, tmp_path)
    model, x = loaded.model, fitted(case)[1][0]
    x = x[~np.isnan(x).any(axis=1)]
    answers = loaded.estimator.predict(x)
    second = np.array([np.flatnonzero(answers != own)[0] for own in answers])[:40]
    first, ends = x[:40], (np.zeros(40), np.ones(40))

    def bisect(answer):
        low, high = (end.copy() for end in ends)
        begin = answer(first)
        for _ in range(40):
            middle = (low + high) / 2
            same = answer(first + middle[:, None] * (x[second] - first)) == begin
            low, high = np.where(same, middle, low), np.where(same, high, middle)
        return low

    ours = bisect(lambda rows: model.labels(model.decide(model.scores(rows))))
    theirs = bisect(loaded.estimator.predict)
    assert (np.abs(ours - theirs) < 1e-4).mean() > 0.9  # some segments cross several borders
    for nearby in (-1e-3, 1e-3):
        agreeing = first + (ours + nearby)[:, None] * (x[second] - first)
        said = model.labels(model.decide(model.scores(agreeing)))
        assert (said == loaded.estimator.predict(agreeing)).mean() > 0.95


@pytest.mark.parametrize("case", ["logistic", "svc-two", "ridge-two", "imputed"])
def test_compiled_from_a_file(case, tmp_path):
    estimator, arrays = fitted(case)
    path = saved(converted(estimator, arrays[0].shape[1]), tmp_path / "model.onnx")
    design = locgen.compile(str(path), data=arrays)
    theirs = load(path).estimator.predict(arrays[1])
    ours = design.predict(arrays[1])
    if design.model.task == "regression":
        assert np.abs(ours - theirs).max() < 0.02 * np.ptp(theirs)
    else:
        assert (ours == theirs).mean() > 0.98
    kind = "kernel" if "svc" in case else "linear"
    assert {node.kind for node in design.model.nodes} == {kind}


@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize("transform", ["NONE", "LOGISTIC", "SOFTMAX"])
def test_ties_and_single_rows_of_two_classes(rows, transform, tmp_path):
    node = helper.make_node(
        "LinearClassifier",
        ["X"],
        ["label", "scores"],
        domain=ML,
        coefficients=[1.0, -1.0, -1.0, 1.0][: 2 * rows],
        intercepts=[0.0] * rows,
        classlabels_ints=[5, 7],
        post_transform=transform,
    )
    model = onnxkit.graph([node], [("label", TensorProto.INT64), ("scores", TensorProto.FLOAT)])
    loaded = load(saved(model, tmp_path / "model.onnx"))
    tiny = np.float32(1e-30)
    x = np.array([[0.0, 0.0], [3.0, 3.0], [tiny, 0.0], [0.0, tiny], [-1.0, 2.0], [2.0, -1.0]])
    said = loaded.model.labels(loaded.model.decide(loaded.model.scores(x)))
    assert np.array_equal(said, loaded.estimator.predict(x))


def _svm(**more):
    return helper.make_node(
        "SVMClassifier",
        ["X"],
        ["label", "scores"],
        domain=ML,
        kernel_type="LINEAR",
        kernel_params=[1.0, 0.0, 1.0],
        support_vectors=[1.0, -1.0],
        vectors_per_class=[1, 1],
        coefficients=[1.0, -1.0],
        rho=[0.0],
        classlabels_ints=[5, 7],
        **more,
    )


def _svm_graph(**more):
    outputs = [("label", TensorProto.INT64), ("scores", TensorProto.FLOAT)]
    return onnxkit.graph([_svm(**more)], outputs, width=1)


def test_ties_of_a_machine_of_two_classes(tmp_path):
    loaded = load(saved(_svm_graph(), tmp_path / "model.onnx"))
    assert loaded.model.decision == ">="
    x = np.array([[0.0], [-0.0], [1e-30], [-1e-30], [2.0], [-2.0]])
    said = loaded.model.labels(loaded.model.decide(loaded.model.scores(x)))
    assert np.array_equal(said, loaded.estimator.predict(x))


def test_refused_by_name_with_a_way_out(tmp_path):
    def refuse(model, match, error=UnsupportedModel):
        with pytest.raises(error, match=match) as caught:
            load(saved(model, tmp_path / "model.onnx"))
        assert "\n" not in str(caught.value)

    x, _, y, _ = familykit.rows("iris")
    normal = converted(make_pipeline(Normalizer(), LogisticRegression()).fit(x, y), 4)
    refuse(normal, "operator Normalizer before the model is not supported")
    whole = converted(LogisticRegression(max_iter=500).fit(x.astype(int), y), 4, Int64TensorType)
    refuse(whole, "operator .* of something else than rows of floats")
    refuse(_svm_graph(prob_a=[-1.0], prob_b=[0.0]), "SVMClassifier with probabilities")
    refuse(_svm_graph(post_transform="PROBIT"), "post_transform PROBIT")
    refuse(attribute(_svm_graph(), "rho", [0.0, 1.0]), "rho has the wrong length", ModelFileError)
    refuse(attribute(_svm_graph(), "support_vectors", [1.0]), "damaged", ModelFileError)
    refuse(attribute(_svm_graph(), "coefficients", [1.0, np.inf]), "damaged", ModelFileError)
    refuse(attribute(_svm_graph(), "vectors_per_class", [2]), "not told by class")


def test_graphs_of_doubles(tmp_path):
    loaded = read("lasso", tmp_path, DoubleTensorType)
    agree(loaded, fitted("lasso")[1][1])
