"""Updates: another model into engines that run, or a refusal that leaves all as it was."""

import dataclasses
import json
import os
import pickle
import sys
import threading
import tty
import types

import numpy as np
import pytest
from amaranth.sim import Simulator
from enginekit import EngineDevice, Line
from modelkit import pack
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import (
    GradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from typer.testing import CliRunner

import locgen
from locgen.api import Design
from locgen.cli import app
from locgen.errors import BoardError, BudgetError, ConfigurationError, DoesNotFit
from locgen.flow import update as update_module
from locgen.flow.bench import fabric_of
from locgen.flow.folder import open_folder
from locgen.flow.memory import gates_digest, memory_image
from locgen.flow.update import design_on_board, update_folder
from locgen.host import paced
from locgen.host.board import Board
from locgen.ir import from_json, to_json
from locgen.models import MixtureOfExpertsClassifier
from locgen.plan.serialise import plan_to_json
from locgen.quantise import quantise

PORT = "/dev/somewhere"


def split(bunch):
    return train_test_split(bunch.data, bunch.target, test_size=0.3, random_state=0)


IRIS, CANCER, DIABETES = (split(load()) for load in (load_iris, load_breast_cancer, load_diabetes))


def forest(data=IRIS, trees=6, depth=4, seed=0, features=None, kind=RandomForestClassifier):
    x = data[0] if features is None else data[0][:, :features]
    return kind(n_estimators=trees, max_depth=depth, random_state=seed).fit(x, data[2])


def engines(model, data, **options):
    return locgen.compile(model, data=data, core="engine", top="uart", **options)


@pytest.fixture(scope="module")
def built():
    return engines(forest(), IRIS)


@pytest.fixture(scope="module")
def successor():
    return forest(seed=7)


def write_folder(design, path):
    """Write what an update needs of a build folder."""
    path.mkdir()
    (path / "report.json").write_text(design.report.to_json())
    (path / "model.locgen.json").write_text(to_json(design.model))
    (path / "plan.locgen.json").write_text(plan_to_json(design.plan))
    return path


@pytest.fixture
def folder(built, tmp_path):
    return write_folder(built, tmp_path / "built")


def contents(path):
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def holds(device, design, rows):
    """Check that a device has exactly the image of `design`, says so, and answers as golden."""
    words = memory_image(design)
    assert device.memory.words[: len(words)] == list(words)
    board = Board(Line(device))
    assert board.hello().digest == int(design.digest, 16)
    codes = design.model.quantise(rows)
    decisions, scores = design.model.evaluate(codes)
    got = board.predict(codes, design.model.feature_bits, int(design.digest, 16))
    assert got[1].tolist() == scores.tolist()
    if decisions is None:
        assert got[0] is None
    else:
        assert got[0].tolist() == decisions.tolist()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (IRIS, RandomForestClassifier),
        (CANCER, RandomForestClassifier),
        (IRIS, GradientBoostingClassifier),
        (DIABETES, RandomForestRegressor),
    ],
)
def test_a_board_answers_as_the_new_golden(data, kind):
    # Wide leaves: the search of another training may ask for more bits than the first one's.
    design = engines(forest(data, 8, 4, kind=kind), data, score_bits=6)
    device = EngineDevice(design)
    holds(device, design, data[1])
    fewer = (data[0][:-25], None, data[2][:-25])
    other = forest(fewer, 8, 4, seed=5, kind=kind)
    updated = design.update(other, Board(Line(device)), data)
    assert updated.digest != design.digest
    assert gates_digest(updated) == gates_digest(design)
    holds(device, updated, data[1])
    fresh = locgen.compile(other, data=data)
    assert np.array_equal(updated.predict(data[1]), fresh.predict(data[1]))
    changed = updated.decision_function(data[1]) != design.decision_function(data[1])
    assert changed.any()


def test_the_gates_of_the_old_design_compute_the_new_model(built, successor):
    """The fabric that was built, simulated, with the new image written through its port."""
    updated = built.update(successor)
    fabric, plan = fabric_of(built), built.plan
    rows = updated.model.quantise(IRIS[1][:6])
    decisions, scores = updated.model.evaluate(rows)
    assert not np.array_equal(scores, built.model.evaluate(built.model.quantise(IRIS[1][:6]))[1])
    answers = []

    async def drive(ctx):
        port = fabric.memory
        for address, word in enumerate(memory_image(updated)):
            ctx.set(port.load.p.address, address)
            ctx.set(port.load.p.data, word)
            ctx.set(port.load.valid, 1)
            await ctx.tick()
        ctx.set(port.load.valid, 0)
        ctx.set(port.check, 1)
        await ctx.tick()
        ctx.set(port.check, 0)
        await ctx.tick().until(~port.checking)
        assert ctx.get(port.loaded) and ctx.get(port.digest) == int(updated.digest, 16)
        for row in rows:
            ctx.set(fabric.i.payload.as_value(), pack(updated.model, row))
            ctx.set(fabric.i.valid, 1)
            await ctx.tick().until(fabric.i.ready)
            ctx.set(fabric.i.valid, 0)
            for _ in range(plan.latency_cycles + 2):
                _, _, valid, payload = await ctx.tick().sample(fabric.o.valid, fabric.o.payload)
                if valid:
                    answers.append(
                        (payload.decision, [payload.scores[n] for n in range(scores.shape[1])])
                    )

    simulator = Simulator(fabric)
    simulator.add_clock(1e-6)
    simulator.add_testbench(drive)
    simulator.run()
    assert answers == list(zip(decisions.tolist(), scores.tolist(), strict=True))


def test_a_folder_keeps_what_was_confirmed(built, folder, successor):
    device, before = EngineDevice(built), contents(folder)
    told = []
    updated = update_folder(
        open_folder(folder), successor, Board(Line(device)), IRIS,
        progress=lambda done, total: told.append((done, total)),
    )  # fmt: skip
    holds(device, updated, IRIS[1])
    assert told[-1][0] == told[-1][1] > 0
    after = contents(folder)
    assert after.keys() - before.keys() == {"updated/model.locgen.json", "updated/memory.json"}
    assert {name: after[name] for name in before} == before
    assert from_json(after["updated/model.locgen.json"]) == updated.model
    assert json.loads(after["updated/memory.json"]) == list(memory_image(updated))
    again = update_folder(open_folder(folder), forest(seed=9), Board(Line(device)), IRIS)
    holds(device, again, IRIS[1])
    assert from_json(contents(folder)["updated/model.locgen.json"]) == again.model


def test_a_board_is_compared_with_the_model_of_its_last_update(built, folder, successor):
    device = EngineDevice(built)
    opened = open_folder(folder)
    assert design_on_board(opened, Board(Line(device))).digest == built.digest
    updated = update_folder(opened, successor, Board(Line(device)), IRIS)
    asked = locgen.Board(folder, Board(Line(device)))
    assert asked.design.digest == updated.digest != built.digest
    assert np.array_equal(asked.predict(IRIS[1]), Design.of(updated).predict(IRIS[1]))
    assert design_on_board(opened, Board(Line(EngineDevice(built)))).digest == built.digest
    third = built.update(forest(seed=9))
    other = locgen.Board(folder, Board(Line(EngineDevice(third))))
    with pytest.raises(BoardError, match="flash or update it"):
        other.predict(IRIS[1])


def test_an_update_that_breaks_off_never_answers(built, folder, successor):
    device, before = EngineDevice(built), contents(folder)
    writes = 20
    with pytest.raises(BoardError, match="does not answer"):
        update_folder(open_folder(folder), successor, Board(Line(device, writes)), IRIS)
    assert contents(folder) == before
    board = Board(Line(device))
    assert board.hello().digest is None
    with pytest.raises(BoardError, match="holds no whole model"):
        board.predict(built.model.quantise(IRIS[1][:1]), built.model.feature_bits)
    holds(device, update_folder(open_folder(folder), successor, board, IRIS), IRIS[1])


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Return a function that runs ``locgen update`` against a device."""

    def run(folder, model, device, *more):
        opened = []

        def connect(port, baud):
            opened.append((port, baud))
            return Line(device)

        monkeypatch.setattr(paced, "SerialTransport", connect)
        path = tmp_path / "model.pkl"
        path.write_bytes(pickle.dumps(model))
        words = ["update", folder, path, "--port", PORT, *more]
        return CliRunner().invoke(app, [str(word) for word in words]), opened

    return run


def test_the_command_updates(built, folder, successor, command):
    device = EngineDevice(built)
    result, opened = command(folder, successor, device, "--json")
    assert result.exit_code == 0, result.output
    assert opened == [(PORT, 1_000_000)]
    updated = built.update(successor)
    assert json.loads(result.stdout) == {"digest": updated.digest, "port": PORT}
    holds(device, updated, IRIS[1])
    result, _ = command(folder, forest(seed=2), device)
    assert result.exit_code == 0 and result.stdout.startswith(f"{PORT} holds ")
    assert len(result.stdout.splitlines()) == 1


def one_line(result, code, message):
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1 and message in lines[0], result.stderr


def with_gaps():
    x = np.where(np.random.default_rng(0).random(IRIS[0].shape) < 0.2, np.nan, IRIS[0])
    return RandomForestClassifier(4, max_depth=3, random_state=0).fit(x, IRIS[2])


REFUSED = {
    "other features": (lambda: forest(features=3), 4, "built for 4 as its features"),
    "other classes": (lambda: forest(CANCER, features=4), 4, "built for 3 as its scores"),
    "regression": (
        lambda: RandomForestRegressor(4, max_depth=3).fit(IRIS[0], IRIS[2]), 4, "as its scores"
    ),
    "more trees": (
        lambda: RandomForestClassifier(60, max_depth=4, bootstrap=False, max_features=None)
        .fit(IRIS[0], IRIS[2]), 4, "words, the engine"
    ),
    "deeper trees": (lambda: forest(trees=6, depth=9), 4, "cycles, the engine was built for"),
    "missing values": (with_gaps, 4, "accepts missing values"),
}  # fmt: skip


def narrowed(design, leaf_bits, budget):
    """Return `design` with other widths of its engines' leaves, and another accuracy budget."""
    shapes = tuple(dataclasses.replace(shape, leaf_bits=leaf_bits) for shape in design.plan.engines)
    chosen = dataclasses.replace(
        design.chosen, plan=dataclasses.replace(design.plan, engines=shapes)
    )
    options = design.options.model_copy(update={"max_accuracy_drop": budget})
    return dataclasses.replace(design, chosen=chosen, options=options)


def test_leaves_that_need_more_bits_are_refused(monkeypatch):
    design = narrowed(engines(forest(CANCER, 12, 5), CANCER), 1, 0.5)

    def picky(model, name, options, data):
        if options.score_bits is not None:
            raise BudgetError("too coarse")
        return quantise(model, name, options, data)

    monkeypatch.setattr(update_module, "quantise", picky)
    with pytest.raises(DoesNotFit, match=r"a leaf's score is \d+, the engine has 1 bits for it"):
        design.update(forest(CANCER, 12, 5, seed=3), data=CANCER)


def test_leaves_take_the_engines_width_if_the_budget_allows_it():
    """The search alone would choose more bits than the engine has for a leaf."""
    model = forest(CANCER, 12, 5)
    free = engines(model, CANCER)
    design = narrowed(free, free.plan.shapes[0].leaf_bits - 2, 20.0)
    updated = design.update(model, data=CANCER)
    leaves = [h - low for node in updated.model.nodes for low, h in node.ranges]
    assert max(leaves).bit_length() <= design.plan.shapes[0].leaf_bits


@pytest.mark.parametrize("case", REFUSED)
def test_models_that_the_engines_cannot_hold_are_refused(case, built, folder, command):
    make, code, message = REFUSED[case]
    device, before = EngineDevice(built), contents(folder)
    result, opened = command(folder, make(), device)
    one_line(result, code, message)
    assert opened == [] and contents(folder) == before
    holds(device, built, IRIS[1][:5])


def test_nodes_that_engines_do_not_know_are_refused(built):
    experts = MixtureOfExpertsClassifier(2, gate_depth=2, random_state=0).fit(IRIS[0], IRIS[2])
    with pytest.raises(ConfigurationError, match="opens some: use --core hardwired"):
        built.update(experts, data=IRIS)


def test_linear_models_are_updated_too():
    def linear(rows):
        return LogisticRegression(max_iter=5000).fit(IRIS[0][:rows], IRIS[2][:rows])

    design = engines(linear(100), IRIS, feature_bits=9)
    device = EngineDevice(design)
    holds(device, design, IRIS[1])
    updated = design.update(linear(80), Board(Line(device)), IRIS)
    assert updated.digest != design.digest
    holds(device, updated, IRIS[1])


def test_a_folder_that_cannot_be_written_is_said(built, folder, successor, command):
    (folder / "updated").write_text("in the way")
    device = EngineDevice(built)
    result, _ = command(folder, successor, device)
    one_line(result, 1, "the board holds the new model, but")
    holds(device, built.update(successor), IRIS[1])


def test_more_bits_of_a_feature_are_refused(tmp_path, command):
    design = engines(forest(trees=1, depth=1), IRIS)
    folder = write_folder(design, tmp_path / "narrow")
    result, opened = command(folder, forest(trees=4, depth=6), EngineDevice(design))
    one_line(result, 4, "bits, the design has")
    assert opened == []
    with pytest.raises(DoesNotFit, match=r"feature \d \(.*\) needs \d bits"):
        design.update(forest(trees=4, depth=6))


def test_designs_in_gates_are_refused(tmp_path, successor, command):
    design = locgen.compile(forest(), data=IRIS, top="uart", core="hardwired")
    folder = write_folder(locgen.compile(forest(), top="uart", fabric="tree"), tmp_path / "gates")
    before = contents(folder)
    result, opened = command(folder, successor, None)
    one_line(result, 1, "has its model in gates")
    assert opened == [] and contents(folder) == before
    with pytest.raises(ConfigurationError, match="build with --core engine"):
        design.update(successor)


def test_designs_without_a_link_are_refused(tmp_path, successor, command):
    design = locgen.compile(forest(), data=IRIS, core="engine", clock=12)
    folder = write_folder(design, tmp_path / "stream")
    result, opened = command(folder, successor, None)
    one_line(result, 1, "has no link")
    assert opened == []


def test_folders_that_are_damaged_are_refused(built, folder, successor, tmp_path, command):
    plan = folder / "plan.locgen.json"
    whole = plan.read_text()
    facts = json.loads(whole)

    def refused(text, message="build again"):
        plan.write_text(text)
        result, opened = command(folder, successor, None)
        one_line(result, 1, message)
        assert opened == []

    refused(whole[:200])
    refused("")
    refused(json.dumps(facts | {"digits": facts["digits"] + 1}), "changed")
    refused(json.dumps(facts | {"sites": [[0]]}), "changed")
    plan.unlink()
    one_line(command(folder, successor, None)[0], 1, "cannot be read")
    one_line(command(tmp_path / "nowhere", successor, None)[0], 1, "no build folder")
    assert not (folder / "updated").exists()


def test_boards_that_do_not_fit_the_folder_are_left_alone(built, folder, successor, command):
    other = engines(forest(CANCER, 4, 3), CANCER)
    device, before = EngineDevice(other), contents(folder)
    one_line(command(folder, successor, device)[0], 6, "the image was made for")
    holds(device, other, CANCER[1][:5])
    gates = EngineDevice(built)
    gates.params = gates.params.__class__(
        **{k: getattr(gates.params, k) for k in ("feature_bits", "decision_bits", "score_bits")},
        outputs=built.model.outputs,
        digest=gates.params.digest,
    )
    one_line(command(folder, successor, gates)[0], 6, "cannot be updated")
    assert contents(folder) == before


def test_a_port_that_does_not_open_is_a_board_error(folder, successor, tmp_path, monkeypatch):
    def absent(port, baud):
        raise FileNotFoundError(2, "No such file or directory", port)

    monkeypatch.setitem(sys.modules, "serial", types.SimpleNamespace(Serial=absent))
    model = tmp_path / "model.pkl"
    model.write_bytes(pickle.dumps(successor))
    words = ["update", str(folder), str(model), "--port", "/dev/absent"]
    one_line(CliRunner().invoke(app, words), 6, "/dev/absent does not work")
    monkeypatch.setitem(sys.modules, "serial", None)
    one_line(CliRunner().invoke(app, words), 3, 'pip install "locgen[board]"')
    assert not (folder / "updated").exists()


def test_through_a_pseudo_terminal(built, folder, successor):
    pytest.importorskip("serial", reason="pyserial is not installed")
    master, slave = os.openpty()
    tty.setraw(master)
    tty.setraw(slave)
    device = EngineDevice(built)
    line = Line(device)

    def serve():
        try:
            while data := os.read(master, 4096):
                line.write(data)
                os.write(master, line.read(1 << 20, 0))
        except OSError:
            return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        updated = update_folder(open_folder(folder), successor, os.ttyname(slave), IRIS)
    finally:
        os.close(slave)
        os.close(master)
    holds(device, updated, IRIS[1])
