"""The virtual board: what is built answers behind a serial port, on bad lines too."""

import json
import pickle
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

import locgen
from locgen.errors import BoardError, ConfigurationError, Mismatch
from locgen.flow.folder import open_folder, verify_folder
from locgen.report.schema import Verification
from locgen.verify.virtual_board import Damage, virtual_board

pytestmark = pytest.mark.xdist_group("virtual-board")  # all ask what one fixture builds
X, Y = load_iris(return_X_y=True)
SPLIT = train_test_split(X, Y, test_size=0.3, random_state=0)


def forest(seed=0, trees=3):
    kind = RandomForestClassifier(trees, max_depth=3, random_state=seed)
    return kind.fit(SPLIT[0], SPLIT[2])


def many(count, seed=0):
    """Return rows around those of the data."""
    source = np.random.default_rng(seed)
    return X[source.integers(0, len(X), count)] + source.normal(0, 0.2, (count, X.shape[1]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("virtual") / "iris"
    locgen.compile(forest(), data=SPLIT, top="uart", pnr=False, effort="low").build(out)
    return out


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_wrong_answer_on_a_damaged_line(folder, seed):
    rows = many(2000, seed)
    with virtual_board(folder, damage=Damage(1, seed)) as virtual:
        board = locgen.Board(folder, virtual.port)
        answers = board.run(rows)
        assert not len(answers.wrong)
        assert (answers.predictions == board.design.predict(rows)).all()
    for way in ("to_board", "to_host"):
        counts = dict(virtual.counters[way])
        assert counts.pop("frames") >= 2000
        assert sum(counts.values()) > 5 and sum(map(bool, counts.values())) > 1
    assert virtual.counters["lost_bytes"] == 0


@pytest.mark.slow
def test_verify_keeps_the_level_in_the_report(folder):
    before = json.loads((folder / "report.json").read_text())["verification"]
    (found,) = verify_folder(open_folder(folder), option="virtual_board")
    (again,) = verify_folder(open_folder(folder), option="virtual_board")
    assert found == again
    after = json.loads((folder / "report.json").read_text())["verification"]
    assert after == [*before, Verification.of(found).model_dump()]
    assert (found.level, found.vectors, found.mismatches) == (
        "virtual_board", before[0]["vectors"], 0
    )  # fmt: skip


@pytest.mark.slow
def test_a_wrong_gate_is_found(folder, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    top = broken / "testbench" / "top.v"
    text = top.read_text()
    # The link gets the core's answer with the lowest bit of its first score the other way round.
    (wire,) = re.findall(r"\n  core core \(.*?\.o__payload\((\S+) ?\)", text, flags=re.DOTALL)
    answer = re.compile(r"\.i__payload\(" + re.escape(wire) + r" ?\)")
    assert len(answer.findall(text)) == 1
    top.write_text(answer.sub(lambda found: f".i__payload({wire} ^ 4)", text))
    with pytest.raises(Mismatch, match="virtual_board and golden disagree on 128 of 128"):
        verify_folder(open_folder(broken), option="virtual_board")


@pytest.mark.slow
def test_another_design_is_refused(folder, tmp_path):
    other = locgen.compile(forest(7), data=SPLIT, top="uart", pnr=False)
    with virtual_board(folder) as virtual:
        with pytest.raises(BoardError, match="holds model") as caught:
            locgen.Board(other, virtual.port).predict(X)
        assert caught.value.exit_code == 6
        with pytest.raises(ConfigurationError, match="has no serial port"):
            locgen.Board(locgen.compile(forest(), data=SPLIT), virtual.port)
    with pytest.raises(BoardError, match="does not work"):
        locgen.Board(folder, virtual.port).predict(X)


def below(pid):
    """Return the processes of `pid` and of all that it started."""
    found, new = set(), {pid}
    while new:
        found |= new
        new = set()
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = path.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) in found and int(path.parent.name) not in found:
                new.add(int(path.parent.name))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_signals_leave_nothing_behind(folder, tmp_path, number):
    data, link = tmp_path / "rows.npz", tmp_path / "port"
    np.savez(data, X=X)
    command = [sys.executable, "-m", "locgen"]
    with subprocess.Popen(
        [*command, "simulate", str(folder), "--pty", "--link", str(link), "--json"],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert json.loads(process.stdout.readline()) == {"port": str(link)}
        done = subprocess.run(
            [*command, "run", str(folder), "--port", str(link), "--data", str(data), "--json"],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        facts = json.loads(done.stdout)
        assert (facts["rows"], facts["mismatches"]) == (150, 0)
        golden = locgen.compile(forest(), data=SPLIT, top="uart").predict(X)
        assert facts["predictions"] == golden.tolist()
        started = below(process.pid)
        assert len(started) > 1
        process.send_signal(number)
        rest = process.stdout.read()
    if number != signal.SIGKILL:
        assert process.returncode == 0
        assert json.loads(rest)["to_board"]["frames"] == 152
        assert not link.is_symlink()
    for _ in range(100):
        alive = {pid for pid in started if Path(f"/proc/{pid}").exists()}
        if not alive:
            break
        time.sleep(0.1)
    assert alive == set()


@pytest.mark.slow
def test_real_time_keeps_the_baud_rate(folder):
    """The answers cannot come faster than the requests' bytes go over the line."""
    with virtual_board(folder, real_time=True) as virtual:
        board = locgen.Board(folder, virtual.port)
        answers = board.run(many(200))
    assert not len(answers.wrong)
    seconds = virtual.counters["cycles"] / 12_000_000
    assert answers.seconds > 0.8 * 200 * 10 * 10 / 1_000_000
    assert seconds < answers.seconds


@pytest.mark.slow
def test_an_engine_is_updated_over_the_virtual_port(tmp_path):
    out = tmp_path / "engine"
    locgen.compile(forest(), data=SPLIT, top="uart", core="engine", pnr=False, effort="low").build(
        out
    )
    with virtual_board(out) as virtual:
        board = locgen.Board(out, virtual.port)
        assert (board.predict(X) == board.design.predict(X)).all()
        model = tmp_path / "other.pkl"
        model.write_bytes(pickle.dumps(forest(5)))
        old = board.design.digest
        board.update(str(model), SPLIT)
        assert board.design.digest != old
        assert (board.predict(X) == board.design.predict(X)).all()
        with pytest.raises(BoardError, match=f"not {old}"):
            locgen.Board(out, virtual.port).predict(X)


@pytest.mark.slow
def test_a_model_boots_from_the_flash_into_spram(tmp_path):
    """And one whose image is damaged there does not answer."""
    x, y = load_digits(return_X_y=True)
    model = RandomForestClassifier(14, max_depth=8, random_state=0).fit(x, y)
    out = tmp_path / "digits"
    design = locgen.compile(
        model, board="icebreaker", core="engine", score_bits=8, pnr=False, effort="low"
    )
    assert {shape.memory for shape in design.plan.shapes} == {"spram"}
    design.build(out)
    with virtual_board(out) as virtual:
        board = locgen.Board(out, virtual.port)
        assert (board.predict(x[:300]) == design.predict(x[:300])).all()
    memory = out / "testbench" / "memory.json"
    words = json.loads(memory.read_text())
    memory.write_text(json.dumps([*words[:-2], words[-2] ^ 1, words[-1]]))
    with (
        virtual_board(out) as virtual,
        pytest.raises(BoardError, match="no whole model"),
    ):
        locgen.Board(out, virtual.port).predict(x[:3])


@pytest.mark.slow
def test_explanations_come_over_the_virtual_port(tmp_path):
    """From the gates, by the command line too."""
    out, data, port = tmp_path / "told", tmp_path / "rows.npz", tmp_path / "port"
    design = locgen.compile(forest(), data=SPLIT, top="uart", explain=True, pnr=False)
    design.build(out)
    np.savez(data, X=X[:20])
    with virtual_board(out, link=port):
        told = design.explain(X, str(port))
        assert np.array_equal(told.hardware.numbers, design.explain(X).hardware.numbers)
        assert (told.scores == told.hardware.scores).all()
        words = ["explain", out, "--data", data, "--port", port, "--json"]
        done = subprocess.run(
            [sys.executable, "-m", "locgen", *map(str, words)], capture_output=True, text=True
        )
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["rows"]) == 20
    other = locgen.compile(forest(7), data=SPLIT, top="uart", explain=True)
    with (
        virtual_board(out, link=port),
        pytest.raises(BoardError, match="holds model"),
    ):
        other.explain(X, str(port))


@pytest.mark.parametrize("percent", [-1, 101])
def test_damage_is_a_share(percent):
    with pytest.raises(ConfigurationError, match="--damage must be from 0 to 100"):
        Damage(percent)
