"""The simulated flash: what it answers by itself, and held to pins in cocotb."""

import importlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from locgen.resources import resource
from locgen.targets.verilog import write_verilog
from locgen.top.boot import FlashLoader, FlashParams
from locgen.top.emit import emit_rtlil
from locgen.verify.simulate import simulator_cache

IMAGE = [5, 0x01234567, 0x89ABCDEF, 0, 0xFFFFFFFF]
PARAMS = FlashParams(0x123456, 16, 40)
PERIOD_NS = 1000


@pytest.fixture
def sim(monkeypatch):
    monkeypatch.syspath_prepend(resource("sim").parent)
    return importlib.import_module("sim")


class Master:
    """Moves the pins of a model as a controller does, 50 ns a half bit."""

    def __init__(self, model):
        self.model = model
        self.now = 0.0

    def set(self, cs, sck, mosi):
        self.now += 50
        return self.model.pins(cs, sck, mosi, self.now)

    def transfer(self, sent, received=0):
        """Return the bytes that the flash sends after `sent`."""
        self.set(0, 0, 0)
        bits = []
        for bit in [(byte >> k) & 1 for byte in sent for k in reversed(range(8))] + [0] * (
            8 * received
        ):
            bits.append(self.set(0, 0, bit))
            self.set(0, 1, bit)
        self.set(0, 0, 0)
        self.set(1, 0, 0)
        bits = bits[8 * len(sent) :]
        return bytes(
            sum(bit << (7 - k) for k, bit in enumerate(bits[start : start + 8]))
            for start in range(0, len(bits), 8)
        )


def test_reading_wakes_wraps_and_is_erased_elsewhere(sim):
    model = sim.FlashModel({0x10: b"\x12\x34\x80", 1 << 15: b"\xa5"}, size=1 << 16, wake_ns=300)
    master = Master(model)
    read = bytes([3, 0, 0, 0x0F])
    assert master.transfer(read, 2) == b"\xff\xff"  # asleep
    master.transfer(b"\xab")
    assert master.transfer(read, 2) == b"\xff\xff"  # not awake yet
    master.now += 300
    assert master.transfer(read, 5) == b"\xff\x12\x34\x80\xff"
    assert master.transfer(bytes([3, 0x80, 0x80, 0]), 2) == b"\xa5\xff"  # modulo the size
    assert master.transfer(bytes([3, 0, 0xFF, 0xFF]), 1) == b"\xff"
    assert master.transfer(b"\x9f", 3) == b"\xff\xff\xff"
    master.transfer(b"\xb9")
    assert master.transfer(read, 2) == b"\xff\xff"
    assert model.commands == [3, 0xAB, 3, 3, 3, 3, 0x9F, 0xB9, 3]
    assert model.ignored == [3, 3, 0x9F, 3]
    assert model.read_bytes == 8
    assert model.miso == 1


def test_a_cut_wake_command_wakes_nothing(sim):
    model = sim.FlashModel({0: b"\x12"}, wake_ns=0)
    master = Master(model)
    master.set(0, 0, 1)
    for bit in (1, 0, 1, 0, 1, 0, 1):
        master.set(0, 0, bit)
        master.set(0, 1, bit)
    master.set(0, 0, 0)
    master.set(1, 0, 0)
    assert model.asleep
    assert model.commands == []


BENCH = """module bench (
  input core_clk, input core_rst, input core_miso, input core_checking,
  output core_sck, output core_cs, output core_mosi,
  output core_valid, output [15:0] core_address, output [31:0] core_data, output core_check
);
  core core (
    .clk(core_clk), .rst(core_rst),
    .flash__sck(core_sck), .flash__cs(core_cs), .flash__mosi(core_mosi), .flash__miso(core_miso),
    .memory__load__valid(core_valid), .memory__load__payload({core_data, core_address}),
    .memory__check(core_check), .memory__checking(core_checking),
    .memory__loaded(1'b0), .memory__digest(64'b0),
    .link__load__valid(1'b0), .link__load__payload(48'b0), .link__check(1'b0)
  );
endmodule
"""

TEST = """
import json, os
from pathlib import Path
import cocotb
from sim import ClockDomain, FlashModel, SpiFlash, read

@cocotb.test()
async def boots(dut):
    facts = json.loads((Path(__file__).parent / "facts.json").read_text())
    model = FlashModel({facts["offset"]: bytes.fromhex(facts["image"])})
    domain = ClockDomain(dut.core_clk, dut.core_rst, facts["period_ns"])
    dut.core_checking.value = 0
    SpiFlash(model, dut.core_sck, dut.core_cs, dut.core_mosi, dut.core_miso)
    domain.start()
    await domain.reset()
    loads = []
    for _ in range(2000):
        await domain.cycles(1)
        if read(dut.core_valid) == 1:
            loads.append([read(dut.core_address), read(dut.core_data)])
        if read(dut.core_check) == 1:
            break
    await domain.cycles(20)
    found = {
        "loads": loads, "commands": model.commands, "ignored": model.ignored,
        "bytes": model.read_bytes, "idle": [read(dut.core_cs), read(dut.core_sck)],
        "mismatches": 0, "first_mismatch": None,
    }
    Path(os.environ["TESTBENCH_RESULTS"], "core.json").write_text(json.dumps(found))
"""


def test_a_loader_boots_in_cocotb(tmp_path):
    """The test bench's own runner, with another bench and another test in the folder."""
    template = resource("templates/testbench")
    for name in ("run.py", "bench.vlt"):
        shutil.copyfile(template / name, tmp_path / name)
    shutil.copytree(resource("sim"), tmp_path / "sim", ignore=shutil.ignore_patterns("__pycache__"))
    with tempfile.TemporaryDirectory() as folder:
        text = emit_rtlil(FlashLoader(PARAMS), "core", reset=True)
        written = write_verilog({"core": text}, Path(folder), Path(folder))
        shutil.copyfile(written["core"], tmp_path / "core.v")
    facts = {
        "top": "stream",
        "top_ports": [],
        "interval_cycles": 1,
        "offset": PARAMS.offset,
        "image": b"".join(word.to_bytes(4, "little") for word in IMAGE).hex(),
        "period_ns": PERIOD_NS,
    }
    (tmp_path / "facts.json").write_text(json.dumps(facts))
    (tmp_path / "vectors.json").write_text('{"inputs": []}')
    (tmp_path / "bench.v").write_text(BENCH)
    (tmp_path / "test_core.py").write_text(TEST)
    code = (
        "import sys; sys.path[0] = sys.argv[3]; import run; from pathlib import Path; "
        "run.simulate('rtl', 'verilator', Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            code,
            str(tmp_path / "build"),
            str(simulator_cache()),
            str(tmp_path),
        ],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    results = tmp_path / "build" / "core.json"
    assert results.is_file(), done.stdout + done.stderr
    found = json.loads(results.read_text())
    assert found["loads"] == [[address, word] for address, word in enumerate(IMAGE)]
    assert (found["commands"], found["ignored"]) == ([0xAB, 0x03], [])
    assert found["bytes"] == 4 * len(IMAGE)
    assert found["idle"] == [1, 0]
