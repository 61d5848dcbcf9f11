"""Ways to synthesise, of which several are tried and the one with the fewest cells is kept."""

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
    name : what the report calls it
    script : what ABC does; what Yosys has it do where it is empty
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
    attempt : makes the products in a folder of its own
    size : of what was made there; of a single recipe nobody needs to know it

    Returns
    -------
    tuple of Attempt
        Every recipe in turn with its size; one is kept.
    """
    sizes: list[float | None] = []
    for recipe in recipes:
        with tempfile.TemporaryDirectory(dir=out, prefix=".") as folder:
            work = Path(folder)
            made = attempt(recipe, work)
            sizes.append(size(made, work) if len(recipes) > 1 else None)
            if len(sizes) == 1 or sizes[-1] < min(sizes[:-1]):
                kept = recipe
                for name in products:
                    (work / name).replace(out / name)
    return tuple(
        Attempt(recipe.name, cells, recipe is kept)
        for recipe, cells in zip(recipes, sizes, strict=True)
    )
