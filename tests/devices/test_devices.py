"""Device data: found by name, strict, and true to their sources."""

from pathlib import Path

import pytest

import locgen.devices as data
from locgen.devices import DEFAULT_DEVICE, devices, find_device
from locgen.errors import ConfigurationError

NAMES = {
    "ice40": ["hx1k", "hx8k", "lp1k", "lp8k", "up5k"],
    "ecp5": ["12k", "25k", "45k", "85k", "um5g-45k"],
    "gowin": ["gw1n-9c", "gw1nr-9c", "gw2a-18c"],
    "machxo2": ["xo2-1200"],
    "nexus": ["lifcl-40"],
}


def test_all_devices_are_there():
    names = [device.name for device in devices()]
    assert names == sorted(name for names in NAMES.values() for name in names)
    assert {device.name: device.family for device in devices()} == {
        name: family for family, names in NAMES.items() for name in names
    }


@pytest.mark.parametrize(
    ("name", "device", "package"),
    [
        ("up5k-sg48", "up5k", "sg48"),
        ("up5k", "up5k", "sg48"),
        ("UP5K-UWG30", "up5k", "uwg30"),
        ("hx8k-ct256", "hx8k", "ct256"),
        ("hx1k", "hx1k", "tq144"),
        ("lp8k-cm225:4k", "lp8k", "cm225:4k"),
    ],
)
def test_find_device(name, device, package):
    found, found_package = find_device(name)
    assert (found.name, found_package) == (device, package)
    assert found.packages[package] <= found.capacity.io


def test_default_device_exists():
    for family, name in DEFAULT_DEVICE.items():
        assert find_device(name)[0].family == family


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("up5-sg48", "Device 'up5-sg48' is not known: did you mean up5k?"),
        ("zynq", "choose one of 12k, 25k, 45k, 85k, gw1n-9c, "),
        ("hx8k-ct25", "Device hx8k has no package 'ct25': did you mean ct256?"),
        ("up5k-", None),
    ],
)
def test_unknown_names_are_answered_with_the_nearest(name, message):
    if message is None:
        assert find_device(name)[1] == "sg48"
        return
    with pytest.raises(ConfigurationError, match=message.replace("?", r"\?")):
        find_device(name)


def test_only_up5k_is_calibrated():
    assert [device.name for device in devices() if device.power.calibrated] == ["up5k"]


def test_up5k_power_follows_from_the_measured_currents():
    power = find_device("up5k")[0].power
    volts = power.core_voltage
    assert round(85.6 * volts) == power.static_uw
    slopes = [
        (2184 - 1162) * volts / 24,
        (1162 - 645) * volts / 12,
        (645 - 388.4) * volts / 6,
    ]
    assert min(slopes) <= power.clock_uw_per_mhz <= max(slopes)
    picojoule_per_cell = (641.3 - 613.5) / (228 - 32) * volts / 12
    assert round(picojoule_per_cell * 14, 2) == power.pj_per_toggle.typical
    assert round((616.65 - 613.5) / 28 * volts / 12 * 14, 2) == power.pj_per_toggle.low
    assert power.calibrated_logic_cells == 228
    assert power.uncertainty_percent_beyond >= 50


@pytest.mark.parametrize(
    ("device", "microamperes"), [("hx1k", 296), ("hx8k", 1140), ("lp1k", 100), ("lp8k", 250)]
)
def test_static_power_of_the_others_is_the_data_sheets(device, microamperes):
    power = find_device(device)[0].power
    assert power.static_uw == pytest.approx(microamperes * 1.2)
    assert power.clock_uw_per_mhz is None
    assert power.pj_per_toggle is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("static_uw", "static_mw", "x.toml: power.static_mw"),
        ('default_package = "sg48"', 'default_package = "sg49"', "default_package must be one of"),
        ("clock_uw_per_mhz = 52.5", "", "a calibrated device must give"),
        ("typical = 0.20", "typical = 2.0", "low, typical and high must rise"),
        ("logic_cells = 5280", "logic_cells = -1", "x.toml: capacity.logic_cells"),
    ],
)
def test_schema_is_strict(tmp_path: Path, old, new, message):
    text = (Path(data.__file__).parent / "up5k.toml").read_text()
    assert old in text
    path = tmp_path / "x.toml"
    path.write_text(text.replace(old, new))
    with pytest.raises(ConfigurationError, match=message):
        data._read(path)
