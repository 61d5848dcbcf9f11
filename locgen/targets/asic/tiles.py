"""Tiny Tapeout's processes and tiles: how much there is room for."""

from dataclasses import dataclass

__all__ = ["MOST_FILLED", "SHUTTLES", "Shuttle", "Tile", "smallest_tile"]

MOST_FILLED = 0.6
"""Share of a tile's core that cells may fill: routing, clock tree and buffers take the rest."""


@dataclass(frozen=True)
class Tile:
    """A size of tile: Tiny Tapeout's name, and the die in micrometres."""

    name: str
    width: float
    height: float


@dataclass(frozen=True)
class Shuttle:
    """A process that Tiny Tapeout builds on.

    Members
    -------
    name, pdk : ``--shuttle``'s word, and the PDK
    library : the PDK's standard cells
    tiles : sizes, smallest first
    site : width and height of a placement site in micrometres; margins are counted in these
    area_factor : area there of what takes 1 in sky130, the larger of two measured designs; used
        where no Liberty file of the process is found
    """

    name: str
    pdk: str
    library: str
    tiles: tuple[Tile, ...]
    site: tuple[float, float]
    area_factor: float

    def core_area(self, tile: Tile) -> float:
        """Return the square micrometres inside the margins: 6 sites left and right, 1 row else."""
        width, height = self.site
        return (tile.width - 12 * width) * (tile.height - 2 * height)


# Dies: the DEF templates of Tiny Tapeout's tools; sites: the libraries' LEF files.
SHUTTLES = {
    "sky": Shuttle(
        name="sky",
        pdk="sky130A",
        library="sky130_fd_sc_hd",
        tiles=(
            Tile("1x1", 161.00, 111.52),
            Tile("1x2", 161.00, 225.76),
            Tile("2x2", 334.88, 225.76),
        ),
        site=(0.46, 2.72),
        area_factor=1.0,
    ),
    "ihp": Shuttle(
        name="ihp",
        pdk="ihp-sg13g2",
        library="sg13g2_stdcell",
        tiles=(
            Tile("1x1", 202.08, 154.98),
            Tile("1x2", 202.08, 313.74),
            Tile("2x2", 419.52, 313.74),
        ),
        site=(0.48, 3.78),
        area_factor=2.0,
    ),
    "gf": Shuttle(
        name="gf",
        pdk="gf180mcuD",
        library="gf180mcu_fd_sc_mcu7t5v0",
        tiles=(
            Tile("1x1", 346.64, 160.72),
            Tile("1x2", 346.64, 325.36),
            Tile("2x2", 711.20, 325.36),
        ),
        site=(0.56, 3.92),
        area_factor=3.23,
    ),
}


def smallest_tile(shuttle: Shuttle, um2: float) -> tuple[Tile | None, float]:
    """Return the smallest tile whose core `um2` fills at most `MOST_FILLED` of, and what share.

    Without one the tile is None, and the share that of the largest.
    """
    filled = 0.0
    for tile in shuttle.tiles:
        filled = um2 / shuttle.core_area(tile)
        if filled <= MOST_FILLED:
            return tile, filled
    return None, filled
