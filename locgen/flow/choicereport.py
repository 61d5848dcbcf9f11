"""The report's view of what was tried and chosen."""

from dataclasses import asdict

from locgen.quantise import Quantisation
from locgen.report.schema import Attempt, CoreUsage, Pruning, Synthesis
from locgen.targets.target import Mapped

__all__ = ["pruning_section", "synthesis_section"]


def pruning_section(quantisation: Quantisation) -> Pruning | None:
    """Return what pruning did; None where none was asked for."""
    if quantisation.pruning is None:
        return None
    measure = "r2" if quantisation.model.task == "regression" else "accuracy"
    return Pruning(measure=measure, **asdict(quantisation.pruning))


def synthesis_section(mapped: Mapped, effort: str, core: CoreUsage) -> Synthesis | None:
    """Return which recipes of synthesis were tried; None where there are none.

    Parameters
    ----------
    core : what the kept one came to; its first unit that applies is that of every size
    """
    units = ("logic_cells", "lut6", "area_um2")
    unit = next((name for name in units if getattr(core, name) is not None), None)
    if unit is None or not mapped.core.attempts:
        return None
    return Synthesis(
        effort=effort,
        unit=unit,
        tried=[
            Attempt(
                recipe=attempt.recipe,
                size=round(getattr(core, unit) if attempt.size is None else attempt.size, 2),
                kept=attempt.kept,
            )
            for attempt in mapped.core.attempts
        ],
    )
