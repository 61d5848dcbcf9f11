"""Verilog models of a library's cells for simulation, without delays, from their functions."""

from collections.abc import Iterable

from locgen.errors import ConfigurationError
from locgen.targets.asic.cells import Cell, State
from locgen.targets.asic.expressions import GENLIB, VERILOG, Expression, written
from locgen.targets.asic.liberty import Library

__all__ = ["cell_models", "genlib"]


def cell_models(library: Library, names: Iterable[str]) -> str:
    """Return Verilog modules of the cells called `names`, in alphabetical order.

    Raises
    ------
    ConfigurationError
        If a cell has no function, or a name that Verilog does not take.
    """
    parts = [f"// Functions of cells of {library.name}, from its Liberty file.\n"]
    parts += [_model(library.cell(name)) for name in sorted(set(names))]
    return "\n".join(parts)


def _model(cell: Cell) -> str:
    if not cell.plain:
        raise ConfigurationError(
            f"cell {cell.name} of the library cannot be simulated: it has a pin without a function"
        )
    for name in (cell.name, *cell.inputs, *cell.outputs):
        if not name.isidentifier():
            raise ConfigurationError(f"the Liberty file names {name!r}, which is no plain name")
    pins = ", ".join((*cell.outputs, *cell.inputs))
    lines = [f"module {cell.name} ({pins});"]
    lines += [f"  output {pin};" for pin in cell.outputs]
    lines += [f"  input {pin};" for pin in cell.inputs]
    names = {}
    if cell.state is not None:
        names = dict(zip(cell.state.names, ("state", "(~state)"), strict=True))
        lines += _state(cell.state)
    lines += [
        f"  assign {pin} = {written(function, VERILOG, names)};"
        for pin, function in cell.outputs.items()
    ]
    return "\n".join([*lines, "endmodule\n"])


def _state(state: State) -> list[str]:
    """Return the process that keeps a cell's state."""

    def text(expression: Expression) -> str:
        return written(expression, VERILOG, {state.names[0]: "state", state.names[1]: "(~state)"})

    acts = [(text(what), value) for what, value in ((state.clear, 0), (state.preset, 1)) if what]
    lines = ["  reg state;", f"  wire clock = {text(state.clock)};"]
    lines += [f"  wire force_{value} = {what};" for what, value in acts]
    if state.edge_triggered:
        events = ["posedge clock", *(f"posedge force_{value}" for _, value in acts)]
        lines.append(f"  always @({' or '.join(events)})")
    else:
        lines.append("  always @*")
    for position, (_, value) in enumerate(acts):
        lines.append(f"    {'else ' if position else ''}if (force_{value}) state <= 1'b{value};")
    rest = f"state <= {text(state.data)};"
    gate = "" if state.edge_triggered else "if (clock) "
    lines.append(f"    {'else ' if acts else ''}{gate}{rest}")
    return lines


def genlib(library: Library) -> str:
    """Return the gates of one output as ABC's genlib, for mapping by area alone.

    ABC refuses a Liberty file without timing, which is what the built-in table is.
    """
    lines = ["GATE ZERO 0 Y=CONST0;", "GATE ONE 0 Y=CONST1;"]  # Yosys makes constants of these
    for cell in library.plain_cells:
        if cell.state is None and len(cell.outputs) == 1:
            ((pin, function),) = cell.outputs.items()
            text = written(function, GENLIB)
            lines.append(f"GATE {cell.name} {cell.area:g} {pin}={text};")
            lines.append("  PIN * UNKNOWN 1 999 1 0 1 0")
    return "\n".join(lines) + "\n"
