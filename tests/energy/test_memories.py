"""Block RAM and SPRAM of the netlist simulation, against Yosys's models, Amaranth and golden."""

import json
import random
from itertools import product

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator
from cellkit import OURS, cells_of_yosys, joined, simulate, slices
from modelkit import pack, random_codes, random_model
from slowkit import slow

from locgen.energy import MappedNetlist, count_toggles
from locgen.errors import Mismatch
from locgen.plan import MemoryBudget, plan_engines, with_ports
from locgen.targets.synthesis import synthesise_core
from locgen.top.emit import emit_rtlil
from locgen.top.tree import TreeFabric
from locgen.verify.vectors import pack_results

MODES = list(product(range(4), repeat=2))
FIELDS = {
    "RADDR": 11,
    "WADDR": 11,
    "MASK": 16,
    "WDATA": 16,
    "RE": 1,
    "RCLKE": 1,
    "WE": 1,
    "WCLKE": 1,
}
RAM_BITS = sum(FIELDS.values())
LANES = 3


def ram_steps(seed=0):
    """Return stimulus that reads all of a block RAM, then writes and reads a few of its rows."""
    source = random.Random(seed)
    steps = []
    for address in range(2048):
        steps.append(dict.fromkeys(FIELDS, 0) | {"RADDR": address, "RE": 1, "RCLKE": 1})
    for number in range(2000):
        rows = [0, 1, 127, 254, 255] if number % 2 else range(256)
        step = {name: source.getrandbits(width) for name, width in FIELDS.items()}
        for port in ("RADDR", "WADDR"):
            step[port] = source.choice(rows) | source.getrandbits(3) << 8
        for enable in ("RE", "RCLKE", "WE", "WCLKE"):
            step[enable] = int(source.random() < 0.8)
        steps.append(step)
    return steps


INITIAL = [random.Random(row).getrandbits(256) for row in range(16)]


def ram_instance(kind, name, write, read):
    initial = ", ".join(f".INIT_{row:X}(256'h{word:064x})" for row, word in enumerate(INITIAL))
    return (
        f"  wire [15:0] {name};\n"
        f"  {kind} #(.WRITE_MODE({write}), .READ_MODE({read}), {initial}) i_{name} "
        f"(.RDATA({name}), .RCLK(clk), .WCLK(clk), {slices(FIELDS)});"
    )


@pytest.fixture(scope="module")
def ram_trace(tmp_path_factory):
    """Return stimulus, and per cycle {(write mode, read mode): RDATA} of our and Yosys's models."""
    steps = ram_steps()
    kinds = ("SB_RAM40_4K", "theirs_SB_RAM40_4K")
    names = [(kind, f"q{side}_{w}_{r}", w, r) for side, kind in enumerate(kinds) for w, r in MODES]
    lines = simulate(
        tmp_path_factory.mktemp("ram"),
        [OURS.read_text(), cells_of_yosys("SB_RAM40_4K")],
        "\n".join(ram_instance(*each) for each in names),
        [joined(FIELDS, step) for step in steps],
        RAM_BITS,
        ", ".join(name for _, name, _, _ in reversed(names)),
    )
    words = [[line >> 16 * k & 0xFFFF for k in range(len(names))] for line in lines]
    count = len(MODES)
    ours = [dict(zip(MODES, row[:count], strict=True)) for row in words]
    return steps, ours, [dict(zip(MODES, row[count:], strict=True)) for row in words]


@pytest.mark.slow
def test_our_verilog_block_ram_is_yosys_in_all_sixteen_modes(ram_trace):
    _, ours, theirs = ram_trace
    # Before the first edge Yosys's output is undefined.
    assert ours[1:] == theirs[1:]
    for mode in MODES:
        assert len({row[mode] for row in theirs}) > 2


def ram_module(write, read):
    """Return a module of Yosys's JSON that holds a single block RAM."""
    bits = iter(range(2, 1000))
    wires = {name: [next(bits) for _ in range(width)] for name, width in FIELDS.items()}
    out = [next(bits) for _ in range(16)]
    parameters = {f"INIT_{row:X}": f"{word:0256b}" for row, word in enumerate(INITIAL)}
    parameters |= {"WRITE_MODE": f"{write:032b}", "READ_MODE": f"{read:032b}"}
    cell = {"type": "SB_RAM40_4K", "parameters": parameters, "connections": wires | {"RDATA": out}}
    ports = {name: {"bits": nets} for name, nets in (wires | {"q": out}).items()}
    return {"ports": ports, "cells": {"ram": cell}}


@pytest.mark.slow
@pytest.mark.parametrize(("write", "read"), MODES)
def test_block_ram_follows_yosys_in_every_mode(ram_trace, write, read):
    """Each lane runs the stimulus from another cycle on: what one writes, no other sees."""
    steps, _, theirs = ram_trace
    netlist = MappedNetlist(ram_module(write, read))
    values = np.zeros((netlist.count, LANES), dtype=np.uint8)
    values[1] = 1
    contents = netlist.contents(LANES)
    places = {name: netlist.port(name) for name in FIELDS}
    weights = 1 << np.arange(16)
    for number in range(len(steps) + LANES - 1):
        for lane in range(LANES):
            step = steps[number - lane] if 0 <= number - lane < len(steps) else steps[0]
            for name, width in FIELDS.items():
                bits = step[name] >> np.arange(width) & 1
                values[places[name], lane] = bits
        shown = weights @ values[netlist.port("q")]
        for lane in range(LANES):
            if 1 <= number - lane < len(steps):
                assert shown[lane] == theirs[number - lane][write, read], (number, lane)
        netlist.settle(values)
        netlist.clock(values, contents)


class Ram(wiring.Component):
    """A memory as Amaranth describes it: read enable, write enable for each granule."""

    def __init__(self, depth, width, granularity, seed):
        source = random.Random(seed)
        self.granules = width // granularity
        self.granularity = granularity
        self.depth, self.width = depth, width
        self.init = [source.getrandbits(width) for _ in range(depth - 3)]
        super().__init__(
            {
                "raddr": In(range(depth)),
                "ren": In(1),
                "waddr": In(range(depth)),
                "wen": In(self.granules),
                "wdata": In(width),
                "q": Out(width),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = Memory(shape=self.width, depth=self.depth, init=self.init)
        write = memory.write_port(granularity=self.granularity)
        read = memory.read_port(transparent_for=())
        m.d.comb += [
            write.addr.eq(self.waddr), write.en.eq(self.wen), write.data.eq(self.wdata),
            read.addr.eq(self.raddr), read.en.eq(self.ren), self.q.eq(read.data),
        ]  # fmt: skip
        return m


INPUTS = ("raddr", "ren", "waddr", "wen", "wdata")


@pytest.mark.parametrize(
    ("depth", "width", "granularity", "mode", "count"),
    [
        (200, 16, 4, 0, 1),
        (512, 8, 8, 1, 1),
        *slow(
            (256, 16, 16, 0, 1), (1024, 4, 4, 2, 1), (2048, 2, 2, 3, 1), (700, 32, 32, None, None)
        ),
    ],
)
def test_synthesised_memories_follow_amaranth(tmp_path, depth, width, granularity, mode, count):
    dut = Ram(depth, width, granularity, seed=depth)
    netlist = synthesise_core(emit_rtlil(dut, "core", reset=True), tmp_path, use_cache=False)
    module = json.loads(netlist.json.read_text())["modules"]["core"]
    rams = [c["parameters"] for c in module["cells"].values() if c["type"] == "SB_RAM40_4K"]
    assert rams
    if count is not None:
        assert [int(ram["WRITE_MODE"], 2) for ram in rams] == [mode] * count
        assert [int(ram["READ_MODE"], 2) for ram in rams] == [mode] * count
    source = random.Random(1)
    stimulus = []
    for number in range(depth + 500):
        busy = number >= depth  # the initial contents first
        near = range(depth) if number % 2 else [0, 1, depth - 1]
        stimulus.append(
            {
                "raddr": source.choice(near) if busy else number,
                "ren": int(not busy or source.random() < 0.8),
                "waddr": source.choice(near),
                "wen": source.getrandbits(dut.granules) if busy else 0,
                "wdata": source.getrandbits(width),
            }
        )
    expected = []

    async def bench(ctx):
        for step in stimulus:
            for name in INPUTS:
                ctx.set(getattr(dut, name), step[name])
            await ctx.delay(1e-9)
            expected.append(ctx.get(dut.q))
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert len(set(expected)) > 3

    mapped = MappedNetlist(module)
    assert sorted(mapped.memories) == sorted(
        name for name, cell in module["cells"].items() if cell["type"] == "SB_RAM40_4K"
    )
    values = np.zeros((mapped.count, 2), dtype=np.uint8)
    values[1] = 1
    contents = mapped.contents(2)
    for number, (step, wanted) in enumerate(zip(stimulus, expected, strict=True)):
        for name in INPUTS:
            for position, net in enumerate(mapped.port(name)):
                values[net] = step[name] >> position & 1
        mapped.settle(values)
        shown = (1 << np.arange(width, dtype=np.int64)) @ values[mapped.port("q")].astype(np.int64)
        assert shown.tolist() == [wanted] * 2, number
        mapped.clock(values, contents)


def engine_core(folder, sites=1):
    model = with_ports(random_model(3, outputs=3, nodes=6, features=4))
    plan = plan_engines(model, 4, sites, MemoryBudget(block_rams=24, sprams=0), "engine")
    fabric = TreeFabric(model, plan, 0x0123_4567_89AB_CDEF)
    rtlil = emit_rtlil(fabric, "core", reset=True)
    netlist = synthesise_core(rtlil, folder, effort="low", use_cache=False)
    return model, plan, json.loads(netlist.json.read_text())["modules"]["core"]


@pytest.mark.parametrize("sites", slow(1, 2))
def test_an_engine_after_synthesis_answers_as_golden(tmp_path, sites):
    model, plan, module = engine_core(tmp_path, sites)
    netlist = MappedNetlist(module)
    assert len(netlist.memories) >= 2 * sites
    codes = random_codes(model, 24)
    decisions, scores = model.evaluate(codes)
    payloads = [pack(model, row) for row in codes]
    expected = pack_results(decisions, scores, model.decision.bits, model.score_bits)
    times = (plan.latency_cycles, plan.interval_cycles)
    activity = count_toggles(netlist, payloads, expected, *times)
    assert activity.cycles == plan.interval_cycles
    assert sum(activity.by_cell.values()) == pytest.approx(activity.toggles_per_inference)
    read = [name for name in activity.by_cell if name.partition("[")[0] in netlist.memories]
    assert sum(activity.by_cell[name] for name in read) > plan.compute_beats

    # Word 4 is the first output's initial score: its lowest bit is in one of the RAMs' INIT_0.
    found = 0
    for name in netlist.memories:
        parameters = module["cells"][name]["parameters"]
        text, bit = parameters["INIT_0"], 16 * 4
        flipped = "0" if text[-1 - bit] == "1" else "1"
        parameters["INIT_0"] = text[: len(text) - 1 - bit] + flipped + text[len(text) - bit :]
        try:
            count_toggles(MappedNetlist(module), payloads, expected, *times)
        except Mismatch:
            found += 1
        parameters["INIT_0"] = text
    assert found
