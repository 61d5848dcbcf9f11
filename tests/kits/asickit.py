"""Libraries of standard cells for tests: a tiny one with round numbers, and Debian's."""

from pathlib import Path

import pytest

OSU018 = Path("/usr/share/qflow/tech/osu018/osu018_stdcells.lib")

needs_osu018 = pytest.mark.skipif(
    not OSU018.is_file(), reason="needs a library: apt-get install qflow-tech-osu018"
)


def table(name, slope_slew, slope_load, base):
    """Return a table whose value is base + slope_slew * slew + slope_load * load."""
    rows = [
        ", ".join(f"{base + slope_slew * slew + slope_load * load:g}" for slew in (0.0, 1.0))
        for load in (0.0, 2.0)
    ]
    values = ", \\\n".join(f'"{row}"' for row in rows)
    return f'{name} (grid) {{ index_1 ("0.0, 2.0"); index_2 ("0.0, 1.0"); values ({values}); }}'


def gate(name, area, function, inputs, internal="", leakage=1.0, state=""):
    """Return a cell whose energies and slews are the same for all its arcs."""
    pins = "\n".join(
        f"pin ({pin}) {{ direction : input; capacitance : {cap}; {extra} }}"
        for pin, cap, extra in inputs
    )
    related = [pin for pin, _, _ in inputs]
    if state:
        related = ["CK"]
    arcs = "\n".join(
        f'timing () {{ related_pin : "{pin}"; '
        f"{table('rise_transition', 0.0, 0.5, 0.1)} {table('fall_transition', 0.0, 0.5, 0.1)} "
        f"{table('cell_rise', 0.1, 1.0, 0.2)} {table('cell_fall', 0.1, 1.0, 0.2)} }}"
        for pin in related
    )
    return f"""cell ({name}) {{ area : {area}; cell_leakage_power : {leakage}; {state}
{pins}
pin (Y) {{ direction : output; function : "{function}"; {arcs} {internal} }} }}"""


def energy(related, base, when=""):
    """Return an internal_power group of an output."""
    condition = f'when : "{when}"; ' if when else ""
    tables = f"{table('rise_power', 1.0, 0.0, base)} {table('fall_power', 1.0, 0.0, base)}"
    return f'internal_power () {{ related_pin : "{related}"; {condition}{tables} }}'


TINY = f"""/* round numbers */
library (tiny) {{
  time_unit : "1ns"; voltage_unit : "1V"; leakage_power_unit : "1nW";
  capacitive_load_unit (1, ff);
  nom_voltage : 2.0
  nom_temperature : 25;
  operating_conditions (warm) {{ voltage : 2.0; temperature : 40; }}
  default_operating_conditions : warm;
  power_lut_template (grid) {{ variable_1 : total_output_net_capacitance;
    variable_2 : input_transition_time; index_1 ("0, 1"); index_2 ("0, 1"); }}
  lu_table_template (grid) {{ variable_1 : total_output_net_capacitance;
    variable_2 : input_net_transition; index_1 ("0, 1"); index_2 ("0, 1"); }}
{gate("INV", 2, "!A", [("A", 1.0, "")], energy("A", 3.0))}
{gate("NAND", 4, "!(A B)", [("A", 1.0, ""), ("B", 2.0, "")], energy("A", 5.0) + energy("B", 7.0))}
{
    gate(
        "FF",
        10,
        "IQ",
        [
            ("D", 1.5, ""),
            (
                "CK",
                2.5,
                (
                    "clock : true; internal_power () { rise_power "
                    '(scalar) { values ("4.0"); } fall_power (scalar) { values ("2.0"); } }'
                ),
            ),
        ],
        energy("CK", 6.0),
        state='ff (IQ, IQN) { next_state : "D"; clocked_on : "CK"; }',
    )
}
}}
"""
