"""What a chip's build folder holds besides netlists: constraints, settings, a tile's project."""

import tempfile
from pathlib import Path

from locgen.flow.chip import ChipFigures
from locgen.flow.planned import PlannedDesign
from locgen.ir import QuantisedModel
from locgen.report.numbers import percent
from locgen.targets.asic.librelane import design_settings, hardened_period, settings_text
from locgen.targets.asic.project import TileProject, top_name, write_project
from locgen.targets.asic.timing import constraints
from locgen.targets.verilog import write_verilog
from locgen.verify.pins import make_rows, pins_params
from locgen.verify.vectors import Vectors

__all__ = ["write_chip_files"]

_LABELS = 16
"""Labels that a table lists one by one."""


def write_chip_files(
    design: PlannedDesign,
    chip: ChipFigures,
    clock_mhz: float | None,
    vectors: Vectors,
    modules: dict[str, str],
    work: Path,
    logs: Path,
) -> None:
    """Write ``<name>.sdc``, ``librelane/config.json`` and, for a tile, ``project/`` into `work`.

    Parameters
    ----------
    modules : RTLIL of ``core`` and, for a tile, of the top under the project's name

    Raises
    ------
    ToolNotFound, ToolFailed
        If Verilog of the project cannot be written.
    """
    name = design.model.name
    if chip.tile is not None:
        assert clock_mhz is not None, "pins have a clock"
        _write_tile(design, chip, clock_mhz, vectors, modules, work / "project", logs)
        return
    path_ns = None if chip.timing is None else chip.timing.period_ns
    asked = design.target.clock_hz / 1e6 if design.target.clock_hz else None
    library = chip.found.library if chip.found.has_timing else None
    text = constraints("clk", hardened_period(asked, path_ns), library)
    (work / f"{name}.sdc").write_text(text, "utf-8")
    top = "core" if design.target.top == "stream" else "top"
    settings = design_settings(top, f"{name}.v", f"{name}.sdc", asked, path_ns)
    folder = work / "librelane"
    folder.mkdir()
    (folder / "config.json").write_text(settings_text(settings), "utf-8")


def _write_tile(
    design: PlannedDesign,
    chip: ChipFigures,
    clock_mhz: float,
    vectors: Vectors,
    modules: dict[str, str],
    out: Path,
    logs: Path,
) -> None:
    assert chip.shuttle is not None and chip.tile is not None
    model = design.model
    params = pins_params(model)
    rows = make_rows(model, vectors, count=48)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".") as folder:
        paths = write_verilog(
            modules, Path(folder), logs, use_cache=design.options.cache, initial=False
        )
        verilog = "".join(paths[name].read_text() for name in (top_name(model.name), "core"))
    project = TileProject(
        name=model.name,
        digest=design.digest,
        family=model.family,
        nodes=len(model.nodes),
        shuttle=chip.shuttle,
        tile=chip.tile.name,
        filled=percent(chip.filled, 0),
        scaled=chip.scaled,
        clock_hz=round(clock_mhz * 1e6),
        latency_cycles=design.plan.latency_cycles,
        features=tuple(
            (f"feature {number}", bits) for number, bits in enumerate(model.feature_bits) if bits
        ),
        answer=_answer(model),
        row_bytes=params.row_bytes,
        answer_bytes=params.answer_bytes,
        rows=len(rows),
    )
    lines = [(row.label, row.request, row.response) for row in rows]
    write_project(out, project, verilog, lines)


def _answer(model: QuantisedModel) -> tuple[tuple[str, int, str], ...]:
    """Return name, bytes and meaning of each part of the answer."""
    params = pins_params(model)
    parts = []
    if params.decision_bytes:
        meaning = "number of the class, in the order of the model's labels"
        if 0 < len(model.classes) <= _LABELS:
            labels = (f"{number} is {label}" for number, label in enumerate(model.classes))
            meaning = "the class: " + ", ".join(labels)
        parts.append(("decision", params.decision_bytes, meaning))
    for number in range(params.outputs):
        meaning = f"signed, {params.score_bits} bits with the sign extended"
        parts.append((f"score {number}", params.score_bytes, meaning))
    return tuple(parts) or (("nothing", 1, "always 0"),)
