"""From toggles to energy."""

from dataclasses import dataclass

from locgen.devices import Device
from locgen.energy.activity import Activity

__all__ = ["EnergyFigures", "energy_of"]


@dataclass(frozen=True)
class EnergyFigures:
    """Energy of a core at a clock; None where the device has no coefficients.

    `uncertainty_percent` is of the sum; toggles are counted without glitches, so the dynamic part
    is a lower bound. `internal_uw` and `switching_uw`, for standard cells alone, are what cells and
    nets take at full speed, the clock included.
    """

    dynamic_nj_per_inference: float | None
    clock_uw: float | None
    static_uw: float | None
    at_one_per_second_uj: float | None
    calibrated: bool
    uncertainty_percent: float | None
    toggles_per_inference: float
    internal_uw: float | None = None
    switching_uw: float | None = None


def energy_of(
    device: Device, activity: Activity, clock_mhz: float, latency_cycles: int, logic_cells: int
) -> EnergyFigures:
    """Return what `activity` costs on `device` at `clock_mhz`.

    A second with one inference is: static power all the time, the clock for the latency alone, and
    the toggles of one inference.
    """
    power = device.power
    toggles = activity.toggles_per_inference
    if power.clock_uw_per_mhz is None or power.pj_per_toggle is None:
        return EnergyFigures(None, None, power.static_uw, None, False, None, toggles)
    dynamic_nj = toggles * power.pj_per_toggle.typical / 1000
    clock_uw = power.clock_uw_per_mhz * clock_mhz
    active_seconds = latency_cycles / (clock_mhz * 1e6)
    inside = logic_cells <= power.calibrated_logic_cells
    return EnergyFigures(
        dynamic_nj_per_inference=dynamic_nj,
        clock_uw=clock_uw,
        static_uw=power.static_uw,
        at_one_per_second_uj=power.static_uw + clock_uw * active_seconds + dynamic_nj / 1000,
        calibrated=power.calibrated,
        uncertainty_percent=float(
            power.uncertainty_percent if inside else power.uncertainty_percent_beyond
        ),
        toggles_per_inference=toggles,
    )
