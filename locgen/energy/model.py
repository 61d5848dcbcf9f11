"""Energy of an inference, from toggle counts and a device's coefficients."""

from dataclasses import dataclass

from locgen.devices import Device
from locgen.energy.activity import Activity

__all__ = ["EnergyFigures", "energy_of"]


@dataclass(frozen=True)
class EnergyFigures:
    """Energy of a core at a clock; None where the device has no coefficients.

    `uncertainty_percent` is of the sum; toggles are counted without glitches, so the dynamic part
    is a lower bound. `internal_uw` and `switching_uw`, for standard cells alone, are what cells and
    nets take at full speed, clock included.
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
    """Return the energy of `activity` on `device` at `clock_mhz`.

    One inference a second takes static power all the time, the clock's during the latency alone,
    and the toggles of one inference.

    Parameters
    ----------
    device : the device, whose `power` has the coefficients
    activity : toggles of the core
    clock_mhz : clock in MHz
    latency_cycles : cycles of one inference
    logic_cells : size of the core, which decides the uncertainty
    """
    power = device.power
    toggles = activity.toggles_per_inference
    static = power.static_uw
    if static is None or power.clock_uw_per_mhz is None or power.pj_per_toggle is None:
        return EnergyFigures(None, None, static, None, False, None, toggles)
    dynamic_nj = toggles * power.pj_per_toggle.typical / 1000
    clock_uw = power.clock_uw_per_mhz * clock_mhz
    active_seconds = latency_cycles / (clock_mhz * 1e6)
    uncertainty = (
        power.uncertainty_percent
        if logic_cells <= power.calibrated_logic_cells
        else power.uncertainty_percent_beyond
    )
    return EnergyFigures(
        dynamic_nj_per_inference=dynamic_nj,
        clock_uw=clock_uw,
        static_uw=static,
        at_one_per_second_uj=static + clock_uw * active_seconds + dynamic_nj / 1000,
        calibrated=power.calibrated,
        uncertainty_percent=None if uncertainty is None else float(uncertainty),
        toggles_per_inference=toggles,
    )
