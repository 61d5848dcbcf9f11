"""Data of the report's pictures, without HTML."""

from dataclasses import dataclass

from locgen.targets.family import LOGIC

__all__ = ["Confusion", "Pictures", "PlacedCell", "SiteFacts"]


@dataclass(frozen=True)
class SiteFacts:
    """One site of the tree network: its nodes, its logic cells, its network stage."""

    number: int
    nodes: tuple[int, ...]
    logic_cells: int
    stop: int


@dataclass(frozen=True)
class PlacedCell:
    """One placed cell, and the module that it belongs to (e.g. ``site_3``)."""

    module: str
    resource: str
    x: int
    y: int

    @property
    def is_logic(self) -> bool:
        """Whether it is a logic cell, not a pin or another resource."""
        return self.resource == LOGIC


@dataclass(frozen=True)
class Confusion:
    """Counts (classes, classes), row the true class: of the float model and of golden."""

    labels: tuple[str, ...]
    float_counts: tuple[tuple[int, ...], ...]
    golden_counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Pictures:
    """Everything that `report.html` shows beyond `report.json`.

    Members
    -------
    sites : empty for the direct fabric
    inner_stops : broadcast stops for each level between root and last stops (tree fabric)
    combine_levels : levels of adding stops between sites and root
    modules : (module, logic cells), largest first; cells of no single module are "shared"
    cells, grid : placement and the device's (columns, rows); empty and None when not routed
    confusion : None without data or for regression
    scatter : (float value, golden value) of up to 500 test rows for regression, else empty
    decision : what follows the scores, in a few words
    trials : (score bits, loss in points or None, changed decisions in percent, kept) of the search
    """

    sites: tuple[SiteFacts, ...] = ()
    inner_stops: tuple[int, ...] = ()
    combine_levels: int = 0
    modules: tuple[tuple[str, int], ...] = ()
    cells: tuple[PlacedCell, ...] = ()
    grid: tuple[int, int] | None = None
    confusion: Confusion | None = None
    scatter: tuple[tuple[float, float], ...] = ()
    decision: str = ""
    trials: tuple[tuple[int, float | None, float, bool], ...] = ()
