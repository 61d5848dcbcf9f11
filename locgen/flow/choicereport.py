"""The report's view of what was tried and chosen."""

from locgen.report.schema import Attempt, CoreUsage, Synthesis
from locgen.targets.target import Mapped

__all__ = ["synthesis_section"]


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
