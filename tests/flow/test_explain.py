"""Designs with ``--explain``: what they say on the host, and gates that say the same."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_iris, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from slowkit import slow

import locgen
from locgen.errors import BoardError, ConfigurationError, DoesNotFit, Mismatch
from locgen.flow import memory
from locgen.flow.folder import open_folder, verify_folder
from locgen.flow.memory import gates_digest, link_params
from locgen.host.board import Board
from locgen.host.frames import decode_frame, encode_frame
from locgen.host.messages import explain_request
from locgen.models import MixtureOfExpertsClassifier
from locgen.plan.evidence import gathered_of, runs_of
from locgen.top.protocol import MessageType
from locgen.verify.frames import explain_response

IRIS = train_test_split(*load_iris(return_X_y=True), test_size=0.3, random_state=0)
WINE = train_test_split(*load_wine(return_X_y=True), test_size=0.3, random_state=0)
MODELS = {
    "tree": lambda: DecisionTreeClassifier(max_depth=3, random_state=0),
    "linear": lambda: LogisticRegression(max_iter=500),
    "table": GaussianNB,
    "distance": NearestCentroid,
    "mixture": lambda: MixtureOfExpertsClassifier(3, top_k=2, gate_depth=2, random_state=0),
    "mixture of linear experts": lambda: MixtureOfExpertsClassifier(
        2, gate="linear", expert=LogisticRegression(), random_state=0, max_iter=3
    ),
    "mixture of prototypes": lambda: MixtureOfExpertsClassifier(
        3, top_k=2, gate="prototype", random_state=0, max_iter=3
    ),
}


WAYS = {
    "hardwired": {"core": "hardwired"},
    "engine": {"core": "engine"},
    "direct": {"fabric": "direct"},
}


def compiled(kind, data=IRIS, **options):
    """Return the design of a small model of that kind, with ``explain``."""
    estimator = make_pipeline(StandardScaler(), MODELS[kind]()).fit(data[0], data[2])
    options = {"link_width": "4", "pnr": False, "explain": True, "effort": "low"} | options
    return locgen.compile(estimator, "ice40", data=data, **options)


@pytest.mark.parametrize("core", ["auto", "engine"])
@pytest.mark.parametrize("kind", MODELS)
def test_the_evidence_recombines_to_the_scores(kind, core):
    if core == "engine" and kind.startswith("mixture"):
        pytest.skip("engines refuse experts")
    design = compiled(kind, WINE, core=core)
    assert design.plan.kind == "tree" and design.chosen.reason
    x = WINE[1]
    why = design.explain(x)
    golden = design.model.scores(design.model.quantise(x))
    assert np.array_equal(why.hardware.scores, golden) and np.array_equal(why.scores, golden)
    assert why.hardware.numbers.shape == (len(x), len(design.plan.evidence))
    cost = design.report.evidence
    assert cost.cycles * 4 == cost.bits == design.plan.evidence_bits > 0
    if kind.startswith("mixture"):
        mask = design.model.gate.evaluate(design.model.quantise(x), design.model.missing_codes)
        assert np.array_equal(why.hardware.is_open, mask)
        assert (mask.sum(axis=1) == design.model.gate.top_k).all()


@pytest.mark.parametrize("kind", ["tree", *slow(*(kind for kind in MODELS if kind != "tree"))])
def test_the_direct_fabric_gives_evidence_in_no_time(kind):
    design, plain = (compiled(kind, WINE, fabric="direct", explain=e) for e in (True, False))
    why, cost = design.explain(WINE[1]), design.report.evidence
    assert np.array_equal(why.hardware.scores, why.scores)
    assert (cost.cycles, design.plan.interval_cycles) == (0, 1) and cost.bits > 0
    assert design.estimate.logic_cells > plain.estimate.logic_cells
    assert compiled(kind, WINE, stages=1).plan.kind == "direct"
    assert compiled(kind, WINE).plan.kind == "tree"


def test_nothing_is_gathered_without_being_asked_for():
    design = compiled("linear", explain=False)
    assert design.explain(IRIS[1]).hardware is None and design.report.evidence is None


class GoldenLine:
    """A transport with a device behind it that answers what the evidence of golden is."""

    def __init__(self, design, x, change=0):
        self.params, self.change = link_params(design), change
        self.digest, self.time, self.coming = int(design.digest, 16), 0.0, bytearray()
        model, plan = design.model, design.plan
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


BEHIND_A_LINK = [
    ("tree", "hardwired"),
    ("linear", "hardwired"),
    ("mixture", "hardwired"),
    ("mixture of linear experts", "hardwired"),
    ("tree", "engine"),
    ("linear", "engine"),
    ("linear", "direct"),
]
BUILDS = [
    ("tree", "hardwired", "stream"),
    *slow(
        *(
            (kind, way, "uart" if (kind, way) in BEHIND_A_LINK else "stream")
            for kind in MODELS
            for way in WAYS
            if (kind[:7], way) != ("mixture", "engine")  # engines refuse experts
        )
    ),
]


def evidence_in_frames(testbench):
    """Check that frames ask the whole top, which answers bit for bit at RTL and netlist."""
    frames = json.loads((testbench / "frames.json").read_text())
    answers = [bytes.fromhex(f["response"]) for f in frames]
    kinds = [decode_frame(line[:-1]).type for line in answers if line]
    assert kinds.count(MessageType.EXPLAIN_RESPONSE) >= 8
    assert kinds.count(MessageType.PREDICT_RESPONSE) >= 8


@pytest.mark.parametrize(("kind", "way", "top"), BUILDS)
def test_gates_send_what_golden_says(kind, way, top, tmp_path):
    """RTL and netlist send every digit; the report says what it costs."""
    # What the search gives a linear model in tables takes memory that only a board's flash fills.
    narrow = {"feature_bits": 7} if (kind, way, top) == ("linear", "engine", "uart") else {}
    ways = WAYS[way] | {"top": top} | narrow
    design = compiled(kind, **ways)
    built = design.build(tmp_path / "out")
    assert [(r.level, r.mismatches) for r in built.results] == [("rtl", 0), ("netlist", 0)]
    if top == "uart":
        evidence_in_frames(tmp_path / "out" / "testbench")
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    plan = design.plan
    assert report["evidence"]["cycles"] == plan.evidence_beats
    assert report["evidence"]["bits"] == plan.evidence_bits
    assert report["evidence"]["logic_cells"] > 0
    if way != "engine":
        plain = compiled(kind, **ways | {"fabric": plan.kind, "explain": False})
        assert design.estimate.logic_cells > plain.estimate.logic_cells
    path = tmp_path / "out" / "testbench" / "evidence.json"
    found = json.loads(path.read_text())
    assert len(set(found)) > 3
    path.write_text(json.dumps([found[0] ^ 1, *found[1:]]))
    with pytest.raises(Mismatch, match="does not hold golden's evidence"):
        verify_folder(open_folder(tmp_path / "out"), "auto")
    path.unlink()
    with pytest.raises(ConfigurationError, match="missing or damaged; build again"):
        verify_folder(open_folder(tmp_path / "out"), "auto")


def test_an_update_keeps_what_is_gathered():
    """Engines send as many numbers as they were built for: as many trees, or a refusal."""

    def forest(trees, seed):
        return RandomForestClassifier(trees, max_depth=3, random_state=seed).fit(IRIS[0], IRIS[2])

    design = locgen.compile(forest(4, 0), data=IRIS, core="engine", explain=True, top="uart")
    updated = design.update(forest(4, 1))
    before, after = design.explain(IRIS[1]).hardware, updated.explain(IRIS[1]).hardware
    assert (before.numbers != after.numbers).any()
    assert np.array_equal(after.scores, updated.model.scores(updated.model.quantise(IRIS[1])))
    assert gates_digest(updated) == gates_digest(design)
    with pytest.raises(DoesNotFit, match="gathers evidence of"):
        design.update(forest(3, 1))
    plain = locgen.compile(forest(4, 0), data=IRIS, core="engine", top="uart")
    assert gates_digest(plain) != gates_digest(design)
