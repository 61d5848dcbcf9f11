"""Model files: what is read, and what is refused before anything of it runs."""

import bz2
import gzip
import io
import logging
import os
import pickle
import struct
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
import sklearn
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.linear_model import TweedieRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import ClassifierChain
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)
from sklearn.tree._tree import Tree

from locgen.errors import ModelFileError, UnsafeModelFile, UnsupportedModel
from locgen.frontends import load
from locgen.frontends.unpickle import unpickle

IRIS = load_iris(return_X_y=True)
CANCER = load_breast_cancer(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)
LABELS = np.array(["one", "two", "three"], dtype=object)[IRIS[1]]
STATE = np.random.RandomState(0)
FITTED = {
    "tree": DecisionTreeClassifier(max_depth=np.int64(3)).fit(*IRIS),
    "labels": DecisionTreeClassifier(class_weight={"one": 1, "two": 2, "three": 1}).fit(
        IRIS[0], LABELS
    ),
    "extra_tree": ExtraTreeClassifier(random_state=STATE).fit(*IRIS),
    "forest": RandomForestClassifier(3, oob_score=False, random_state=STATE).fit(*IRIS),
    "extra_trees": ExtraTreesClassifier(3).fit(*IRIS),
    "tree_r": DecisionTreeRegressor(max_depth=4).fit(*DIABETES),
    "extra_tree_r": ExtraTreeRegressor(max_depth=4).fit(*DIABETES),
    "forest_r": RandomForestRegressor(3, max_depth=4).fit(*DIABETES),
    "extra_trees_r": ExtraTreesRegressor(3, max_depth=4).fit(*DIABETES),
    "several_targets": RandomForestRegressor(2, max_depth=3).fit(DIABETES[0], DIABETES[0][:, :2]),
    "boosted": GradientBoostingClassifier(n_estimators=3).fit(*CANCER),
    "boosted_3": GradientBoostingClassifier(n_estimators=3).fit(*IRIS),
    "boosted_e": GradientBoostingClassifier(n_estimators=3, loss="exponential").fit(*CANCER),
    "boosted_0": GradientBoostingClassifier(n_estimators=3, init="zero").fit(*CANCER),
    "boosted_d": GradientBoostingClassifier(
        n_estimators=3, init=DummyClassifier(strategy="constant", constant=1), random_state=STATE
    ).fit(*CANCER),
    **{
        f"boosted_{loss}": GradientBoostingRegressor(n_estimators=3, loss=loss).fit(*DIABETES)
        for loss in ("squared_error", "absolute_error", "huber", "quantile")
    },
    "pipeline": make_pipeline(
        StandardScaler(),
        MinMaxScaler(feature_range=(np.float64(-1), 1), clip=True),
        RobustScaler(),
        "passthrough",
        RandomForestClassifier(2),
    ).fit(*IRIS),
}


def written(path: Path, value: object, protocol: int = 4) -> Path:
    path.write_bytes(value if isinstance(value, bytes) else pickle.dumps(value, protocol))
    return path


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("kind", FITTED)
def test_every_protocol(tmp_path, kind, protocol):
    loaded = load(written(tmp_path / "model.pkl", FITTED[kind], protocol))
    same_scores(loaded, kind)


def same_scores(loaded, kind):
    expected = load(FITTED[kind])
    x = np.random.default_rng(0).normal(size=(40, len(expected.model.feature_names)))
    assert np.array_equal(loaded.model.scores(x), expected.model.scores(x))
    assert loaded.model.classes == expected.model.classes
    assert type(loaded.estimator) is type(FITTED[kind])


@pytest.mark.parametrize(
    "compress", [0, 3, ("gzip", 3), ("bz2", 3), ("lzma", 3), ("xz", 3)], ids=str
)
@pytest.mark.parametrize("kind", FITTED)
def test_joblib(tmp_path, kind, compress):
    joblib.dump(FITTED[kind], tmp_path / "model.joblib", compress=compress)
    same_scores(load(tmp_path / "model.joblib"), kind)


def test_compressed_suffixes_and_names(tmp_path):
    joblib.dump(FITTED["forest"], tmp_path / "my-forest.joblib.gz")
    assert load(tmp_path / "my-forest.joblib.gz").name == "my_forest"
    (tmp_path / "2nd.pkl.bz2").write_bytes(bz2.compress(pickle.dumps(FITTED["tree"])))
    assert load(str(tmp_path / "2nd.pkl.bz2")).name == "model_2nd"
    assert load(written(tmp_path / "class.pickle", FITTED["tree"])).name == "class_"


class Calls:
    """Pickles as a call of `function`."""

    def __init__(self, function, *arguments, state=None):
        self.call = (function, arguments) + ((state,) if state is not None else ())

    def __reduce__(self):
        return self.call


def plain(payload):
    return pickle.dumps(payload)


def in_an_attribute(payload):
    tree = DecisionTreeClassifier().fit(*IRIS)
    tree.note_ = payload
    return pickle.dumps(tree)


def in_an_object_array(payload):
    tree = DecisionTreeClassifier().fit(*IRIS)
    inner = np.empty(2, dtype=object)
    inner[1] = {"deep": [np.array([payload, None], dtype=object)]}
    tree.feature_names_in_ = inner
    return pickle.dumps(tree)


def in_joblib(payload):
    file = io.BytesIO()
    joblib.dump({"model": payload}, file)
    return file.getvalue()


def in_an_object_array_in_joblib(payload):
    """Return a file whose object array is a second pickle, read by a second unpickler."""
    tree = DecisionTreeClassifier().fit(*IRIS)
    tree.feature_names_in_ = np.array([np.array([payload, None], dtype=object), 1], dtype=object)
    file = io.BytesIO()
    joblib.dump(tree, file)
    return file.getvalue()


def in_compressed_joblib(payload):
    return gzip.compress(in_an_object_array_in_joblib(payload))


@pytest.mark.parametrize(
    "hide",
    [
        plain,
        in_an_attribute,
        in_an_object_array,
        in_joblib,
        in_an_object_array_in_joblib,
        in_compressed_joblib,
    ],
)
@pytest.mark.parametrize(
    ("function", "arguments", "name"),
    [
        (os.mkdir, (), rf"{os.mkdir.__module__}\.mkdir"),
        (os.system, ("mkdir ",), rf"{os.system.__module__}\.system"),
        (np.savetxt, ([1.0],), rf"{np.savetxt.__module__}\.savetxt"),
        (eval, ("__import__('os').mkdir",), r"(builtins|__builtin__)\.eval"),
        (joblib.dump, (1,), r"joblib\.numpy_pickle\.dump"),
    ],
    ids=["mkdir", "system", "numpy", "eval", "joblib"],
)
def test_nothing_of_an_unsafe_file_runs(tmp_path, hide, function, arguments, name):
    mark = tmp_path / "mark"
    call = {
        os.mkdir: (str(mark),),
        os.system: (f"mkdir {mark}",),
        np.savetxt: (str(mark), [1.0]),
        eval: (f"__import__('os').mkdir({str(mark)!r})",),
        joblib.dump: (1, str(mark)),
    }[function]
    path = written(tmp_path / "model.pkl", hide(Calls(function, *call)))
    assert not mark.exists()
    with pytest.raises(UnsafeModelFile, match=rf"{name}, which .*nothing .* was run.*--trust") as e:
        load(path)
    assert not mark.exists()
    assert e.value.exit_code == 1 and "\n" not in str(e.value)
    unpickle(path, trust=True)
    assert mark.exists()  # so the file was dangerous


def text(value: str) -> bytes:
    return b"\x8c" + bytes([len(value)]) + value.encode()


def stack_global(module: str, name: str, argument: str) -> bytes:
    return b"\x80\x04" + text(module) + text(name) + b"\x93" + text(argument) + b"\x85R."


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "mkdir"),
        ("sklearn.tree._classes", "np.lib.os.mkdir"),
        ("sklearn.tree._classes", "DecisionTreeClassifier.fit.__globals__"),
        ("sklearn.tree._tree", "Tree.__setstate__"),
        ("numpy", "dtype.__new__"),
        ("numpy", "ndarray.tofile"),
        ("numpy", "load"),
        ("numpy", "f2py.compile"),
        ("numpy.f2py", "compile"),
        ("numpy._core", "multiarray._reconstruct"),
        ("sklearn.tree", "_classes.DecisionTreeClassifier"),
        ("sklearn.ensemble", "RandomForestClassifier"),
        ("builtins", "getattr"),
        ("functools", "reduce"),
        ("copyreg", "__newobj__"),
        ("", ""),
        ("sklearn.tree._tree\x00", "Tree"),
        ("line\nbreak", "mkdir"),
    ],
)
def test_only_exact_names(tmp_path, module, name):
    mark = tmp_path / "mark"
    path = written(tmp_path / "model.pkl", stack_global(module, name, str(mark)))
    with pytest.raises(UnsafeModelFile, match="nothing of the file was run") as caught:
        load(path)
    assert "\n" not in str(caught.value)
    assert not mark.exists()


@pytest.mark.parametrize(
    "data",
    [
        b"cposix\nmkdir\n(V{mark}\ntR.",
        b"(V{mark}\niposix\nmkdir\n.",
        b"(cposix\nmkdir\nV{mark}\no.",
        b"\x80\x02cposix\nmkdir\nU\x01x\x85\x81.",
    ],
    ids=["GLOBAL", "INST", "OBJ", "NEWOBJ"],
)
def test_every_opcode_asks(tmp_path, data):
    mark = tmp_path / "mark"
    path = written(tmp_path / "model.pkl", data.replace(b"{mark}", str(mark).encode()))
    with pytest.raises(UnsafeModelFile, match=r"posix\.mkdir"):
        load(path)
    assert not mark.exists()


def tree_state(**changes) -> bytes:
    tree = DecisionTreeClassifier().fit(*IRIS).tree_
    state = tree.__getstate__() | changes
    return pickle.dumps(Calls(Tree, 4, np.array([3], dtype=np.intp), 1, state=state))


CLASS = b"\x80\x04" + text("sklearn.tree._classes") + text("DecisionTreeClassifier") + b"\x93"
# An object dtype whose state says that its pointers are plain bytes: flags 0 instead of 63.
FORGED = Calls(np.dtype, "O8", False, True, state=(3, "|", None, None, None, -1, -1, 0))


@pytest.mark.parametrize(
    "data",
    [
        tree_state(node_count=10**6),
        tree_state(nodes=np.zeros(0)),
        pickle.dumps(Calls(Tree, 4, np.array([3], dtype=np.intp), 7)),
        pickle.dumps(Calls(Tree, 4, np.array([-3], dtype=np.intp), 1)),
        pickle.dumps(FORGED),
        pickle.dumps(
            Calls(
                np.dtype,
                "V8",
                False,
                True,
                state=(3, "|", None, ("a",), {"a": (np.dtype("O"), 0)}, 8, 1, 0),
            )
        ),
        pickle.dumps(Calls(np.dtype, [("a", "O")])),
        CLASS + b"}" + text("predict") + b"K\x01sb.",
        CLASS + b"N}" + text("predict") + b"K\x01s\x86b.",
        b"\x80\x04"
        + text("_codecs")
        + text("encode")
        + b"\x93"
        + text("a")
        + text("zip")
        + b"\x86R.",
        b"\x80\x02\x82\x01.",
        b"\x80\x04Ppersistent\n.",
        b"\x80\x05\x97.",
    ],
    ids=[
        "node count",
        "no nodes",
        "targets",
        "classes",
        "object flags",
        "hidden object",
        "structure",
        "class state",
        "class slots",
        "codec",
        "extension",
        "persistent",
        "buffer",
    ],
)
def test_forged_states_are_refused(tmp_path, data):
    before = vars(DecisionTreeClassifier).get("predict")
    with pytest.raises(ModelFileError, match=r"truncated, damaged or not a pickle \(.*save the"):
        load(written(tmp_path / "model.pkl", data))
    assert vars(DecisionTreeClassifier).get("predict") is before


def test_reading_a_dtype_leaves_numpy_alone(tmp_path):
    shared = Calls(np.dtype, "f8", state=(3, ">", None, None, None, -1, -1, 0))
    with pytest.raises(UnsupportedModel):
        load(written(tmp_path / "model.pkl", shared))
    assert np.dtype("f8") == np.float64 and np.dtype("f8").isnative


def test_parts_that_do_not_fit(tmp_path):
    forest = RandomForestClassifier(2).fit(*IRIS)
    forest.estimators_ = 7
    with pytest.raises(
        ModelFileError, match=r"whose parts do not fit together \(TypeError\): save"
    ):
        load(written(tmp_path / "model.pkl", forest))


@pytest.mark.parametrize("kind", ["pickle", "joblib", "gzip"])
def test_truncated_anywhere(tmp_path, kind):
    path = tmp_path / "model.joblib"
    tree = DecisionTreeClassifier(max_depth=2).fit(*IRIS)
    if kind == "pickle":
        written(path, tree)
    else:
        joblib.dump(tree, path, compress=("gzip", 1) if kind == "gzip" else 0)
    data = path.read_bytes()
    for length in range(1, len(data), 7):
        path.write_bytes(data[:length])
        with pytest.raises(ModelFileError, match="damaged or not a pickle") as caught:
            load(path)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [b"hello, world\n", b"\x89PNG\r\n\x1a\n", b"\x00" * 100, b"\x80\x04", b"\x1f\x8bno", b"(" * 9]
    + [b"x\x9cno", b"{}", b"PK\x03\x04" + b"\x00" * 40, "ümläut".encode(), b"\x80\xff."],
)
def test_not_a_pickle(tmp_path, data):
    with pytest.raises(ModelFileError, match="damaged or not a pickle") as caught:
        load(written(tmp_path / "model.pkl", data))
    assert "\n" not in str(caught.value) and not isinstance(caught.value, UnsafeModelFile)


def test_damaged_bytes_end_in_our_errors(tmp_path):
    good = bytearray(pickle.dumps(DecisionTreeClassifier(max_depth=2).fit(*IRIS)))
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(400):
        bad = bytearray(good)
        for at in random.integers(0, len(good), 3):
            bad[at] = random.integers(256)
        try:
            unpickle(written(tmp_path / "model.pkl", bytes(bad)))
        except (ModelFileError, UnsupportedModel):
            refused += 1
    assert refused > 100


def test_missing_empty_folder_and_suffixes(tmp_path):
    with pytest.raises(ModelFileError, match=r"no\.pkl does not exist: check the path"):
        load(tmp_path / "no.pkl")
    with pytest.raises(ModelFileError, match=r"no\.onnx does not exist: check the path"):
        load(tmp_path / "no.onnx")
    with pytest.raises(ModelFileError, match=r"model\.pkl is empty: save the model again"):
        load(written(tmp_path / "model.pkl", b""))
    (tmp_path / "folder.pkl").mkdir()
    for folder in (tmp_path, tmp_path / "folder.pkl"):
        with pytest.raises(ModelFileError, match="is a folder: name the model file inside"):
            load(folder)
    for suffix in (".h5", ".pt", ".bin", ""):
        path = written(tmp_path / f"other{suffix}", b"x")
        with pytest.raises(UnsupportedModel, match=r"reads \.pkl, \.pickle, \.joblib .*\.locgen"):
            load(path)


@pytest.mark.skipif(sys.platform == "win32" or os.getuid() == 0, reason="root reads everything")
def test_unreadable(tmp_path):
    path = written(tmp_path / "model.pkl", FITTED["tree"])
    path.chmod(0)
    with pytest.raises(ModelFileError, match="check its permissions"):
        load(path)


def saved_by(version: str, protocol: int = 4) -> bytes:
    """Return a forest as another release would have stamped it."""
    real = sklearn.__version__
    data = pickle.dumps(FITTED["pipeline"], protocol)
    for size in (
        lambda text: struct.pack("B", len(text)),
        lambda text: struct.pack("<I", len(text)),
    ):
        data = data.replace(size(real) + real.encode(), size(version) + version.encode())
    return data.replace(b"V" + real.encode(), b"V" + version.encode())


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_another_minor_release_is_refused(tmp_path, protocol):
    data = saved_by("1.5.2", protocol)
    if protocol >= 4:  # frames state their length, which is the same here
        assert len(data) == len(saved_by(sklearn.__version__, protocol))
    path = written(tmp_path / "model.pkl", data)
    message = rf"by scikit-learn 1\.5\.2, but {sklearn.__version__} is installed: pip install "
    with pytest.raises(ModelFileError, match=message + r"scikit-learn==1\.5\.2, or train"):
        load(path)


def test_a_version_behind_a_memo_is_found(tmp_path):
    """The version may be pickled as a reference to an equal text before it."""
    tree = DecisionTreeClassifier().fit(*IRIS)
    vars(tree).update({"trained_by": sklearn.__version__, **vars(tree)})
    data = pickle.dumps(tree)
    real, other = sklearn.__version__.encode(), b"1.5.2"
    assert data.count(real) == 1 and len(real) == len(other)
    with pytest.raises(ModelFileError, match=r"saved by scikit-learn 1\.5\.2, but"):
        load(written(tmp_path / "model.pkl", data.replace(real, other)))


def test_another_patch_release_is_accepted_silently(tmp_path, caplog):
    patch = ".".join([*sklearn.__version__.split(".")[:2], "7"])
    path = written(tmp_path / "model.pkl", saved_by(patch))
    assert load(path).model.family == "RandomForestClassifier"
    assert not caplog.records


def test_trust_logs_the_skew(tmp_path, caplog):
    path = written(tmp_path / "model.pkl", saved_by("1.5.2"))
    with caplog.at_level(logging.WARNING):
        assert load(path, trust=True).model.family == "RandomForestClassifier"
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "1.5.2" in caplog.text and sklearn.__version__ in caplog.text


def test_other_node_arrays_name_the_versions(tmp_path):
    """Older trees have other fields: scikit-learn's ValueError becomes the version's message."""
    data = saved_by("1.1.0").replace(b"missing_go_to_left", b"missing_go_to_lost")
    path = written(tmp_path / "model.pkl", data)
    for trust in (False, True):
        with pytest.raises(ModelFileError, match=r"by scikit-learn 1\.1\.0, but"):
            load(path, trust=trust)


def test_trust_without_the_module(tmp_path):
    path = written(tmp_path / "model.pkl", stack_global("no_such_module", "Model", "x"))
    with pytest.raises(
        ModelFileError, match="needs the Python package no_such_module: install no_such_module"
    ):
        load(path, trust=True)


def test_trust_reads_joblib_and_damage_is_named(tmp_path):
    joblib.dump(FITTED["boosted"], tmp_path / "model.joblib", compress=3)
    assert load(tmp_path / "model.joblib", trust=True).model.decision == ">="
    with pytest.raises(ModelFileError, match="damaged or not a pickle"):
        load(written(tmp_path / "model.pkl", pickle.dumps(FITTED["tree"])[:200]), trust=True)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            GaussianProcessClassifier(),
            r"GaussianProcessClassifier is not supported: .* builds is RandomForestClassifier",
        ),
        (TweedieRegressor(), r"is RandomForestRegressor$"),
        (
            make_pipeline(StandardScaler(), GaussianProcessClassifier()),
            r"GaussianProcessClassifier is not supported",
        ),
        (
            GridSearchCV(GaussianProcessClassifier(), {}),
            r"GridSearchCV is not supported: .*\.best_estimator_",
        ),
        (make_pipeline(PCA(), RandomForestClassifier()), r"PCA .* transform the rows beforehand"),
        (
            HistGradientBoostingRegressor(loss="poisson", max_iter=1).fit(*IRIS),
            r"HalfPoissonLoss is not supported, .*: train with the squared error",
        ),
        (ClassifierChain(RandomForestClassifier()), r"ClassifierChain .* is MultiOutputClassifier"),
        ({"model": FITTED["tree"]}, r"a dict is not an estimator: save the fitted"),
        (RandomForestClassifier(), r"RandomForestClassifier is not fitted"),
    ],
)
def test_files_of_other_estimators(tmp_path, value, message):
    path = written(tmp_path / "model.pkl", value)
    with pytest.raises(UnsupportedModel, match=message):
        load(path)


def test_a_partial_of_anything_but_check_array_is_refused(tmp_path):
    path = written(tmp_path / "model.pkl", stack_global("functools", "partial", "os.system"))
    with pytest.raises(ModelFileError, match="only check_array"):
        load(path)
