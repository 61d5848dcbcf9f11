"""Designs with ``--explain``: what they say on the host, and gates that say the same."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_iris, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import locgen
from locgen.errors import BoardError, ConfigurationError, Mismatch
from locgen.flow import memory
from locgen.flow.folder import open_folder, verify_folder
from locgen.flow.memory import link_params
from locgen.host.board import Board
from locgen.host.frames import MessageType, decode_frame, encode_frame, explain_request
from locgen.models import MixtureOfExpertsClassifier
from locgen.plan.evidence import gathered_of, runs_of
from locgen.verify.frames import explain_response

IRIS = train_test_split(*load_iris(return_X_y=True), test_size=0.3, random_state=0)
WINE = train_test_split(*load_wine(return_X_y=True), test_size=0.3, random_state=0)
MODELS = {
    "tree": lambda: DecisionTreeClassifier(max_depth=3, random_state=0),
    "linear": lambda: LogisticRegression(max_iter=500),
    "table": GaussianNB,
    "distance": NearestCentroid,
    "mixture": lambda: MixtureOfExpertsClassifier(3, top_k=2, gate_depth=2, random_state=0),
}


def compiled(kind, data=IRIS, **options):
    """Return the design of a small model of that kind, with ``explain``."""
    estimator = make_pipeline(StandardScaler(), MODELS[kind]()).fit(data[0], data[2])
    options = {"link_width": "4", "pnr": False, "explain": True} | options
    return locgen.compile(estimator, "ice40", data=data, **options)


@pytest.mark.parametrize("core", ["auto", "engine"])
@pytest.mark.parametrize("kind", MODELS)
def test_the_evidence_recombines_to_the_scores(kind, core):
    if (kind, core) == ("mixture", "engine"):
        pytest.skip("engines refuse experts")
    design = compiled(kind, WINE, core=core)
    assert design.choice.plan.kind == "tree" and design.choice.reason
    x = WINE[1]
    why = design.explain(x)
    golden = design.model.scores(design.model.quantise(x))
    assert np.array_equal(why.hardware.scores, golden) and np.array_equal(why.scores, golden)
    assert why.hardware.numbers.shape == (len(x), len(design.choice.plan.evidence))
    cost = design.report.evidence
    assert cost.cycles * 4 == cost.bits == design.choice.plan.evidence_bits > 0
    if kind == "mixture":
        assert (why.hardware.is_open.sum(axis=1) == 2).all()


def test_nothing_is_gathered_without_being_asked_for():
    design = compiled("linear", explain=False)
    assert design.explain(IRIS[1]).hardware is None and design.report.evidence is None


class GoldenLine:
    """A transport with a device behind it that answers what the evidence of golden is."""

    def __init__(self, design, x, change=0):
        self.params, self.change = link_params(design), change
        self.digest, self.time, self.coming = int(design.digest, 16), 0.0, bytearray()
        model, plan = design.model, design.choice.plan
        q = model.quantise(x)
        decision, scores = model.evaluate(q)
        runs = runs_of(plan, gathered_of(model, plan, q))
        self.answers = {
            explain_request(0, row, model.feature_bits).payload: (int(d), s, run)
            for row, d, s, run in zip(q, decision, scores, runs, strict=True)
        }

    def now(self):
        return self.time

    def write(self, data):
        for piece in filter(None, data.split(b"\0")):
            frame = decode_frame(piece)
            if frame.type == MessageType.HELLO:
                payload = self.params.hello_payload(self.digest)
                answer = replace(frame, type=MessageType.HELLO_RESPONSE, payload=payload)
            else:
                decision, scores, run = self.answers[frame.payload]
                run ^= self.change
                answer = explain_response(self.params, frame.sequence, decision, scores, run)
            self.coming += encode_frame(answer)

    def read(self, count, timeout_s):
        got, self.coming = bytes(self.coming[:count]), self.coming[count:]
        self.time += 0 if got else timeout_s
        return got


@pytest.mark.parametrize("core", ["auto", "engine"])
@pytest.mark.parametrize("kind", ["linear", "distance", "mixture"])
def test_a_board_is_asked_and_compared(kind, core):
    if (kind, core) == ("mixture", "engine"):
        pytest.skip("engines refuse experts")
    design = compiled(kind, WINE, core=core, top="uart")
    x = WINE[1]
    alone, why = design.explain(x), design.explain(x, Board(GoldenLine(design, x)))
    assert (why.hardware.numbers == alone.hardware.numbers).all()
    assert np.array_equal(why.hardware.scores, why.scores)
    with pytest.raises(Mismatch):
        design.explain(x, Board(GoldenLine(design, x, change=1)))
    other = compiled(kind, WINE, core=core, top="uart", link_width="2")
    with pytest.raises(BoardError, match="holds model"):
        other.explain(x, Board(GoldenLine(design, x)))


def test_only_designs_with_evidence_are_asked():
    design = compiled("linear", explain=False)
    with pytest.raises(ConfigurationError, match="compile it with explain=True"):
        design.explain(IRIS[1], "/dev/null")


def test_more_evidence_than_an_answer_holds_is_refused(monkeypatch):
    monkeypatch.setattr(memory, "MOST_EVIDENCE_BITS", 3)
    with pytest.raises(ConfigurationError, match="exceed the 3 of an answer on the link"):
        link_params(compiled("linear", top="uart"))


LINKS = [
    ("tree", "hardwired"),
    *(
        pytest.param(kind, core, marks=pytest.mark.slow)
        for kind, core in [("linear", "hardwired"), ("tree", "engine"), ("linear", "engine")]
    ),
]


@pytest.mark.parametrize(("kind", "core"), LINKS)
def test_evidence_crosses_the_serial_link(kind, core, tmp_path):
    """Frames of the whole top, answered bit for bit at RTL and netlist."""
    design = compiled(kind, core=core, top="uart")
    built = design.build(tmp_path / "out")
    assert [(r.level, r.mismatches) for r in built.results] == [("rtl", 0), ("netlist", 0)]
    frames = json.loads((tmp_path / "out" / "testbench" / "frames.json").read_text())
    answers = [bytes.fromhex(f["response"]) for f in frames]
    kinds = [decode_frame(line[:-1]).type for line in answers if line]
    assert kinds.count(MessageType.EXPLAIN_RESPONSE) >= 8
    assert kinds.count(MessageType.PREDICT_RESPONSE) >= 8


BUILDS = [("tree", "hardwired")] + [
    pytest.param(kind, core, marks=pytest.mark.slow)
    for kind in MODELS
    for core in ("hardwired", "engine")
    if (kind, core) not in (("tree", "hardwired"), ("mixture", "engine"))  # refused by engines
]


@pytest.mark.parametrize(("kind", "core"), BUILDS)
def test_gates_send_what_golden_says(kind, core, tmp_path):
    """RTL and netlist send every digit; the report says what it costs."""
    design = compiled(kind, core=core)
    built = design.build(tmp_path / "out")
    assert [(r.level, r.mismatches) for r in built.results] == [("rtl", 0), ("netlist", 0)]
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    plan = design.choice.plan
    assert report["evidence"]["cycles"] == plan.evidence_beats
    assert report["evidence"]["bits"] == plan.evidence_bits
    assert report["evidence"]["logic_cells"] > 0
    if core == "hardwired":
        plain = compiled(kind, core=core, explain=False).choice.estimate.logic_cells
        assert design.choice.estimate.logic_cells > plain
    path = tmp_path / "out" / "testbench" / "evidence.json"
    found = json.loads(path.read_text())
    assert len(set(found)) > 3
    path.write_text(json.dumps([found[0] ^ 1, *found[1:]]))
    with pytest.raises(Mismatch, match="does not hold golden's evidence"):
        verify_folder(open_folder(tmp_path / "out"), "auto")
    path.unlink()
    with pytest.raises(ConfigurationError, match="missing or damaged; build again"):
        verify_folder(open_folder(tmp_path / "out"), "auto")
