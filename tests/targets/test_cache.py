"""The build cache: keys that separate, entries that appear whole."""

import os

import pytest

from locgen.targets import cache
from locgen.targets.cache import cache_folder, cached, key_of


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LOCGEN_CACHE", str(tmp_path / "cache"))


def maker(out, made, **files):
    def produce():
        made.append(1)
        for name, text in files.items():
            (out / name).write_text(text)

    return produce


def test_key_is_stable_and_separates_parts():
    assert key_of("a", b"b") == key_of("a", "b")
    assert len({key_of("ab"), key_of("a", "b"), key_of("", "ab"), key_of("b", "a")}) == 4


def test_second_time_comes_from_the_cache(tmp_path):
    made = []
    out = tmp_path / "one"
    out.mkdir()
    assert cached("ab12", ["x", "y"], out, maker(out, made, x="1", y="2")) is False
    other = tmp_path / "two"
    other.mkdir()
    assert cached("ab12", ["x", "y"], other, maker(other, made)) is True
    assert ((other / "x").read_text(), (other / "y").read_text()) == ("1", "2")
    assert len(made) == 1
    assert sorted(path.name for path in other.iterdir()) == ["x", "y"]


def test_no_cache_neither_looks_nor_keeps(tmp_path):
    made = []
    for _ in range(2):
        assert cached("k", ["x"], tmp_path, maker(tmp_path, made, x="1"), use_cache=False) is False
    assert len(made) == 2
    assert not cache_folder().exists()


def test_failure_keeps_nothing(tmp_path):
    def produce():
        (tmp_path / "x").write_text("half")
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        cached("k1", ["x"], tmp_path, produce)
    assert not list(cache_folder().rglob("x"))


def test_incomplete_entry_is_made_again(tmp_path):
    made = []
    cached("ab", ["x", "y"], tmp_path, maker(tmp_path, made, x="1", y="2"))
    (cache_folder() / "ab" / "ab" / "y").unlink()
    assert cached("ab", ["x", "y"], tmp_path, maker(tmp_path, made, x="1", y="2")) is False
    assert cached("ab", ["x", "y"], tmp_path, maker(tmp_path, made)) is True


def test_unwritable_cache_does_not_stop_the_build(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("LOCGEN_CACHE", str(blocked / "below"))
    made = []
    assert cached("k", ["x"], tmp_path, maker(tmp_path, made, x="1")) is False
    assert (tmp_path / "x").read_text() == "1"


def test_oldest_entries_go_first(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "_ENTRIES", 2)
    made = []
    for age, key in enumerate(["aa1", "bb2", "cc3"]):
        cached(key, ["x"], tmp_path, maker(tmp_path, made, x=key))
        entry = cache_folder() / key[:2] / key
        os.utime(entry, (1000 + age, 1000 + age))
    cached("dd4", ["x"], tmp_path, maker(tmp_path, made, x="4"))
    assert sorted(path.name for path in cache_folder().glob("??/*")) == ["cc3", "dd4"]
