"""Recipes of synthesis, and the choice of the one with the fewest cells."""

import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from locgen.targets.netlist import Attempt, Netlist

__all__ = ["Effort", "Recipe", "fewest"]

Effort = Literal["low", "medium", "high"]


@dataclass(frozen=True)
class Recipe:
    """One way to synthesise.

    Members
    -------
    name : its name in the report
    script : ABC's script; empty for the one that Yosys chooses
    before : Yosys's commands before the family's own
    carries : whether adders may be carry chains, not gates alone
    """

    name: str
    script: str = ""
    before: tuple[str, ...] = ()
    carries: bool = True


def fewest(
    recipes: Sequence[Recipe],
    out: Path,
    products: Sequence[str],
    attempt: Callable[[Recipe, Path], Netlist],
    size: Callable[[Netlist, Path], float],
) -> tuple[Attempt, ...]:
    """Put the `products` of the recipe that makes the smallest netlist into the folder `out`.

    Of several that are equally small, the first is kept.

    Parameters
    ----------
    recipes : the recipes to try
    out : folder for the kept products
    products : file names
    attempt : makes the products of a recipe in the given folder
    size : size of a netlist, whose products are in the given folder; not called for a single recipe

    Returns
    -------
    tuple of Attempt
        Every recipe in turn with its size; one is kept.
    """
    sizes: list[float | None] = []
    smallest = math.inf
    for recipe in recipes:
        with tempfile.TemporaryDirectory(dir=out, prefix=".") as folder:
            work = Path(folder)
            made = attempt(recipe, work)
            cells = size(made, work) if len(recipes) > 1 else 0.0
            sizes.append(cells if len(recipes) > 1 else None)
            if cells < smallest:
                kept, smallest = recipe, cells
                for name in products:
                    (work / name).replace(out / name)
    return tuple(
        Attempt(recipe.name, cells, recipe is kept)
        for recipe, cells in zip(recipes, sizes, strict=True)
    )
