"""Every file format: what was saved reads as the estimator itself does, and what is not refused."""

import pickle
import warnings

import familykit
import joblib
import lightgbm
import numpy as np
import pytest

from locgen.errors import ModelFileError, UnsafeModelFile, UnsupportedModel
from locgen.frontends import load, read_estimator
from locgen.frontends.admitted_states import check_state


def same(one, two):
    assert one.features == two.features
    assert one.base == two.base and one.decision == two.decision
    assert len(one.trees) == len(two.trees)
    for a, b in zip(one.trees, two.trees, strict=True):
        for name in ("feature", "cut", "missing_left", "left", "right", "leaf_values", "leaf_ids"):
            assert np.array_equal(getattr(a, name), getattr(b, name)), name


@pytest.mark.parametrize("case", familykit.CASES)
def test_pickles_and_joblib_files_of_every_family(case, tmp_path):
    estimator, _ = familykit.fitted(case)
    expected = read_estimator(estimator)
    joblib.dump(estimator, tmp_path / "model.joblib", compress=3)
    same(load(tmp_path / "model.joblib").model, expected)
    for protocol in (0, 2, 5):
        (tmp_path / "model.pkl").write_bytes(pickle.dumps(estimator, protocol=protocol))
        same(load(tmp_path / "model.pkl").model, expected)


@pytest.mark.parametrize("case", [c for c in familykit.CASES if not c.startswith(("xgb", "lgbm"))])
def test_skops_files(case, tmp_path):
    io = pytest.importorskip("skops.io")
    estimator, _ = familykit.fitted(case)
    io.dump(estimator, tmp_path / "model.skops")
    same(load(tmp_path / "model.skops").model, read_estimator(estimator))


@pytest.mark.parametrize("case", [c for c in familykit.CASES if c.startswith("xgb")])
@pytest.mark.parametrize("suffix", ["json", "ubj"])
def test_xgboost_files(case, suffix, tmp_path):
    estimator, arrays = familykit.fitted(case)
    estimator.save_model(tmp_path / f"model.{suffix}")
    loaded, expected = load(tmp_path / f"model.{suffix}"), read_estimator(estimator)
    same(loaded.model, expected)
    assert loaded.name == "model"
    assert np.array_equal(loaded.model.scores(arrays[1]), expected.scores(arrays[1]))
    # A bare booster's predict gives margins or probabilities; what counts are its decisions.
    answers, theirs = loaded.answers(arrays[1]), estimator.predict(arrays[1])
    close = np.isclose(answers, theirs, rtol=1e-5) if not expected.classes else answers == theirs
    assert close.all()


@pytest.mark.parametrize("case", [c for c in familykit.CASES if c.startswith("lgbm")])
def test_lightgbm_files(case, tmp_path):
    estimator, arrays = familykit.fitted(case)
    estimator.booster_.save_model(tmp_path / "model.txt")
    loaded, expected = load(tmp_path / "model.txt").model, read_estimator(estimator)
    assert len(loaded.trees) == len(expected.trees)
    for a, b in zip(loaded.trees, expected.trees, strict=True):
        assert np.array_equal(a.cut, b.cut) and np.array_equal(a.leaf_values, b.leaf_values)
    answers, theirs = load(tmp_path / "model.txt").answers(arrays[1]), estimator.predict(arrays[1])
    assert np.allclose(answers, theirs) if not expected.classes else (answers == theirs).all()


@pytest.mark.parametrize(
    "name, content, kind, message",
    [
        ("a.json", b"{", ModelFileError, "no readable JSON"),
        ("a.json", b"[" * 100_000, ModelFileError, "no readable JSON"),
        ("a.json", b"{}", UnsupportedModel, "no model that XGBoost wrote"),
        ("a.json", b'{"schema": "locgen.model/1"}', UnsupportedModel, ".locgen.json"),
        ("a.json", b'{"learner": 3}', ModelFileError, "no XGBoost model"),
        ("a.ubj", b"nothing", ModelFileError, "no XGBoost model"),
        ("a.txt", b"tree\nversion=v4\n", ModelFileError, "no LightGBM model"),
        ("a.txt", b"", ModelFileError, "is empty"),
        ("a.skops", b"PK", ModelFileError, "no skops file"),
        ("a.bin", b"x", UnsupportedModel, "locgen reads .pkl"),
    ],
)
def test_files_that_are_none(tmp_path, name, content, kind, message):
    (tmp_path / name).write_bytes(content)
    with warnings.catch_warnings(), pytest.raises(kind, match=message) as caught:
        warnings.simplefilter("ignore")
        load(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_skops_file_with_another_type_is_not_run(tmp_path):
    io = pytest.importorskip("skops.io")
    from sklearn.preprocessing import FunctionTransformer

    io.dump(FunctionTransformer(pickle.loads), tmp_path / "a.skops")
    with pytest.raises(UnsafeModelFile, match="does not run; nothing of the file was run"):
        load(tmp_path / "a.skops")


class Forged:
    """Pickles as a LightGBM booster whose handle is an address."""

    def __reduce__(self):
        return object.__new__, (lightgbm.Booster,), {"_handle": None, "handle": 1234}


def test_a_booster_is_made_from_nothing_but_its_text(tmp_path):
    stream = pickle.dumps(Forged(), protocol=2)
    assert b"Booster" in stream
    (tmp_path / "a.pkl").write_bytes(stream)
    with pytest.raises((ModelFileError, UnsafeModelFile)):
        load(tmp_path / "a.pkl")
    for state in ({"handle": 1234}, {"_handle": 1234}, {"handle": "x", "_handle": "y"}):
        with pytest.raises(ValueError, match="impossible"):
            check_state(lightgbm.Booster.__new__(lightgbm.Booster), state)
