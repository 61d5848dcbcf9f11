"""Settings for LibreLane's flow Classic, and Tiny Tapeout's subset of them."""

import json

__all__ = ["design_settings", "hardened_period", "settings_text", "tile_settings"]

UNKNOWN_PERIOD_NS = 20.0
"""Clock period where nothing is known: 50 MHz."""
MARGIN = 1.25
"""What wires may add to a delay before layout, see docs/asic.md."""


def design_settings(
    top: str, verilog: str, sdc: str, clock_mhz: float | None, path_ns: float | None
) -> dict[str, object]:
    """Return ``config.json`` for module `top` in the file `verilog`, beside it in ``librelane/``.

    Parameters
    ----------
    sdc : file with the constraints
    clock_mhz : clock to meet; without one the longest path before layout, with a margin
    """
    return {
        "meta": {"version": 2, "flow": "Classic"},
        "DESIGN_NAME": top,
        "VERILOG_FILES": [f"dir::../{verilog}"],
        "CLOCK_PORT": "clk",
        "CLOCK_PERIOD": hardened_period(clock_mhz, path_ns),
        "PNR_SDC_FILE": f"dir::../{sdc}",
        "SIGNOFF_SDC_FILE": f"dir::../{sdc}",
        "FP_SIZING": "relative",
        "FP_CORE_UTIL": 50,
        "PL_TARGET_DENSITY_PCT": 60,
        "RUN_LINTER": True,
    }


def hardened_period(clock_mhz: float | None, path_ns: float | None) -> float:
    """Return the clock period in nanoseconds that layout is asked for."""
    if clock_mhz is not None:
        return round(1000 / clock_mhz, 3)
    return UNKNOWN_PERIOD_NS if path_ns is None else round(path_ns * MARGIN, 3)


def tile_settings(clock_mhz: float, shuttle: str) -> dict[str, object]:
    """Return ``src/config.json`` of a Tiny Tapeout project.

    Its tools add what belongs to the tile: the design's name and files, die, template and layers.
    Values are those of its templates (ttsky, ttihp and ttgf), the clock period alone is ours.
    """
    settings: dict[str, object] = {
        "PL_TARGET_DENSITY_PCT": 60,
        "CLOCK_PERIOD": round(1000 / clock_mhz, 3),
        "PL_RESIZER_HOLD_SLACK_MARGIN": 0.1,
        "GRT_RESIZER_HOLD_SLACK_MARGIN": 0.05,
        "RUN_LINTER": 1,
        "LINTER_INCLUDE_PDK_MODELS": 1,
        "CLOCK_PORT": "clk",
        "RUN_KLAYOUT_XOR": 0,
        "RUN_KLAYOUT_DRC": 0,
        "DESIGN_REPAIR_BUFFER_OUTPUT_PORTS": 0,
        "TOP_MARGIN_MULT": 1,
        "BOTTOM_MARGIN_MULT": 1,
        "LEFT_MARGIN_MULT": 6,
        "RIGHT_MARGIN_MULT": 6,
        "FP_SIZING": "absolute",
        "GRT_ALLOW_CONGESTION": 1,
        "FP_IO_HLENGTH": 2,
        "FP_IO_VLENGTH": 2,
        "RUN_CTS": 1,
        "FP_PDN_MULTILAYER": 0,
        "MAGIC_DEF_LABELS": 0,
        "MAGIC_WRITE_LEF_PINONLY": 1,
    }
    if shuttle != "gf":  # the pitch of the other templates' power stripes
        settings["FP_PDN_VPITCH"] = 38.87
    return settings


def settings_text(settings: dict[str, object]) -> str:
    """Return the text of a ``config.json``."""
    return json.dumps(settings, indent=2) + "\n"
