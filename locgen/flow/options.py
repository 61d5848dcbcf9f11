"""The options of a build: typed, strict, the same for the command line and for Python."""

import difflib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from locgen.errors import UsageError

__all__ = ["BuildOptions", "make_options"]


class BuildOptions(BaseModel):
    """What `locgen build` and `locgen.compile` take; `auto` leaves the choice to locgen."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: Annotated[
        str | None, Field(description="see locgen targets; the board's or device's, else ice40")
    ] = None
    device: Annotated[
        str | None, Field(description="device or device-package, such as hx8k-ct256")
    ] = None
    board: Annotated[str | None, Field(description="board name or a board file")] = None
    clock: Annotated[
        float | None,
        Field(gt=0, description="clock in MHz that must be met; a board fixes its own"),
    ] = None
    top: Annotated[
        Literal["stream", "uart", "spi", "wishbone", "axilite", "axistream", "pins"] | None,
        Field(description="uart with a board, pins on a Tiny Tapeout tile, else stream"),
    ] = None
    fabric: Annotated[
        Literal["auto", "tree", "direct"], Field(description="how nodes are joined")
    ] = "auto"
    link_width: Annotated[
        Literal["1", "2", "4", "8", "full"], Field(description="bits of a link of the tree fabric")
    ] = "1"
    sites: Annotated[
        int | None, Field(ge=1, description="sites of the tree fabric; default one a node")
    ] = None
    core: Annotated[
        Literal["auto", "hardwired", "engine"],
        Field(description="hardwired in gates, or computed in turn by engines from memory"),
    ] = "auto"
    stages: Annotated[
        int | None, Field(ge=1, description="pipeline registers of the direct fabric")
    ] = None
    explain: Annotated[
        bool, Field(description="gather each node's evidence in hardware, beside the scores")
    ] = False
    answer: Annotated[
        Literal["scores", "decision"],
        Field(description="decision and scores, or the decision alone, which takes fewer gates"),
    ] = "scores"
    optimise: Annotated[
        Literal["area", "latency", "energy", "balanced"], Field(description="what to choose by")
    ] = "balanced"
    effort: Annotated[
        Literal["low", "medium", "high"], Field(description="how hard the tools try")
    ] = "medium"
    feature_bits: Annotated[
        int | None, Field(ge=1, le=16, description="width of every feature; default by search")
    ] = None
    feature_kind: Annotated[
        Literal["auto", "rank", "affine", "identity"],
        Field(description="how features become integers"),
    ] = "auto"
    score_bits: Annotated[
        int | None, Field(ge=1, le=16, description="width of leaf scores; default by search")
    ] = None
    max_accuracy_drop: Annotated[
        float,
        Field(ge=0, le=100, description="budget in points of accuracy, or hundredths of R2"),
    ] = 0.5
    max_changed: Annotated[
        float | None,
        Field(
            ge=0,
            le=100,
            description="percent of decisions that may change on training rows and blends of them; "
            "default half the budget",
        ),
    ] = None
    rounding: Annotated[
        Literal["nearest", "free"],
        Field(description="leaves and thresholds to the nearest, or up or down as cells are saved"),
    ] = "nearest"
    prune: Annotated[
        bool, Field(description="cut trees back by the cells saved, inside the budget on the data")
    ] = False
    condense: Annotated[
        Literal["none", "edited", "condensed"],
        Field(description="rows that nearest neighbours store: all, or fewer"),
    ] = "none"
    missing: Annotated[
        Literal["auto", "refuse"],
        Field(description="a code for NaN where the model takes it, or NaN refused for fewer bits"),
    ] = "auto"
    liberty: Annotated[
        Path | None, Field(description="Liberty file of the standard cells of a chip")
    ] = None
    shuttle: Annotated[
        Literal["sky", "ihp", "gf"] | None,
        Field(description="process of a Tiny Tapeout tile; default sky"),
    ] = None
    pnr: Annotated[bool, Field(description="place and route, up to the bitstream")] = True
    cache: Annotated[bool, Field(description="reuse what earlier builds made")] = True
    seed: Annotated[int, Field(ge=0, description="the placer's")] = 1

    @property
    def link_bits(self) -> int | Literal["full"]:
        """Width of a link, a number or ``full``."""
        return "full" if self.link_width == "full" else int(self.link_width)


def make_options(**given: object) -> BuildOptions:
    """Return options; None stands for the default.

    Raises
    ------
    UsageError
        For an unknown name or a wrong value, with the nearest valid one.
    """
    given = {key: value for key, value in given.items() if value is not None}
    unknown = sorted(set(given) - set(BuildOptions.model_fields))
    if unknown:
        close = difflib.get_close_matches(unknown[0], BuildOptions.model_fields, n=1, cutoff=0)
        raise UsageError(f"there is no option {unknown[0]!r}; did you mean {close[0]!r}?")
    for key in ("stages", "sites", "feature_bits", "score_bits"):
        if given.get(key) == "auto":
            del given[key]
    if "link_width" in given:
        given["link_width"] = str(given["link_width"])
    try:
        return BuildOptions.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]).replace("_", "-")
        raise UsageError(f"--{name} {first['input']}: {first['msg']}") from error
