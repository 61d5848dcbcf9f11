"""The verb that says where a model fits."""

from typing import Annotated, Any

import typer

from locgen.cli.console import out as _out
from locgen.cli.groups import Reading, asked, spread
from locgen.cli.listings import print_fits
from locgen.cli.options import AsJson, BoardName, Core, DeviceName, FabricKind, Model, Target
from locgen.errors import UsageError

__all__ = ["fit_check"]


@spread
def fit_check(
    model: Model,
    reading: Reading,
    all_boards: Annotated[
        bool, typer.Option("--all-boards", help="against every board and every device")
    ] = False,
    target: Target = None,
    device: DeviceName = None,
    board: BoardName = None,
    fabric: FabricKind = "auto",
    core: Core = "auto",
    as_json: AsJson = False,
) -> None:
    """Say by estimate where a model fits and how full it gets; exit code 4 if nowhere."""
    from locgen.api import compile as compile_model
    from locgen.flow.fitcheck import fit_check as check

    place: dict[str, Any] = {"target": target, "device": device, "board": board}
    if all_boards and any(value is not None for value in place.values()):
        raise UsageError("--all-boards takes no --target, --device or --board")
    if all_boards:
        place["target"] = "verilog"  # which has room for everything
    design = compile_model(model, fabric=fabric, core=core, **place, **asked(reading))
    fits = check(design, all_boards=all_boards)
    print_fits(_out, fits, as_json)
    if not any(fit.fits for fit in fits):
        raise typer.Exit(4)
