"""The planned design: the value that the stages of a build pass on."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from locgen.flow.build_target import BuildTarget
from locgen.flow.options import BuildOptions
from locgen.frontends import Agreement, Loaded
from locgen.ir import QuantisedModel, digest_of
from locgen.passes import prepare
from locgen.plan import CellEstimate, Plan
from locgen.quantise import Dataset, Quantisation, check_rows

__all__ = ["ChosenPlan", "PlannedDesign"]


@dataclass(frozen=True)
class ChosenPlan:
    """A plan with its estimate, and that of the other fabric for comparison.

    `fmax_mhz` is None without a device. `model` is the model that the plan is for: with engines its
    ports are wider, see `plan.with_ports`.
    """

    model: QuantisedModel
    plan: Plan
    estimate: CellEstimate
    fmax_mhz: float | None
    reason: str
    other: tuple[str, int] | None

    @cached_property
    def hardware(self) -> QuantisedModel:
        """The model as plan and hardware take it, see `passes.prepare`."""
        return prepare(self.model, self.plan.kind)


@dataclass(frozen=True)
class PlannedDesign:
    """A model quantised and planned for a build target.

    Members
    -------
    loaded : float model and estimator; None when it came from a `.locgen.json`
    quantisation : the integer model and the widths tried; data : the rows it was searched on
    options, target, chosen : the requested options, the device or board, the plan
    agreement : of the float model with the library's predict on the rows of `data`, None without
    """

    loaded: Loaded | None
    quantisation: Quantisation
    data: Dataset | None
    options: BuildOptions
    target: BuildTarget
    chosen: ChosenPlan
    agreement: Agreement | None = None

    @property
    def model(self) -> QuantisedModel:
        """The integer model, with the ports of its plan; it owns golden."""
        return self.chosen.model

    @property
    def plan(self) -> Plan:
        """The chosen plan."""
        return self.chosen.plan

    @property
    def estimate(self) -> CellEstimate:
        """Cells by estimate."""
        return self.chosen.estimate

    @property
    def fmax_mhz(self) -> float | None:
        """Highest clock by estimate, None without a device."""
        return self.chosen.fmax_mhz

    @cached_property
    def digest(self) -> str:
        """16 hex digits over integer model, plan, top and link: what the hardware answers."""
        facts = {key: repr(value) for key, value in sorted(vars(self.plan).items())}
        return digest_of(self.model, facts, self.target.top)

    def rows(self, x: object) -> np.ndarray:
        """Return rows (rows, columns) as float64, checked against the model.

        Raises
        ------
        DataError
            If `x` has another number of columns, or values that the model refuses.
        """
        model, named = self.model, None if self.loaded is None else self.loaded.named
        names, missing = model.column_names, model.rule.missing
        return check_rows(x, names, missing, integers=model.integer_columns, named=named)
