"""Another model into the engines of a design that exists: no synthesis, no bitstream."""

import json
from collections.abc import Sequence
from dataclasses import replace

from locgen.errors import BudgetError, ConfigurationError, DoesNotFit, ModelFileError
from locgen.flow.build_target import resolve_target
from locgen.flow.folder import BuildFolder, write_whole
from locgen.flow.memory import gates_digest, memory_image
from locgen.flow.options import make_options
from locgen.flow.planned import ChosenPlan, PlannedDesign
from locgen.flow.serial_board import open_board
from locgen.flow.sources import read_source
from locgen.frontends import Loaded
from locgen.host.answers import Progress, silent
from locgen.host.board import Board
from locgen.ir import QuantisedModel, from_json, to_json
from locgen.passes import prepare
from locgen.plan import TreePlan, estimate_plan
from locgen.plan.engines import refit
from locgen.plan.serialise import plan_from_json
from locgen.plan.tabulate import tabulate, with_ports
from locgen.quantise import Dataset, Quantisation, QuantiseOptions, quantise

__all__ = [
    "connect",
    "design_of_folder",
    "design_on_board",
    "replace_model",
    "update_folder",
    "write_model",
]

_UPDATED = "updated"
"""Folder in a build folder that holds the model which was written last."""


def replace_model(
    design: PlannedDesign,
    source: object,
    data: object = None,
    *,
    label: str | None = None,
    na: str | Sequence[str] | None = None,
    trust: bool = False,
) -> PlannedDesign:
    """Return `design` with the model in `source` in its engines; its gates stay as they are.

    Parameters
    ----------
    design : planned with engines
    source, data, label, na, trust : as of `locgen.compile`

    Raises
    ------
    ConfigurationError
        If the design has no engines, or nodes in its gates.
    DoesNotFit
        If the engines cannot hold the model; says what exceeds what.
    LocgenError
        As `load` and `quantise` raise.
    """
    old, plan = design.model, design.plan
    if plan.core != "engine":
        raise ConfigurationError(
            f"{old.name} has its model in gates, which no update can change: build with --core "
            "engine, or build anew"
        )
    loaded, dataset, agreement = read_source(source, data, label=label, na=na, trust=trust)
    updated = _holding(design, loaded, _quantise_within(design, loaded, dataset), dataset)
    return replace(updated, agreement=agreement)


def _holding(
    design: PlannedDesign, loaded: Loaded | None, quantisation: Quantisation, data: Dataset | None
) -> PlannedDesign:
    """Return `design` with another integer model in its engines."""
    model = _with_ports_of(design.model, quantisation.model)
    assert isinstance(design.plan, TreePlan), "engines are sites of a network"
    fitted = refit(model, design.plan)
    chosen = ChosenPlan(
        model, fitted, estimate_plan(model, fitted), design.fmax_mhz, "updated", None
    )
    updated = PlannedDesign(loaded, quantisation, data, design.options, design.target, chosen)
    memory_image(updated)  # whatever exceeds a field is refused here
    return updated


def design_on_board(folder: BuildFolder, board: Board) -> PlannedDesign:
    """Return the design that `board` runs: of `folder`, or with the model of its last update.

    The board is asked only if there was an update. One that holds neither is left to whoever asks
    it for answers, and refused there.

    Raises
    ------
    BoardError
        If it is silent.
    """
    built = design_of_folder(folder)
    kept = folder.path / _UPDATED / "model.locgen.json"
    if not kept.is_file() or board.hello().digest == int(built.digest, 16):
        return built
    model = from_json(kept.read_bytes(), str(kept))
    updated = _holding(built, None, Quantisation(model, (), 0), None)
    return updated if board.hello().digest == int(updated.digest, 16) else built


def connect(folder: BuildFolder, port: str | Board) -> tuple[PlannedDesign, Board]:
    """Return the design that the board at `port` runs, see `design_on_board`, and the board."""
    line = open_board(port, design_of_folder(folder))
    return design_on_board(folder, line), line


def _quantise_within(design: PlannedDesign, loaded: Loaded, data: Dataset | None) -> Quantisation:
    """Return the model in integers; no wider than the engines', if the budget allows it."""
    widest, ports, asked = design.plan.shapes[0].leaf_bits, design.model, design.options
    free = QuantiseOptions(
        max_accuracy_drop=asked.max_accuracy_drop, feature_bits=asked.feature_bits, tabled=True
    )
    found = quantise(loaded.model, ports.name, free, data)
    if loaded.model.units:
        excess = found.model.own_score_bits - ports.score_bits
        if excess <= 0:
            return found
        narrow = replace(
            free,
            feature_bits=max(ports.feature_bits),
            score_bits=max(found.trials[-1].score_bits - excess, 1),
        )
    else:
        spans = [h - low for node in found.model.nodes for low, h in node.ranges]
        if max(spans, default=0).bit_length() <= widest:
            return found
        narrow = replace(free, score_bits=widest)
    try:
        return quantise(loaded.model, ports.name, narrow, data)
    except BudgetError:
        return found  # what exceeds the engines is said with its numbers


def _with_ports_of(old: QuantisedModel, new: QuantisedModel) -> QuantisedModel:
    """Return `new` at the ports of `old`."""
    facts = (
        ("features", len(old.features), len(new.features)),
        ("scores", old.outputs, new.outputs),
        ("kind of decision", old.decision, new.decision),
    )
    for what, built, wanted in facts:
        if built != wanted:
            raise DoesNotFit(
                f"the design was built for {built} as its {what}, the model has {wanted}: build "
                "anew"
            )
    if new.rule.missing:
        raise DoesNotFit("the model accepts missing values, engines do not: build anew")
    with_ports(new)  # refuses nodes that are no trees, whatever their bits
    for number, (port, feature) in enumerate(zip(old.feature_bits, new.features, strict=True)):
        if feature.bits > port:
            raise DoesNotFit(
                f"feature {number} ({feature.name}) needs {feature.bits} bits, the design has "
                f"{port} for it: build anew"
            )
    if new.own_score_bits > old.score_bits:
        raise DoesNotFit(
            f"scores need {new.own_score_bits} bits, the design has {old.score_bits}: build anew"
        )
    return replace(
        tabulate(new), port_feature_bits=old.feature_bits, port_score_bits=old.score_bits
    )


def design_of_folder(folder: BuildFolder) -> PlannedDesign:
    """Return the design in a build folder, as it was built.

    Raises
    ------
    ModelFileError
        If its plan is missing or damaged, or not the one that its report is about.
    """
    report, path = folder.report, folder.path / "plan.locgen.json"
    try:
        plan = plan_from_json(path.read_bytes(), str(path))
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror}; build again") from error
    built_for = report.target
    board = folder.board if built_for.board else None
    device = f"{built_for.device}-{built_for.package}"
    where = {} if board else {"device": device, "clock": built_for.clock_mhz}
    core = "engine" if plan.core == "engine" else None
    explain = True if plan.evidence else None
    options = make_options(
        target=built_for.family, top=built_for.top, core=core, explain=explain, **where
    )
    model = folder.model
    estimate = estimate_plan(prepare(model, plan.kind), plan)
    chosen = ChosenPlan(model, plan, estimate, 0.0, "built", None)
    quantisation = Quantisation(model, (), 0)
    design = PlannedDesign(
        None, quantisation, None, options, resolve_target(options, board), chosen
    )
    if design.digest != report.digest:
        raise ModelFileError(
            f"{path} or the model beside it was changed after the build: build again"
        )
    return design


def write_model(
    design: PlannedDesign,
    board: Board,
    progress: Progress = silent,
) -> None:
    """Write the memories of `design` to a board that holds its gates.

    Raises
    ------
    BoardError
        If the board is silent, holds other gates, or does not confirm the model.
    """
    board.update(
        memory_image(design), int(design.digest, 16), gates_digest(design), progress=progress
    )


def update_folder(
    folder: BuildFolder,
    source: object,
    board: Board | str,
    data: object = None,
    *,
    label: str | None = None,
    na: str | Sequence[str] | None = None,
    trust: bool = False,
    progress: Progress = silent,
) -> PlannedDesign:
    """Write another model to the board that runs the design in `folder`; return the new design.

    The model that was confirmed is kept in ``updated/`` of the folder: the integer model, and the
    words of the memories.

    Parameters
    ----------
    folder : of the build
    source, data, label, na, trust : as of `locgen.compile`
    board : the board, or the name of its serial port
    progress : receives frames written and all frames

    Raises
    ------
    LocgenError
        As `replace_model` and `write_model`.
    """
    if folder.report.fabric.core != "engine":
        raise ConfigurationError(
            f"{folder.path} has its model in gates, which no update can change: build with --core "
            "engine, or build anew"
        )
    built = design_of_folder(folder)
    if built.target.top != "uart":
        raise ConfigurationError(
            f"{folder.path} has no link to write through: build with --board or --top uart"
        )
    updated = replace_model(built, source, data, label=label, na=na, trust=trust)
    write_model(updated, open_board(board, built), progress)
    keep = folder.path / _UPDATED
    try:
        keep.mkdir(exist_ok=True)
        for name, text in (
            ("model.locgen.json", to_json(updated.model)),
            ("memory.json", json.dumps(memory_image(updated)) + "\n"),
        ):
            write_whole(keep / name, text)
    except OSError as error:
        raise ConfigurationError(
            f"the board holds the new model, but {keep} cannot be written: {error.strerror}"
        ) from error
    return updated
