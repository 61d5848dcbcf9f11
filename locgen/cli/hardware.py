"""The verbs that have to do with a board, real or virtual."""

import json
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from locgen.cli.console import err, out
from locgen.cli.options import AsJson, DataFile, Folder, Label, MissingText, Model, Trust
from locgen.cli.progress import progress
from locgen.errors import UsageError

__all__ = ["explain", "flash", "run", "simulate", "update"]

Port = Annotated[str, typer.Option("--port", help="serial port of the board")]
Rows = Annotated[
    Path,
    typer.Option(
        "--data", help="rows: .npz (X_test, or X), .csv or .parquet, with or without labels"
    ),
]


def flash(folder: Folder) -> None:
    """Write a build's bitstream to the board it was built for."""
    from locgen.flow.folder import flash_folder, open_folder

    with progress(err, False) as tell:
        opened = open_folder(folder)
        tell(f"flashing {opened.report.target.board}")
        name = flash_folder(opened)
    out.print(f"{name} written to {opened.report.target.board}")


def update(
    folder: Folder,
    model: Model,
    port: Port,
    data: DataFile = None,
    label: Label = None,
    na: MissingText = None,
    trust: Trust = False,
    as_json: AsJson = False,
) -> None:
    """Write another model into the engines of a running board: no synthesis, no bitstream.

    The design must have been built with --core engine. Until the whole model has arrived and its
    checksum matches, the board answers "not ready"; then it answers with the new digest.
    """
    from locgen.flow.folder import open_folder
    from locgen.flow.update import update_folder

    with progress(err, as_json) as tell:
        opened = open_folder(folder)
        tell(f"reading {model} and searching widths")
        updated = update_folder(
            opened,
            model,
            port,
            data,
            label=label,
            na=na,
            trust=trust,
            progress=lambda done, total: tell(f"writing memories, {done} of {total} frames"),
        )
    if as_json:
        print(json.dumps({"digest": updated.digest, "port": port}))
        return
    out.print(f"{port} holds {updated.model.name} {updated.digest}", markup=False)


def run(
    folder: Folder,
    port: Port,
    data: Rows,
    label: Label = None,
    na: MissingText = None,
    as_json: AsJson = False,
) -> None:
    """Send rows to a board, print its predictions, and compare every answer with golden.

    Damaged and lost frames are asked for again; a board that holds another design is refused.
    """
    from locgen.api import Board
    from locgen.flow.inputs import load_rows

    with progress(err, as_json) as tell:
        board = Board(folder, port)
        rows = load_rows(data, board.design.model, label, na)
        tell(f"asking {port}")
        answers = board.run(
            rows, progress=lambda done, total: tell(f"asking {port}, {done} of {total} rows")
        )
    count = len(rows)
    facts = {
        "digest": board.design.digest,
        "port": port,
        "rows": count,
        "mismatches": len(answers.wrong),
        "seconds": round(answers.seconds, 3),
        "per_second": round(count / max(answers.seconds, 1e-9), 1),
    }
    if as_json:
        print(json.dumps(facts | {"predictions": answers.predictions.tolist()}))
    else:
        for value in answers.predictions:
            out.print(" ".join(map(str, np.atleast_1d(value).tolist())), markup=False)
        err.print(
            f"{count} rows in {answers.seconds:.2f} s, {facts['per_second']:,.0f} a second; "
            f"{len(answers.wrong)} of {count} differ from golden",
            markup=False,
        )
    answers.check()


def explain(
    folder: Folder,
    data: Rows,
    row: Annotated[int | None, typer.Option("--row", help="explain this row alone")] = None,
    port: Annotated[
        str | None,
        typer.Option("--port", help="ask the board for its own evidence; default golden alone"),
    ] = None,
    label: Label = None,
    na: MissingText = None,
    as_json: AsJson = False,
) -> None:
    """Say why each row gets its answer: which nodes add what to the scores, and why.

    With --port the board sends its evidence, which must be golden's; the design must have been
    built with --explain.
    """
    from locgen.api import Board, Design
    from locgen.flow.explain_text import reasons_of, sentences
    from locgen.flow.folder import open_folder
    from locgen.flow.inputs import load_rows
    from locgen.flow.update import design_of_folder

    with progress(err, as_json) as tell:
        board = None if port is None else Board(folder, port)
        design = Design.of(design_of_folder(open_folder(folder))) if board is None else board.design
        rows = load_rows(data, design.model, label, na)
        first = 0 if row is None else row
        if row is not None:
            if not 0 <= row < len(rows):
                raise UsageError(f"--row must be from 0 to {len(rows) - 1}, not {row}")
            rows = rows[row : row + 1]
        if port is not None:
            tell(f"asking {port}")
        told = reasons_of(
            design, rows, design.explain(rows) if board is None else board.explain(rows)
        )
    for facts in told:
        facts["row"] += first
    if as_json:
        print(json.dumps({"digest": design.digest, "port": port, "rows": told}))
        return
    for facts in told:
        for line in sentences(facts):
            out.print(line, markup=False)


def simulate(
    folder: Folder,
    pty: Annotated[
        bool, typer.Option("--pty", help="behind a pseudo-terminal, as a serial port")
    ] = False,
    link: Annotated[
        Path | None, typer.Option("--link", help="make this symbolic link to the port")
    ] = None,
    real_time: Annotated[
        bool,
        typer.Option("--real-time", help="keep the clock's pace, and with it the baud rate"),
    ] = False,
    damage: Annotated[
        float,
        typer.Option("--damage", metavar="PERCENT", help="damage so many frames, both directions"),
    ] = 0.0,
    seed: Annotated[int, typer.Option("--seed", help="of the damage")] = 0,
    as_json: AsJson = False,
) -> None:
    """Run the built design, simulated, behind a serial port: a board without a board.

    Prints the port's name, for `locgen run --port` or any program that talks to a serial port, and
    works until it is interrupted.
    """
    from locgen.flow.folder import open_folder
    from locgen.verify.virtual_board import Damage, virtual_board

    if not pty:
        raise UsageError("locgen simulate needs --pty: there is no other way to talk to it yet")
    open_folder(folder)
    with ExitStack() as stack:
        with progress(err, as_json) as tell:
            running = virtual_board(
                folder, link=link, real_time=real_time, damage=Damage(damage, seed), progress=tell
            )
            board = stack.enter_context(running)
        name = str(link or board.port)
        print(json.dumps({"port": name}) if as_json else name, flush=True)
        with suppress(KeyboardInterrupt):
            board.wait()
    if as_json:
        print(json.dumps(board.counters))
        return
    for name, way in (("to_board", "to the board"), ("to_host", "to the host")):
        counts = dict(board.counters[name])
        frames = counts.pop("frames")
        err.print(f"{frames} frames {way}, {sum(counts.values())} of them damaged", markup=False)
