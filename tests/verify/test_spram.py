# amaranth: UnusedElaboratable=no
"""The UP5K's SPRAM: our model against Yosys's, `SpramWords`, and the netlist simulation."""

import json
import random

import numpy as np
import pytest
from cellkit import OUR_SPRAM, OURS, cells_of_yosys, joined, simulate, slices
from slowkit import slow

from locgen.cores import SpramWords
from locgen.energy import MappedNetlist, Spram
from locgen.targets.synthesis import synthesise_core
from locgen.top.emit import emit_rtlil

SPRAM_FIELDS = {
    "ADDRESS": 14, "DATAIN": 16, "MASKWREN": 4, "WREN": 1, "CHIPSELECT": 1,
    "STANDBY": 1, "SLEEP": 1, "POWEROFF": 1,
}  # fmt: skip


def spram_steps():
    """Return stimulus that fills an SPRAM, reads all of it, then works on a part at random."""
    source = random.Random(4)
    rest = dict.fromkeys(SPRAM_FIELDS, 0) | {"CHIPSELECT": 1, "POWEROFF": 1, "MASKWREN": 15}
    fill = [
        rest | {"ADDRESS": a, "WREN": 1, "DATAIN": source.getrandbits(16)} for a in range(1 << 14)
    ]
    steps = fill + [rest | {"ADDRESS": source.getrandbits(14)} for _ in range(2000)]
    for number in range(6000):
        near = range(1 << 14) if number % 2 else [0, 1, 8191, 8192, 16383]
        steps.append(
            rest
            | {
                "ADDRESS": source.choice(near),
                "DATAIN": source.getrandbits(16),
                "MASKWREN": source.getrandbits(4),
                "WREN": source.getrandbits(1),
                "CHIPSELECT": int(source.random() < 0.8),
            }
        )
    return steps


@pytest.mark.slow
def test_our_verilog_spram_is_yosys(tmp_path):
    steps = spram_steps()
    kinds = ("SB_SPRAM256KA", "theirs_SB_SPRAM256KA")
    body = "\n".join(
        f"  wire [15:0] q{n}; {kind} i{n} (.DATAOUT(q{n}), .CLOCK(clk), {slices(SPRAM_FIELDS)});"
        for n, kind in enumerate(kinds)
    )
    lines = simulate(
        tmp_path,
        [OUR_SPRAM.read_text(), cells_of_yosys("SB_SPRAM256KA")],
        body,
        [joined(SPRAM_FIELDS, step) for step in steps],
        sum(SPRAM_FIELDS.values()),
        "q1, q0",
    )
    known, compared = False, set()
    for step, line in zip(steps, lines, strict=True):
        # After a write the output is undefined until the next read.
        if known:
            assert line & 0xFFFF == line >> 16
            compared.add(line)
        if step["CHIPSELECT"]:
            known = not step["WREN"]
    assert len(compared) > 3000


@pytest.mark.slow
def test_our_spram_keeps_still_while_it_sleeps(tmp_path):
    rest = dict.fromkeys(SPRAM_FIELDS, 0) | {"CHIPSELECT": 1, "POWEROFF": 1, "MASKWREN": 15}
    write = rest | {"WREN": 1, "ADDRESS": 5, "DATAIN": 0x1234}
    wrong = write | {"DATAIN": 0xABCD}
    read = rest | {"ADDRESS": 5}
    asleep = [{"STANDBY": 1}, {"SLEEP": 1}, {"POWEROFF": 0}, {"CHIPSELECT": 0}, {"MASKWREN": 0}]
    steps = [write, *(wrong | each for each in asleep), read, rest | {"ADDRESS": 6}, rest]
    lines = simulate(
        tmp_path,
        [OUR_SPRAM.read_text()],
        f"  wire [15:0] q; SB_SPRAM256KA i (.DATAOUT(q), .CLOCK(clk), {slices(SPRAM_FIELDS)});",
        [joined(SPRAM_FIELDS, step) for step in steps],
        sum(SPRAM_FIELDS.values()),
        "q",
    )
    assert lines[-2:] == [0x1234, 0xFFFF]


@pytest.fixture(scope="module", params=[16384, *slow(32768)])
def words_netlist(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("words")
    rtlil = emit_rtlil(SpramWords(request.param), "core", reset=True)
    return request.param, synthesise_core(rtlil, folder, use_cache=False)


def words_fields(words):
    return {"address": (words - 1).bit_length(), "write": 1, "data": 32}


def words_steps(words):
    """Return stimulus that writes, then reads, both ends of each half and others at random."""
    source = random.Random(words)
    ends = [0, 1, 16383, *([16384, 16385, words - 1] if words > 16384 else [])]
    others = [source.randrange(words) for _ in range(60)]
    steps = [{"address": a, "write": 1, "data": source.getrandbits(32)} for a in [*ends, *others]]
    for _ in range(3000):
        steps.append(
            {
                "address": source.choice(ends) if source.getrandbits(1) else source.choice(others),
                "write": int(source.random() < 0.3),
                "data": source.getrandbits(32),
            }
        )
    return steps


def test_spram_words_keep_what_was_written(words_netlist, tmp_path):
    """Latency 1, both halves apart, all 32 bits: after synthesis, with our model of the cells."""
    words, netlist = words_netlist
    assert netlist.cells["SB_SPRAM256KA"] == 2 * words // 16384
    steps, fields = words_steps(words), words_fields(words)
    lines = simulate(
        tmp_path,
        [OURS.read_text(), OUR_SPRAM.read_text(), netlist.verilog.read_text()],
        f"  wire [31:0] q; core core (.clk(clk), .rst(1'b0), .word(q), {slices(fields)});",
        [joined(fields, step) for step in steps],
        sum(fields.values()),
        "q",
    )
    held, due, compared = {}, None, 0
    for step, line in zip(steps, lines, strict=True):
        if due is not None:
            assert line == due
            compared += 1
        due = None
        if step["write"]:
            held[step["address"]] = step["data"]
        else:
            due = held[step["address"]]
    assert compared > 1500


def test_the_netlist_simulation_reads_spram_as_it_was_filled(words_netlist):
    words, netlist = words_netlist
    mapped = MappedNetlist(json.loads(netlist.json.read_text())["modules"]["core"])
    source = random.Random(3)
    numbers = [source.getrandbits(32) for _ in range(words - 5)]  # and zeros behind them
    contents = {}
    for half in range(words // 16384):
        part = numbers[half * 16384 : (half + 1) * 16384]
        for lane in range(2):
            name = f"spram_{half}_{lane}"
            contents[name] = Spram.words([number >> 16 * lane & 0xFFFF for number in part])
    assert contents.keys() == mapped.memories.keys()
    lanes = 4
    values = np.zeros((mapped.count, lanes), dtype=np.uint8)
    values[1] = 1
    addresses = [[0, 1, 16383, words - 1], [words - 6, 16384 % words, 5, 16382]]
    addresses += [[source.randrange(words) for _ in range(lanes)] for _ in range(200)]
    due = None
    for row in addresses:
        for position, net in enumerate(mapped.port("address")):
            values[net] = np.array(row) >> position & 1
        mapped.settle(values)
        if due is not None:
            shown = (1 << np.arange(32)) @ values[mapped.port("word")].astype(np.int64)
            assert shown.tolist() == due
        mapped.clock(values, contents)
        due = [numbers[address] if address < len(numbers) else 0 for address in row]
    values[mapped.port("write")] = 1
    mapped.settle(values)
    with pytest.raises(ValueError, match="must not be written"):
        mapped.clock(values, contents)


@pytest.mark.parametrize("words", [0, 16383, 16385, 65536])
def test_other_sizes_of_spram_are_refused(words):
    with pytest.raises(ValueError, match=f"16384 or 32768, not {words}"):
        SpramWords(words)
