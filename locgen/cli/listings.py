"""Lists of what there is: devices, boards, tools."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Column, Table

from locgen.boards import list_boards
from locgen.devices import devices
from locgen.targets.asic.libraries import libraries_here
from locgen.targets.doctor import Finding
from locgen.targets.registry import TARGETS

if TYPE_CHECKING:
    from locgen.flow.fitcheck import Fit

__all__ = ["print_boards", "print_findings", "print_fits", "print_targets"]


def print_targets(console: Console, as_json: bool) -> None:
    """Print device families and devices."""
    rows = [
        {
            "family": device.family,
            "device": device.name,
            "packages": sorted(device.packages),
            "default_package": device.default_package,
            "logic_cells": device.capacity.logic_cells,
            "bram": device.capacity.bram,
            "spram": device.capacity.spram,
            "dsp": device.capacity.dsp,
            "energy_calibrated": device.power.calibrated,
        }
        for device in devices()
    ]
    libraries: list[dict[str, str | None]] = [
        {
            "family": "asic",
            "library": known.name,
            "process": known.process,
            "shuttle": known.shuttle or None,
            "path": None if path is None else str(path),
            "remedy": None if path is not None else known.remedy,
        }
        for known, path in libraries_here()
    ]
    if as_json:
        print(json.dumps([*rows, *libraries]))
        return
    table = Table("target", "device", "logic cells", "BRAM", "SPRAM", "DSP", "energy", "packages")
    for device in devices():
        capacity = device.capacity
        table.add_row(
            device.family,
            device.name,
            *(str(n) for n in (capacity.logic_cells, capacity.bram, capacity.spram, capacity.dsp)),
            "calibrated" if device.power.calibrated else "static only",
            " ".join(sorted(device.packages)),
        )
    console.print(table)
    for target in TARGETS.values():
        if target.notes:
            console.print(f"{target.name}: {target.title}; {target.notes}", markup=False)
    cells = Table("target", "cell library", "process", "here")
    for row in libraries:
        name = f"asic, tinytapeout ({row['shuttle']})" if row["shuttle"] else "asic"
        cells.add_row(name, row["library"], row["process"], row["path"] or row["remedy"])
    console.print(cells)


def print_boards(console: Console, as_json: bool) -> None:
    """Print the boards that ship with locgen, and what to know about each."""
    if as_json:
        print(json.dumps([board.model_dump() for board in list_boards()]))
        return
    table = Table(Column("board", no_wrap=True), "", "device", "clock", "price", "tried")
    for board in list_boards():
        table.add_row(
            board.name,
            board.title,
            board.target,
            f"{board.clock.hz / 1e6:g} MHz",
            f"{board.price} USD",
            ", ".join(board.tried),
        )
    console.print(table)
    for board in list_boards():
        console.print(f"{board.name}: {'; '.join(board.notes)}", markup=False)


def print_findings(console: Console, findings: list[Finding], as_json: bool) -> None:
    """Print what `diagnose` found."""
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings]))
    else:
        table = Table("", Column("tool", no_wrap=True), "version", "for", "remedy")
        for finding in findings:
            mark = "ok" if finding.ok else ("-" if finding.optional else "MISSING")
            purpose = finding.purpose + (" (optional)" if finding.optional else "")
            table.add_row(mark, finding.name, finding.version, purpose, finding.remedy)
        console.print(table)


def print_fits(console: Console, fits: "list[Fit]", as_json: bool) -> None:
    """Print what `fit_check` found."""
    if as_json:
        print(json.dumps([asdict(fit) for fit in fits]))
        return
    table = Table(Column("", no_wrap=True), "device", "cells by estimate", "full", "left", "")
    for fit in fits:
        if fit.filled is None:
            table.add_row(fit.place, fit.device, "-", "-", "-", fit.reason)
            continue
        verdict = fit.reason if fit.fits else f"does not fit; {fit.reason}"
        used = f"about {fit.logic_cells} of {fit.available}"
        table.add_row(
            fit.place, fit.device, used, f"{100 * fit.filled:.0f} %", str(fit.margin), verdict
        )
    console.print(table)
