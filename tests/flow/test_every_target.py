"""Every target's product for the same three models, and what is refused where memory is missing."""

import json
import warnings
from functools import cache

import pytest
from familykit import rows
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, make_classification
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.model_selection import train_test_split

import locgen
from locgen.errors import DoesNotFit, UsageError
from locgen.targets.families import FAMILIES
from locgen.targets.registry import TARGETS

MODELS = ("bc", "seven", "ebm")
DEVICES = {"ice40": "up5k", "ecp5": "25k", "gowin": "gw1nr-9c"}
TOO_LARGE = {("seven", "machxo2")}  # 1,280 logic cells


@cache
def model(name):
    """Return an estimator and rows, few of them: vectors come from thresholds as well."""
    if name == "bc":
        x, y = load_breast_cancer(return_X_y=True)
        estimator = RandomForestClassifier(20, max_depth=5, random_state=0)
    elif name.startswith("seven"):
        trees = 8 if name == "seven-large" else 5
        x, y = make_classification(3000, 16, n_informative=9, n_classes=7, random_state=0)
        estimator = GradientBoostingClassifier(n_estimators=trees, max_depth=3, random_state=0)
    else:
        glassbox = pytest.importorskip("interpret.glassbox")
        x, _, y, _ = rows("cancer")
        estimator = glassbox.ExplainableBoostingClassifier(
            interactions=0, max_bins=12, outer_bags=2, max_rounds=60, n_jobs=1, random_state=0
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(x, y)
    return estimator, {"X": x[:400], "y": y[:400]}


def product_of(target, built):
    """Check that the build ends in what docs/targets.md says."""
    name, out = json.loads((built.out / "report.json").read_text())["model"]["name"], built.out
    if target in FAMILIES:
        assert (out / f"{name}{FAMILIES[target].suffix}").stat().st_size > 8_000
        assert built.routed.fmax_mhz > 12
        assert built.core.logic_cells > 100
    elif target == "verilog":
        assert (out / f"{name}.core").is_file() and built.core is None
    elif target == "tinytapeout":
        assert f"module tt_um_{name}" in (out / "project" / "src" / "project.v").read_text()
    elif target == "asic":
        assert built.chip.core.um2 > 1_000 and (out / f"{name}.sdc").is_file()
    else:
        assert built.core.lut > 100
    assert (out / f"{name}.v").stat().st_size > 8_000


PAIRS = sorted({(MODELS[n % len(MODELS)], target) for n, target in enumerate(TARGETS)} | TOO_LARGE)
"""Every target with one of the models, in turn; benchmarks/targets.py builds all of them."""


def test_every_target_and_every_model_is_built():
    assert {target for _, target in PAIRS} == set(TARGETS)
    assert {name for name, _ in PAIRS} == set(MODELS)


@pytest.mark.slow
@pytest.mark.parametrize("name, target", PAIRS)
def test_every_model_becomes_every_target_s_product(name, target, tmp_path):
    estimator, data = model(f"{name}-large" if (name, target) in TOO_LARGE else name)
    options = {"device": DEVICES[target]} if target in DEVICES else {}
    design = locgen.compile(estimator, target, data, effort="low", **options)
    if (name, target) in TOO_LARGE:
        with pytest.raises(DoesNotFit, match="logic cells") as caught:
            design.build(tmp_path / "out")
        assert caught.value.exit_code == 4
        return
    built = design.build(tmp_path / "out")
    levels = ["rtl"] if target == "verilog" else ["rtl", "netlist"]
    assert [(one.level, one.mismatches) for one in built.results] == [(name, 0) for name in levels]
    assert all(one.vectors >= 300 for one in built.results)
    product_of(target, built)


@pytest.fixture(scope="module")
def digits():
    bunch = load_digits()
    arrays = train_test_split(
        bunch.data, bunch.target, test_size=0.3, random_state=0, stratify=bunch.target
    )
    forest = RandomForestClassifier(100, max_depth=8, random_state=0).fit(arrays[0], arrays[2])
    return forest, arrays


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("asic", "no RAM macro among standard cells"),
        ("tinytapeout", "no RAM macro among standard cells"),
        ("xilinx7", "LUT6 alone, without block RAM"),
        ("xilinxup", "LUT6 alone, without block RAM"),
        ("machxo2", "no simulation model of this family's block RAM"),
        ("nexus", "no simulation model of this family's block RAM"),
    ],
)
def test_engines_are_refused_where_there_is_no_memory(target, reason):
    with pytest.raises(DoesNotFit, match=reason) as caught:
        locgen.compile(model("bc")[0], target, core="engine")
    assert caught.value.exit_code == 4
    assert "\n" not in str(caught.value)


def test_digits_in_engines_are_refused_where_memory_is_too_small(digits):
    """And the GW1NR-9C has the most but one of its family."""
    with pytest.raises(DoesNotFit, match=r"has 12288 for them \(26 block RAMs") as caught:
        locgen.compile(digits[0], target="gowin", core="engine")
    assert caught.value.exit_code == 4


@pytest.mark.slow
@pytest.mark.parametrize("device", ["45k", "gw2a-18c"])
def test_digits_in_engines_answer_as_golden_from_block_ram(digits, device, tmp_path):
    """On iCE40 UP5K: test_engines.py. The GW2A-18C has two blocks more than they take."""
    forest, arrays = digits
    design = locgen.compile(
        forest, device=device, data=arrays, core="engine", pnr=False, effort="low"
    )
    assert {shape.memory for shape in design.plan.shapes} == {"block"}
    built = design.build(tmp_path / "out")
    assert [(r.level, r.mismatches) for r in built.results] == [("rtl", 0), ("netlist", 0)]
    assert all(r.vectors >= 1000 for r in built.results)
    assert built.core.bram <= design.target.device.capacity.bram
    assert built.core.logic_cells < design.target.device.capacity.logic_cells


@pytest.mark.slow
@pytest.mark.parametrize("target", ["ecp5", "gowin"])
def test_a_small_engine_is_placed_and_routed(target, tmp_path):
    forest = RandomForestClassifier(5, max_depth=4, random_state=0).fit(*load_iris(return_X_y=True))
    built = locgen.compile(forest, target, core="engine", effort="low").build(tmp_path / "out")
    assert [(r.level, r.mismatches) for r in built.results] == [("rtl", 0), ("netlist", 0)]
    assert built.core.bram >= 1
    assert built.activity is None and built.energy is None  # its memories are not simulated
    assert built.routed.fmax_mhz > 12 and built.bitstream.stat().st_size > 100_000


@pytest.mark.parametrize("target", ["machxo2", "nexus"])
def test_a_link_is_refused_where_it_has_no_buffers(target):
    with pytest.raises(UsageError, match=f"--target {target} takes --top stream or"):
        locgen.compile(model("bc")[0], target, top="uart")


@pytest.mark.slow
@pytest.mark.parametrize("target", ["gowin", "machxo2", "nexus"])
def test_more_ports_than_the_device_file_has_pins_are_refused(target, tmp_path):
    forest = RandomForestClassifier(2, max_depth=2, random_state=0).fit(*load_iris(return_X_y=True))
    design = locgen.compile(forest, target, top="pins", effort="low")
    with pytest.raises(DoesNotFit, match=r"23 bits of ports, .* 10 pins in its device file") as e:
        design.build(tmp_path / "out")
    assert e.value.exit_code == 4 and not (tmp_path / "out" / "report.json").exists()
