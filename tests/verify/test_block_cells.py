"""Our models of ECP5's and Gowin's block RAM: Yosys ships black boxes, so its mapping is the judge.

A memory in Amaranth's terms (a word that is written while it is read shows what stood there) goes
through synthesis as a core does; the netlist must keep and show what a list in Python does, from
the contents in the bitstream on, also where both ports meet at one address in every other cycle.
There the models show nonsense on purpose: what is right comes from gates that Yosys put around.
"""

import random

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from cellkit import joined, simulate, slices

from locgen.cores.memory import BlockWords
from locgen.resources import resource
from locgen.targets.families import FAMILIES
from locgen.targets.synthesis import synthesise_core
from locgen.top.emit import emit_rtlil

STEPS = 4000


class TwoPorts(wiring.Component):
    """A memory that is written at one address while it is read at another."""

    def __init__(self, width, depth, init):
        self.width, self.depth, self.init = width, depth, init
        super().__init__(
            {
                "read": In(range(depth)),
                "write": In(range(depth)),
                "enable": In(1),
                "data": In(width),
                "word": Out(width),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = Memory(shape=self.width, depth=self.depth, init=self.init)
        write, read = memory.write_port(), memory.read_port()
        m.d.comb += [
            write.addr.eq(self.write),
            write.data.eq(self.data),
            write.en.eq(self.enable),
            read.addr.eq(self.read),
            self.word.eq(read.data),
        ]
        return m


def contents(width, depth):
    source = random.Random(width)
    return [source.getrandbits(width) for _ in range(depth)]


def netlist_of(component, family, folder):
    """Return the component's netlist after checking that it is in block RAM."""
    netlist = synthesise_core(
        emit_rtlil(component, "core", reset=True), folder, family=FAMILIES[family], effort="low"
    )
    blocks = FAMILIES[family].cells.bram
    assert sum(n for kind, n in netlist.cells.items() if kind.startswith(blocks)) >= 1
    return netlist


def words_of(netlist, family, fields, steps, folder):
    """Return what the port ``word`` shows in each cycle."""
    models = [
        resource(f"templates/testbench/{name}").read_text() for name in FAMILIES[family].models
    ]
    width = {port.name: port.width for port in netlist.ports}["word"]
    return simulate(
        folder,
        [*models, netlist.verilog.read_text()],
        f"  wire [{width - 1}:0] q; core core (.clk(clk), .rst(1'b0), .word(q), {slices(fields)});",
        [joined(fields, step) for step in steps],
        sum(fields.values()),
        "q",
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "width", "depth"),
    # On Gowin 18 and 8 bits become a DPX9B.
    [
        ("ecp5", 32, 512),
        ("ecp5", 18, 1024),
        ("gowin", 32, 512),
        ("gowin", 18, 1024),
        ("gowin", 8, 64),
    ],
)
def test_two_ports_keep_what_was_written(family, width, depth, tmp_path):
    init = contents(width, depth)
    netlist = netlist_of(TwoPorts(width, depth, init), family, tmp_path)
    source = random.Random(depth)
    bits = (depth - 1).bit_length()
    fields = {"read": bits, "write": bits, "enable": 1, "data": width}
    few = [0, 1, 2, 3, depth // 2, depth - 2, depth - 1]
    steps = [{"read": n % depth, "write": 0, "enable": 0, "data": 0} for n in range(depth)]
    for number in range(STEPS):
        here = source.choice(few) if number % 2 else source.randrange(depth)
        there = here if number % 4 < 2 else source.choice(few)
        enable = int(source.random() < 0.6)
        steps.append(
            {"read": there, "write": here, "enable": enable, "data": source.getrandbits(width)}
        )
    held, due, met = list(init), None, 0
    for step, word in zip(steps, words_of(netlist, family, fields, steps, tmp_path), strict=True):
        assert due is None or word == due
        due = held[step["read"]]
        met += step["enable"] and step["read"] == step["write"]
        if step["enable"]:
            held[step["write"]] = step["data"]
    assert met > STEPS // 4


@pytest.mark.slow
@pytest.mark.parametrize("family", ["ecp5", "gowin"])
def test_words_of_an_engine_keep_what_was_written(family, tmp_path):
    """One address for both ports: what is shown after a write is not looked at."""
    init = contents(32, 512)
    netlist = netlist_of(BlockWords(512, init), family, tmp_path)
    source = random.Random(5)
    fields = {"address": 9, "write": 1, "data": 32}
    steps = [{"address": n, "write": 0, "data": 0} for n in range(512)]
    for _ in range(STEPS):
        address, write = source.choice([0, 1, 255, 256, 510, 511]), int(source.random() < 0.4)
        steps.append({"address": address, "write": write, "data": source.getrandbits(32)})
    held, due, compared = list(init), None, 0
    for step, word in zip(steps, words_of(netlist, family, fields, steps, tmp_path), strict=True):
        assert due is None or word == due
        compared += due is not None
        due = None if step["write"] else held[step["address"]]
        if step["write"]:
            held[step["address"]] = step["data"]
    assert compared > STEPS // 2
