"""conifer's VHDL backend on the same models: from its VHDL to a module ``core`` like locgen's own.

conifer writes VHDL in an environment of its own (`conifer_write.py`), GHDL's ``--synth`` turns it
into Verilog, Yosys flattens that into a module ``core`` with the ports of locgen's, which is then
synthesised, packed and routed by the same calls. Features enter in as many bits as locgen's. What
comes out are scores: conifer has no argmax, and none is counted for it. Its Verilog is simulated
on all rows and must say what conifer's integers come to.
"""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from amaranth.hdl import Cat, ClockSignal, Const, Instance, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from cases import AGREEMENT, CASES, SHARED, cpu_seconds

from locgen.targets.toolchain import find_tool, run
from locgen.top.emit import emit_rtlil

__all__ = ["Peer", "PeerFailed", "build"]

_WRITER = Path(__file__).with_name("conifer_write.py")
_BENCH = Path(__file__).with_name("bench.v")
_SOURCES = ("Constants", "Types", "Split", "AddReduce", "Tree", "BDT", "BDTTop")
_PAD = "    d_vldInt(d'length to intLen - 1) <= (others => true);"
_DRIVEN = "    dInt(d'length to intLen - 1) <= (others => (others => '0'));\n" + _PAD
"""An odd number of terms is padded with one that nothing drives: 0 in simulation, X in gates."""


class PeerFailed(Exception):
    """Why there are no figures for a model."""


@dataclass(frozen=True)
class Peer:
    """A model built by conifer.

    Members
    -------
    rtlil : its module ``core``
    precision : conifer's name for its numbers
    scores : shape (rows, outputs), integers
    latency_cycles : measured; the interval is 1
    seconds : of conifer and GHDL, processor time
    """

    rtlil: str
    precision: str
    scores: np.ndarray
    latency_cycles: int
    seconds: float


class _Core(wiring.Component):
    """conifer's top between streams; first elements stand in its highest bits.

    Members
    -------
    i : features, `bits` each; o : scores, `width` each
    """

    def __init__(self, features: int, bits: int, outputs: int, width: int) -> None:
        self.sizes = (features, bits, outputs, width)
        super().__init__(
            {
                "i": In(stream.Signature(features * bits, always_ready=True)),
                "o": Out(stream.Signature(outputs * width, always_ready=True)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Pad each feature with zeros above."""
        m = Module()
        features, bits, outputs, width = self.sizes
        words = [
            Cat(self.i.payload.word_select(n, bits), Const(0, width - bits))
            for n in range(features)
        ]
        result, ready = Signal(outputs * width), Signal(outputs)
        m.submodules.bdt = Instance(
            "BDTTop",
            ("i", "clk", ClockSignal()),
            ("i", "X", Cat(reversed(words))),
            ("i", "X_vld", self.i.valid),
            ("o", "y", result),
            ("o", "y_vld", ready),
        )
        m.d.comb += [
            self.o.payload.eq(
                Cat(result.word_select(outputs - 1 - n, width) for n in range(outputs))
            ),
            self.o.valid.eq(ready[0]),
        ]
        return m


def build(name: str, rows: np.ndarray, bits: int, python: Path, work: Path, limit: float) -> Peer:
    """Return conifer's build of the model `name`.

    Parameters
    ----------
    rows : shape (rows, features), integers of `bits` bits: what its decisions are compared on
    python : of the environment that conifer is installed in
    work : folder for everything in between
    limit : seconds that each step may take

    Raises
    ------
    PeerFailed
        With the step and what it said last.
    """
    facts = _write(name, rows, python, work / "conifer", limit)
    start = cpu_seconds()
    verilog = _to_verilog(work / "conifer", work / "ghdl", facts["outputs"], limit)
    seconds = facts["seconds"] + cpu_seconds() - start
    core = _Core(facts["features"], bits, facts["outputs"], facts["width"])
    (work / "core.il").write_text(emit_rtlil(core, "core", reset=False))
    (work / "bdt.v").write_text(verilog)
    script = ["read_verilog bdt.v", "read_rtlil core.il", "hierarchy -top core", "proc", "flatten"]
    script += ["opt_clean -purge", "setattr -unset src *", "setattr -mod -unset src *"]
    script += ["write_rtlil flat.il", "write_verilog -noattr flat.v"]
    (work / "flat.ys").write_text("\n".join(script) + "\n")
    run(find_tool("yosys"), ["flat.ys"], work, work / "yosys_flat.log")
    scores = np.load(work / "conifer" / "scores.npy")
    latency, simulated = _simulate(rows, bits, scores.shape[1], facts["width"], work, limit)
    if not np.array_equal(simulated, scores):
        wrong = int(np.any(simulated != scores, axis=1).sum())
        raise PeerFailed(f"its Verilog differs from its integers on {wrong} of {len(rows)} rows")
    precision = f"ap_fixed<{facts['width']},{facts['integer']}>"
    return Peer((work / "flat.il").read_text(), precision, scores, latency, seconds)


def _call(step: str, command: list[object], folder: Path, limit: float) -> str:
    """Run `command` in `folder` and return its standard output."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words, cwd=folder, capture_output=True, text=True, timeout=limit, check=False
        )
    except FileNotFoundError as error:
        raise PeerFailed(f"{words[0]} is not there: see density.py") from error
    except subprocess.TimeoutExpired as error:
        raise PeerFailed(f"{step} took more than {limit:g} s") from error
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise PeerFailed(f"{step}: {last}")
    return done.stdout


def _write(name: str, rows: np.ndarray, python: Path, folder: Path, limit: float) -> dict:
    """Have conifer write its VHDL into `folder` and return the facts about it."""
    folder.mkdir(parents=True)
    np.save(folder / "rows.npy", rows)
    formats = [f"{width},{whole}" for width, whole in CASES[name].formats]
    model = SHARED / "models" / f"{name}.ubj"
    command = [python, _WRITER, model, folder / "rows.npy", folder, AGREEMENT, *formats]
    _call("conifer", command, folder, limit)
    return json.loads((folder / "facts.json").read_text())


def _to_verilog(project: Path, folder: Path, outputs: int, limit: float) -> str:
    """Return Verilog of conifer's project, its pads driven."""
    folder.mkdir()
    for path in sorted((project / "firmware").glob("*.vhd")):
        text = path.read_text()
        if path.stem == "AddReduce":
            if _PAD not in text:
                raise PeerFailed("AddReduce.vhd is not that of conifer 1.11")
            text = text.replace(_PAD, _DRIVEN)
        (folder / path.name).write_text(text)
    constants, types, *rest = _SOURCES
    names = [constants, types, *(f"Arrays{n}" for n in range(outputs)), *rest]
    files = [f"{name}.vhd" for name in names]
    _call("ghdl", ["ghdl", "-a", "--std=08", *files], folder, limit)
    return _call("ghdl", ["ghdl", "--synth", "--std=08", "--out=verilog", "BDTTop"], folder, limit)


def _simulate(
    rows: np.ndarray, bits: int, outputs: int, width: int, work: Path, limit: float
) -> tuple[int, np.ndarray]:
    """Return the latency in cycles, and what ``flat.v`` answers, shape (rows, outputs)."""
    count, features = rows.shape
    shutil.copyfile(_BENCH, work / "bench.v")
    digits = -(-features * bits // 4)
    with (work / "rows.hex").open("w") as file:
        for row in rows.astype(np.int64):
            word = sum(int(value) << bits * n for n, value in enumerate(row))
            file.write(f"{word:0{digits}x}\n")
    sizes = {"INPUT": features * bits, "OUTPUT": outputs * width, "ROWS": count}
    options = [f"-Pbench.{key}={value}" for key, value in sizes.items()]
    _call("iverilog", ["iverilog", *options, "-o", "bench.vvp", "bench.v", "flat.v"], work, limit)
    _call("vvp", ["vvp", "-n", "bench.vvp"], work, limit)
    first, *lines = (work / "scores.hex").read_text().split()
    mask, half = (1 << width) - 1, 1 << width - 1
    words = [int(line, 16) for line in lines]
    found = np.array([[(word >> width * n) & mask for n in range(outputs)] for word in words])
    return int(first), (found + half) % (2 * half) - half
