"""What `locgen fit-check` says: an estimate of one model against every board or device."""

from dataclasses import dataclass

from locgen.boards import list_boards
from locgen.devices import devices
from locgen.errors import ConfigurationError, DoesNotFit
from locgen.flow.build_target import BuildTarget, resolve_target
from locgen.flow.fabric_choice import LINK_CELLS, choose_plan
from locgen.flow.planned import PlannedDesign
from locgen.top.kinds import FRAMED_TOPS

__all__ = ["Fit", "fit_check"]


@dataclass(frozen=True)
class Fit:
    """How full a place would be, by estimate.

    Members
    -------
    place : a board's or device's name; device : with its package
    logic_cells, available : with the link where there is one; `logic_cells` is None if no plan
        exists
    filled : share of the device, None without a plan
    margin : cells that stay free, negative if they are missing
    fits : whether there is a plan whose cells are there
    reason : why there is no plan, or which fabric the plan takes
    """

    place: str
    device: str
    logic_cells: int | None
    available: int
    filled: float | None
    margin: int | None
    fits: bool
    reason: str


def fit_check(design: PlannedDesign, *, all_boards: bool) -> list[Fit]:
    """Return how `design`'s model would fit, fullest last: on its own place, or on all.

    With `all_boards` every board with its serial link, then every device with plain ports. No tool
    runs; `benchmarks/estimate.py` says how far estimates are off.
    """
    if not all_boards:
        return [_fit(design, design.target)]
    bare = design.options.model_copy(update={"target": None, "device": None, "board": None})
    places = [
        resolve_target(bare.model_copy(update={"top": None, "clock": None}), board)
        for board in list_boards()
    ]
    places += [
        resolve_target(bare.model_copy(update={"device": device.name, "clock": None}))
        for device in devices()
    ]
    found = [_fit(design, place) for place in places]
    return sorted(found, key=lambda fit: (fit.filled is None, fit.filled or 0, fit.place))


def _fit(design: PlannedDesign, target: BuildTarget) -> Fit:
    device = target.device
    if device is None:
        raise ConfigurationError(f"--target {target.name} has no devices to fit into")
    name = device.name if target.board is None else target.board.name
    where = (name, f"{device.name}-{target.package}")
    available = device.capacity.logic_cells
    options = design.options.model_copy(update={"top": target.top})
    try:
        choice = choose_plan(design.quantisation.model, options, target)
    except (DoesNotFit, ConfigurationError) as error:
        return Fit(*where, None, available, None, None, False, str(error))
    cells = choice.estimate.logic_cells + (LINK_CELLS if target.top in FRAMED_TOPS else 0)
    margin = available - cells
    reason = f"{choice.plan.kind} fabric" + ("" if choice.plan.core == "hardwired" else ", engines")
    return Fit(*where, cells, available, cells / available, margin, margin >= 0, reason)
