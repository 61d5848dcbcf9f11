"""Writes the project tree of a Tiny Tapeout tile."""

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from locgen.resources import resource
from locgen.targets.asic.librelane import settings_text, tile_settings
from locgen.targets.asic.tiles import Shuttle

__all__ = ["AUTHOR", "TileProject", "top_name", "write_project"]

AUTHOR = "unnamed (write your name here)"
_PLACES = {
    "info.yaml.j2": "info.yaml",
    "README.md.j2": "README.md",
    "info.md.j2": "docs/info.md",
    "Makefile.j2": "test/Makefile",
    "tb.v.j2": "test/tb.v",
    "LICENSE": "LICENSE",
    "requirements.txt": "test/requirements.txt",
    "test.py": "test/test.py",
}
_MODELS = {
    "sky": ("verilog/primitives.v", "verilog/{library}.v"),
    "ihp": ("verilog/{library}.v",),
    "gf": ("verilog/primitives.v", "verilog/{library}.v"),
}


@dataclass(frozen=True)
class TileProject:
    """What the templates of a project are rendered from.

    Members
    -------
    name, digest, family, nodes : of the model
    shuttle, tile, filled, scaled : process, size, share of the core in words, whether it is scaled
    clock_hz, latency_cycles : clock, and cycles from a whole row to its answer
    features : name and bits of each feature
    answer : name, bytes and meaning of each part of the answer
    row_bytes, answer_bytes : sizes on the pins
    rows : how many rows the test compares
    """

    name: str
    digest: str
    family: str
    nodes: int
    shuttle: Shuttle
    tile: str
    filled: str
    scaled: bool
    clock_hz: int
    latency_cycles: int
    features: tuple[tuple[str, int], ...]
    answer: tuple[tuple[str, int, str], ...]
    row_bytes: int
    answer_bytes: int
    rows: int

    @property
    def top(self) -> str:
        """Name of the top module."""
        return top_name(self.name)

    @property
    def title(self) -> str:
        """Title of the project."""
        return f"{self.name}: {self.family} in gates"

    @property
    def author(self) -> str:
        """What stands where the user's name belongs."""
        return AUTHOR

    @property
    def description(self) -> str:
        """One line on what it does."""
        return (
            f"A trained {self.family} on {len(self.features)} features, as gates that answer like "
            "its integer reference, bit for bit."
        )

    @property
    def pdk(self) -> str:
        """Name of the PDK."""
        return self.shuttle.pdk

    @property
    def power_pins(self) -> bool:
        """Whether the hardened netlist has pins for its supply in simulation."""
        return self.shuttle.name != "ihp"

    @property
    def cell_models(self) -> tuple[str, ...]:
        """Verilog files of the PDK that simulate its cells."""
        library = self.shuttle.library
        return tuple(
            f"{library}/{path.format(library=library)}" for path in _MODELS[self.shuttle.name]
        )


def top_name(name: str) -> str:
    """Return the module's name for a design called `name`: letters, digits and underscores."""
    return "tt_um_" + re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def write_project(
    out: Path, project: TileProject, verilog: str, rows: Sequence[tuple[str, bytes, bytes]]
) -> None:
    """Write the whole tree into the folder `out`.

    Parameters
    ----------
    verilog : module `TileProject.top` and all that it consists of
    rows : label, bytes of the row and bytes of its answer
    """
    template = resource("templates/tinytapeout")
    environment = Environment(
        loader=FileSystemLoader(template),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # YAML, Markdown, Make and Verilog
    )
    for folder in ("src", "test", "docs"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    for name, place in _PLACES.items():
        if name.endswith(".j2"):
            text = environment.get_template(name).render(p=project)
            (out / place).write_text(text, "utf-8")
        else:
            shutil.copyfile(template / name, out / place)
    (out / "src" / "project.v").write_text(verilog, "utf-8")
    settings = tile_settings(project.clock_hz / 1e6, project.shuttle.name)
    (out / "src" / "config.json").write_text(settings_text(settings), "utf-8")
    lines = [
        json.dumps({"label": label, "request": row.hex(), "response": answer.hex()})
        for label, row, answer in rows
    ]
    (out / "test" / "rows.json").write_text("[\n" + ",\n".join(lines) + "\n]\n", "utf-8")
