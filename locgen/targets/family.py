"""A family of devices that open tools place and route: what differs between them, as data."""

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["LOGIC", "CellFamily", "CellNames", "Family"]

LOGIC = "logic cell"
"""What `Family.kinds` calls the packed cells that figures are compared in."""


@dataclass(frozen=True)
class CellNames:
    """How the names of a netlist's cells begin, by what they are; nothing where there are none."""

    lut: tuple[str, ...]
    ff: tuple[str, ...]
    carry: tuple[str, ...]
    bram: tuple[str, ...] = ()
    spram: tuple[str, ...] = ()
    dsp: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CellFamily:
    """What `synthesis` needs to know of the devices that share a set of cells.

    Parameters
    ----------
    name, title : str
        As in ``--target``, and the maker's.
    synth : str
        Yosys's command up to cells, without buffers at the ports.
    cells : CellNames
        Names of mapped cells.
    models : tuple of str
        Files of ``templates/testbench`` that simulate the mapped cells.
    libraries : tuple of str
        Yosys commands that read the family's cells, for files that hold such cells already.
    pads : tuple of str
        Yosys commands that put a buffer at every port; nothing where place and route does it.
    library : str
        Key of `energy.cells.LIBRARIES`, for counting toggles; empty where there is none.
    recipes : tuple of str
        Recipes of `synthesis` that high effort tries; medium effort takes the first.
    no_carries : str
        Option that makes adders of gates alone.
    counting : str
        Recipe that medium effort takes where all that is added up are single bits; empty for the
        first of `recipes`.
    """

    name: str
    title: str
    synth: str
    cells: CellNames
    models: tuple[str, ...]
    libraries: tuple[str, ...] = ()
    pads: tuple[str, ...] = ()
    library: str = ""
    recipes: tuple[str, ...] = ("flow2", "turns", "thrice", "choices", "flow")
    no_carries: str = ""
    counting: str = ""


@dataclass(frozen=True, kw_only=True)
class Family(CellFamily):
    """What `packing` and `routing` need to know besides, of a family with open tools for both.

    Parameters
    ----------
    kinds : mapping of str to str
        nextpnr's types of packed cells in words; the first is `LOGIC`.
    together : tuple of str
        Types of packed cells, one of each to a logic cell: the most numerous decides how many
        logic cells a netlist takes. There are as many as there are of the first.
    site : str
        Expression for the place of a cell in nextpnr's JSON: groups ``x``, ``y`` and ``z``, and
        perhaps ``slice``, a letter for every two cells.
    placer, packer : str
        Keys of `tools.TOOLS`: place and route, and what makes a bitstream of its result.
    configuration : str
        What place and route writes for the packer, with ``{name}``; ``placed.json`` if it is the
        netlist itself.
    packer_arguments : tuple of str
        With ``{configuration}`` and ``{bitstream}``; what a device adds comes first.
    suffix : str
        Of the bitstream.
    constraints : str
        Format of the pin constraints, a key of `constraints.FORMATS`.
    constraint_arguments : tuple of str
        How place and route is told of ``{file}``.
    configuration_option : str
        How place and route is told to write it; empty for the netlist itself.
    free_arguments : tuple of str
        What it is told where pins are chosen freely.
    extra : str
        The extra of locgen that installs the tools; empty if they come with it.
    experimental : str
        What a user must know before relying on it; empty otherwise.
    no_memory : str
        Why its block RAM is not used, which serial links and engines need; empty if it is.
    """

    kinds: Mapping[str, str]
    together: tuple[str, ...]
    site: str
    placer: str
    packer: str
    configuration: str
    packer_arguments: tuple[str, ...]
    suffix: str
    constraints: str
    constraint_arguments: tuple[str, ...]
    configuration_option: str = ""
    free_arguments: tuple[str, ...] = ()
    extra: str = ""
    experimental: str = ""
    no_memory: str = ""

    @property
    def tools(self) -> tuple[str, ...]:
        """Programs that a bitstream needs, keys of `tools.TOOLS`."""
        return ("yosys", self.placer, self.packer)
