"""The options of the command line that several verbs share, with their help."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from locgen.verify.levels import level_options

__all__ = [
    "Answer",
    "AsJson",
    "BoardName",
    "Changed",
    "Clock",
    "Condense",
    "Core",
    "DataFile",
    "DeviceName",
    "Drop",
    "Effort",
    "Explain",
    "FabricKind",
    "FeatureBits",
    "FeatureKind",
    "Folder",
    "Label",
    "Level",
    "Liberty",
    "LinkWidth",
    "Missing",
    "MissingText",
    "Model",
    "Optimise",
    "Prune",
    "Rounding",
    "ScoreBits",
    "Shuttle",
    "Sites",
    "Stages",
    "Target",
    "Top",
    "Trust",
]


def _level(text: str) -> str:
    if text not in level_options():
        raise typer.BadParameter(f"{text!r} is not one of {', '.join(level_options())}")
    return text


Model = Annotated[
    Path,
    typer.Argument(
        help="model file: .pkl .joblib .skops .json .ubj .txt .onnx .clauses.json .locgen.json"
    ),
]
Folder = Annotated[Path, typer.Argument(help="build folder")]
AsJson = Annotated[bool, typer.Option("--json", help="print the result as JSON alone")]
DataFile = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="rows to search widths on and judge by: .npz (X_train y_train X_test y_test, or X y), "
        ".csv or .parquet",
    ),
]
Label = Annotated[
    str | None,
    typer.Option(
        "--label",
        help="label column of a table, several divided by commas; default what the model does not "
        "know, or the last",
    ),
]
MissingText = Annotated[
    list[str] | None,
    typer.Option(
        "--na",
        metavar="TEXT",
        help="what stands for a missing value in a .csv, besides blank cells; may be repeated",
    ),
]
Target = Annotated[
    str | None,
    typer.Option("--target", help="see locgen targets; default the board's or device's, or ice40"),
]
DeviceName = Annotated[
    str | None, typer.Option("--device", help="device or device-package, e.g. hx8k-ct256")
]
BoardName = Annotated[
    str | None, typer.Option("--board", help="board name (see locgen boards) or a board file")
]
Clock = Annotated[
    float | None,
    typer.Option("--clock", metavar="MHZ", help="clock that must be met; a board fixes its own"),
]
Top = Annotated[
    Literal["stream", "uart", "spi", "wishbone", "axilite", "axistream", "pins"] | None,
    typer.Option(
        "--top",
        help="ports of the design; default uart with a board, pins on a Tiny Tapeout tile, else "
        "stream",
    ),
]
Liberty = Annotated[
    Path | None,
    typer.Option("--liberty", help="Liberty file of standard cells, for --target asic"),
]
Shuttle = Annotated[
    Literal["sky", "ihp", "gf"] | None,
    typer.Option("--shuttle", help="process of --target tinytapeout; default sky"),
]
FabricKind = Annotated[
    Literal["auto", "tree", "direct"],
    typer.Option(
        "--fabric", help="tree: serial network of sites; direct: all in parallel, pipelined"
    ),
]
Level = Annotated[
    str,
    typer.Option(
        "--level",
        parser=_level,
        metavar="|".join(level_options()),
        help="simulation: RTL and netlist; virtual_board: over a serial port",
    ),
]
LinkWidth = Annotated[
    Literal["1", "2", "4", "8", "full"],
    typer.Option("--link-width", help="bits of a link of the tree fabric"),
]
Sites = Annotated[
    int | None,
    typer.Option("--sites", help="sites of the tree fabric; default one a node, or one engine"),
]
Core = Annotated[
    Literal["auto", "hardwired", "engine"],
    typer.Option(
        "--core", help="hardwired: in gates; engine: many nodes in turn, from memory, replaceable"
    ),
]
Stages = Annotated[
    str,
    typer.Option(
        "--stages", help="pipeline registers of the direct fabric; auto: as many as the clock needs"
    ),
]
Optimise = Annotated[
    Literal["area", "latency", "energy", "balanced"],
    typer.Option("--optimise", help="what auto chooses by"),
]
Effort = Annotated[
    Literal["low", "medium", "high"],
    typer.Option(
        "--effort",
        help="synthesis as it comes, by the recipe best for most cores, or by several, the "
        "smallest kept",
    ),
]
FeatureBits = Annotated[
    str, typer.Option("--feature-bits", help="width of every feature (1 to 16), or auto")
]
FeatureKind = Annotated[
    Literal["auto", "rank", "affine", "identity"],
    typer.Option(
        "--feature-kind",
        help="how features become integers; rank is exact, identity for integer data",
    ),
]
ScoreBits = Annotated[
    str, typer.Option("--score-bits", help="width of leaf scores (1 to 16), or auto")
]
Drop = Annotated[
    float,
    typer.Option(
        "--max-accuracy-drop",
        metavar="POINTS",
        help="budget in points of accuracy, or hundredths of R2",
    ),
]
Answer = Annotated[
    str,
    typer.Option(
        "--answer",
        metavar="scores|decision",
        help="decision and scores, or the decision alone, which takes fewer gates",
    ),
]
Changed = Annotated[
    float | None,
    typer.Option(
        "--max-changed",
        metavar="PERCENT",
        help="decisions that may change on training rows and blends of them; default half the "
        "budget",
    ),
]
Rounding = Annotated[
    str,
    typer.Option(
        "--rounding",
        metavar="nearest|free",
        help="leaves and thresholds to the nearest, or up or down as cells are saved",
    ),
]
Prune = Annotated[
    bool,
    typer.Option(
        "--prune",
        help="cut the trees of an ensemble back where that saves most cells, inside the budget "
        "and only with --data",
    ),
]
Condense = Annotated[
    str,
    typer.Option(
        "--condense",
        metavar="none|edited|condensed",
        help="rows that nearest neighbours store: all, without those that their neighbours "
        "contradict, or those alone that a single nearest needs",
    ),
]
Missing = Annotated[
    str,
    typer.Option(
        "--missing",
        metavar="auto|refuse",
        help="a code for NaN where the model takes it, or NaN refused for fewer bits",
    ),
]
Trust = Annotated[
    bool, typer.Option("--trust", help="run whatever the model file asks for: only if you made it")
]
Explain = Annotated[
    bool, typer.Option("--explain", help="gather each node's evidence in hardware as well")
]
