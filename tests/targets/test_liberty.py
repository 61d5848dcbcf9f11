"""Liberty files: functions, groups, tables, units; what is damaged is refused."""

import itertools

import pytest
from asickit import OSU018, TINY, needs_osu018
from hypothesis import given, strategies

from locgen.errors import ConfigurationError
from locgen.targets.asic.expressions import (
    GENLIB,
    VERILOG,
    inputs_of,
    parse_expression,
    truth_table,
    written,
)
from locgen.targets.asic.liberty import read_library

PINS = ("A", "B1", "c_N")


@pytest.fixture
def tiny(tmp_path):
    path = tmp_path / "tiny.lib"
    path.write_text(TINY)
    return read_library(path)


def rows_of(function):
    """Return the truth table of a Python function of the pins' values."""
    rows = itertools.product((0, 1), repeat=len(PINS))
    return sum(bool(function(*row[::-1])) << number for number, row in enumerate(rows))


CASES = [
    ("A", lambda a, b, c: a),
    ("!A", lambda a, b, c: not a),
    ("A'", lambda a, b, c: not a),
    ("A B1", lambda a, b, c: a and b),
    ("A*B1&c_N", lambda a, b, c: a and b and c),
    ("A + B1 c_N", lambda a, b, c: a or (b and c)),
    ("A ^ B1 c_N", lambda a, b, c: (a ^ b) and c),
    ("A B1'|!c_N", lambda a, b, c: (a and not b) or not c),
    ("(A+B1)' c_N", lambda a, b, c: not (a or b) and c),
    ("!(A ^ B1)^c_N", lambda a, b, c: (not (a ^ b)) ^ c),
    ("(!((A B1)+(B1 c_N)))", lambda a, b, c: not ((a and b) or (b and c))),
    ("1", lambda a, b, c: 1),
    ("A 0", lambda a, b, c: 0),
    ("A (B1) !c_N", lambda a, b, c: a and b and not c),
]


@pytest.mark.parametrize(("text", "function"), CASES, ids=[text for text, _ in CASES])
def test_functions_have_the_values_that_liberty_gives_them(text, function):
    assert truth_table(parse_expression(text), PINS) == rows_of(function)


expressions = strategies.recursive(
    strategies.sampled_from([("pin", pin) for pin in PINS] + [("constant", 0), ("constant", 1)]),
    lambda inner: strategies.one_of(
        strategies.tuples(strategies.just("not"), inner),
        strategies.tuples(strategies.sampled_from(("and", "or", "xor")), inner, inner),
    ),
    max_leaves=12,
)


@given(expressions)
def test_what_is_written_reads_back_as_the_same_function(expression):
    table = truth_table(expression, PINS)
    verilog = written(expression, VERILOG).replace("1'b", "").replace("~", "!")
    assert truth_table(parse_expression(verilog), PINS) == table
    genlib = written(expression, GENLIB).replace("CONST", "")
    assert truth_table(parse_expression(genlib), PINS) == table
    assert set(inputs_of(expression)) <= set(PINS)


@pytest.mark.parametrize("text", ["", "A +", "(A", "A)", "A $ B", "A ! ", "'A", "+A"])
def test_what_is_no_function_is_refused(text):
    with pytest.raises(ConfigurationError, match="is no boolean function"):
        parse_expression(text)


def test_a_function_of_other_pins_is_refused():
    with pytest.raises(ConfigurationError, match="'Z', which is no pin"):
        truth_table(parse_expression("A Z"), PINS)


def test_units_corner_and_cells(tiny):
    assert (tiny.name, tiny.corner, tiny.voltage) == ("tiny", "warm, 2 V, 40 C", 2.0)
    assert len(tiny.sha256) == 64
    assert tiny.cell_names == ("INV", "NAND", "FF")
    nand, flip_flop = tiny.cell("NAND"), tiny.cell("FF")
    assert nand.area == tiny.area_of("NAND") == 4
    assert nand.leakage == pytest.approx(1e-9, rel=1e-12)
    assert nand.inputs == pytest.approx({"A": 1e-15, "B": 2e-15}, rel=1e-12)
    assert truth_table(nand.outputs["Y"], ("A", "B")) == 0b0111
    assert flip_flop.state.clock == ("pin", "CK")
    assert [cell.plain for cell in tiny.plain_cells] == [True] * 3
    assert tiny.has_timing
    with pytest.raises(ConfigurationError, match="no cell XOR"):
        tiny.cell("XOR")


@given(strategies.floats(-1, 3), strategies.floats(-1, 6))
def test_tables_are_linear_between_and_beyond_their_points(tmp_path_factory, slew, load):
    path = tmp_path_factory.getbasetemp() / "tiny.lib"
    if not path.exists():
        path.write_text(TINY)
    arc = read_library(path).cell("INV").transitions[0]
    found = arc.rise.at(slew * 1e-9, load * 1e-15)
    assert found == pytest.approx((0.1 + 0.5 * load) * 1e-9, abs=1e-18)


def test_a_table_without_axes_is_one_value(tiny):
    at_clock = next(arc for arc in tiny.cell("FF").power if arc.pin == "CK")
    assert at_clock.rise.at(1.0, 1.0) == pytest.approx(4 * 4e-15 / 4, rel=1e-12)


DAMAGES = [
    ("", "is empty"),
    ("hello", "hello is followed by None"),
    ("cell (A) { }", "must begin with library"),
    ("library (x) { }", "holds no cells"),
    ("library (x) { cell (A) { area : 1; }", "library is never closed"),
    ("library (x) { cell (A { area : 1; } }", "library is never closed|no closing bracket"),
    ("library (x) { area : ", "area has no end"),
    ('library (x) { cell (A) { area : "one; } }', "out of place"),
    ("library (x) { time_unit : 1parsec; cell (A) { } }", "is no unit"),
]


@pytest.mark.parametrize(("text", "message"), DAMAGES)
def test_a_damaged_file_is_refused_in_one_line(tmp_path, text, message):
    path = tmp_path / "damaged.lib"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=message) as caught:
        read_library(path)
    assert "\n" not in str(caught.value)


def test_a_table_of_another_size_and_a_text_for_a_number_are_refused(tmp_path):
    path = tmp_path / "wrong.lib"
    path.write_text(TINY.replace('"0.1, 0.1", ', '"0.1", ', 1))
    with pytest.raises(ConfigurationError, match="holds 3 values for 2 x 2 points"):
        read_library(path).cell("INV")
    path.write_text(TINY.replace("area : 2", "area : two"))
    with pytest.raises(ConfigurationError, match="'two' stands where a number must"):
        read_library(path).cell("INV")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_library(tmp_path / "none.lib")


@needs_osu018
def test_debian_s_library_is_understood():
    library = read_library(OSU018)
    assert library.corner == "typical, 1.8 V, 25 C"
    assert len(library.cell_names) == 32
    plain = {cell.name for cell in library.plain_cells}
    assert set(library.cell_names) - plain == {"TBUFX1", "TBUFX2"}
    assert truth_table(library.cell("MUX2X1").outputs["Y"], ("A", "B", "S")) == 0b01010011
    assert library.cell("DFFSR").state.preset is not None
    assert not library.cell("LATCH").state.edge_triggered
    assert library.cell("INVX1").inputs["A"] == pytest.approx(9.2e-15, rel=0.1)


@pytest.mark.parametrize(
    "mark",
    ["dont_use : true;", 'is_isolation_cell : "true";', "always_on : true;", "test_cell () { }"],
)
def test_cells_for_other_purposes_are_not_used(tmp_path, mark):
    path = tmp_path / "marked.lib"
    path.write_text(TINY.replace("cell (INV) {", f"cell (INV) {{ {mark}", 1))
    assert [cell.name for cell in read_library(path).plain_cells] == ["NAND", "FF"]


def test_a_three_state_output_and_one_without_a_function_are_not_used(tmp_path):
    path = tmp_path / "odd.lib"
    text = TINY.replace('function : "!A";', 'function : "!A"; three_state : "A";', 1)
    path.write_text(text.replace('function : "!(A B)";', "", 1))
    assert [cell.name for cell in read_library(path).plain_cells] == ["FF"]
