"""The command line: verbs first, each a thin shell around one function of `flow`.

Results go to standard output, progress and errors to standard error; ``--json`` prints JSON alone.
"""

import json
import logging
import signal
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.table import Table
from typer.core import TyperGroup

import locgen
from locgen.cli.console import err as _err
from locgen.cli.console import out as _out
from locgen.cli.fitting import fit_check
from locgen.cli.groups import Planning, Quantising, Reading, Site, Widths, asked, spread
from locgen.cli.hardware import explain, flash, run, simulate, update
from locgen.cli.listings import print_boards, print_findings, print_targets
from locgen.cli.models import convert, demo
from locgen.cli.options import AsJson, Effort, Folder, Level, Liberty, Model, Shuttle
from locgen.cli.progress import progress
from locgen.errors import LocgenError

__all__ = ["app", "main"]

_verbose = False


class _Commands(TyperGroup):
    """Turns locgen's errors into one line and the exit code that belongs to them."""

    def invoke(self, ctx: Any) -> object:  # a class that typer keeps to itself
        """Run a command."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise
        except (LocgenError, OSError) as error:
            if _verbose:
                traceback.print_exc()
            _err.print(f"locgen: {error}", style="red", markup=False)
            raise typer.Exit(getattr(error, "exit_code", 1)) from error
        except KeyboardInterrupt as error:
            _err.print("locgen: interrupted", style="red")
            raise typer.Exit(130) from error


app = typer.Typer(
    name="locgen",
    cls=_Commands,
    help="Compile trained localised models into verified FPGA hardware.",
    epilog="Start with: locgen doctor; locgen build model.pkl --target ice40 --board icebreaker",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=True,
)


def _version(wanted: bool) -> None:
    if wanted:
        _out.print(f"locgen {locgen.__version__}")
        raise typer.Exit


@app.callback()
def _common(
    verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="show logs, and tracebacks of errors")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version")
    ] = False,
) -> None:
    global _verbose
    _verbose = verbose
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, format="%(message)s", stream=sys.stderr
    )
    logging.getLogger("locgen.toolchain").setLevel(logging.INFO)


@app.command()
@spread
def build(
    model: Model,
    site: Site,
    reading: Reading,
    planning: Planning,
    widths: Widths,
    quantising: Quantising,
    out: Annotated[
        Path | None, typer.Option("--out", help="build folder; default build/<model>")
    ] = None,
    effort: Effort = "medium",
    no_pnr: Annotated[
        bool, typer.Option("--no-pnr", help="stop before place and route: no bitstream")
    ] = False,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="build anew what earlier builds left behind")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", help="the placer's")] = 1,
    liberty: Liberty = None,
    shuttle: Shuttle = None,
    as_json: AsJson = False,
) -> None:
    """Quantise, compile, verify and route a model, down to the bitstream and a report.

    The gates are simulated against the integer reference at RTL and netlist level before anything
    is called done. Exit codes: 1 model, data or budget, 2 usage, 3 tool missing, 4 does not fit,
    5 mismatch, 6 board.
    """
    from locgen.api import compile as compile_model
    from locgen.report.terminal import summary_lines

    with progress(_err, as_json) as tell:
        tell(f"reading {model} and searching widths")
        design = compile_model(
            model,
            effort=effort,
            pnr=not no_pnr,
            liberty=liberty,
            shuttle=shuttle,
            cache=not no_cache,
            seed=seed,
            **asked(site, reading, planning, widths, quantising),
        )
        folder = out or Path("build") / design.model.name
        built = design.build(folder, tell)
    text = (folder / "report.json").read_text()
    if as_json:
        print(text, end="")
        return
    from locgen.report.schema import Report

    bitstream = None if built.bitstream is None else str(folder / built.bitstream.name)
    report = Report.model_validate_json(text)
    for line in summary_lines(report, bitstream, str(folder / "report.html")):
        _out.print(line, markup=False)


@app.command()
def verify(
    folder: Folder,
    level: Level = "simulation",
    simulator: Annotated[
        Literal["verilator", "icarus"], typer.Option("--simulator", help="behind cocotb")
    ] = "verilator",
    as_json: AsJson = False,
) -> None:
    """Check a build folder again: its vectors against golden, then RTL and netlist by cocotb.

    --level virtual_board sends them through the serial port of the simulated board instead, and
    keeps the result in report.json.
    """
    from locgen.flow.folder import open_folder, verify_folder
    from locgen.report.schema import Verification

    with progress(_err, as_json) as tell:
        opened = open_folder(folder)
        results = verify_folder(opened, simulator, level, tell)
    facts = [Verification.of(result).model_dump() for result in results]
    if as_json:
        print(json.dumps({"digest": opened.report.digest, "verification": facts}))
        return
    for fact in facts:
        _out.print(
            f"{fact['level']:13} {fact['vectors']} vectors, {fact['mismatches']} mismatches "
            f"({fact['simulator']})"
        )


@app.command()
@spread
def inspect(
    model: Model,
    reading: Reading,
    widths: Widths,
    quantising: Quantising,
    as_json: AsJson = False,
) -> None:
    """Show what a model becomes: nodes, comparisons, bits, widths tried, evidence."""
    from locgen.flow.inspect import inspect_model

    facts = inspect_model(model, **asked(reading, widths, quantising))
    if as_json:
        print(json.dumps(facts))
        return
    for name, value in facts.items():
        if name == "tried":
            continue
        text = ", ".join(str(v) for v in value) if isinstance(value, list) else value
        _out.print(f"{name.replace('_', ' '):22} {text}", markup=False)
    table = Table("score bits", "loss on training rows", "changed decisions", "kept")
    for trial in facts["tried"]:
        drop = "no data" if trial["drop"] is None else f"{trial['drop']:.2f} points"
        kept = "yes" if trial["kept"] else "no"
        table.add_row(str(trial["score_bits"]), drop, f"{trial['changed']:.2f} %", kept)
    _out.print(table)


@app.command()
@spread
def estimate(
    model: Model,
    site: Site,
    reading: Reading,
    planning: Planning,
    widths: Widths,
    quantising: Quantising,
    as_json: AsJson = False,
) -> None:
    """Say within a second what a build would cost; latency is exact, cells and clock are not."""
    from locgen.api import compile as compile_model
    from locgen.flow.inspect import estimate_rows

    design = compile_model(model, **asked(site, reading, planning, widths, quantising))
    if as_json:
        print(design.report.to_json(), end="")
        return
    table = Table("", "chosen" if planning.fabric == "auto" else planning.fabric)
    for name, value in estimate_rows(design):
        table.add_row(name, value)
    _out.print(table)


for _verb in (convert, demo, flash, run, explain, update, simulate):
    app.command()(_verb)
app.command("fit-check")(fit_check)


@app.command()
def targets(as_json: AsJson = False) -> None:
    """List device families and their devices."""
    print_targets(_out, as_json)


@app.command()
def boards(as_json: AsJson = False) -> None:
    """List the boards that --board takes."""
    print_boards(_out, as_json)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Say which tools are there, and the exact command for each that is not."""
    from locgen.targets.doctor import diagnose

    with progress(_err, as_json) as tell:
        tell("looking at the tools")
        findings = diagnose()
    print_findings(_out, findings, as_json)
    if not all(finding.ok or finding.optional for finding in findings):
        raise typer.Exit(3)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Run the command line; the console script calls this.

    SIGTERM interrupts as Ctrl-C does: what was started is ended, and the exit code is 130.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    app()
