"""The plain data that the report's pictures are drawn from."""

from collections import Counter
from dataclasses import replace

import numpy as np

from locgen.flow.built import Built
from locgen.flow.modules import core_module, placed_module
from locgen.flow.planned import PlannedDesign
from locgen.plan import TreePlan
from locgen.report.pictures import Confusion, Pictures, PlacedCell, SiteFacts
from locgen.targets.netlist import lut_names
from locgen.top.kinds import FRAMED_TOPS

__all__ = ["make_pictures"]

_SCATTER_ROWS = 500


def make_pictures(design: PlannedDesign, built: Built) -> Pictures:
    """Return the plain data behind the pictures of the HTML report."""
    plan = design.plan
    direct = not isinstance(plan, TreePlan)
    per_module = _logic_cells(built, direct)
    pictures = Pictures(
        modules=tuple(sorted(per_module.items(), key=lambda item: (-item[1], item[0]))),
        decision=design.model.decision.description,
        trials=tuple((t.score_bits, t.drop, t.changed, t.kept) for t in design.quantisation.trials),
    )
    if isinstance(plan, TreePlan):
        stop_of = {site: stop for stop, sites in enumerate(plan.stops) for site in sites}
        sites = tuple(
            SiteFacts(number, nodes, per_module[f"site_{number}"], stop_of[number])
            for number, nodes in enumerate(plan.sites)
        )
        pictures = replace(
            pictures,
            sites=sites,
            inner_stops=plan.inner_stops,
            combine_levels=plan.combine_levels,
        )
    if built.routed is not None:
        outside = "link" if design.target.top in FRAMED_TOPS else "wrapper"
        cells = tuple(
            PlacedCell(placed_module(cell.name, direct, outside), cell.resource, cell.x, cell.y)
            for cell in built.routed.cells
        )
        pictures = replace(pictures, grid=built.routed.grid, cells=cells)
    return _with_agreement(pictures, design)


def _logic_cells(built: Built, direct: bool) -> Counter[str]:
    """Count the core's logic cells by module: placed ones, or LUTs and spare flip-flops."""
    names: list[str] = []
    if built.routed is not None:
        names = [
            cell.name.removeprefix("core.")
            for cell in built.routed.cells
            if cell.is_logic and cell.name.startswith("core.")
        ]
    elif built.mapped is not None:
        names = lut_names(built.mapped.core)
    return Counter(core_module(name, direct) for name in names)


def _with_agreement(pictures: Pictures, design: PlannedDesign) -> Pictures:
    """Return the pictures with golden against the library on the test rows."""
    data, model = design.data, design.model
    if data is None or design.loaded is None:
        return pictures
    theirs = np.asarray(design.loaded.answers(data.test_rows))
    ours = model.predict(data.x_test)
    if model.task == "regression":
        first = slice(None, _SCATTER_ROWS)
        pairs = zip(theirs[first].ravel(), ours[first].ravel(), strict=True)
        return replace(pictures, scatter=tuple((float(a), float(b)) for a, b in pairs))
    if model.targets > 1:
        return pictures

    def counts(answers: np.ndarray) -> tuple[tuple[int, ...], ...]:
        return tuple(
            tuple(
                int(np.sum((data.y_test == row) & (answers == column))) for column in model.classes
            )
            for row in model.classes
        )

    labels = tuple(str(label) for label in model.classes)
    return replace(pictures, confusion=Confusion(labels, counts(theirs), counts(ours)))
