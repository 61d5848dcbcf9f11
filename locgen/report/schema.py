"""The schema of `report.json`: what a build tells, and nothing it did not measure."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from locgen.verify.levels import LevelName
from locgen.verify.subject import LevelResult

__all__ = [
    "Attempt",
    "Chip",
    "CoreUsage",
    "Energy",
    "Estimate",
    "EvidenceCost",
    "Experts",
    "Fabric",
    "ModelFacts",
    "Pruning",
    "Quantisation",
    "Report",
    "SizeUnit",
    "Synthesis",
    "TargetFacts",
    "Throughput",
    "Timing",
    "Usage",
    "Verification",
]

SCHEMA: Literal["locgen.report/1"] = "locgen.report/1"
SizeUnit = Literal["logic_cells", "lut6", "area_um2"]
"""Units of size, the first that applies to a target is taken."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelFacts(_Strict):
    """The trained model; `family` is the estimator's class."""

    name: str
    family: str
    library: str
    nodes: int
    features: int
    outputs: int
    task: Literal["classification", "regression"]


class Quantisation(_Strict):
    """Widths, and golden against the library on the data; what needs data is null without it.

    `library_rows_compared` counts the rows on which the float model answers what the library's
    public predict answers, `library_ties` those of them that rounding alone tells apart; both are
    null for a model that is integers already.
    `encoder` says where float features become integers, or "none" where they are integers already.
    Accuracies are shares of the test rows; `changed_decisions` counts test rows whose class differs
    from the library's. `rebinned` says how many values large tables of pairs lost, and by how much
    a score may have moved.
    """

    kinds: list[Literal["rank", "affine", "identity"]]
    feature_bits: list[int]
    score_bits: int
    encoder: Literal["host", "hardware", "none"]
    rows_train: int | None
    rows_test: int | None
    float_accuracy: float | None
    quantised_accuracy: float | None
    changed_decisions: int | None
    float_r2: float | None
    quantised_r2: float | None
    library_rows_compared: int | None = None
    library_ties: int | None = None
    rebinned: str | None = None


class Pruning(_Strict):
    """What `--prune` left of the trees, and accuracy (or R2) of the float model before and after.

    Before anything is rounded; what rounding adds is in `quantisation`. Test rows had no say.
    """

    leaves_before: int
    leaves_after: int
    measure: Literal["accuracy", "r2"]
    train_before: float | None
    train_after: float | None
    test_before: float | None
    test_after: float | None


class Fabric(_Strict):
    """How the nodes are joined; `latency_cycles` and `interval_cycles` are the plan's and measured.

    `bits_per_inference` cross the borders of sites (tree) or nodes (direct).
    """

    kind: Literal["tree", "direct"]
    link_width: int | Literal["full"] | None
    sites: int | None
    core: Literal["hardwired", "engine", "mixed"]
    latency_cycles: int
    interval_cycles: int
    bits_per_inference: int


class EvidenceCost(_Strict):
    """What gathering evidence in hardware costs."""

    bits: int
    cycles: int
    logic_cells: int | None


class TargetFacts(_Strict):
    """What was built for; `clock_mhz` is the board's, or the fastest that routed.

    `top` is what the design's ports are, as `--top` names it.
    """

    family: str
    device: str | None
    package: str | None
    board: str | None
    clock_mhz: float | None
    top: str


class Usage(_Strict):
    """Cells of the whole top after routing; null where the family has no such cell."""

    lut: int | None
    ff: int | None
    carry: int | None
    bram: int | None
    spram: int | None
    dsp: int | None
    logic_cells: int | None
    logic_cells_available: int | None


class CoreUsage(_Strict):
    """Cells of the model alone, packed out of context; null where it does not apply."""

    lut: int | None
    ff: int | None
    carry: int | None
    bram: int | None
    spram: int | None
    dsp: int | None
    logic_cells: int | None
    lut6: int | None = None
    lut6_paired: int | None = None
    area_um2: float | None = None
    gate_equivalents: float | None = None


class Attempt(_Strict):
    """One recipe of synthesis and what the core came to with it; one is kept."""

    recipe: str
    size: float
    kept: bool


class Synthesis(_Strict):
    """What `--effort` tried for the core: sizes are in the unit that `core` calls so."""

    effort: Literal["low", "medium", "high"]
    unit: SizeUnit
    tried: list[Attempt]


class Chip(_Strict):
    """The standard cells that the design was mapped to, before layout; null for FPGAs.

    `origin` says how the Liberty file was found, `sha256` is its hash, `corner` null for a table of
    areas alone. Counts and `area_um2_by_module` are those of the model alone, `whole_area_um2`
    includes the pins' top. `tile` of `shuttle` is filled to `tile_filled` by the whole design, by
    an estimate if `tile_estimated`: its area was scaled from another library.
    `claims` says in words what the figures are worth.
    """

    library: str
    process: str
    origin: str
    corner: str | None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    cells: int
    flip_flops: int
    flip_flop_share: float
    area_um2_by_module: dict[str, float]
    whole_area_um2: float | None
    shuttle: str | None
    tile: str | None
    tile_filled: float | None
    tile_estimated: bool | None
    claims: list[str]


class Estimate(_Strict):
    """The figures before synthesis, in the units of `core.logic_cells` and `timing.fmax_mhz`."""

    logic_cells: int
    fmax_mhz: float | None


class Timing(_Strict):
    """Static timing of the routed top."""

    fmax_mhz: float | None
    critical_path_ns: float | None
    corner: str | None


class Throughput(_Strict):
    """Inferences per second of the core at the clock, and over the link; latency of the core."""

    core_per_second: float | None
    link_per_second: float | None
    latency_ns: float | None


class Energy(_Strict):
    """Energy of the core at the clock; null where no coefficients are known.

    `dynamic_nj_per_inference` is toggles times energy per toggle; `clock_uw` and `static_uw` are
    drawn whatever the activity; `at_one_per_second_uj` is a second with one inference, the clock
    stopped in between. For standard cells `leakage_uw`, `internal_uw` and `switching_uw` are what
    the core takes at full speed, inside cells and on nets, the clock included.
    """

    dynamic_nj_per_inference: float | None
    clock_uw: float | None
    static_uw: float | None
    at_one_per_second_uj: float | None
    calibrated: bool
    uncertainty_percent: float | None
    activity_source: str
    toggles_per_inference: float | None
    leakage_uw: float | None = None
    internal_uw: float | None = None
    switching_uw: float | None = None


class Experts(_Strict):
    """Which experts of a sparse mixture work, and what they toggle.

    `active` of `total` experts are open at once; `gate` is the kind of the nodes that choose them.
    `changed_routes` counts test rows for which golden opens other experts than the library.
    `open_share` is the share of the counted inferences for which each expert was open,
    `toggles_per_inference` are those of each expert (gate stop, last stops and sites),
    `shared_toggles_per_inference` those of all else; null on the direct fabric, where all experts
    compute.
    """

    gate: Literal["tree", "table", "linear", "distance", "mixed"]
    active: int
    total: int
    changed_routes: int | None
    open_share: list[float] | None
    toggles_per_inference: list[float] | None
    shared_toggles_per_inference: float | None


class Verification(_Strict):
    """One level of evidence that hardware equals golden."""

    level: LevelName
    simulator: str
    vectors: int
    mismatches: int

    @classmethod
    def of(cls, result: LevelResult) -> Self:
        """Return the entry of a level's result."""
        return cls.model_validate({key: getattr(result, key) for key in cls.model_fields})


class Report(_Strict):
    """`report.json`; `unverified` says why no simulation ran, and what would change that."""

    schema_: Annotated[Literal["locgen.report/1"], Field(alias="schema")] = SCHEMA
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    model: ModelFacts
    quantisation: Quantisation
    pruning: Pruning | None = None
    fabric: Fabric
    evidence: EvidenceCost | None
    target: TargetFacts
    utilisation: Usage | None
    core: CoreUsage | None
    synthesis: Synthesis | None = None
    chip: Chip | None = None
    estimate: Estimate
    timing: Timing | None
    throughput: Throughput | None
    energy: Energy | None
    experts: Experts | None = None
    verification: list[Verification]
    unverified: str | None = None
    tools: dict[str, str]

    def to_json(self) -> str:
        """Return the text of `report.json`."""
        return self.model_dump_json(by_alias=True, indent=2) + "\n"
